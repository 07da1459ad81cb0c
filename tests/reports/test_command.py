"""`export_report`: what it writes, what it refuses, and what it leaves in the audit log."""

import hashlib
import json
import sys
import zipfile
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance.audit.actions import record
from governance.audit.events import Source
from governance.audit.models import Checkpoint, Event, Witness
from governance.audit.signing import BadKey


@pytest.fixture
def export(db, tmp_path):
    """The bytes that the command writes for these arguments."""

    def run(*arguments):
        output = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        call_command("export_report", *arguments, output=str(output))
        return output.read_bytes()

    return run


def test_it_writes_a_report_and_two_events_say_so(company, export, carol):
    before = Event.objects.count()
    data = export("privileged", "--format", "json", "--by", carol.email)
    whole = json.loads(data)
    assert whole["manifest"]["generated_by"]["email"] == carol.email
    asked, made = Event.objects.order_by("sequence")[before:]
    assert (asked.kind, made.kind) == ("report.asked", "report.made")
    assert made.actor_id == carol.pk
    assert made.data["sha256"] == hashlib.sha256(data).hexdigest()
    assert made.data["rows"] == len(whole["rows"]) == 6


def test_it_writes_to_the_output_and_says_the_rest_beside_it(company, capfdbinary):
    call_command("export_report", "access-by-app")
    sys.stdout.flush()
    said = capfdbinary.readouterr()
    assert said.out.startswith(b"region,")
    assert hashlib.sha256(said.out).hexdigest().encode() in said.err


def test_a_filter_narrows_and_one_that_is_not_known_is_refused(company, export):
    whole = json.loads(export("access-by-app", "--format=json", "--filter", "role=owner"))
    assert {row["role"] for row in whole["rows"]} == {"owner"}
    with pytest.raises(CommandError, match="“king” is not known"):
        export("access-by-app", "--filter", "role=king")
    with pytest.raises(CommandError, match="cannot be narrowed by “colour”"):
        export("access-by-app", "--filter", "colour=red")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["access-by-app", "--at", "2999-01-01"], "still to come"),
        (["access-by-app", "--at", "soon"], "is no date"),
        (["movers"], "since when"),
        (["movers", "--since", "2026-03-02", "--at", "2026-03-01"], "end before it begins"),
        (["access-by-app", "--by", "nobody@example.com"], "Nobody signs in"),
        (["privileged", "--since", "2026-03-02"], "of one instant"),
        (["nothing"], "invalid choice"),
    ],
)
def test_it_refuses_what_makes_no_sense(company, export, arguments, why):
    with pytest.raises(CommandError, match=why):
        export(*arguments)


def test_it_refuses_who_may_not_export_and_a_file_that_is_there(company, export, bob, tmp_path):
    with pytest.raises(CommandError, match="Only auditors and admins"):
        export("access-by-app", "--by", bob.email)
    event = Event.objects.get(kind="user.refused")
    assert (event.actor_id, event.source) == (bob.pk, "terminal")
    assert event.data == {"command": "export_report"}
    there = tmp_path / "there.csv"
    there.write_text("mine")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_report", "access-by-app", output=str(there))
    assert there.read_text() == "mine"


def test_it_says_who_was_there_then(company, export):
    at = timezone.now() - timedelta(minutes=5)
    whole = json.loads(export("access-by-app", "--format", "json", "--at", at.isoformat()))
    assert whole["manifest"]["as_of"].startswith(f"{at:%Y-%m-%dT%H:%M}")


def test_nothing_is_left_of_what_could_not_be_made(company, tmp_path):
    output = tmp_path / "none.csv"
    with pytest.raises(CommandError):
        call_command("export_report", "movers", output=str(output))
    assert not output.exists()


@pytest.mark.parametrize(
    ("key", "raised", "said"),
    [
        ("", CommandError, "A pack is signed, and there is no AUDIT_SIGNING_KEY here"),
        ("bm8ga2V5", BadKey, "BadKey"),
    ],
)
def test_whatever_it_fails_at_no_file_is_left_and_the_log_says_so(
    company, tmp_path, settings, key, raised, said
):
    output = tmp_path / "evidence.zip"
    settings.AUDIT_SIGNING_KEY = key

    with pytest.raises(raised):
        call_command("export_report", "pack", reports=["privileged"], output=str(output))

    assert not output.exists()
    asked, failed = Event.objects.filter(kind__startswith="report.").order_by("sequence")
    assert (asked.kind, failed.kind) == ("report.asked", "report.failed")
    assert failed.data["said"] == said


def test_it_makes_a_pack(company, export, tmp_path):
    data = tmp_path / "pack.zip"
    data.write_bytes(
        export("pack", "--reports", "privileged", "coverage", "--formats", "csv", "json")
    )
    names = {name.partition("/")[2] for name in zipfile.ZipFile(data).namelist()}
    assert {"privileged.csv", "coverage.json", "manifest.json", "SHA256SUMS.sig"} <= names
    assert Witness.objects.get().checkpoint == Checkpoint.objects.get()


def test_the_log_is_narrowed_by_kinds_of_events(company, export):
    export("access-by-app")
    whole = json.loads(export("audit", "--format=json", "--filter", "kind=report.asked"))
    assert {row["kind"] for row in whole["rows"]} == {"report.asked"}


@pytest.mark.parametrize("name", ["audit", "changes"])
def test_what_has_times_can_be_had_of_a_period(company, export, settings, name):
    settings.TIME_ZONE = "UTC"
    whole = json.loads(export(name, "--since", "2026-03-02", "--format=json"))
    assert whole["manifest"]["since"].startswith("2026-03-02T00:00:00")


def test_a_pack_is_of_the_period_where_its_reports_can_be(company, export, tmp_path):
    for days in (9, 1):
        at = timezone.now() - timedelta(days=days)
        record("platform.left", by=None, source=Source.PLATFORM, at=at)
    since = (timezone.now() - timedelta(days=3)).isoformat()
    data = tmp_path / "pack.zip"

    data.write_bytes(
        export("pack", "--reports", "audit", "privileged", "--formats", "json", "--since", since)
    )

    with zipfile.ZipFile(data) as opened:
        of = {name.partition("/")[2]: name for name in opened.namelist()}
        audit, privileged = (
            json.loads(opened.read(of[f"{name}.json"])) for name in ("audit", "privileged")
        )
    assert [row["kind"] for row in audit["rows"]].count("platform.left") == 1
    assert privileged["manifest"]["since"] is None


@pytest.mark.parametrize(("name", "begins"), [("movers", "00:00:00"), ("difference", "23:59:59")])
def test_a_period_begins_with_its_day_and_an_instant_is_the_end_of_one(
    company, export, settings, name, begins
):
    settings.TIME_ZONE = "UTC"
    whole = json.loads(export(name, "--since", "2026-03-02", "--format=json"))
    assert whole["manifest"]["since"].startswith(f"2026-03-02T{begins}")
