"""A world lives through weeks, is read now and then, and is asked afterwards who was there when.

The platform's own history is the truth: at any instant, who counts as being there is who was there
at the reading before, and what is in doubt is exactly what differs at the next one.
"""

import contextlib
import os
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from django.db import connection

from governance.accounts.models import User
from governance.emulator import Impossible, Unknown
from governance.inventory.models import App, AppPeriod, Collaboration, Identity, Person
from governance.inventory.queries import asof, people, tree
from tests.sync.company import unread_company
from tests.sync.conftest import _no_pauses_between_tries, _no_rows, db
from tests.sync.schedules.acts import Acts

__all__ = ["_no_pauses_between_tries", "_no_rows", "db"]

# A failing world says its number: SCHEDULE=417 replays that one alone.
ASKED = [int(os.environ["SCHEDULE"])] if "SCHEDULE" in os.environ else None
SEEDS = ASKED or range(4)
READINGS = 9
SPANS = ({"minutes": 10}, {"minutes": 10}, {"minutes": 40}, {"hours": 13}, {"days": 4})
# What is not asked for twice: one removal per reading and app is less than the guard minds.
_LIKELY = (
    *(Acts.invite, Acts.accept, Acts.accept_as_other, Acts.join, Acts.join, Acts.role),
    *(Acts.rename, Acts.move, Acts.two_factor, Acts.delete_account),
)


class Replay:
    """A company, the moments at which it was read whole, and what was true at each."""

    def __init__(self, seed):
        self.random, self.counts = Random(seed), Counter()
        self.company = unread_company()
        self.world = self.company.world
        self.acts = Acts(self.company, self.random, self.counts)
        self.readings = []
        self._read()
        for _ in range(READINGS - 1):
            self.company.later(**self.random.choice(SPANS))
            for _ in range(self.random.randint(0, 6)):
                with contextlib.suppress(IndexError):  # nobody is left whom it could happen to
                    self.acts.one(self.random.choice(_LIKELY))
                self.company.later(seconds=self.random.choice((0, 1, 30)))
            self._some_leave()
            self._read()

    def _read(self):
        run = self.company.sync(after={"seconds": 7})
        assert run.state == "complete", self.company.problems()
        self.readings.append(self.company.now)

    def _some_leave(self):
        for app in self.acts.apps():
            if len(app.collaborations) > 2 and self.random.random() < 0.5:
                place = self.random.choice(sorted(app.collaborations.values(), key=lambda o: o.id))
                try:
                    self.world.remove(app, place)
                    self.counts["left"] += 1
                except (Impossible, Unknown):
                    pass

    # --- what was true ----------------------------------------------------------------------------

    def truth(self, reading):
        """(region, app, collaborator, role, status) of everybody at a reading, owners left out."""
        apps = self.known()
        return {
            (
                one.region,
                one.app_id,
                one.collaborator_id,
                "limited" if one.limited else "collaborator",
                one.status.replace("user account deleted", "deleted"),
            )
            for one in self.world.members_at(reading)
            if (one.region, one.app_id) in apps
        }

    @staticmethod
    def known():
        return set(App.objects.exclude(scope=None).values_list("region__name", "scalingo_id"))

    def names(self, reading):
        apps = self.known()
        return {
            (app.region, app.id, app.name)
            for app in self.world.apps_at(reading)
            if (app.region, app.id) in apps
        }

    def two_factor(self, reading):
        """2FA by account, of those whom the reading showed."""
        apps = self.known()
        shown = {
            one.user_id
            for one in self.world.members_at(reading)
            if one.status == "accepted" and (one.region, one.app_id) in apps
        }
        return {
            account.id: "on" if account.two_factor else "off"
            for account in self.world.accounts_at(reading)
            if account.id in shown and not account.deleted
        }

    # --- instants ---------------------------------------------------------------------------------

    def instants(self):
        """At each reading, just beside it, and anywhere between: (instant, before, after)."""
        moment = timedelta(microseconds=1)
        for before, after in zip(self.readings, self.readings[1:], strict=False):
            span = (after - before).total_seconds()
            yield before, before, after
            yield before + moment, before, after
            yield after - moment, before, after
            for _ in range(3):
                yield before + timedelta(seconds=self.random.uniform(0.001, span)), before, after
        yield self.readings[-1], self.readings[-1], None


