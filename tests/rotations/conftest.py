"""The small company of the syncs, read once; and the sweep of rotations against it."""

import pytest

from governance.rotations import actions
from governance.rotations.models import Duty
from tests.sync.conftest import _no_pauses_between_tries, _no_rows, company, db

__all__ = ["_no_pauses_between_tries", "_no_rows", "company", "db"]

FRED, LIM, OLIVIA = "fred@acme.example", "lim@acme.example", "olivia@acme.example"


class Sweep:
    """What the schedule does each minute, with as many requests as a test leaves it."""

    def __init__(self, company):
        self.company = company
        self.left = 100

    def open(self):
        return actions.open_duties(at=self.company.now)

    def read(self):
        return actions.read_due(
            clock=lambda: self.company.now,
            client_for=self.company.clients,
            left=lambda: self.left,
        )

    def __call__(self, **after):
        if after:
            self.company.later(**after)
        self.open()
        return self.read()

    def left_by(self, email, app="billing-api", **after):
        """Somebody is removed, a sync sees it, and the sweep comes by. The duty."""
        self.company.world.remove(app, email)
        self.company.sync()
        self(**after)
        return self.duty(email, app)

    @staticmethod
    def duty(email, app="billing-api"):
        return Duty.objects.get(person__email=email, app__name=app)


@pytest.fixture
def sweep(company):
    return Sweep(company)


@pytest.fixture
def alice(db, make_user):
    """Admin."""
    return make_user("alice", "admin")
