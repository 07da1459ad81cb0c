"""Whatever is done to the log behind its back is found and named."""

# ruff: noqa: S608  The statements are put together from these tests' own words.

import json

import pytest
from django.core.management import call_command
from django.db import connection

from governance.audit import actions
from governance.audit.events import Source
from governance.audit.verify import FaultKind, verify

from .conftest import as_owner

EDITED, MISSING, INSERTED = FaultKind.EDITED, FaultKind.MISSING, FaultKind.INSERTED
REORDERED, CUT_OFF, HEAD = FaultKind.REORDERED, FaultKind.CUT_OFF, FaultKind.HEAD
PERSONAL, DUPLICATE = FaultKind.PERSONAL, FaultKind.DUPLICATE

COLUMNS = (
    "sequence, kind, source, actor_kind, actor_id, target_kind, target_id, app_id, person_id,"
    " occurred_at, recorded_at, commitment, line, hash"
)


DIGITS = "to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"


def kinds():
    return {(fault.kind, fault.first) for fault in verify().faults}


def test_a_log_that_nobody_touched_has_no_fault(log):
    report = verify()

    assert (report.checked, report.head, report.faults) == (12, 12, ())
    assert report.first_bad is None


def test_an_empty_log_has_no_fault(db):
    assert verify().faults == ()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "'platform.left'"),
        ("source", "CASE source WHEN 'page' THEN 'terminal' ELSE 'page' END"),
        ("actor_kind", "CASE actor_kind WHEN 'user' THEN 'person' ELSE 'unknown' END"),
        ("actor_id", "gen_random_uuid()"),
        ("actor_id", "CASE WHEN actor_id IS NULL THEN gen_random_uuid() END"),
        ("target_kind", "'inventory.person'"),
        ("target_id", "gen_random_uuid()"),
        ("app_id", "gen_random_uuid()"),
        ("app_id", "NULL"),
        ("person_id", "gen_random_uuid()"),
        ("occurred_at", "occurred_at + interval '1 microsecond'"),
        ("occurred_at", "'infinity'"),
        # The same digits, some four thousand years earlier.
        ("occurred_at", f"({DIGITS} || '+00 BC')::timestamptz"),
        ("recorded_at", "recorded_at - interval '1 microsecond'"),
        ("commitment", "sha256('x')"),
        ("line", "replace(line, '\"number\":', '\"number\":1')"),
        ("line", "line || ' '"),
        ("line", "''"),
        ("line", "replace(line, 'Ana', 'Bea')"),
        ("hash", "sha256('x')"),
        ("hash", "''"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sequence", [1, 6, 7, 12])
def test_an_edit_of_any_column_is_found(tamper, column, value, sequence):
    tamper(
        "ALTER TABLE audit_event DROP CONSTRAINT audit_actor_is_known",
        f"UPDATE audit_event SET {column} = {value} WHERE sequence = {sequence}",
    )

    assert (EDITED, sequence) in kinds()
    assert {first for _, first in kinds()} == {sequence}


@pytest.mark.parametrize("column", ["kind", "hash", "line", "occurred_at", "target_kind"])
def test_a_column_set_to_null_hides_nothing(tamper, column):
    tamper(
        f"ALTER TABLE audit_event ALTER {column} DROP NOT NULL",
        f"UPDATE audit_event SET {column} = NULL WHERE sequence = 6",
    )

    assert kinds() == {(EDITED, 6)}


@pytest.mark.parametrize("sequence", [1, 6, 11])
def test_a_row_rewritten_with_its_own_right_hash_is_found(tamper, sequence):
    tamper(
        f"""UPDATE audit_event SET line = replace(line, 'Ana', 'Bea'),
            hash = sha256(convert_to(replace(line, 'Ana', 'Bea'), 'UTF8'))
            WHERE sequence = {sequence}"""
    )

    assert kinds() == {(EDITED, sequence)}


def test_the_newest_row_rewritten_with_its_own_right_hash_disagrees_with_the_head(tamper):
    tamper(
        """UPDATE audit_event SET line = replace(line, 'Ana', 'Bea'),
           hash = sha256(convert_to(replace(line, 'Ana', 'Bea'), 'UTF8')) WHERE sequence = 12"""
    )

    assert kinds() == {(HEAD, 12)}


@pytest.mark.parametrize("sequence", [2, 6, 11])
def test_a_row_deleted_is_missing(tamper, sequence):
    tamper(f"DELETE FROM audit_event WHERE sequence = {sequence}")

    assert (MISSING, sequence) in kinds()
    assert {kind for kind, _ in kinds()} <= {MISSING, PERSONAL}


def test_several_rows_deleted_are_missing_as_one_range(tamper):
    tamper("DELETE FROM audit_event WHERE sequence IN (1, 6, 7, 8)")

    missing = [(f.first, f.last) for f in verify().faults if f.kind == MISSING]

    assert missing == [(1, 1), (6, 8)]


def test_a_row_deleted_and_the_others_moved_up_is_missing(tamper):
    tamper(
        "DELETE FROM audit_event WHERE sequence = 6",
        "UPDATE audit_event SET sequence = sequence - 1 WHERE sequence > 6",
    )

    found = kinds()

    assert (MISSING, 6) in found
    assert {(REORDERED, place) for place in range(6, 12)} <= found
    assert not {kind for kind, _ in found} & {EDITED, INSERTED, CUT_OFF}


@pytest.mark.parametrize("count", [1, 3, 12])
def test_the_newest_rows_deleted_are_cut_off(tamper, count):
    tamper(f"DELETE FROM audit_event WHERE sequence > 12 - {count}")

    cut = [(f.first, f.last) for f in verify().faults if f.kind == CUT_OFF]

    assert cut == [(13 - count, 12)]
    assert {kind for kind, _ in kinds()} <= {CUT_OFF, PERSONAL}


def test_a_copy_past_the_head_is_found(tamper):
    tamper(
        f"INSERT INTO audit_event ({COLUMNS}) SELECT 13, {COLUMNS.partition(', ')[2]}"
        " FROM audit_event WHERE sequence = 12"
    )

    assert kinds() == {(DUPLICATE, 13)}


@pytest.mark.parametrize("place", [0, -5, 40])
def test_a_copy_where_no_event_can_be_is_found(tamper, place):
    tamper(
        f"INSERT INTO audit_event ({COLUMNS}) SELECT {place}, {COLUMNS.partition(', ')[2]}"
        " FROM audit_event WHERE sequence = 5"
    )

    assert kinds() == {(DUPLICATE, place)}


@pytest.mark.parametrize("copied", [5, 6])
def test_a_copy_in_the_middle_is_found(tamper, copied):
    tamper(
        "UPDATE audit_event SET sequence = sequence + 100 WHERE sequence > 5",
        "UPDATE audit_event SET sequence = sequence - 99 WHERE sequence > 100",
        f"INSERT INTO audit_event ({COLUMNS}) SELECT 6, {COLUMNS.partition(', ')[2]}"
        f" FROM audit_event WHERE sequence = {copied if copied == 5 else 7}",
    )

    found = kinds()

    assert len([place for kind, place in found if kind == DUPLICATE]) == 1
    assert not {kind for kind, _ in found} & {EDITED, MISSING, CUT_OFF, INSERTED}


def test_a_row_inserted_with_a_right_line_and_hash_is_found(tamper):
    tamper(
        "UPDATE audit_event SET sequence = sequence + 100 WHERE sequence > 5",
        "UPDATE audit_event SET sequence = sequence - 99 WHERE sequence > 100",
        f"INSERT INTO audit_event ({COLUMNS}) SELECT 6, {COLUMNS.partition(', ')[2]}"
        " FROM audit_event WHERE sequence = 7",
        "UPDATE audit_event SET line = replace(line, 'Ana', 'Bea'),"
        " hash = sha256(convert_to(replace(line, 'Ana', 'Bea'), 'UTF8')) WHERE sequence = 6",
    )

    found = kinds()

    assert (INSERTED, 6) in found
    assert not {kind for kind, _ in found} & {EDITED, MISSING, CUT_OFF}


def test_the_same_row_twice_is_found_without_the_primary_key(tamper):
    tamper(
        "ALTER TABLE audit_event DROP CONSTRAINT audit_event_pkey",
        f"INSERT INTO audit_event ({COLUMNS}) SELECT {COLUMNS} FROM audit_event WHERE sequence = 6",
    )

    assert kinds() == {(DUPLICATE, 6)}


def test_two_rows_swapped_are_reordered(tamper):
    tamper(
        "UPDATE audit_event SET sequence = 100 WHERE sequence = 5",
        "UPDATE audit_event SET sequence = 5 WHERE sequence = 8",
        "UPDATE audit_event SET sequence = 8 WHERE sequence = 100",
    )

    found = {pair for pair in kinds() if pair[0] != PERSONAL}

    assert found == {(REORDERED, 5), (REORDERED, 8)}


def test_a_row_replaced_by_a_copy_of_another_leaves_one_missing(tamper):
    tamper(
        "DELETE FROM audit_event WHERE sequence = 5",
        f"INSERT INTO audit_event ({COLUMNS}) SELECT 5, {COLUMNS.partition(', ')[2]}"
        " FROM audit_event WHERE sequence = 8",
    )

    assert {(DUPLICATE, 5), (MISSING, 5)} <= kinds()


@pytest.mark.parametrize(
    "edit", ["hash = sha256('x')", "sequence = 11", "sequence = 20", "sequence = 0"]
)
def test_a_head_edited_is_found(tamper, edit):
    tamper(f"UPDATE audit_head SET {edit}")

    assert verify().faults


def test_a_head_with_another_hash_is_named(tamper):
    tamper("UPDATE audit_head SET hash = sha256('x')")

    assert kinds() == {(HEAD, 12)}


def test_a_head_that_is_gone_is_named(tamper):
    tamper("DELETE FROM audit_head")

    assert kinds() == {(HEAD, 0)}


@pytest.mark.parametrize(
    "statement",
    [
        'UPDATE audit_personal SET fields = \'{"email":"bea@example.com"}\' WHERE sequence = 1',
        "UPDATE audit_personal SET salt = sha256('x') WHERE sequence = 1",
        "DELETE FROM audit_personal WHERE sequence = 1",
        "UPDATE audit_personal SET fields = NULL, salt = NULL WHERE sequence = 1",
    ],
)
def test_a_personal_part_that_was_touched_is_found(tamper, statement):
    tamper(statement)

    assert kinds() == {(PERSONAL, 1)}


def test_a_personal_part_that_an_event_never_had_is_found(tamper):
    tamper("INSERT INTO audit_personal (sequence, salt, fields) VALUES (2, sha256('x'), '{}')")

    assert kinds() == {(PERSONAL, 2)}


@pytest.mark.parametrize("how", ["DISABLE TRIGGER audit_event_is_kept", "DISABLE TRIGGER USER",
                                 "ENABLE TRIGGER audit_event_is_kept"])  # fmt: skip
def test_triggers_that_are_not_always_in_force_are_found(log, how):
    with as_owner() as cursor:
        cursor.execute(f"ALTER TABLE audit_event {how}")

    assert FaultKind.UNGUARDED in {fault.kind for fault in verify().faults}


def test_all_faults_are_named_not_the_first_alone(tamper):
    tamper(
        "UPDATE audit_event SET kind = 'platform.left' WHERE sequence IN (2, 9)",
        "DELETE FROM audit_event WHERE sequence IN (5, 12)",
    )

    assert {(EDITED, 2), (EDITED, 9), (MISSING, 5), (CUT_OFF, 12)} <= kinds()
    assert verify().first_bad == 2


def test_faults_at_the_seams_of_the_pieces_are_found(tamper, monkeypatch):
    monkeypatch.setattr("governance.audit.verify.scan.PIECE", 3)
    assert verify().checked == 12
    tamper(
        "DELETE FROM audit_event WHERE sequence = 4",
        "UPDATE audit_event SET kind = 'platform.left' WHERE sequence IN (3, 7)",
    )

    found = {pair for pair in kinds() if pair[0] != PERSONAL}

    assert found == {(EDITED, 3), (MISSING, 4), (EDITED, 7)}


def test_a_second_row_at_the_seam_of_two_pieces_is_found(tamper, monkeypatch):
    monkeypatch.setattr("governance.audit.verify.scan.PIECE", 3)
    tamper(
        "ALTER TABLE audit_event DROP CONSTRAINT audit_event_pkey",
        f"INSERT INTO audit_event ({COLUMNS}) SELECT {COLUMNS} FROM audit_event WHERE sequence = 3",
    )

    assert kinds() == {(DUPLICATE, 3)}


def test_a_log_with_too_many_faults_to_name_says_so(tamper, monkeypatch):
    monkeypatch.setattr("governance.audit.verify.scan.MOST", 4)
    tamper("UPDATE audit_event SET kind = 'platform.left' WHERE sequence > 3")

    assert kinds() >= {(EDITED, 4)}


def test_the_command_answers_with_a_status(tamper, capsys):
    call_command("verify_audit")
    assert "12 of 12 events recomputed." in capsys.readouterr().out

    tamper("UPDATE audit_event SET kind = 'platform.left' WHERE sequence = 6")

    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--json")

    assert ended.value.code == 1
    said = json.loads(capsys.readouterr().out)
    assert [(fault["kind"], fault["first"]) for fault in said["faults"]] == [("edited", 6)]


def test_it_says_what_one_role_weakens(log):
    apart = " ".join(verify().weaknesses)
    with as_owner():
        together = " ".join(verify().weaknesses)

    assert "as the owner of the log" not in apart
    assert "as the owner of the log" in together


def test_events_appended_meanwhile_are_not_taken_for_inserted(log, monkeypatch, now):
    from governance.audit.verify import scan

    head = scan.head()
    actions.record("user.signed_in", by=None, source=Source.PAGE, at=now)
    monkeypatch.setattr(scan, "head", lambda: head)

    assert verify().faults == ()


def test_it_verifies_what_an_earlier_version_wrote(log):
    """The bytes of event 1 by hand: the form must not change under old logs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT line FROM audit_event WHERE sequence = 1")
        line = cursor.fetchone()[0]

    event = json.loads(line)
    assert line == json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert set(event) == {"event", "previous", "recorded_at", "sequence"}
    assert event["event"]["version"] == 1
