"""Whatever happens on the platform and goes wrong while it is read, the inventory stays true."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sync.company import read_company
from tests.sync.mutants import MUTANTS
from tests.sync.schedules import FAULTS, Schedule

QUICK = settings(
    max_examples=14,
    stateful_step_count=16,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
)
DEEP = settings(QUICK, max_examples=500, stateful_step_count=30)
# Five hundred take most of an hour, so they run where they are asked for: SCHEDULES=1 make deep
LONG = pytest.mark.skipif("SCHEDULES" not in os.environ, reason="asked for by SCHEDULES=1")


def _run(how):
    Schedule.counts.clear()
    run_state_machine_as_test(Schedule, settings=how)
    return Schedule.counts


def test_any_schedule_keeps_the_inventory_true(db):
    counts = _run(QUICK)

    # A run in which nothing happened would prove nothing.
    assert counts["sync"] > 80, counts
    for what in ("sync partial", "joined", "left", "crash", "edge"):
        assert counts[what], (what, counts)


@pytest.mark.deep
@LONG
@pytest.mark.timeout(3600)
def test_five_hundred_schedules_keep_the_inventory_true(db):
    counts = _run(DEEP)

    assert counts["held"] >= 100, counts
    assert counts["crash"] >= 300, counts
    assert counts["approved"] >= 20, counts
    assert counts["discarded"] >= 20, counts
    assert counts["gone"] >= 10, counts
    assert counts["one by one"] >= 10, counts
    few = {name: counts[f"fault {name}"] for name in FAULTS if counts[f"fault {name}"] < 30}
    assert not few, counts


@pytest.mark.deep
@LONG
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_schedules_find_a_planted_defect(db, monkeypatch, mutant):
    """They would be no proof if they did not."""
    read_company()  # as it is without the defect
    mutant(monkeypatch)

    with pytest.raises(AssertionError):
        _run(settings(DEEP, phases=[Phase.generate]))
