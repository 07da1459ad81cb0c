"""Rows that are valid by default, one class per model; traits name situations.

    PersonFactory(two_factor="off")
    CollaborationFactory(pending=True, app=billing)
    AppFactory(stale=True)
    RunFactory(failed=True)

Moments lie in the past of the real clock, so that pages that read it show them as they would.
"""

from datetime import timedelta

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from governance.accounts.models import Role as UserRole
from governance.accounts.models import User
from governance.changes.models import Batch, Change, Preview
from governance.connections.models import Connection, State
from governance.inventory.models import (
    App,
    AppPeriod,
    Attribution,
    Collaboration,
    Coverage,
    Identity,
    LastChange,
    Person,
    Project,
    Region,
    Role,
    Scope,
    Status,
    TwoFactor,
    TwoFactorPeriod,
)
from governance.reports.models import Chunk, Download, Export, Schedule
from governance.reports.two_factor.models import Decision, Review, Reviewed
from governance.rotations.models import Duty, Evidence, Secret
from governance.sync.models import HeldRemoval, Run, Step

PASSWORD = "a long enough password"


def ago(**span):
    """The moment that long before now: `ago(days=3)`."""
    return timezone.now() - timedelta(**span)


def at(**span):
    """As `ago`, for each row anew."""
    return factory.LazyFunction(lambda: ago(**span))


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        # A manager who sees the apps of `projects` and no others.
        lead = factory.Trait(roles=[UserRole.VIEWER], scoped=True)
        auditor = factory.Trait(roles=[UserRole.AUDITOR])
        admin = factory.Trait(roles=[UserRole.ADMIN])
        operator = factory.Trait(roles=[UserRole.OPERATOR])
        nobody = factory.Trait(roles=[])

    email = factory.Sequence(lambda n: f"user-{n}@example.com")
    name = factory.Sequence(lambda n: f"User {n}")
    roles = factory.LazyFunction(lambda: [UserRole.VIEWER])
    password = factory.django.Password(PASSWORD)


class ConnectionFactory(DjangoModelFactory):
    class Meta:
        model = Connection

    class Params:
        refused = factory.Trait(
            state=State.REFUSED, said="Scalingo refuses this token. Replace it."
        )
        paused = factory.Trait(paused_at=at(days=1))
        untested = factory.Trait(
            state=State.UNTESTED,
            sealed_token=None,
            sealed_candidate=b"sealed",
            account_id="",
            tested_at=None,
        )

    name = factory.Sequence(lambda n: f"Owner account {n}")
    sealed_token = b"sealed"
    state = State.WORKING
    account_id = factory.Sequence(lambda n: f"us-account-{n}")
    account_email = factory.Sequence(lambda n: f"owner-{n}@example.com")
    account_username = factory.Sequence(lambda n: f"owner-{n}")
    tested_at = at(days=30)
    token_set_at = at(days=30)


class RegionFactory(DjangoModelFactory):
    class Meta:
        model = Region
        django_get_or_create = ("name",)

    name = "osc-fr1"
    display_name = "Paris"
    first_seen_at = at(days=400)


class ProjectFactory(DjangoModelFactory):
    class Meta:
        model = Project

    region = factory.SubFactory(RegionFactory)
    scalingo_id = factory.Sequence(lambda n: f"prj-{n}")
    name = factory.Sequence(lambda n: f"Project {n}")


class ScopeFactory(DjangoModelFactory):
    """What one request reads; read four minutes ago, unless `unread`."""

    class Meta:
        model = Scope
        skip_postgeneration_save = True

    class Params:
        stale = factory.Trait(
            stale_since=at(hours=5),
            stale_reason="unavailable",
            stale_detail="Scalingo did not answer in time.",
        )

    connection_id = factory.LazyFunction(lambda: ConnectionFactory().pk)
    region = factory.SubFactory(RegionFactory)
    kind = Scope.Kind.COLLABORATORS

    @factory.post_generation
    def unread(self, create, extracted, **kwargs):
        if create and not extracted:
            CoverageFactory(scope=self, **kwargs)


class CoverageFactory(DjangoModelFactory):
    class Meta:
        model = Coverage

    scope = factory.SubFactory(ScopeFactory, unread=True)
    since = at(days=30)
    until = at(minutes=4)
    readings = 4000
    digest = b"d" * 32


class PersonFactory(DjangoModelFactory):
    class Meta:
        model = Person
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person-{n}")
    email = factory.LazyAttribute(lambda person: f"{person.username or 'somebody'}@example.com")
    two_factor = TwoFactor.ON
    two_factor_read_at = at(minutes=4)
    first_seen_at = at(days=200)
    last_change = factory.RelatedFactory(
        "tests.factories.LastChangeFactory", factory_related_name="person"
    )


