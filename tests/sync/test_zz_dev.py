import os
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.sync.schedules import Schedule


def test_dev(db):
    how = settings(
        max_examples=int(os.environ.get("N", "40")),
        stateful_step_count=int(os.environ.get("S", "25")),
        derandomize=False,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    Schedule.counts.clear()
    try:
        run_state_machine_as_test(Schedule, settings=how)
    finally:
        print(sorted(Schedule.counts.items()))
