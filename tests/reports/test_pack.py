"""The evidence pack: what is in it, that any touched byte is found, and when it says PARTIAL."""

import io
import json
import random
import re
import shlex
import subprocess
import zipfile
from dataclasses import replace

import openpyxl
import pypdf
import pytest
from django.utils import timezone

from governance.audit.canonical import canonical
from governance.audit.models import Checkpoint
from governance.reports import making
from governance.reports import manifest as manifest_of_packs
from governance.reports.making import CannotBeMade, Maker
from governance.reports.pack import make_pack
from governance.reports.registers import _people, base
from tests.factories import ConnectionFactory, RunFactory, ScopeFactory, StepFactory, ago
from tests.reports.conftest import asked_by

REPORTS = ("access-by-app", "privileged")
FORMATS = ("csv", "xlsx", "json", "pdf")
CHANGED = 600  # bytes, over all files
TOOLS = ("sha256sum", "openssl", "head", "tail", "cut", "base64", "bash")


@pytest.fixture
def pack(alice, tmp_path):
    """Make a pack and unpack it; gives what was made, its folder and its manifest."""

    def make(*reports, formats=FORMATS, **options):
        out = io.BytesIO()
        asked = [asked_by(alice, name) for name in reports or REPORTS]
        found = make_pack(asked, formats, out, by=Maker.of(alice), at=timezone.now(), **options)
        with zipfile.ZipFile(out) as opened:
            assert opened.testzip() is None
            opened.extractall(tmp_path)
        (folder,) = (path for path in tmp_path.iterdir() if path.name.startswith("evidence-"))
        return found, folder, json.loads((folder / "manifest.json").read_text())

    return make