def rows_of(found):
    found = found.exclude(collaborator_id="owner").values_list(
        "app__region__name", "app__scalingo_id", "collaborator_id", "role", "status"
    )
    listed = list(found)
    assert len(listed) == len(set(listed))
    return set(listed)


@pytest.fixture
def everybody(db):
    return User.objects.create(email="viewer@example.com", name="V", roles=["viewer"])


@pytest.mark.parametrize("seed", SEEDS)
def test_who_counts_is_who_was_there_at_the_reading_before(everybody, seed):
    replay = Replay(seed)
    try:
        for instant, before, after in replay.instants():
            there_is_the_truth(replay, instant, before, after)
            if instant == before:
                lists_agree(everybody, instant)
        nothing_is_known_before(replay)
    except Exception as error:
        error.add_note(f"To see it again: SCHEDULE={seed} make test ARGS='-k reading_before'")
        raise


def there_is_the_truth(replay, instant, before, after):
    truth = replay.truth(before)
    assert rows_of(Collaboration.objects.at(instant)) == truth
    assert {
        (row.app.region.name, row.app.scalingo_id, row.name)
        for row in AppPeriod.objects.at(instant).select_related("app__region")
        if row.app.scope_id
    } == replay.names(before)
    # One sync may say of an owner first that it is unknown, and a microsecond later what it is.
    settled = max(instant, before + timedelta(microseconds=2))
    known = dict(
        Identity.objects.filter(kind="user_id", ended_at=None)
        .annotate(then=asof.two_factor_at(settled, of="person"))
        .values_list("value", "then")
    )
    told = replay.two_factor(before)
    assert {account: known.get(account) for account in told} == told
    if after is not None and instant > before:
        later = replay.truth(after)
        assert rows_of(in_doubt("may_have_ended", instant)) == truth - later
        assert rows_of(in_doubt("may_have_begun", instant)) == later - truth


def in_doubt(piece, instant):
    sql = getattr(asof, piece)("k")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT k.id FROM inventory_collaboration k WHERE {sql}",  # noqa: S608
            {"at": instant},
        )
        return Collaboration.objects.filter(pk__in=[row[0] for row in cursor.fetchall()])


def lists_agree(user, instant):
    """The lists count what the periods have."""
    held = Collaboration.objects.at(instant)
    listed = people.listed(user, people.Where(at=instant))
    assert set(listed.values_list("pk", flat=True)) == set(held.values_list("person", flat=True))
    wanted = tree.Wanted(only_with_collaborators=False, at=instant)
    heads = tree.heads(user, wanted, size=100).heads
    assert {head.id: head.people for head in heads} == {
        app: held.filter(app=app).count()
        for app in AppPeriod.objects.at(instant).values_list("app", flat=True)
    }


def nothing_is_known_before(replay):
    first = replay.readings[0] - timedelta(seconds=1)

    assert not Collaboration.objects.at(first).exists()
    for app in App.objects.exclude(scope=None):
        assert asof.readings_around(app, first).knowledge(first) == asof.Knowledge.UNKNOWN
    assert Person.objects.filter(first_seen_at__lte=first).count() == 0


def test_the_worlds_are_lively(db):
    """A world in which nothing happens would prove nothing."""
    replay = Replay(0)

    assert replay.counts["left"] >= 3
    assert sum(replay.counts.values()) >= 15
    changed = [
        replay.truth(after) != replay.truth(before)
        for before, after in zip(replay.readings, replay.readings[1:], strict=False)
    ]
    assert sum(changed) >= 5
