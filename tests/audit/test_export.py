"""The exported log can be checked by anybody, with nothing of ours but what is in it."""

import hashlib
import io
import random
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from governance.audit import actions, checkpoints, export, signing
from governance.audit.events import Source
from governance.audit.export import verify_log
from governance.audit.models import Checkpoint, Event, Personal, Witness
from governance.audit.verify import verify

ROOT = Path(__file__).resolve().parents[2]


def sign(now):
    return checkpoints.take(
        private=settings.AUDIT_SIGNING_KEY, origin=settings.AUDIT_ORIGIN, at=now
    )


def make_archive(now, *, by=None, sign_it=True):
    asked = export.ask(by=by, source=Source.TERMINAL, at=now)
    if sign_it:
        sign(now)
    pieces = list(export.archive(asked, export.covered(asked, patience=0), lambda: now))
    return b"".join(pieces)


def unpack(archive, folder):
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        assert file.testzip() is None
        file.extractall(folder)
    return folder / "audit-log"


@pytest.fixture
def exported(log, now, sent, tmp_path):
    """The folder of an export of the log of twelve, with two checkpoints."""
    sign(now)
    return unpack(make_archive(now), tmp_path)


def run_verifier(folder, *arguments):
    """The verifier that came with it: alone, without our packages, our folder or the network."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify_log.py"), *map(str, arguments)],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def kinds_in(done):
    """The kinds of fault that it printed, with the event where the sentence names one."""
    return {
        line.partition(":")[0]
        for line in done.stdout.splitlines()[1:]
        if ":" in line and not line.startswith("Note:")
    }


def commands_of(folder):
    return re.findall(r"```sh\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)


def in_a_shell(command, folder):
    """What `sh` says to it, with the tools of any Unix and none of ours."""
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_holds_every_line_as_it_was_hashed(exported):
    lines = (exported / "log.jsonl").read_bytes().split(b"\n")

    last = Event.objects.get(kind="audit.exported").sequence
    kept = Event.objects.filter(sequence__lte=last).order_by("sequence")
    assert lines == [*(event.line.encode() for event in kept), b""]
    assert {path.name for path in exported.iterdir()} == {
        *("log.jsonl", "checkpoints", "keys", "verify_log.py", "README.md", "SHA256SUMS"),
    }


def test_it_ends_with_what_the_newest_checkpoint_covers(exported):
    newest = Checkpoint.objects.order_by("size").last()

    assert newest.size == len((exported / "log.jsonl").read_bytes().splitlines())
    assert (exported / "checkpoints" / newest.file_name).read_text() == newest.note


def test_no_name_and_no_salt_is_in_it(log, now, sent):
    archive = make_archive(now)

    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        everything = b"".join(file.read(name) for name in file.namelist())
    assert b"@example.com" not in everything
    for personal in Personal.objects.all():
        assert bytes(personal.salt).hex().encode() not in everything


def test_it_comes_with_the_very_verifier_that_is_tested_here(exported):
    ours = Path(verify_log.__file__)

    assert (exported / "verify_log.py").read_bytes() == ours.read_bytes()


def test_asking_and_receiving_are_events_with_their_hashes(
    log, now, alice, sent, django_capture_on_commit_callbacks
):
    head = Event.objects.order_by("sequence").last()

    with django_capture_on_commit_callbacks(execute=True):
        archive = make_archive(now, by=alice)

    asked = Event.objects.get(kind="audit.exported")
    assert (asked.actor_id, asked.source) == (alice.pk, "terminal")
    assert asked.data == {"events": 12, "hash": bytes(head.hash).hex()}
    received = Event.objects.get(kind="audit.export_delivered")
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        digest = hashlib.sha256(file.read("audit-log/log.jsonl")).hexdigest()
    assert received.data["sha256"] == digest
    assert received.data["events"] == received.data["checkpoint"]
    assert ("audit.checkpoint", {}) in sent
    assert verify().faults == ()


def test_one_that_breaks_off_was_asked_for_and_not_received(log, now, sent):
    asked = export.ask(by=None, source=Source.PAGE, at=now)
    newest = sign(now)

    pieces = export.archive(asked, newest, lambda: now)
    next(pieces)
    pieces.close()

    assert Event.objects.filter(kind="audit.exported").exists()
    assert not Event.objects.filter(kind="audit.export_delivered").exists()
    assert not Witness.objects.exists()


def test_what_was_received_is_witnessed(log, now, sent):
    make_archive(now)

    witness = Witness.objects.get()
    assert (witness.kind, witness.checkpoint) == ("export", Checkpoint.objects.last())


def test_without_a_worker_it_comes_all_the_same_and_says_so(log, now, sent, tmp_path):
    folder = unpack(make_archive(now, sign_it=False), tmp_path)

    assert "There is no checkpoint yet" in (folder / "README.md").read_text()
    done = run_verifier(folder)
    assert done.returncode == 0
    assert "13 newer events have no checkpoint yet" in done.stdout


def test_it_waits_for_the_checkpoint_that_a_worker_signs(log, now, sent, monkeypatch):
    asked = export.ask(by=None, source=Source.PAGE, at=now)
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            sign(now)

    monkeypatch.setattr(export.time, "sleep", nap)

    assert export.covered(asked, patience=60).size >= asked.last
    assert len(naps) == 3


def test_memory_does_not_grow_with_the_log(db, entries, now, sent, monkeypatch):
    monkeypatch.setattr(export, "_LINES", 10)
    actions.record_many(entries(400))
    asked = export.ask(by=None, source=Source.PAGE, at=now)
    written = []
    write = export._Sink.write
    monkeypatch.setattr(
        export._Sink, "write", lambda sink, piece: written.append(len(piece)) or write(sink, piece)
    )

    pieces = [len(piece) for piece in export.archive(asked, None, lambda: now)]

    assert len(pieces) > 40  # one for each ten lines
    assert max(pieces) <= max(written) + 40_000  # zlib's window


# --- the printed commands -------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl here")
def test_the_printed_commands_work_with_sha256sum_and_openssl_alone(exported):
    python, sums, chain, signature, event = commands_of(exported)
    last = Checkpoint.objects.order_by("size").last()

    assert python == "python3 verify_log.py\n"
    assert in_a_shell(sums, exported).returncode == 0
    assert in_a_shell(chain, exported).stdout == f"{last.size} {bytes(last.hash).hex()}\n"
    assert "Signature Verified Successfully" in in_a_shell(signature, exported).stdout
    ours, theirs = in_a_shell(signature + event, exported).stdout.splitlines()[-2:]
    assert ours == theirs == bytes(last.hash).hex()


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl here")
def test_the_printed_commands_find_an_edit(exported):
    _, sums, chain, signature, _ = commands_of(exported)
    log = exported / "log.jsonl"
    log.write_text(log.read_text().replace('"number":5', '"number":6'))
    checkpoint = exported / "checkpoints" / Checkpoint.objects.order_by("size").last().file_name
    checkpoint.write_text(checkpoint.read_text().replace("2026-03-02", "2026-03-03"))

    assert "log.jsonl: FAILED" in in_a_shell(sums, exported).stdout
    assert "wrong at event 11\n" in in_a_shell(chain, exported).stdout
    assert "Verified Successfully" not in in_a_shell(signature, exported).stdout


def test_the_printed_chain_is_not_fooled_by_what_events_hold(db, now, sent, tmp_path):
    """Data with the same keys, in the middle of a line, is not taken for the line's own."""
    for number in range(3):
        data = {"kind": "x", "version": 1, "previous": "0" * 64, "nested": {"sequence": number}}
        actions.record("sync.finished", by=None, source=Source.PAGE, at=now, data=data)
    folder = unpack(make_archive(now), tmp_path)

    assert "wrong" not in in_a_shell(commands_of(folder)[2], folder).stdout
    assert run_verifier(folder).returncode == 0


