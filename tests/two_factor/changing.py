"""Whatever can move a standing, drawn by chance: in the shapes in which a sync and people write."""

import random
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from governance.facts.models import AppClass, AppFact
from governance.inventory.models import App, Collaboration, Person, Role, Status, TwoFactorPeriod
from governance.inventory.queries.asof import Moment
from governance.reports.two_factor import standings
from governance.reports.two_factor.models import Standing, Tally
from tests.factories import (
    AppFactory,
    CollaborationFactory,
    PersonFactory,
    TwoFactorPeriodFactory,
)

ROLES, STATUSES = list(Role.values), list(Status.values)


class Company:
    """A company that changes. `seed` decides all of it."""

    def __init__(self, by, seed=0):
        self.chance = random.Random(seed)
        self.by = by
        self.now = timezone.now() - timedelta(days=300)
        self.apps = [AppFactory(health_data=None) for _ in range(6)]
        self.people = [self._person() for _ in range(8)]
        self.done = {}

    def _person(self):
        value = self.chance.choice(["on", "off", "unknown"])
        person = PersonFactory(two_factor=value, first_seen_at=self.now, last_change=None)
        TwoFactorPeriodFactory(person=person, started_at=self.now)
        return person

    def change(self):
        """One transaction with a few of the things that happen."""
        with transaction.atomic():
            for _ in range(self.chance.choice([1, 1, 2, 5])):
                self.now += timedelta(minutes=10)
                what = self.chance.choice(WHAT)
                self.done[what.__name__] = self.done.get(what.__name__, 0) + 1
                what(self)

    def open(self):
        return list(Collaboration.objects.filter(ended_at=None).order_by("pk"))

    def some(self):
        rows = self.open()
        return self.chance.sample(rows, min(len(rows), self.chance.choice([1, 2, 4])))

    def joins(self):
        """Many rows in one statement, as a batch of a sync inserts them."""
        taken = {(row.app_id, row.person_id) for row in self.open()}
        rows = []
        for app in self.apps:
            person = self.chance.choice(self.people)
            if self.chance.random() < 0.5 and (app.pk, person.pk) not in taken:
                rows.append(
                    CollaborationFactory.build(
                        app=app,
                        person=person,
                        role=self.chance.choice(ROLES),
                        status=self.chance.choice(STATUSES),
                        since_at=self.now,
                    )
                )
        Collaboration.objects.bulk_create(rows)

    def leaves(self):
        ids = [row.pk for row in self.some()]
        Collaboration.objects.filter(pk__in=ids).update(ended_after=self.now, ended_at=self.now)

    def becomes(self):
        """A change of role, status or person closes one row and opens another."""
        for row in self.some():
            self._close(row)
            what = self.chance.choice(["role", "status", "person"])
            CollaborationFactory(
                app=row.app,
                person=self.chance.choice(self.people) if what == "person" else row.person,
                role=self.chance.choice(ROLES) if what == "role" else row.role,
                status=self.chance.choice(STATUSES) if what == "status" else row.status,
                since_at=self.now,
            )

    def _close(self, row):
        Collaboration.objects.filter(pk=row.pk).update(ended_after=self.now, ended_at=self.now)

    def turns(self):
        """2FA, as `sync.apply.people` writes it."""
        person = self.chance.choice(self.people)
        person.refresh_from_db()
        value = self.chance.choice([v for v in ("on", "off", "unknown") if v != person.two_factor])
        TwoFactorPeriod.objects.filter(person=person, ended_at=None).update(
            ended_after=self.now, ended_at=self.now
        )
        Person.objects.filter(pk=person.pk).update(two_factor=value, two_factor_read_at=self.now)
        TwoFactorPeriod.objects.create(person=person, value=value, started_at=self.now)

    def is_described(self):
        app = self.chance.choice(self.apps)
        AppFact.objects.filter(app=app, current=True).update(current=False)
        AppFact.objects.create(
            app=app,
            app_class=self.chance.choice(AppClass.values),
            said_by=self.by,
            said_at=self.now,
        )

    def holds_health_data(self):
        app = self.chance.choice(self.apps)
        App.objects.filter(pk=app.pk).update(health_data=self.chance.choice([None, True, False]))

    def is_read_again(self):
        """What a sync writes when nothing moved: it must change nothing here."""
        Collaboration.objects.filter(ended_at=None).update(missing_at=None, digest=b"d" * 16)
        App.objects.update(changed_at=F("changed_at"), digest=b"d" * 32)

    def is_new(self):
        self.people.append(self._person())
        self.apps.append(AppFactory(health_data=self.chance.choice([None, True])))

    def is_forgotten(self):
        """Retention takes a row away."""
        rows = self.some()
        Collaboration.objects.filter(pk=rows[0].pk).delete() if rows else None

    def comes_to_nothing(self):
        """A transaction that is rolled back."""
        try:
            with transaction.atomic():
                self.leaves()
                self.now += timedelta(minutes=10)
                self.turns()
                raise _Undone
        except _Undone:
            pass


class _Undone(Exception):
    pass


WHAT = [
    Company.joins, Company.joins, Company.leaves, Company.becomes, Company.turns,
    Company.is_described, Company.holds_health_data, Company.is_read_again, Company.is_new,
    Company.is_forgotten, Company.comes_to_nothing,
]  # fmt: skip


def kept():
    """The counters: every standing, and the tallies that are not nought."""
    rows = set(Standing.objects.values_list(*_names()))
    tallies = Tally.objects.exclude(people=0).values_list("belongs", "two_factor", "risk", "people")
    return rows, set(tallies)


def live():
    """The same, aggregated from the inventory."""
    with connection.cursor() as cursor:
        sql = standings.of(Moment(timezone.now()))
        cursor.execute(
            f"SELECT {standings.COLUMNS} FROM ({sql}) live",  # noqa: S608
            {"everything": True, "projects": []},
        )
        rows = set(cursor.fetchall())
    tallies = {}
    for row in rows:
        key = (row[1], row[2], row[4])
        tallies[key] = tallies.get(key, 0) + 1
    return rows, {(*key, people) for key, people in tallies.items()}


def _names():
    return [name.strip() for name in standings.COLUMNS.split(",")]