class LastChangeFactory(DjangoModelFactory):
    class Meta:
        model = LastChange

    person = factory.SubFactory(PersonFactory, last_change=None)
    at = at(days=200)


class IdentityFactory(DjangoModelFactory):
    class Meta:
        model = Identity

    person = factory.SubFactory(PersonFactory)
    kind = Identity.Kind.USER_ID
    value = factory.Sequence(lambda n: f"us-{n}")
    started_at = at(days=200)


class TwoFactorPeriodFactory(DjangoModelFactory):
    class Meta:
        model = TwoFactorPeriod

    person = factory.SubFactory(PersonFactory)
    value = factory.SelfAttribute("person.two_factor")
    started_at = at(days=200)


class AppFactory(DjangoModelFactory):
    class Meta:
        model = App

    class Params:
        stale = factory.Trait(stale_since=at(hours=2), stale_reason="not_understood")
        gone = factory.Trait(gone_at=at(days=3))
        database = factory.Trait(kind=App.Kind.DATABASE)
        review = factory.Trait(parent_name="billing-api")

    region = factory.SubFactory(RegionFactory)
    scalingo_id = factory.Sequence(lambda n: f"app-{n}")
    name = factory.Sequence(lambda n: f"app-{n}")
    scope = None
    project = None
    owner = None
    first_seen_at = at(days=300)
    changed_at = at(days=200)


class AppPeriodFactory(DjangoModelFactory):
    class Meta:
        model = AppPeriod

    app = factory.SubFactory(AppFactory)
    name = factory.SelfAttribute("app.name")
    project = factory.SelfAttribute("app.project")
    started_at = at(days=300)


class CollaborationFactory(DjangoModelFactory):
    class Meta:
        model = Collaboration

    class Params:
        owner = factory.Trait(role=Role.OWNER, collaborator_id=Collaboration.OWNER_ID)
        pending = factory.Trait(status=Status.PENDING, since_at=at(days=12))
        deleted = factory.Trait(status=Status.DELETED)
        ended = factory.Trait(ended_after=at(days=5, minutes=10), ended_at=at(days=5))

    app = factory.SubFactory(AppFactory)
    person = factory.SubFactory(PersonFactory)
    collaborator_id = factory.Sequence(lambda n: f"us-collaborator-{n}")
    role = Role.COLLABORATOR
    status = Status.ACCEPTED
    since_at = at(days=100)
    since_after = factory.LazyAttribute(lambda row: row.since_at - timedelta(minutes=10))
    started_at = factory.SelfAttribute("since_at")
    started_after = factory.SelfAttribute("since_after")


class AttributionFactory(DjangoModelFactory):
    class Meta:
        model = Attribution

    class Params:
        named = factory.Trait(
            source=Attribution.Source.EVENT,
            actor=factory.SubFactory(PersonFactory),
            happened_at=factory.SelfAttribute("collaboration.started_at"),
            event_id="event-1",
        )

    collaboration = factory.SubFactory(CollaborationFactory)
    edge = Attribution.Edge.START
    source = Attribution.Source.UNEXPLAINED


class RunFactory(DjangoModelFactory):
    """A sync that ended four minutes ago and read everything."""

    class Meta:
        model = Run

    class Params:
        waiting = factory.Trait(
            state=Run.State.WAITING,
            started_at=None,
            beat_at=None,
            finished_at=None,
            seconds=None,
            requested_at=at(seconds=20),
        )
        running = factory.Trait(
            state=Run.State.RUNNING,
            requested_at=at(seconds=50),
            started_at=at(seconds=45),
            beat_at=at(seconds=1),
            finished_at=None,
            seconds=None,
        )
        partial = factory.Trait(state=Run.State.PARTIAL)
        failed = factory.Trait(state=Run.State.FAILED)

    trigger = Run.Trigger.SCHEDULE
    requested_at = at(minutes=5)
    started_at = factory.SelfAttribute("requested_at")
    beat_at = factory.SelfAttribute("requested_at")
    finished_at = at(minutes=4)
    state = Run.State.COMPLETE
    attempts = 1
    seconds = 12.5
    requests = factory.LazyFunction(lambda: {"GET /apps": 2, "GET /collaborators": 2})
    found = factory.LazyFunction(lambda: {"apps": 2, "people": 3, "collaborations": 5})
    # Nothing: the frame then counts the apps itself.
    coverage = factory.LazyFunction(dict)


