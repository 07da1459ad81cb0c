"""Whatever happens on the platform and goes wrong while it is read, the inventory stays true."""

import logging
import os
from collections import Counter

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sync import schedules
from tests.sync.mutants import MUTANTS
from tests.sync.schedules import deaths, faults, worlds

# A failing schedule says its number: SCHEDULE=417 runs that one alone, instead of these.
ASKED = [int(os.environ["SCHEDULE"])] if "SCHEDULE" in os.environ else None
QUICK = ASKED or range(10)
LONG = ASKED or range(500)
PARTS = 4  # of them, side by side
SYNCS = 7  # in each, before the clean ones

FLOORS_QUICK = {
    "sync": 50,
    "sync partial": 10,
    "joined": 20,
    "left": 20,
    "edge": 50,
    "resumed": 2,
    "held": 2,
    "waits": 5,
    "suspect": 5,
    "paused": 1,
    "one by one": 1,
}
# Of five hundred schedules; of a part of them half as many, as far as it is one.
FLOORS = {
    **{f"fault {name}": 30 for name in faults.FAULTS},
    **{f"death {point}": 20 for point in deaths.POINTS},
    "death all are back": 8,  # seldom is everybody back just where a worker may die
    **{f"death {how}": 50 for how in deaths.HOW},
    "held": 100,
    "approved": 50,
    "discarded": 20,
    "waits": 500,
    "one by one": 50,
    "said foreign_rows": 20,
    "said too_late": 50,
    "paused": 100,
    "resumed": 200,
    "gone": 30,
    "suspect": 500,
    "jump": 30,
    "edge": 3000,
    "sync": 3000,
}


@pytest.fixture(autouse=True)
def _no_warnings():
    """What goes wrong here is meant to."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def _run(seeds):
    counts = Counter()
    for seed in seeds:
        schedules.run(seed, syncs=SYNCS, counts=counts)
    return counts


def _at_least(counts, floors):
    """A run in which nothing happened would prove nothing."""
    few = {what: counts[what] for what in floors if counts[what] < floors[what]}
    assert ASKED or not few, (few, counts)


@pytest.mark.long
def test_any_schedule_keeps_the_inventory_true(db):
    counts = _run(QUICK)

    _at_least(counts, FLOORS_QUICK)


@settings(
    max_examples=4,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(random=st.randoms(use_true_random=False))
def test_a_schedule_that_fails_is_made_short(db, random):
    """The same, drawn so that a failure is looked for in fewer and simpler things."""
    schedules.Schedule(random, Counter()).run(random.randint(1, 5))


@pytest.mark.deep
@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_schedules_keep_the_inventory_true(db, part):
    counts = _run(LONG[part::PARTS])

    _at_least(counts, {what: most // (2 * PARTS) for what, most in FLOORS.items()})


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_schedules_find_a_planted_defect(db, monkeypatch, mutant):
    """They would be no proof if they did not."""
    worlds.read_all()  # as they are without the defect
    mutant(monkeypatch)

    with pytest.raises((AssertionError, IntegrityError)):
        _run(LONG)