@pytest.fixture
def shell(tmp_path):
    """A shell that has nothing but openssl and what coreutils brings."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        found = subprocess.run(["which", tool], check=True, capture_output=True, text=True)
        (tools / tool).symlink_to(found.stdout.strip())

    def run(commands, folder):
        script = "set -e -o pipefail\n" + "\n".join(commands).replace("/tmp/", f"{tools}/")  # noqa: S108
        done = subprocess.run(
            [tools / "bash", "-c", script],
            cwd=folder,
            env={"PATH": str(tools)},
            capture_output=True,
            errors="replace",
        )
        return done.returncode == 0, done.stdout + done.stderr

    return run


def commands_of(folder):
    """Those that README.txt prints, apart from what it says of a CSV alone."""
    text = (folder / "README.txt").read_text()
    return [
        line.strip()
        for line in re.findall(r"^    (.*(?:sha256sum|openssl|/tmp/).*)$", text, re.M)
        if "FILE.csv" not in line
    ]


def test_the_printed_commands_find_nothing_wrong(company, pack, shell):
    found, folder, manifest = pack()
    commands = commands_of(folder)
    assert [shlex.split(command)[0] for command in commands] == [
        "sha256sum",
        "openssl",
        "head",
        "tail",
        "openssl",
    ]
    is_right, said = shell(commands, folder)
    assert is_right, said
    assert said.count("Signature Verified Successfully") == 2
    assert found.complete
    assert manifest["complete"]


def test_any_byte_that_was_changed_is_found(company, pack, shell):
    _, folder, _ = pack("access-by-app")
    commands = commands_of(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == 10
    chosen = random.Random(4)
    for number in range(CHANGED):
        path = files[number % len(files)]
        before = path.read_bytes()
        place = chosen.randrange(len(before))
        after = bytearray(before)
        after[place] ^= chosen.randrange(1, 256)
        path.write_bytes(after)
        is_right, _ = shell(commands, folder)
        assert not is_right, f"{path.name} at {place}: {before[place]} became {after[place]}"
        path.write_bytes(before)
    assert shell(commands, folder)[0]


@pytest.mark.parametrize("commit", ["", "0172894c2a7f0e6f0f9c6f9e2f9c6f9e2f9c6f9e"])
def test_every_file_of_a_pack_names_the_state_the_sync_and_the_program(
    company, pack, settings, commit
):
    settings.SOURCE_VERSION = commit
    run = RunFactory()

    _, folder, manifest = pack("access-by-app", "privileged", formats=("csv", "json"))

    head = {"git_commit": commit or None, "last_sync": str(run.pk)}
    assert head.items() <= manifest.items()
    for name in ("access-by-app", "privileged"):
        of_file = json.loads((folder / f"{name}.json").read_text())["manifest"]
        assert head.items() <= of_file.items()
        assert of_file["snapshot_id"] == manifest["snapshot_id"]
        text = (folder / f"{name}.csv").read_text()
        assert f"\n# state of the database: {manifest['snapshot_id']}\n" in text
        assert f"\n# last sync: {run.pk}\n" in text
        assert (f" ({commit[:12]})\n" in text) == bool(commit)
        assert "(RFC 3161)" in text


def test_coverage_is_said_of_each_connection(company, pack):
    other = ScopeFactory(connection_id=ConnectionFactory(name="Acquired").pk)
    company.index.scope = other
    company.index.stale_since = timezone.now()
    company.index.save()

    _, _, manifest = pack("privileged", formats=("csv",))

    (report,) = manifest["reports"]
    of = {one["connection"]: one for one in report["coverage_by_connection"]}
    assert (of["Acquired"]["apps_expected"], of["Acquired"]["apps_failed"]) == (1, 1)
    assert [one["apps_read"] for name, one in of.items() if name != "Acquired"] == [3]
    assert [one["apps_expected"] for one in report["coverage"]] == [4]


def test_the_manifest_says_what_an_auditor_asks(company, pack, alice):
    _, folder, manifest = pack("access-by-app", formats=("csv", "json"))
    assert canonical(manifest).encode() == (folder / "manifest.json").read_bytes()
    assert manifest["generated_by"]["email"] == alice.email
    assert manifest["generated_by"]["roles"] == ["admin"]
    (report,) = manifest["reports"]
    assert report["control_totals"]["balance"]
    assert report["coverage"] == [
        {**report["coverage"][0], "apps_expected": 4, "apps_read": 4, "apps_failed": 0}
    ]
    assert {file["name"] for file in manifest["files"]} == {
        "access-by-app.csv",
        "access-by-app.json",
    }
    for file in manifest["files"]:
        assert (folder / file["name"]).stat().st_size == file["bytes"]
    checkpoint = Checkpoint.objects.latest("id")
    assert manifest["audit_checkpoint"]["events"] == checkpoint.size
    assert (folder / manifest["audit_checkpoint"]["file"]).read_text() == checkpoint.note


@pytest.mark.parametrize(
    ("state", "found"), [("complete", {"apps": 4, "joined": 1}), ("partial", {"apps": 3})]
)
def test_a_pack_names_the_syncs_that_it_rests_on(company, pack, state, found):
    run = RunFactory(
        state=state,
        requests={"GET /apps": 2, "GET /collaborators": 1},
        found={**found, "words": "are no number"},
        coverage={"expected": 4, "read": found["apps"], "failed": 4 - found["apps"]},
    )
    problem = {"scope": "billing-api", "reason": "timeout", "sentence": "It did not answer."}
    StepFactory(run=run, state=state, problems=[problem], finished_at=ago(minutes=4))

    _, _, manifest = pack("access-by-app", formats=("csv",))

    (said,) = manifest["sync_runs"]
    assert (said["id"], said["state"]) == (str(run.pk), state)
    assert said["requests"] == [
        {"endpoint": "GET /apps", "count": 2},
        {"endpoint": "GET /collaborators", "count": 1},
    ]
    assert said["found"] == [[name, number] for name, number in sorted(found.items())]
    assert ["read", found["apps"]] in said["coverage"]
    (step,) = said["steps"]
    assert (step["connection_name"], step["region"]) == ("Owner account", "osc-fr1")
    assert (step["state"], step["problems"]) == (state, [problem])
    assert manifest["source"]["endpoints"] == ["GET /apps", "GET /collaborators"]


def test_the_last_reading_of_each_place_is_named_however_old(company, alice, monkeypatch):
    """Beside it the runs of the period, the newest of them, and how many those are."""

    def read(region, **span):
        step = StepFactory(
            run=RunFactory(finished_at=ago(**span)),
            connection_id=company.api.scope.connection_id,
            region_name=region,
            finished_at=ago(**span),
        )
        return str(step.run_id)

    old = read("osc-secnum-fr1", days=9)
    before, *period, last = [read("osc-fr1", hours=hours) for hours in (90, 9, 8, 7, 6)]

    def named(**asked):
        out = io.BytesIO()
        reports = [asked_by(alice, "privileged"), asked_by(alice, "audit", **asked)]
        make_pack(reports, ["csv"], out, by=Maker.of(alice), at=timezone.now())
        with zipfile.ZipFile(out) as opened:
            (name,) = (one for one in opened.namelist() if one.endswith("manifest.json"))
            manifest = json.loads(opened.read(name))
        given = manifest["sync_runs_given"]
        assert given["given"] == len(manifest["sync_runs"])
        return [run["id"] for run in manifest["sync_runs"]], given

    runs, given = named()
    assert runs == [last, old]
    assert given == {"given": 2, "of": 2, "sentence": "2 of 2 syncs"}
    runs, given = named(since=ago(days=1))
    assert runs == [last, old, *reversed(period)]
    assert before not in runs
    monkeypatch.setattr(manifest_of_packs, "MOST_RUNS", 3)
    runs, given = named(since=ago(days=1))
    assert runs == [last, old, period[-1]]
    assert given == {"given": 3, "of": 5, "sentence": "3 of 5 syncs"}


def test_a_pack_whose_coverage_is_not_complete_says_so_in_every_file_and_on_every_page(
    company, pack
):
    company.shop.apps.update(stale_since=timezone.now(), stale_reason="timeout")
    found, folder, manifest = pack("access-by-app", "changes")
    assert not found.complete
    assert "2 of 4 apps" in found.why_partial[0]
    assert not manifest["complete"]
    assert folder.name.endswith("-PARTIAL")
    assert "PARTIAL: 2 of 4 apps" in (folder / "README.txt").read_text()
    assert len(list(folder.glob("*-PARTIAL.*"))) == 8
    _every_file_says_partial(folder, "access-by-app", "2 of 4 apps")
    # It rests on no reading, but nobody shall take a part of the pack for the whole of it.
    _every_file_says_partial(folder, "changes", "This pack is partial because of: access-by-app")


def _every_file_says_partial(folder, name, why):
    for page in pypdf.PdfReader(folder / f"{name}-PARTIAL.pdf").pages:
        assert "PARTIAL" in page.extract_text()
    book = openpyxl.load_workbook(folder / f"{name}-PARTIAL.xlsx")
    assert "PARTIAL" in book.worksheets[0].title
    assert "PARTIAL" in book.worksheets[0].oddHeader.center.text
    assert book["Manifest"]["A1"].value == "PARTIAL"
    assert f"\n# PARTIAL: {why}" in (folder / f"{name}-PARTIAL.csv").read_text()
    assert not json.loads((folder / f"{name}-PARTIAL.json").read_text())["manifest"]["complete"]


def test_what_a_format_has_no_room_for_is_left_out_and_said(company, pack, monkeypatch):
    monkeypatch.setitem(making.FORMATS, "pdf", replace(making.FORMATS["pdf"], most_rows=6))
    found, folder, manifest = pack("access-by-app", "privileged", formats=("csv", "pdf"))

    names = {path.name for path in folder.glob("*.*")}
    assert {"access-by-app.csv", "privileged.csv", "privileged.pdf"} <= names
    assert "access-by-app.pdf" not in names
    said = "access-by-app is not here as PDF: it has 9 rows, and PDF holds 6 at most."
    assert manifest["left_out"] == [
        {"report": "access-by-app", "format": "pdf", "rows": 9, "most_rows": 6, "sentence": said}
    ]
    assert f"LEFT OUT: {said}" in (folder / "README.txt").read_text()
    assert said in found.coverage
    assert found.complete
    assert found.rows == 9 + 6 + 6
    with pytest.raises(CannotBeMade, match="PDF holds 6 at most"):
        pack("access-by-app", formats=("pdf",))


def test_a_report_of_a_pack_that_has_no_such_filter_says_that_it_holds_all(company, alice):
    out = io.BytesIO()
    asked = [asked_by(alice, one, filters={"role": ("owner",)}) for one in ("privileged", "audit")]
    make_pack(asked, ["json"], out, by=None, at=timezone.now())
    with zipfile.ZipFile(out) as opened:
        (name,) = (one for one in opened.namelist() if one.endswith("manifest.json"))
        privileged, audit = json.loads(opened.read(name))["reports"]
    assert privileged["filters"]["data"] == [["role", ["owner"]]]
    assert audit["filters"]["data"] == []


def test_a_pack_whose_totals_do_not_balance_says_so(company, pack, monkeypatch):
    was = base.Equation.balances
    monkeypatch.setattr(
        base.Equation,
        "balances",
        lambda self, figures: self.whole == "rows_written" and was(self, figures),
    )
    found, folder, _manifest = pack("privileged", formats=("pdf",))
    assert not found.complete
    assert "do not balance: population 9 ≠" in found.why_partial[0]
    assert folder.name.endswith("-PARTIAL")


@pytest.mark.parametrize("way", FORMATS)
def test_a_pack_with_other_rows_than_were_counted_is_refused(company, pack, monkeypatch, way):
    """Its names and pages say already that it is complete."""
    assert pack("privileged", formats=(way,))[0].complete
    joins = f"{_people.JOINS} CROSS JOIN (VALUES (1), (2)) twice(n)"
    monkeypatch.setattr(_people, "JOINS", joins)

    with pytest.raises(CannotBeMade, match="It has 12 rows where 6 were counted"):
        pack("privileged", formats=(way,))


def test_there_is_no_pack_without_a_key_or_without_a_report(company, pack, settings):
    with pytest.raises(CannotBeMade, match="each of them once"):
        pack("privileged", "privileged")
    settings.AUDIT_SIGNING_KEY = ""
    with pytest.raises(CannotBeMade, match="AUDIT_SIGNING_KEY"):
        pack()