class StepFactory(DjangoModelFactory):
    class Meta:
        model = Step

    run = factory.SubFactory(RunFactory)
    connection_id = factory.LazyFunction(lambda: ConnectionFactory().pk)
    connection_name = "Owner account"
    region_name = "osc-fr1"
    state = Step.State.COMPLETE
    done = 2
    total = 2


class HeldRemovalFactory(DjangoModelFactory):
    class Meta:
        model = HeldRemoval

    run = factory.SubFactory(RunFactory)
    reason = HeldRemoval.Reason.TOO_MANY
    plan = factory.LazyFunction(list)
    total = factory.LazyAttribute(lambda held: len(held.plan))
    digest = b"h" * 32
    held_at = at(minutes=4)


class DutyFactory(DjangoModelFactory):
    """Somebody left an app three days ago; due in four days."""

    class Meta:
        model = Duty

    class Params:
        offered = factory.Trait(state="offered", offered_at=at(hours=5))
        overdue = factory.Trait(departed_at=at(days=12), due_at=at(days=5))
        closed = factory.Trait(
            state="closed",
            closed_at=at(days=1),
            closed_by=factory.SubFactory(UserFactory, admin=True),
            note="All keys are new.",
            next_read_at=None,
        )
        nothing = factory.Trait(
            knowledge="names", role=Role.LIMITED, full_until=None, state="closed",
            closed_at=at(days=3), next_read_at=None,
        )  # fmt: skip
        unread = factory.Trait(names_read_at=None, databases_read_at=None, events_until=None)

    app = factory.SubFactory(AppFactory)
    person = factory.SubFactory(PersonFactory)
    collaboration = factory.SubFactory(
        CollaborationFactory,
        ended=True,
        app=factory.SelfAttribute("..app"),
        person=factory.SelfAttribute("..person"),
    )
    why = "left"
    role = Role.COLLABORATOR
    knowledge = "values"
    since_at = at(days=100)
    departed_at = at(days=3)
    departed_after = factory.LazyAttribute(lambda duty: duty.departed_at - timedelta(minutes=10))
    full_until = factory.SelfAttribute("departed_at")
    app_class = "production"
    opened_at = factory.SelfAttribute("departed_at")
    due_at = factory.LazyAttribute(lambda duty: duty.departed_at + timedelta(days=7))
    names_read_at = at(days=3)
    databases_read_at = at(days=3)
    events_from = factory.SelfAttribute("departed_at")
    events_until = at(hours=2)
    next_read_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=4))


class SecretFactory(DjangoModelFactory):
    class Meta:
        model = Secret

    class Params:
        user = factory.Trait(kind="database_user", place="billing_api_0001", needs_support=True)

    duty = factory.SubFactory(DutyFactory)
    kind = "variable"
    name = factory.Sequence(lambda n: f"KEY_{n}")


class EvidenceFactory(DjangoModelFactory):
    class Meta:
        model = Evidence

    duty = factory.SubFactory(DutyFactory)
    event_id = factory.Sequence(lambda n: f"event-{n}")
    variable = "KEY"
    what = "changed"
    seen_at = at(hours=20)
    at = at(days=1)


class PreviewFactory(DjangoModelFactory):
    class Meta:
        model = Preview

    purpose = "invite"
    made_by = factory.SubFactory(UserFactory, admin=True)
    made_at = at(minutes=1)
    source = "page"


class BatchFactory(DjangoModelFactory):
    class Meta:
        model = Batch

    preview = factory.SubFactory(
        PreviewFactory,
        purpose=factory.SelfAttribute("..purpose"),
        made_by=factory.SelfAttribute("..decided_by"),
    )
    purpose = "invite"
    decided_by = factory.SubFactory(UserFactory, admin=True)
    decided_at = at(minutes=1)
    reason = "Ticket 4711"
    source = "page"


class ChangeFactory(DjangoModelFactory):
    """An invitation that waits; `told`, `verified`, `failed` and so on are further."""

    class Meta:
        model = Change

    class Params:
        removal = factory.Trait(kind="remove", role="", role_before="collaborator")
        told = factory.Trait(state="told", tells=1, told_at=at(seconds=20))
        verified = factory.Trait(
            state="verified",
            tells=1,
            told_at=at(seconds=20),
            verified_at=at(seconds=10),
            ended_at=at(seconds=5),
        )
        failed = factory.Trait(state="failed", code="given_up", ended_at=at(seconds=5))
        unknown = factory.Trait(state="unknown", tells=1)

    batch = factory.SubFactory(BatchFactory)
    position = factory.Sequence(lambda n: n)
    kind = "invite"
    app = factory.SubFactory(AppFactory)
    email = factory.Sequence(lambda n: f"invited-{n}@example.com")
    address = factory.LazyAttribute(lambda change: change.email.lower())
    role = "limited"
    due_at = factory.LazyFunction(lambda: ago(seconds=-30))


