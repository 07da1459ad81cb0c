"""The company of the sync's tests with somebody who acts: plans, places, tells, looks."""

from datetime import timedelta

from governance.audit.events import Source
from governance.audit.models import Event
from governance.changes import actions, plans, queries
from governance.changes.models import Change
from governance.connections.budget import Kind
from governance.connections.clients import client_for
from governance.inventory.models import App, Collaboration, Person
from governance.sync import engine, looking

GRACE = timedelta(seconds=30)
REASON = "Ticket 4711"


class Acting:
    """A company (`tests.sync.company`), whose clock it uses, and an admin of the dashboard."""

    def __init__(self, company, admin):
        self.company = company
        self.admin = admin

    def __getattr__(self, name):
        return getattr(self.company, name)

    # What the admin does

    def app_ids(self, *names):
        return [App.objects.get(name=name).pk for name in names]

    @staticmethod
    def pairs(*named):
        """(person id, app id) of (address, app name)."""
        return [
            (
                Person.objects.get(email__iexact=email, merged_into=None).pk,
                App.objects.get(name=app).pk,
            )
            for email, app in named
        ]

    def invitation(self, email, *apps, role="limited", by=None):
        emails = [email] if isinstance(email, str) else email
        return plans.plan_invitations(
            emails, self.app_ids(*apps), by=by or self.admin, at=self.now, role=role
        )

    def removal(self, *named, by=None):
        return plans.plan_removals(self.pairs(*named), by=by or self.admin, at=self.now)

    def new_role(self, role, *named, by=None):
        return plans.plan_roles(self.pairs(*named), role, by=by or self.admin, at=self.now)

    def again(self, *named, **options):
        return plans.plan_again(self.pairs(*named), by=self.admin, at=self.now, **options)

    def offboarding(self, email, by=None):
        found = Person.objects.filter(email__iexact=email, merged_into=None)
        person = found.order_by("-username").first()
        return plans.plan_offboarding(person, by=by or self.admin, at=self.now)

    def retry(self, batch):
        """Place again what of a batch came to nothing."""
        plan = plans.plan_retry(batch, by=self.admin, at=self.now)
        return self.place(plan, reason="again").batch

    def keep(self, plan, by=None):
        return plans.keep(plan, by=by or self.admin, source=Source.PAGE)

    def place(self, plan, *, by=None, typed=None, **options):
        by = by or self.admin
        kept = plan if plan.id else self.keep(plan, by)
        return actions.place(
            kept.id,
            by=by,
            at=self.now,
            **{
                "reason": REASON,
                "source": Source.PAGE,
                "typed": plan.typed.text if typed is None else typed,
                **options,
            },
        )

    def cancel(self, *changes, by=None):
        ids = [change.pk for change in changes]
        return actions.cancel(ids, by=by or self.admin, source=Source.PAGE, at=self.now)

    # What the workers do

    def tellers(self, connection, on_wait):
        return client_for(
            connection,
            kind=Kind.INTERACTIVE,
            transport=self.company.transport,
            budget=self.budget,
            on_wait=on_wait,
        )

    @property
    def budget(self):
        from tests.sync.company import FreeBudget

        return FreeBudget()

    def tell(self, **later):
        """Let the grace time pass (or `later`), and tell what is due."""
        self.company.later(**(later or {"seconds": GRACE.total_seconds()}))
        return actions.tell_due(clock=lambda: self.now, client_for=self.tellers)

    def look(self, **later):
        """Read what changes ask for, as the sweep of a minute does."""
        self.company.later(**(later or {"seconds": 1}))
        return looking.read_asked(
            clock=lambda: self.now,
            client_for=engine.sweeping(transport=self.company.transport, budget=self.budget),
            threads=1,
        )

    def sweep(self, **later):
        """What a minute's sweep does, and the look it asks for."""
        self.company.later(**(later or {"minutes": 1}))
        actions.give_up_on_the_lost(at=self.now)
        actions.seen(at=self.now)
        actions.tell_due(clock=lambda: self.now, client_for=self.tellers)
        self.look()

    @property
    def now(self):
        return self.company.now

    # What Scalingo does wrong

    def sync_without(self, app):
        """A sync that is told of nobody on `app`, though all of them are still there."""
        which = App.objects.get(name=app)
        one = f"/v1/apps/{which.scalingo_id}/collaborators"
        self.spoil("drop_rows", path="/v1/collaborators", m_where={"app_name": app})
        self.spoil("empty", path=one, times=None)
        self.sync()
        self.world.faults.clear()
        rows = Collaboration.objects.open().filter(app=which).exclude(role="owner")
        assert set(rows.values_list("missing_at", flat=True)) == {self.now}

    # What there is

    def changes(self):
        return list(Change.objects.order_by("batch__decided_at", "position"))

    def states(self):
        """State and code of each change, as they were placed."""
        return [(change.state, change.code) for change in self.changes()]

    def steps(self, change):
        """The kinds of the events about one change, oldest first, without their family."""
        found = Event.objects.filter(target_id=change.pk).order_by("sequence")
        return [kind.removeprefix("change.") for kind in found.values_list("kind", flat=True)]

    def mails(self, email=None, app=None):
        return [
            mail
            for mail in self.world.mails
            if email in (None, mail["to"]) and app in (None, mail["app"])
        ]

    def orders(self):
        """The requests that changed something, as "DELETE /v1/…", in the order they came."""
        return [
            f"{one.method} {one.path}"
            for one in self.world.traffic.latest
            if one.method != "GET" and "tokens" not in one.path
        ]

    def lines(self, batch):
        return queries.of_batch(batch, self.admin, at=self.now)
