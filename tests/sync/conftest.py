"""A small company on a pretend Scalingo, connected; and a clock that only tests move."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from governance.connections import keys
from governance.connections.models import Connection, State
from governance.emulator import World, wsgi
from governance.inventory.models import Collaboration
from governance.sync import actions, engine
from governance.sync.models import Run

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class FreeBudget:
    """Requests cost nothing: what the limit does is tested with the budget itself."""

    def take(self, kind, *, on_wait=None):
        return 0.0

    def limited(self, retry_after):
        pass


class Company:
    """A world, the connections to it, and the syncs that read it."""

    def __init__(self, world):
        self.world = world
        self.now = world.clock.now()
        self.transport = httpx.WSGITransport(
            app=wsgi(world, broken=httpx.ReadError, silent=httpx.ReadTimeout, sleep=lambda _: None)
        )

    def connect(self, address, name=None):
        account = self.world.account(address)
        return Connection.objects.create(
            name=name or address,
            sealed_token=keys.seal(self.world.token_of(address)),
            state=State.WORKING,
            account_id=account.id,
            account_email=account.email,
            account_username=account.username,
            token_set_at=self.now,
        )

    def later(self, **span):
        self.now += timedelta(**span)
        self.world.set_clock(self.now)

    def sync(self, *, connection=None, after=None, **options):
        """One whole sync, `after` that long (default ten minutes)."""
        self.later(**(after or {"minutes": 10}))
        actions.request(by=None, at=self.now, trigger=Run.Trigger.TERMINAL, connection=connection)
        return self.carry_out(**options)

    def carry_out(self, **options):
        return actions.carry_out_next(
            clock=lambda: self.now,
            client_for=engine.sweeping(transport=self.transport, budget=FreeBudget()),
            **options,
        )

    def truth(self):
        """What is on the platform now, as `known` puts it."""
        names = {(app.region, app.id): app.name for app in self.world.apps_at(self.now)}
        return {
            (
                names[one.region, one.app_id],
                one.email.lower(),
                "limited" if one.limited else "collaborator",
                "deleted" if one.status == "user account deleted" else one.status,
            )
            for one in self.world.members_at(self.now)
        }

    @staticmethod
    def known():
        """What the inventory holds now, owners left out."""
        rows = Collaboration.objects.open().exclude(role="owner").select_related("app", "person")
        return {
            (row.app.name, row.person.email.lower(), row.role, row.status_said or row.status)
            for row in rows
        }


@pytest.fixture
def company(transactional_db):
    """The small company, olivia connected; nothing read yet."""
    company = Company(World(company="small", anchor=START))
    company.olivia = company.connect("olivia@acme.example")
    return company
