"""A run that one task cannot finish goes on in the next, where it stopped."""

import pytest

from governance.emulator import World
from governance.inventory.models import Coverage, Scope
from governance.sync import engine
from governance.sync.models import Run
from tests.sync.company import START, Company


@pytest.fixture
def guest(db):
    """Somebody who works on nine apps and owns none: each is read by itself."""
    company = Company(World(company="large", anchor=START, apps=9, people=12, members=3))
    company.connect("proche@grande.example")
    return company


def single_readings():
    """How often each app was read by itself."""
    return list(
        Coverage.objects.filter(scope__kind=Scope.Kind.APP).values_list("readings", flat=True)
    )


def test_it_goes_on_until_every_app_was_read(guest, monkeypatch):
    monkeypatch.setattr(engine, "MOST_AT_ONCE", 0)  # one app at a time
    run = guest.sync()
    assert run.state == Run.State.RUNNING

    while not run.is_over:
        run = guest.carry_out()

    assert run.state == Run.State.COMPLETE
    assert run.pauses >= 8
    assert run.coverage == {"expected": 9, "read": 9, "failed": 0}
    assert single_readings() == [1] * 9


def test_enough_time_needs_no_pause(guest):
    run = guest.sync()

    assert (run.state, run.pauses) == (Run.State.COMPLETE, 0)
    assert single_readings() == [1] * 9
