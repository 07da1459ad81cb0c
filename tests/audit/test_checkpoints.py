"""Signed checkpoints: what they show that the chain alone cannot, and where they go."""

# ruff: noqa: S608  The statements are put together from these tests' own words.

import json
import os
import threading
from datetime import timedelta
from hashlib import sha256

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from governance.audit import actions, checkpoints, checks, signing, tasks
from governance.audit.events import Source
from governance.audit.models import Check, Checkpoint, Event, Head, Witness
from governance.audit.verify import FaultKind, Outside, guard, verify

from .conftest import as_owner

REWRITTEN, ROLLED_BACK = FaultKind.REWRITTEN, FaultKind.ROLLED_BACK
SIGNATURE, REVOKED, WITHHELD = FaultKind.SIGNATURE, FaultKind.REVOKED, FaultKind.WITHHELD


def sign(now, **changes):
    given = {"private": settings.AUDIT_SIGNING_KEY, "origin": settings.AUDIT_ORIGIN, "at": now}
    return checkpoints.take(**{**given, **changes})


def kinds(report):
    return {(fault.kind, fault.first) for fault in report.faults}


def record(now):
    return actions.record("user.signed_in", by=None, source=Source.PAGE, at=now)


@pytest.fixture
def kept(log, now, tmp_path):
    """The log of twelve with a checkpoint over thirteen, a copy of which somebody holds."""
    sign(now)
    checkpoints.write_files(tmp_path, at=now)
    return checks.copies_in(tmp_path)


# --- what is signed -------------------------------------------------------------------------------


def test_a_checkpoint_says_where_the_log_ends(log, now):
    note = signing.read(sign(now).note)

    head = Head.objects.get()
    assert (note.origin, note.size, note.hash) == (
        settings.AUDIT_ORIGIN,
        head.sequence,
        bytes(head.hash),
    )
    assert note.at == now
    assert note.is_signed_by(signing.public_key_of(settings.AUDIT_SIGNING_KEY))
    assert verify().faults == ()


def test_a_key_is_announced_by_the_first_that_it_signs_and_by_no_other(log, now):
    first = sign(now)
    sign(now)

    announced = Event.objects.get(kind="audit.key_added")
    assert announced.sequence == first.size == 13
    public = signing.public_bytes(announced.data["public_key"])
    assert checkpoints.public_keys() == {first.key_id: public}
    assert public == signing.public_key_of(settings.AUDIT_SIGNING_KEY)


def test_a_new_key_is_announced_and_the_old_one_still_believed(log, now):
    sign(now)
    sign(now, private=signing.make_key())

    assert len(checkpoints.public_keys()) == 2
    report = verify()
    assert (report.faults, report.checkpoints) == ((), 2)


@pytest.mark.parametrize("origin", ["two words", "a+b", "", "x\ny"])
def test_a_log_needs_a_name_that_a_note_can_hold(log, now, origin):
    with pytest.raises(ValueError, match="checkpoint"):
        sign(now, origin=origin)


def test_a_bad_key_is_an_error_that_does_not_say_it(log, now):
    with pytest.raises(signing.BadKey) as error:
        sign(now, private="half a key")

    assert "half a key" not in str(error.value)


NOTE = signing.sign(
    origin="ours", size=7, head=bytes(32), at=signing.datetime.fromisoformat("2026-03-02T09:30Z"),
    private=signing.make_key(),
)  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        "",
        "nonsense",
        NOTE + "x",
        NOTE.replace("\n7\n", "\n07\n"),
        NOTE.replace("\n7\n", "\n-7\n"),
        NOTE.replace("— ours", "— theirs"),
        NOTE.replace("— ours", "- ours"),
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("2026-03-02", "2026-13-02"),
        NOTE[:-20] + "\n",
        NOTE * 50,
    ],
)
def test_what_is_no_checkpoint_is_refused(changed):
    with pytest.raises(signing.BadNote):
        signing.read(changed)


