"""What the syncs write moves the counters with it: joined, left, changed, renamed, gone."""

import pytest

from governance.reports.two_factor import counters
from governance.reports.two_factor.models import Moved, Standing
from tests.sync.conftest import _no_pauses_between_tries, _no_rows, company, db
from tests.two_factor.changing import kept, live

__all__ = ["_no_pauses_between_tries", "_no_rows", "company", "db"]
NINA = "nina@acme.example"

ACTS = {
    "joins": lambda world: world.add_member("billing-api", NINA, limited=True),
    "rises": lambda world: world.change_role("billing-api", NINA, limited=False),
    "turns it on": lambda world: world.set_two_factor(NINA, on=True),
    "turns it off": lambda world: world.set_two_factor(NINA, on=False),
    "leaves": lambda world: world.remove("billing-api", NINA),
    "is back": lambda world: world.add_member("billing-api", NINA, limited=True),
    "app is renamed": lambda world: world.rename_app("billing-api", "invoices-api"),
    "account is deleted": lambda world: world.delete_account(NINA),
}


@pytest.fixture
def told(company):
    """The company, and what moved since the last look, after each sync."""
    company.world.add_account(NINA)
    counters.catch_up()
    assert kept() == live()
    return company


def test_after_each_sync_they_say_what_the_inventory_says(told):
    seen = []
    for act in ACTS.values():
        act(told.world)
        told.sync()
        assert counters.catch_up()
        assert kept() == live()
        nina = Standing.objects.filter(person__email__iexact=NINA).first()
        seen.append((nina.belongs, nina.two_factor, nina.full_role) if nina else None)

    assert seen[0] == ("accepted", "off", 0)
    assert seen[1] == ("accepted", "off", 1)
    assert seen[2] == ("accepted", "on", 1)
    assert seen[3] == ("accepted", "off", 1)
    assert seen[4] is None
    assert seen[-1][0] == "deleted"


def test_a_sync_that_finds_nothing_new_moves_nobody(told):
    told.sync()

    assert not Moved.objects.exists()
