"""Whatever goes wrong while Scalingo is told, the truth is known in the end (see schedules.py)."""

import os

import pytest
from django.db import IntegrityError, OperationalError

from governance.sync import canaries
from tests.changes.mutants import MUTANTS
from tests.changes.schedules import FATES, Schedule, play

IN_A_TEST = 500
IN_DEPTH = 2000


@pytest.fixture(autouse=True)
def _anew(db, sent, monkeypatch):
    Schedule.counts.clear()
    # Whether a listing leaves an app out is proved elsewhere, and is half of what a sync asks.
    monkeypatch.setattr(canaries, "PER_SYNC", 0)


@pytest.mark.long
@pytest.mark.parametrize("half", [0, 1])
def test_schedules_of_telling(half):
    """One of them alone with SCHEDULE=its number."""
    one = os.environ.get("SCHEDULE")
    each = int(os.environ.get("SCHEDULES", IN_A_TEST)) // 2
    seeds = [int(one)] if one else range(half * each, (half + 1) * each)
    for seed in seeds:
        play(seed)
    if not one:
        _is_not_vacuous(each)


def _is_not_vacuous(played):
    """Everything that can go wrong did, and so did every ending."""
    counts = Schedule.counts
    wanted = dict.fromkeys(FATES, played // 80) | {
        "killed": played // 8,
        "database gone": played // 50,
        "rights": played // 12,
        "look failed": played // 80,
        "invite verified": played // 10,
        "remove verified": played // 10,
        "change_role verified": played // 20,
        "cancel verified": played // 50,
        "invite failed not_sent": played // 50,
        "invite verified seen": played // 50,
        "remove verified seen": played // 50,
    }
    rare = {name: counts[name] for name, least in wanted.items() if counts[name] < least}
    assert not rare, (rare, counts)


@pytest.mark.deep
@pytest.mark.parametrize("first", range(IN_A_TEST, IN_DEPTH, 250))
def test_many_schedules_of_telling(first):
    for seed in range(first, first + 250):
        play(seed)


@pytest.mark.deep
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_defect_is_found(mutant, monkeypatch):
    """Within as many schedules as every test run plays."""
    mutant(monkeypatch)
    for seed in range(IN_A_TEST):
        try:
            play(seed)
        except (AssertionError, IntegrityError, OperationalError):
            return
    pytest.fail(f"{mutant.__name__} survived {IN_A_TEST} schedules")