class ScheduleFactory(DjangoModelFactory):
    """The access register by app, each month, to whoever set it up."""

    class Meta:
        model = Schedule
        skip_postgeneration_save = True

    class Params:
        of_projects = factory.Trait(everything=False)
        paused = factory.Trait(paused_at=at(days=1))

    report = "access-by-app"
    asked = factory.LazyFunction(lambda: {"at": None, "since": None, "filters": {}})
    format = "csv"
    every = "month"
    made_by = factory.SubFactory(UserFactory, auditor=True)
    made_at = at(days=40)
    everything = True
    next_at = factory.LazyFunction(lambda: ago(days=-9))

    @factory.post_generation
    def recipients(self, create, extracted, **_options):
        if create:
            self.recipients.set(extracted if extracted is not None else [self.made_by])


class ExportFactory(DjangoModelFactory):
    """The access register by app as CSV; waiting, unless `ready`, `failed` or `deleted`."""

    class Meta:
        model = Export
        skip_postgeneration_save = True

    class Params:
        of_projects = factory.Trait(everything=False)
        made = factory.Trait(
            file_name="access-by-app-20260302T093000Z.csv",
            rows=9,
            done=9,
            expected=9,
            bytes=9,
            sha256="2f" * 32,
            equation="population 9 = owners 4 + accepted 4 + pending 1",
            coverage="4 of 4 apps read",
            complete=True,
            ended_at=at(hours=1),
            expires_at=factory.LazyFunction(lambda: ago(days=-89)),
        )
        ready = factory.Trait(made=True, state="ready", lease=1)
        partial = factory.Trait(
            ready=True,
            complete=False,
            partial_because=["1 of 4 apps was not read around that time (osc-fr1 1)."],
        )
        deleted = factory.Trait(made=True, state="deleted", deleted_at=at(minutes=5))
        failed = factory.Trait(
            state="failed", said="There is no report of that name.", ended_at=at(hours=1)
        )
        making = factory.Trait(
            state="making",
            lease=1,
            leased_until=factory.LazyFunction(lambda: ago(minutes=-2)),
            done=41_200,
            expected=120_000,
        )

    report = "access-by-app"
    asked = factory.LazyFunction(lambda: {"at": None, "since": None, "filters": {}})
    format = "csv"
    as_of = at(hours=1)
    asked_by = factory.SubFactory(UserFactory, auditor=True)
    roles = factory.LazyAttribute(lambda export: list(export.asked_by.roles))
    asked_at = at(hours=1)
    source = "page"
    everything = True

    @factory.post_generation
    def data(self, create, extracted, **_options):
        if create and self.state == "ready":
            Chunk.objects.create(export=self, lease=1, number=0, data=extracted or b"some rows")


class ReviewFactory(DjangoModelFactory):
    """An open review of 2FA; with `one`, of one person."""

    class Meta:
        model = Review
        skip_postgeneration_save = True

    started_by = factory.SubFactory(UserFactory, admin=True)
    as_of = at(days=1)
    due_at = factory.LazyAttribute(lambda review: review.as_of + timedelta(days=14))
    numbers = factory.LazyFunction(
        lambda: {"known": [3, 1, 0], "accepted": [3, 1, 1], "everyone": [3, 1, 2]}
    )
    rows = 0

    @factory.post_generation
    def one(self, create, extracted, **kwargs):
        if create and extracted:
            ReviewedFactory(review=self, **kwargs)


class ReviewedFactory(DjangoModelFactory):
    class Meta:
        model = Reviewed

    review = factory.SubFactory(ReviewFactory)
    number = 1
    person_id = factory.LazyFunction(lambda: PersonFactory(two_factor="off").pk)
    email = factory.Sequence(lambda n: f"reviewed-{n}@example.com")
    belongs = "accepted"
    risk = 2
    since = at(days=40)
    days = 39
    apps = 3
    full_role = 1
    owned = 0
    production = 1
    health_data = 0
    reminders = 0


class DecisionFactory(DjangoModelFactory):
    class Meta:
        model = Decision

    reviewed = factory.SubFactory(ReviewedFactory)
    what = "remind"
    by = factory.SubFactory(UserFactory, admin=True)
    at = at(hours=1)


class DownloadFactory(DjangoModelFactory):
    class Meta:
        model = Download

    export = factory.SubFactory(ExportFactory, ready=True)
    by = factory.SubFactory(UserFactory, auditor=True)
    at = at(minutes=20)