# --- the verifier that comes with it --------------------------------------------------------------


def test_the_verifier_needs_nothing_of_ours(exported):
    done = run_verifier(exported)

    assert (done.returncode, done.stderr) == (0, "")
    last = Checkpoint.objects.order_by("size").last().size
    assert f"{last} events recomputed. Checkpoints vouch for those up to {last}." in done.stdout
    assert "No fault found." in done.stdout


def lines_of(folder):
    return (folder / "log.jsonl").read_text().splitlines()


def write_lines(folder, lines):
    """Put other lines into the log, and a right sum for them: the sums alone show nothing then."""
    (folder / "log.jsonl").write_text("".join(f"{line}\n" for line in lines))
    sums = folder / "SHA256SUMS"
    digest = hashlib.sha256((folder / "log.jsonl").read_bytes()).hexdigest()
    sums.write_text(re.sub(r"[0-9a-f]{64}(?=  log\.jsonl)", digest, sums.read_text()))


def chained(lines):
    """The same events with right hashes: what somebody writes who rewrites all of the log."""
    previous = "0" * 64
    for line in lines:
        line = re.sub(r'"previous":"[0-9a-f]{64}","rec', f'"previous":"{previous}","rec', line)
        previous = hashlib.sha256(line.encode()).hexdigest()
        yield line


