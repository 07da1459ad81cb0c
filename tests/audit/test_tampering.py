"""Thousands of random tamperings, none missed; as many clean checks, no false alarm.

Each is one seeded choice, done and undone in one transaction. To see one again:
`tamper_once(random.Random(seed), …)`.
"""

# ruff: noqa: S608  The statements are put together from these tests' own words.

import random

import pytest
from django.db import transaction

from governance.audit import actions
from governance.audit.verify import FaultKind, verify

SIZE = 12
COLUMNS = (
    "kind, source, actor_kind, actor_id, target_kind, target_id, app_id, person_id, occurred_at,"
    " recorded_at, commitment, line, hash"
)
EDITS = {
    "kind": "kind || 'x'",
    "source": "CASE source WHEN 'page' THEN 'schedule' ELSE 'page' END",
    "target_kind": "target_kind || 'x'",
    "target_id": "gen_random_uuid()",
    "app_id": "gen_random_uuid()",
    "person_id": "NULL",
    "occurred_at": "occurred_at + interval '1 microsecond' * {n}",
    "recorded_at": "recorded_at - interval '1 microsecond' * {n}",
    "commitment": "sha256('{n}')",
    # One character of the line becomes another.
    "line": "overlay(line PLACING CASE substr(line, {n}, 1) WHEN '~' THEN '!' ELSE '~' END"
    " FROM {n} FOR 1)",
    "hash": "set_byte(hash, {n} % 32, (get_byte(hash, {n} % 32) + 1) % 256)",
}


def edit(chance):
    place, column = chance.randint(1, SIZE), chance.choice(sorted(EDITS))
    value = EDITS[column].format(n=chance.randint(1, 400))
    yield f"UPDATE audit_event SET {column} = {value} WHERE sequence = {place}"
    return {(FaultKind.EDITED, place)}


def rewrite(chance):
    """Another text, with the hash that belongs to it."""
    place = chance.randint(1, SIZE - 1)
    line = "replace(line, '\"number\":', '\"number\":1')"
    yield (
        f"UPDATE audit_event SET line = {line}, hash = sha256(convert_to({line}, 'UTF8'))"
        f" WHERE sequence = {place}"
    )
    return {(FaultKind.EDITED, place)}


def delete(chance):
    first = chance.randint(1, SIZE)
    last = min(SIZE, first + chance.randint(0, 3))
    yield f"DELETE FROM audit_event WHERE sequence BETWEEN {first} AND {last}"
    return {(FaultKind.CUT_OFF if last == SIZE else FaultKind.MISSING, first)}


def swap(chance):
    one, other = chance.sample(range(1, SIZE + 1), 2)
    yield f"UPDATE audit_event SET sequence = 1000 WHERE sequence = {one}"
    yield f"UPDATE audit_event SET sequence = {one} WHERE sequence = {other}"
    yield f"UPDATE audit_event SET sequence = {other} WHERE sequence = 1000"
    return {(FaultKind.REORDERED, one), (FaultKind.REORDERED, other)}


def insert(chance):
    """A copy in the middle; what follows moves on."""
    place, copied = chance.randint(1, SIZE), chance.randint(1, SIZE)
    yield f"UPDATE audit_event SET sequence = sequence + 1000 WHERE sequence >= {place}"
    yield "UPDATE audit_event SET sequence = sequence - 999 WHERE sequence > 1000"
    source = copied if copied < place else copied + 1
    yield (
        f"INSERT INTO audit_event (sequence, {COLUMNS}) SELECT {place}, {COLUMNS}"
        f" FROM audit_event WHERE sequence = {source}"
    )
    return {(FaultKind.DUPLICATE, None)}


def append(chance):
    """A copy past the end, or where no event can be."""
    place = chance.choice([SIZE + 1, SIZE + chance.randint(2, 10**9), -chance.randint(0, 10**9)])
    yield (
        f"INSERT INTO audit_event (sequence, {COLUMNS}) SELECT {place}, {COLUMNS}"
        f" FROM audit_event WHERE sequence = {chance.randint(1, SIZE)}"
    )
    return {(FaultKind.DUPLICATE, place)}


def head(chance):
    edit = chance.choice(["hash = sha256(hash)", f"sequence = {chance.randint(0, SIZE - 1)}"])
    yield f"UPDATE audit_head SET {edit}"
    return {(FaultKind.HEAD, None)}


def personal(chance):
    place = chance.choice(range(1, SIZE, 3))
    yield (
        "UPDATE audit_personal SET fields = overlay(fields PLACING '~' FROM"
        f" {chance.randint(1, 20)} FOR 1) WHERE sequence = {place}"
    )
    return {(FaultKind.PERSONAL, place)}


KINDS = (edit, edit, rewrite, delete, swap, insert, append, head, personal)


@pytest.fixture
def chain(db, entries, monkeypatch):
    """Twelve events, that many seams between windows, spans and pieces as twelve can have."""
    monkeypatch.setattr("governance.audit.verify.stream.WINDOW", 3)
    monkeypatch.setattr("governance.audit.verify.stream.WINDOWS", 2)
    monkeypatch.setattr("governance.audit.verify.scan.PIECE", 2)
    actions.record_many(entries(SIZE))


def tamper_once(chance, tamper):
    """Do one random thing to the log; the faults that must be named for it."""
    statements, wanted = [], set()
    making = chance.choice(KINDS)(chance)
    try:
        while True:
            statements.append(next(making))
    except StopIteration as done:
        wanted = done.value
    tamper(*statements)
    return statements, wanted


def misses(found, wanted):
    """Those of `wanted` that are not among the faults `found`; None as a place is any place."""
    named = {(fault.kind, fault.first) for fault in found}
    named |= {(fault.kind, None) for fault in found}
    return wanted - named


def run(seeds, tamper):
    missed = []
    for seed in seeds:
        savepoint = transaction.savepoint()
        statements, wanted = tamper_once(random.Random(seed), tamper)
        report = verify()
        if not report.faults or misses(report.faults, wanted):
            missed.append((seed, statements, wanted, report.faults))
        transaction.savepoint_rollback(savepoint)
        transaction.savepoint_commit(savepoint)  # or the next one would stand inside it
    return missed


@pytest.fixture
def tamper_with_chain(chain, tamper_as_owner):
    return tamper_as_owner


def test_random_tamperings_are_named(tamper_with_chain):
    assert run(range(150), tamper_with_chain) == []
    assert verify().faults == ()


# Ten thousand in all. A transaction holds the locks of all its savepoints, so each has 250.
@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(1_000, 11_000, 250))
def test_ten_thousand_random_tamperings_are_named(tamper_with_chain, first):
    assert run(range(first, first + 250), tamper_with_chain) == []


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_a_thousand_clean_checks_raise_no_alarm(db, entries):
    for _ in range(1_000):
        actions.record_many(entries(random.randint(1, 4)))
        assert verify().faults == ()