def test_any_changed_letter_of_a_note_shows(log, now):
    """Whatever is changed is either no checkpoint any more or signed wrongly."""
    note = sign(now).note
    public = signing.public_key_of(settings.AUDIT_SIGNING_KEY)
    for place, letter in enumerate(note):
        changed = note[:place] + ("0" if letter != "0" else "1") + note[place + 1 :]
        try:
            assert not signing.read(changed).is_signed_by(public), place
        except signing.BadNote:
            continue


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_announce_a_key_once(now):
    ready, failures = threading.Barrier(2), []

    def work():
        try:
            ready.wait(10)
            sign(now)
        except Exception as error:  # noqa: BLE001  It is the test's to look at.
            failures.append(error)
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert Event.objects.filter(kind="audit.key_added").count() == 1
    assert Checkpoint.objects.count() == 2
    assert verify().faults == ()


@pytest.mark.parametrize("table", ["audit_checkpoint", "audit_witness", "audit_check"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_was_signed_stays(log, now, table, statement):
    checkpoints.witnessed([sign(now)], Witness.Kind.MAIL, at=now)
    checks.keep(verify(), at=now)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
    with as_owner(), pytest.raises(DatabaseError, match="is refused"), transaction.atomic():
        connection.cursor().execute(statement.format(table))


# --- what they show -------------------------------------------------------------------------------

# The whole chain written anew with right hashes, as only its owner can.
REWRITE = """
DO $$
DECLARE
    event record;
    line text;
    previous bytea := decode(repeat('00', 32), 'hex');
BEGIN
    FOR event IN SELECT * FROM audit_event ORDER BY sequence LOOP
        line := regexp_replace(replace(event.line, 'Ana', 'Bea'), '"previous":"[0-9a-f]{64}","rec',
                               '"previous":"' || encode(previous, 'hex') || '","rec');
        previous := sha256(convert_to(line, 'UTF8'));
        UPDATE audit_event AS e SET line = event_line.line, hash = previous
        FROM (VALUES (line)) AS event_line (line) WHERE e.sequence = event.sequence;
    END LOOP;
    UPDATE audit_head SET hash = previous;
END
$$
"""
HASH_OF = "(SELECT hash FROM audit_event WHERE sequence = {})"
CUT_OFF = [
    "DELETE FROM audit_event WHERE sequence > 9",
    "DELETE FROM audit_personal WHERE sequence > 9",
    f"UPDATE audit_head SET sequence = 9, hash = {HASH_OF.format(9)}",
]


def test_a_chain_rewritten_with_right_hashes_is_shown_by_a_checkpoint_alone(kept, tamper_as_owner):
    tamper_as_owner("DELETE FROM audit_witness", "DELETE FROM audit_checkpoint", REWRITE)
    assert verify().faults == ()

    found = kinds(verify(kept))

    assert (REWRITTEN, 1) in found
    assert {kind for kind, _ in found} <= {REWRITTEN, WITHHELD}


def test_it_is_shown_by_the_checkpoints_of_the_database_too(kept, tamper_as_owner):
    tamper_as_owner(REWRITE)

    assert kinds(verify()) == {(REWRITTEN, 1)}


def test_only_what_follows_the_last_that_agrees_was_rewritten(kept, now, tamper_as_owner):
    for _ in range(3):
        record(now)
    sign(now)
    tamper_as_owner(
        REWRITE.replace("ORDER BY sequence LOOP", "WHERE sequence > 14 ORDER BY sequence LOOP")
        .replace("decode(repeat('00', 32), 'hex')", HASH_OF.format(14))
        .replace("'Ana', 'Bea'", "'page', 'terminal'")
    )  # fmt: skip

    fault = next(fault for fault in verify().faults if fault.kind == REWRITTEN)

    assert (fault.first, fault.last) == (14, 16)


def test_a_newest_row_cut_off_with_the_head_set_back_is_shown_by_a_checkpoint_alone(
    kept, tamper_as_owner
):
    tamper_as_owner("DELETE FROM audit_witness", "DELETE FROM audit_checkpoint", *CUT_OFF)
    assert verify().faults == ()

    fault = next(fault for fault in verify(kept).faults if fault.kind == ROLLED_BACK)

    assert (fault.first, fault.last) == (10, 13)


def test_an_older_copy_restored_is_shown(kept, now, tmp_path, tamper_as_owner):
    """As it was then, its own checkpoints included; what went on since is outside alone."""
    record(now)
    sign(now + timedelta(hours=1))
    checkpoints.write_files(tmp_path, at=now)
    tamper_as_owner(
        "DELETE FROM audit_witness",
        "DELETE FROM audit_checkpoint WHERE size > 13",
        "DELETE FROM audit_event WHERE sequence > 13",
        f"UPDATE audit_head SET sequence = 13, hash = {HASH_OF.format(13)}",
    )
    assert verify(kept).faults == ()

    found = kinds(verify(checks.copies_in(tmp_path)))

    assert found == {(ROLLED_BACK, 14), (WITHHELD, 14)}


def test_an_older_copy_that_went_on_is_shown_too(kept, now, tmp_path, tamper_as_owner):
    record(now)
    sign(now + timedelta(hours=1))
    checkpoints.write_files(tmp_path, at=now)
    tamper_as_owner(
        "DELETE FROM audit_witness", "DELETE FROM audit_checkpoint WHERE size > 13",
        "DELETE FROM audit_event WHERE sequence > 13",
        f"UPDATE audit_head SET sequence = 13, hash = {HASH_OF.format(13)}",
    )  # fmt: skip
    for _ in range(5):
        record(now)

    found = kinds(verify(checks.copies_in(tmp_path)))

    assert (REWRITTEN, 14) in found


@pytest.mark.parametrize(
    "what",
    [
        "DELETE FROM audit_event WHERE sequence = 12",
        "UPDATE audit_event SET kind = 'platform.left' WHERE sequence = 3",
    ],
)
def test_triggers_lifted_by_the_owner_and_put_back_hide_nothing(kept, tamper_as_owner, what):
    tamper_as_owner(what)

    found = {kind for kind, _ in kinds(verify(kept))}

    assert found & {FaultKind.MISSING, FaultKind.EDITED}
    assert FaultKind.UNGUARDED not in found


def test_triggers_still_lifted_are_named(kept):
    with as_owner() as cursor:
        cursor.execute("ALTER TABLE audit_checkpoint DISABLE TRIGGER audit_checkpoint_is_kept")

    assert {kind for kind, _ in kinds(verify(kept))} == {FaultKind.UNGUARDED}


def test_a_checkpoint_that_the_database_lost_is_named(kept, tamper_as_owner):
    tamper_as_owner("DELETE FROM audit_witness", "DELETE FROM audit_checkpoint")

    assert kinds(verify(kept)) == {(WITHHELD, 13)}


@pytest.mark.parametrize(
    ("column", "value"),
    [("size", "12"), ("hash", "sha256('x')"), ("at", "at + interval '1 second'"),
     ("note", "replace(note, E'\\n13\\n', E'\\n12\\n')"), ("note", "'nonsense'")],
)  # fmt: skip
def test_a_checkpoint_that_was_edited_is_named(kept, tamper_as_owner, column, value):
    tamper_as_owner(f"UPDATE audit_checkpoint SET {column} = {value}")

    assert SIGNATURE in {kind for kind, _ in kinds(verify())}


def test_a_checkpoint_of_a_key_that_nobody_announced_is_named(log, now):
    sign(now)
    head = Head.objects.get()
    note = signing.sign(
        origin=settings.AUDIT_ORIGIN, size=head.sequence, head=bytes(head.hash), at=now,
        private=signing.make_key(),
    )  # fmt: skip

    assert kinds(verify(Outside(notes={"mine": note}))) == {(SIGNATURE, 13)}


@pytest.mark.parametrize("words", ["a later time", "another length", "another hash"])
def test_a_checkpoint_that_was_not_signed_so_is_named(log, now, words):
    """Of the right key by its id, and with a signature that this key made over something else."""
    note = sign(now).note
    lines = note.split("\n")
    lines[{"another length": 1, "another hash": 2, "a later time": 3}[words]] = {
        "another length": "12",
        "another hash": sha256(b"x").hexdigest(),
        "a later time": lines[3].replace("2026", "2027"),
    }[words]

    report = verify(Outside(notes={"forged": "\n".join(lines)}))

    assert {kind for kind, _ in kinds(report)} == {SIGNATURE}
    assert "The signature of the checkpoint forged is wrong." in report.faults[0].words


def test_a_checkpoint_of_another_log_is_named(log, now):
    sign(now)
    head = Head.objects.get()
    note = signing.sign(
        origin="another-log", size=head.sequence, head=bytes(head.hash), at=now,
        private=settings.AUDIT_SIGNING_KEY,
    )  # fmt: skip

    report = verify(Outside(notes={"theirs": note}))

    assert kinds(report) == {(SIGNATURE, 13)}
    assert "another log" in report.faults[0].words


@pytest.mark.parametrize("has_key", [True, False])
def test_a_log_that_lost_its_keys_is_shown_by_those_beside_or_our_own(
    kept, settings, tamper_as_owner, has_key
):
    tamper_as_owner("DELETE FROM audit_witness", "DELETE FROM audit_checkpoint", *CUT_OFF)
    alone = Outside(kept.notes)
    if not has_key:
        settings.AUDIT_SIGNING_KEY = ""

    assert {kind for kind, _ in kinds(verify(kept))} == {ROLLED_BACK, WITHHELD}
    only_notes = {kind for kind, _ in kinds(verify(alone))}
    assert only_notes == ({ROLLED_BACK, WITHHELD} if has_key else {SIGNATURE})


def test_a_key_that_lies_beside_makes_no_checkpoint_good(log, now):
    sign(now)
    head, key = Head.objects.get(), signing.make_key()
    note = signing.sign(
        origin=settings.AUDIT_ORIGIN, size=head.sequence, head=bytes(head.hash), at=now, private=key
    )
    planted = Outside({"mine": note}, beside=[signing.public_key_of(key)])

    assert (SIGNATURE, 13) in kinds(verify(planted))
    assert verify(planted, since=13).first == 13  # by the checkpoint of the database
    assert verify(planted).checkpoints == 1


def test_with_a_key_from_outside_no_other_is_believed(kept):
    own = signing.public_key_of(settings.AUDIT_SIGNING_KEY)
    other = signing.public_key_of(signing.make_key())

    assert verify(Outside(kept.notes, [own])).faults == ()
    assert {kind for kind, _ in kinds(verify(Outside(kept.notes, [other])))} == {SIGNATURE}


def test_a_revoked_key_proves_nothing_and_is_named_when_it_signs_again(log, now):
    key_id = sign(now).key_id
    assert checkpoints.revoke(key_id, by=None, source=Source.TERMINAL, at=now) is True
    assert checkpoints.revoke(key_id, by=None, source=Source.TERMINAL, at=now) is False

    before = verify()
    sign(now)
    after = verify()

    assert (before.faults, before.checkpoints) == ((), 0)
    assert "it proves nothing" in before.weaknesses[0]
    assert kinds(after) == {(REVOKED, 14)}


def test_a_key_that_never_signed_cannot_be_revoked(log, now):
    with pytest.raises(checkpoints.UnknownKey):
        checkpoints.revoke("00000000", by=None, source=Source.TERMINAL, at=now)


def test_erasing_names_leaves_checkpoints_in_force(kept, now):
    person = Event.objects.filter(commitment__isnull=False)[0].person_id
    actions.erase_personal([person], by=None, source=Source.TERMINAL, at=now)

    assert verify(kept).faults == ()


# --- only what is new -----------------------------------------------------------------------------


def test_what_follows_a_checkpoint_is_checked_alone(kept, now):
    for _ in range(3):
        record(now)

    report = verify(kept, since=16)

    assert (report.first, report.checked, report.head, report.faults) == (13, 3, 16, ())


def test_new_faults_are_found_after_a_checkpoint(kept, now, tamper_as_owner):
    for _ in range(4):
        record(now)
    tamper_as_owner(
        "DELETE FROM audit_event WHERE sequence = 15",
        "UPDATE audit_event SET kind = 'platform.left' WHERE sequence = 17",
    )

    found = kinds(verify(kept, since=17))

    assert found == {(FaultKind.MISSING, 15), (FaultKind.EDITED, 17)}


def test_the_first_after_a_checkpoint_must_follow_it(kept, now, tamper_as_owner):
    record(now)
    tamper_as_owner(
        "DELETE FROM audit_event WHERE sequence = 14", "UPDATE audit_head SET hash = hash"
    )

    assert kinds(verify(kept, since=14)) == {(FaultKind.CUT_OFF, 14)}


def test_a_checkpoint_that_disagrees_vouches_for_nothing(kept, now, tamper_as_owner):
    tamper_as_owner(REWRITE)
    record(now)

    report = verify(kept, since=14)

    assert (report.first, report.checked) == (0, 14)
    assert (REWRITTEN, 1) in kinds(report)


def test_without_a_checkpoint_everything_is_checked(log):
    assert verify(since=12).first == 0


# --- the schedule ---------------------------------------------------------------------------------


@pytest.fixture
def work(log, settings, tmp_path, monkeypatch, sent):
    """`work(at)`: a worker's minute, with a folder of its own; the folder."""
    settings.CHECKPOINTS_DIR = tmp_path

    def minute(at):
        monkeypatch.setattr("django.utils.timezone.now", lambda: at)
        tasks.checkpoint()
        return tmp_path

    return minute


def files_in(folder):
    return sorted(path.name for path in folder.glob("*.checkpoint"))


def test_a_worker_signs_each_hour_also_when_nothing_happens(work, now):
    for minutes in (0, 1, 59, 60, 61, 121):
        folder = work(now + timedelta(minutes=minutes))

    assert [one.at for one in Checkpoint.objects.order_by("id")] == [
        now,
        now + timedelta(hours=1),
        now + timedelta(minutes=121),
    ]
    assert len(files_in(folder)) == 3


def test_a_clock_that_went_back_stops_nothing(work, now):
    work(now + timedelta(days=3))
    work(now)

    assert Checkpoint.objects.count() == 2


def test_an_export_is_covered_at_once(work, now):
    from governance.audit import export

    work(now)
    asked = export.ask(by=None, source=Source.PAGE, at=now)

    work(now + timedelta(seconds=1))
    work(now + timedelta(seconds=2))

    assert [one.size for one in Checkpoint.objects.order_by("id")] == [13, asked.last]


def test_without_a_key_nothing_is_signed(work, now, settings):
    settings.AUDIT_SIGNING_KEY = ""

    work(now)

    assert not Checkpoint.objects.exists()


def test_a_file_is_the_note_and_comes_with_its_key(work, now):
    folder = work(now)

    checkpoint = Checkpoint.objects.get()
    assert files_in(folder) == [checkpoint.file_name]
    assert (folder / checkpoint.file_name).read_text() == checkpoint.note
    pem = (folder / f"{checkpoint.key_id}.pem").read_text()
    assert signing.public_bytes(pem) == signing.public_key_of(settings.AUDIT_SIGNING_KEY)
    assert list(Witness.objects.values_list("kind", flat=True)) == ["file"]
    assert guard.unwitnessed() == 0


def test_a_file_that_is_there_is_never_overwritten(work, now):
    folder = work(now)
    path = folder / Checkpoint.objects.get().file_name
    path.write_text("what somebody put there")
    Checkpoint.objects.all()[0].witnesses.all()

    checkpoints._write_once(path, "another")

    assert path.read_text() == "what somebody put there"


def test_nothing_half_written_is_left_behind(work, now, monkeypatch):
    def die(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", die)

    folder = work(now)

    assert list(folder.iterdir()) == []
    assert not Witness.objects.exists()


def test_a_folder_that_cannot_be_written_to_is_tried_again(work, now, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    work(now - timedelta(hours=2))
    settings.CHECKPOINTS_DIR = blocked / "below"
    work_at = now - timedelta(minutes=30)
    tasks_run = work

    settings.CHECKPOINTS_DIR = blocked / "below"
    tasks_run(work_at)
    assert guard.unwitnessed() == 0  # the one of two hours ago

    record(now)
    tasks_run(now + timedelta(minutes=40))
    assert guard.unwitnessed() == 1

    settings.CHECKPOINTS_DIR = tmp_path
    tasks_run(now + timedelta(minutes=41))
    assert guard.unwitnessed() == 0
    assert len(files_in(tmp_path)) == 3


def test_checks_are_whole_each_night_and_of_the_new_each_hour(log, now, settings):
    settings.CHECKPOINTS_DIR = None
    sign(now)
    ran = []
    for minutes in (0, 5, 61, 65, 125, 24 * 60 + 1):
        check = checks.run_due(at=now + timedelta(minutes=minutes))
        ran.append(check and (check.first, check.checked))

    assert ran == [(0, 13), None, (13, 0), None, (13, 0), (0, 13)]
    assert Check.objects.filter(fault_count=0).count() == 4


def test_what_is_new_was_not_signed_away_before_it_was_checked(log, now, settings, tamper_as_owner):
    """A checkpoint taken after a tampering vouches for it; the hourly check starts before it."""
    settings.CHECKPOINTS_DIR = None
    sign(now)
    checks.run_due(at=now)
    for _ in range(3):
        record(now)
    tamper_as_owner("UPDATE audit_event SET kind = 'platform.left' WHERE sequence = 15")
    sign(now + timedelta(minutes=30))

    check = checks.run_due(at=now + timedelta(hours=1))

    assert (check.first, check.fault_count) == (13, 1)
    assert check.faults[0]["kind"] == "edited"


def test_all_of_it_is_checked_again_each_hour_while_a_fault_is_known(
    log, now, settings, tamper_as_owner
):
    settings.CHECKPOINTS_DIR = None
    sign(now)
    checks.run_due(at=now)
    for _ in range(3):
        record(now)
    tamper_as_owner("UPDATE audit_event SET kind = 'platform.left' WHERE sequence = 15")
    sign(now + timedelta(minutes=30))

    found = []
    for minutes in (60, 65, 120, 125, 180):
        check = checks.run_due(at=now + timedelta(minutes=minutes))
        found.append(check and (check.first, check.fault_count))
    tamper_as_owner("UPDATE audit_event SET kind = 'user.signed_in' WHERE sequence = 15")
    repaired = checks.run_due(at=now + timedelta(minutes=240))
    later = checks.run_due(at=now + timedelta(minutes=300))

    assert found == [(13, 1), None, (0, 1), None, (0, 1)]
    assert (repaired.first, repaired.fault_count) == (0, 0)
    assert (later.first, later.fault_count) == (16, 0)


def test_what_the_terminal_left_out_is_checked_in_the_next_hour(
    log, now, settings, tamper_as_owner
):
    """`--since-checkpoint` starts from the newest one, which may vouch for what nobody checked."""
    settings.CHECKPOINTS_DIR = None
    sign(now)
    checks.run_due(at=now)
    for _ in range(3):
        record(now)
    tamper_as_owner("UPDATE audit_event SET kind = 'platform.left' WHERE sequence = 15")
    sign(now + timedelta(minutes=30))
    checks.keep(verify(since=16), at=now + timedelta(minutes=31))
    assert Check.objects.order_by("pk").last().fault_count == 0

    check = checks.run_due(at=now + timedelta(hours=2))

    assert (check.first, check.fault_count) == (13, 1)


def test_a_check_of_a_clock_that_went_ahead_does_not_hide_those_after_it(log, now, settings):
    settings.CHECKPOINTS_DIR = None
    sign(now)
    checks.run_due(at=now + timedelta(days=365))

    ran = [checks.run_due(at=now + timedelta(minutes=minutes)) for minutes in (0, 5, 61)]

    assert [check and check.first for check in ran] == [0, None, 13]


@pytest.mark.django_db(transaction=True)
def test_one_check_runs_at_a_time(now):
    record(now)
    with checks.alone(waits=True) as ours:
        assert ours
        others = []
        other = threading.Thread(target=lambda: others.append(_run_due(now)))
        other.start()
        other.join()

    assert others == [None]
    assert checks.run_due(at=now).fault_count == 0


def _run_due(now):
    try:
        return checks.run_due(at=now)
    finally:
        connections.close_all()


def test_a_checkpoint_taken_meanwhile_is_no_alarm(kept, now, monkeypatch):
    """Of a log that goes on while it is read, only what was there at first is compared."""
    from governance.audit.verify import scan

    head = scan.head

    def meanwhile():
        found = head()
        record(now)
        sign(now)
        return found

    monkeypatch.setattr(scan, "head", meanwhile)

    assert verify(kept).faults == ()


def test_a_folder_that_cannot_be_read_stops_no_check(log, now, settings, monkeypatch, tmp_path):
    settings.CHECKPOINTS_DIR = tmp_path

    def denied(_folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoints, "notes_in", denied)

    assert checks.run_due(at=now).fault_count == 0


def test_what_somebody_brought_along_is_not_shown_to_everybody(kept, tmp_path, capsys):
    other = tmp_path / "other.pem"
    other.write_text(signing.public_pem(signing.public_key_of(signing.make_key())))

    with pytest.raises(SystemExit):
        call_command("verify_audit", checkpoints=tmp_path, public_key=[other])
    assert not Check.objects.exists()

    call_command("verify_audit")
    assert Check.objects.get().fault_count == 0


def test_a_check_looks_into_the_folder(kept, now, settings, tmp_path, tamper_as_owner):
    settings.CHECKPOINTS_DIR = tmp_path
    tamper_as_owner("DELETE FROM audit_witness", "DELETE FROM audit_checkpoint", *CUT_OFF)

    check = checks.run_due(at=now)

    assert "rolled-back" in {fault["kind"] for fault in check.faults}


# --- from the terminal ----------------------------------------------------------------------------


def test_the_command_takes_a_folder_and_a_key(kept, tmp_path, capsys):
    key = tmp_path / f"{Checkpoint.objects.get().key_id}.pem"

    call_command("verify_audit", checkpoints=tmp_path, public_key=[key])

    said = capsys.readouterr().out
    assert "13 of 13 events recomputed.\nCheckpoints that agree: 1.\nNo fault found." in said


def test_the_command_names_what_a_folder_shows(kept, tmp_path, capsys, tamper_as_owner):
    tamper_as_owner("DELETE FROM audit_witness", "DELETE FROM audit_checkpoint", *CUT_OFF)

    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--json", checkpoints=tmp_path)

    assert ended.value.code == 1
    found = {fault["kind"] for fault in json.loads(capsys.readouterr().out)["faults"]}
    assert found == {"rolled-back", "checkpoint-missing"}


def test_the_command_starts_from_a_checkpoint(kept, now, capsys):
    record(now)

    call_command("verify_audit", "--since-checkpoint")

    said = capsys.readouterr().out
    assert "1 of 14 events recomputed.\nA checkpoint vouches for those up to 13." in said


@pytest.mark.parametrize(
    "options", [{"checkpoints": "/does/not/exist"}, {"public_key": ["/does/not/exist"]}]
)
def test_the_command_needs_what_it_is_told_of(log, options):
    from pathlib import Path

    given = {
        name: [Path(value[0])] if isinstance(value, list) else Path(value)
        for name, value in options.items()
    }

    with pytest.raises(CommandError):
        call_command("verify_audit", **given)


def test_keys_are_listed_and_revoked_with_apply(log, now, capsys):
    key_id = sign(now).key_id

    call_command("revoke_audit_key")
    assert capsys.readouterr().out == f"{key_id}\n"
    call_command("revoke_audit_key", key_id)
    assert "with --apply" in capsys.readouterr().out
    assert checkpoints.revoked_keys() == set()
    call_command("revoke_audit_key", key_id, "--apply")
    assert checkpoints.revoked_keys() == {key_id}
    with pytest.raises(CommandError):
        call_command("revoke_audit_key", "00000000", "--apply")


def test_a_made_key_signs(log, now, capsys):
    call_command("make_audit_key")

    name, _, key = capsys.readouterr().out.strip().partition("=")

    assert name == "AUDIT_SIGNING_KEY"
    sign(now, private=key)
    assert verify().faults == ()


def test_the_id_of_a_key_is_that_of_signed_notes():
    """https://c2sp.org/signed-note: SHA-256 of name, newline, one, key; four bytes of it."""
    public = bytes(range(32))

    assert signing.key_id_of(public, "name") == sha256(b"name\n\x01" + public).hexdigest()[:8]