TAMPERINGS = {
    "edited": lambda lines: [line.replace('"number":5', '"number":6') for line in lines],
    "missing": lambda lines: lines[:5] + lines[6:],
    "cut off": lambda lines: lines[:-1],
    "reordered": lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]],
    "duplicate": lambda lines: [*lines[:8], lines[3], *lines[8:]],
    "inserted": lambda lines: [*lines[:8], lines[3].replace("Ana", "Bea"), *lines[8:]],
    "rewritten": lambda lines: chained(line.replace("Ana", "Bea") for line in lines),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_the_verifier_names_what_was_done(exported, kind):
    write_lines(exported, TAMPERINGS[kind](lines_of(exported)))

    done = run_verifier(exported)

    assert done.returncode == 1
    assert kind.capitalize() in kinds_in(done)


@pytest.mark.parametrize("kind", ["edited", "missing", "reordered", "duplicate", "inserted"])
def test_it_names_no_other_kind(exported, kind):
    write_lines(exported, TAMPERINGS[kind](lines_of(exported)))

    assert kinds_in(run_verifier(exported)) == {kind.capitalize()}


def test_a_checkpoint_of_another_key_is_named(exported, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    last = Checkpoint.objects.order_by("size").last()
    note = signing.sign(
        origin=settings.AUDIT_ORIGIN, size=last.size, head=bytes(last.hash), at=last.at,
        private=signing.make_key(),
    )  # fmt: skip
    (other / "mine.checkpoint").write_text(note)

    done = run_verifier(exported, "--checkpoints", other)

    assert kinds_in(done) == {"Wrong signature"}
    assert "nobody announced" in done.stdout


def test_a_log_rewritten_with_a_key_of_its_own_is_shown_by_what_was_kept(exported, now, tmp_path):
    """All of it is right in itself: only what somebody held before shows it."""
    kept = tmp_path / "kept"
    kept.mkdir()
    last = Checkpoint.objects.order_by("size").last()
    (kept / last.file_name).write_text(last.note)
    public = checkpoints.public_keys()[last.key_id]
    (kept / "key.pem").write_text(signing.public_pem(public))
    key = signing.make_key()
    forged_id = signing.key_id_of(signing.public_key_of(key), settings.AUDIT_ORIGIN)
    lines = [
        line.replace(last.key_id, forged_id)
        .replace(signing.public_text(public), signing.public_text(signing.public_key_of(key)))
        .replace("Ana", "Bea")
        for line in lines_of(exported)
    ]
    lines = list(chained(lines))
    write_lines(exported, lines)
    shutil.rmtree(exported / "checkpoints")
    (exported / "checkpoints").mkdir()
    head = hashlib.sha256(lines[-1].encode()).digest()
    note = signing.sign(
        origin=settings.AUDIT_ORIGIN, size=len(lines), head=head, at=now, private=key
    )
    (exported / "checkpoints" / "forged.checkpoint").write_text(note)
    (exported / "SHA256SUMS").unlink()

    alone = run_verifier(exported)
    against = run_verifier(exported, "--checkpoints", kept, "--public-key", kept / "key.pem")

    assert alone.returncode == 0
    assert against.returncode == 1
    assert {"Rewritten", "Wrong signature"} <= kinds_in(against)


def test_a_key_revoked_before_is_named(log, now, sent, tmp_path):
    key_id = sign(now).key_id
    checkpoints.revoke(key_id, by=None, source=Source.TERMINAL, at=now)
    folder = unpack(make_archive(now), tmp_path)

    done = run_verifier(folder)

    assert kinds_in(done) == {"Revoked key"}
    assert "vouch for those up to 0" in done.stdout


def run_in_process(folder, capsys):
    """The same verifier, without a process for each of many runs."""
    status = verify_log.main([str(folder)])
    return status, capsys.readouterr().out


def flip_a_bit(folder, chance):
    """Another byte somewhere in one of the files; where."""
    path = chance.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    before = path.read_bytes()
    place = chance.randrange(len(before))
    changed = bytearray(before)
    changed[place] ^= 1 << chance.randrange(8)
    path.write_bytes(changed)
    return path, before, place


def misses(exported, capsys, seeds):
    missed = []
    for seed in seeds:
        path, before, place = flip_a_bit(exported, random.Random(seed))
        status, _ = run_in_process(exported, capsys)
        if status == 0:
            missed.append((seed, path.name, place))
        path.write_bytes(before)
    return missed


def test_any_changed_bit_is_found(exported, capsys):
    assert misses(exported, capsys, range(150)) == []
    assert run_in_process(exported, capsys)[0] == 0


@pytest.mark.deep
def test_any_of_thousands_of_changed_bits_is_found(exported, capsys):
    assert misses(exported, capsys, range(1_000, 4_000)) == []


def test_any_changed_bit_of_the_log_is_found_without_the_sums(exported, capsys):
    """By the chain and the newest checkpoint alone."""
    (exported / "SHA256SUMS").unlink()
    path = exported / "log.jsonl"
    whole = path.read_bytes()
    chance = random.Random(3)
    for _ in range(150):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        assert run_in_process(exported, capsys)[0] == 1


# From RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_its_signatures_are_those_of_the_standard(public, message, signature):
    check = verify_log.is_signed
    public, message, signature = map(bytes.fromhex, (public, message, signature))

    assert check(public, message, signature)
    for place in range(0, 64, 7):
        forged = bytearray(signature)
        forged[place] ^= 1
        assert not check(public, message, bytes(forged))
    assert not check(public, message + b"x", signature)


def test_it_agrees_with_the_library_about_signatures(exported):
    check = verify_log.is_signed
    note = signing.read(Checkpoint.objects.last().note)
    public = checkpoints.public_keys()[note.key_id]

    assert check(public, note.text.encode(), note.signature)
    # The order of the group added to the number: another signature for the same text, refused.
    order = 2**252 + 27742317777372353535851937790883648493
    number = int.from_bytes(note.signature[32:], "little") + order
    assert not check(
        public, note.text.encode(), note.signature[:32] + number.to_bytes(32, "little")
    )


# --- from the terminal ----------------------------------------------------------------------------


def test_the_command_writes_a_file_that_verifies(log, now, sent, tmp_path, capsys):
    target = tmp_path / "log.zip"

    call_command("export_audit", output=target)

    assert "Events up to 13 are in" in capsys.readouterr().out
    assert run_verifier(unpack(target.read_bytes(), tmp_path)).returncode == 0


def test_the_command_overwrites_nothing_and_records_nothing_then(log, sent, tmp_path):
    target = tmp_path / "log.zip"
    target.write_text("mine")

    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_audit", output=target)

    assert target.read_text() == "mine"
    assert not Event.objects.filter(kind="audit.exported").exists()
