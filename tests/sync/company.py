"""A small company on a pretend Scalingo, the connections to it, and the syncs that read it."""

import threading
from datetime import UTC, datetime, timedelta

import httpx
from django.db import connection as database

from governance.audit.models import Event, Head
from governance.connections import keys
from governance.connections.models import Connection, State
from governance.emulator import World, wsgi
from governance.inventory.models import App, Collaboration, Person, Scope
from governance.sync import actions, engine
from governance.sync.models import Run
from tests.sync import slate

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PARIS, SECNUM = "osc-fr1", "osc-secnum-fr1"
GHOST = "user account deleted"


class FreeBudget:
    """Requests cost nothing: what the limit does is tested with the budget itself."""

    def take(self, kind, *, on_wait=None):
        return 0.0

    def limited(self, retry_after):
        pass


class Wire(httpx.BaseTransport):
    """The way to the pretend Scalingo. Each request takes `company.step` of the clock."""

    def __init__(self, company):
        self._company = company
        self._lock = threading.Lock()
        self.sleep = lambda _: None
        self._inner = httpx.WSGITransport(
            app=wsgi(
                company.world,
                broken=httpx.ReadError,
                silent=httpx.ReadTimeout,
                sleep=lambda seconds: self.sleep(seconds),
            )
        )

    def handle_request(self, request):
        with self._lock:
            if self._company.step:
                self._company.later(seconds=self._company.step.total_seconds())
            for listen in self._company.on_request:
                listen(request)
        response = self._inner.handle_request(request)
        for listen in list(self._company.on_answer):
            listen(request, response)
        return response


class Company:
    """A world, the connections to it, and the syncs that read it.

    Its clock is the world's: only tests move it. `step` is how long each request takes.
    """

    def __init__(self, world=None):
        self.world = world or World(company="small", anchor=START)
        self.now = self.world.clock.now()
        self.step = timedelta(0)
        self.threads = 1  # so that a schedule means the same each time
        self.on_request = []
        self.on_answer = []
        self.transport = Wire(self)
        self.run = None
        self.first_event = 0  # those before were there when the test began

    # What happens

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
        """Carry out the run that waits, as a worker would."""
        self.run = actions.carry_out_next(
            clock=lambda: self.now, client_for=self.clients, threads=self.threads, **options
        )
        return self.run

    @property
    def clients(self):
        return engine.sweeping(transport=self.transport, budget=FreeBudget())

    def fault(self, **what):
        return self.world.fault(**what)

    def spoil(self, kind, **fault):
        """Spoil the next good answer that matches by one mutation; its fields begin with `m_`."""
        mutation = {name[2:]: fault.pop(name) for name in list(fault) if name.startswith("m_")}
        ending = fault.pop("ending", "whole")
        return self.world.fault(mutations=[{"kind": kind, **mutation}], ending=ending, **fault)

    def crowd(self, app, people, *, first=0, limited=True):
        """Put so many people on an app, who are on no other: person-0@crowd.example and on."""
        for number in range(first, first + people):
            address = f"person-{number}@{app}.example"
            if self.world.account_of(address) is None:
                self.world.add_account(address)
            self.world.add_member(app, address, limited=limited, event=False)

    def disperse(self, app, people, *, first=0):
        for number in range(first, first + people):
            self.world.remove(app, f"person-{number}@{app}.example", event=False)

    def create_app(self, name, owner="olivia@acme.example", region=PARIS):
        return self.world.create_app(name, owner=owner, region=region)

    # What is true, and what is known

    def truth(self):
        """What is on the platform now, as `known` puts it."""
        return {
            (
                app.name,
                one.email.lower(),
                "limited" if one.limited else "collaborator",
                "deleted" if one.status == GHOST else one.status,
            )
            for app in self.world.apps()
            for one in (self.world.member(app, place) for place in app.collaborations.values())
        }

    @staticmethod
    def known():
        """What the inventory holds now, owners left out."""
        rows = Collaboration.objects.open().exclude(role="owner").select_related("app", "person")
        return {
            (row.app.name, row.person.email.lower(), row.role, row.status_said or row.status)
            for row in rows
        }

    @staticmethod
    def app(name):
        return App.objects.get(name=name)

    @staticmethod
    def person(email):
        """Whoever has this address now, in any case, and was not merged into another."""
        return Person.objects.get(email__iexact=email, merged_into=None)

    @staticmethod
    def periods(app, email):
        """The periods of whoever had this address on an app, oldest first."""
        found = Collaboration.objects.filter(app__name=app, person__email__iexact=email)
        return list(found.order_by("started_at", "id"))

    def period(self, app, email):
        """The only period of whoever has this address on an app."""
        (only,) = self.periods(app, email)
        return only

    def period_of_now(self, app, email):
        """The open period of whoever has this address on an app."""
        return Collaboration.objects.open().get(app__name=app, person__email__iexact=email)

    @staticmethod
    def period_of(app, person):
        """The only period of a person on an app."""
        return Collaboration.objects.get(app__name=app, person=person)

    @staticmethod
    def scope(kind, region=PARIS, app=""):
        return Scope.objects.get(kind=kind, region__name=region, app_scalingo_id=app)

    def events(self, prefix="platform."):
        """The kinds of the events since the test began, oldest first."""
        found = Event.objects.filter(sequence__gt=self.first_event, kind__startswith=prefix)
        return list(found.order_by("sequence").values_list("kind", flat=True))

    def problems(self, run=None):
        """What the steps of a run say: (region, scope, reason, sentence)."""
        steps = (run or self.run).steps.all()
        return [
            (step.region_name, one["scope"], one["reason"], one["sentence"])
            for step in steps
            for one in step.problems
        ]

    def reasons(self, run=None):
        return {reason for _, _, reason, _ in self.problems(run)}

    def requests(self, run=None):
        return (run or self.run).requests

    @staticmethod
    def rows_of(table):
        """Every row of a table with the transaction that wrote it."""
        with database.cursor() as cursor:
            cursor.execute(f"SELECT xmin::text, t::text FROM {table} t ORDER BY 2")  # noqa: S608
            return cursor.fetchall()


_first = {}  # what the first sync of the small company leaves, made once for all tests


def unread_company():
    """The small company with olivia connected, and nothing read yet. The tables must be empty."""
    company = Company()
    company.olivia = company.connect("olivia@acme.example")
    return company


def read_company():
    """The same after one whole sync; what the tables held before is gone."""
    if not _first:
        company = unread_company()
        run = company.sync()
        assert run.state == "complete", company.problems()
        _first["rows"], _first["now"] = slate.take(), company.now
    slate.put(_first["rows"])
    company = Company()
    company.now = _first["now"]
    company.world.set_clock(company.now)
    company.olivia = Connection.objects.get()
    company.first_event = Head.objects.get().sequence
    return company
