"""Who was where at an instant, and how far that is known."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from governance.inventory.models import AppPeriod, Collaboration, Person, Scope, TwoFactorPeriod
from governance.inventory.queries import asof
from governance.inventory.queries.asof import Knowledge, Moment, Readings
from tests.factories import (
    AppFactory,
    AppPeriodFactory,
    CollaborationFactory,
    CoverageFactory,
    PersonFactory,
    ProjectFactory,
    ScopeFactory,
    TwoFactorPeriodFactory,
)


def day(number, hour=12):
    return datetime(2026, 3, number, hour, tzinfo=UTC)


# One period: last read without on the 2nd, first with on the 4th, last with on the 10th, first
# without on the 12th.
EDGES = {
    "started_after": day(2),
    "started_at": day(4),
    "since_after": day(2),
    "since_at": day(4),
    "ended_after": day(10),
    "ended_at": day(12),
}
PIECES = {
    "believed": asof.believed,
    "there": asof.there,
    "may have ended": asof.may_have_ended,
    "may have begun": asof.may_have_begun,
}


def what_is_said(row, at):
    """The names of the pieces that are true of a row."""
    asked = ", ".join(piece("k") for piece in PIECES.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {asked} FROM inventory_collaboration k WHERE k.id = %(id)s",  # noqa: S608
            {"id": row.pk, "at": at},
        )
        said = cursor.fetchone()
    return {name for name, so in zip(PIECES, said, strict=True) if so}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (day(1), set()),
        (day(2), set()),  # read without it
        (day(3), {"may have begun"}),
        (day(4), {"believed", "there"}),  # read with it
        (day(7), {"believed", "there"}),
        (day(10), {"believed", "there"}),  # read with it
        (day(11), {"believed", "may have ended"}),
        (day(12), set()),  # read without it
        (day(13), set()),
    ],
)
def test_a_period_is_there_or_may_be_between_its_edges(db, at, expected):
    row = CollaborationFactory(**EDGES)

    assert what_is_said(row, at) == expected
    assert Collaboration.objects.at(at).exists() == ("believed" in expected)


def test_what_was_there_when_we_first_looked_may_have_been_there_for_ever(db):
    row = CollaborationFactory(**{**EDGES, "started_after": None, "since_after": None})

    assert what_is_said(row, day(1)) == {"may have begun"}


def test_what_has_not_ended_is_there_ever_since(db):
    row = CollaborationFactory(**{**EDGES, "ended_after": None, "ended_at": None})

    assert what_is_said(row, day(28)) == {"believed", "there"}


def test_a_change_of_role_is_no_absence_and_never_two_rows(db):
    first = CollaborationFactory(**EDGES, role="limited")
    CollaborationFactory(
        app=first.app,
        person=first.person,
        collaborator_id=first.collaborator_id,
        role="collaborator",
        since_after=day(2),
        since_at=day(4),
        started_after=day(10),
        started_at=day(12),
    )

    def roles(at):
        return list(Collaboration.objects.at(at).values_list("role", flat=True))

    assert roles(day(11)) == ["limited"]
    assert roles(day(12)) == ["collaborator"]


def test_a_moment_that_is_now_asks_for_what_is_open(db):
    assert Moment(day(3)).holds("k") == "k.ended_at IS NULL"
    assert Moment(day(3), is_now=False).holds("k") == asof.believed("k")


# --- 2FA, names -----------------------------------------------------------------------------------


def test_two_factor_is_the_period_in_force_and_unknown_before_the_first(db):
    ana = PersonFactory(two_factor="on")
    TwoFactorPeriodFactory(
        person=ana, value="off", started_at=day(4), ended_after=day(9), ended_at=day(10)
    )
    TwoFactorPeriodFactory(person=ana, value="on", started_after=day(9), started_at=day(10))

    def values(at):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {asof.two_factor_of('p.id')} FROM inventory_person p",  # noqa: S608
                {"at": at},
            )
            by_sql = [row[0] for row in cursor.fetchall()]
        by_query = Person.objects.annotate(then=asof.two_factor_at(at)).values_list("then")
        assert by_sql == [row[0] for row in by_query]
        return by_sql

    assert values(day(3)) == ["unknown"]
    assert values(day(4)) == ["off"]
    assert values(day(10)) == ["on"]
    assert TwoFactorPeriod.objects.at(day(5)).get().value == "off"


def test_an_app_has_the_name_and_the_project_that_it_had(db):
    old, new = ProjectFactory(name="old"), ProjectFactory(name="new")
    app = AppFactory(name="billing", project=new)
    AppPeriodFactory(
        app=app, name="bills", project=old, started_at=day(4), ended_after=day(9), ended_at=day(10)
    )
    AppPeriodFactory(app=app, name="billing", project=new, started_after=day(9), started_at=day(10))

    def named(at):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT a.name, a.project_id, a.now_in FROM {asof.apps()} a",  # noqa: S608
                {"at": at},
            )
            return cursor.fetchall()

    assert named(day(3)) == []
    assert named(day(5)) == [("bills", old.pk, new.pk)]
    assert named(day(10)) == [("billing", new.pk, new.pk)]
    assert [one.project.name for one in asof.app_named_at(day(5))] == ["old"]
    assert list(AppPeriod.objects.at(day(10))) == list(asof.app_named_at(day(10)))


# --- readings -------------------------------------------------------------------------------------


@pytest.fixture
def scope(db):
    """Read from the 4th to the 6th, and from the 10th to the 12th."""
    scope = ScopeFactory(unread=True)
    CoverageFactory(scope=scope, since=day(4), until=day(6), latest=False)
    CoverageFactory(scope=scope, since=day(10), until=day(12))
    return scope


@pytest.mark.parametrize(
    ("at", "readings", "knowledge"),
    [
        (day(3), (None, day(4), False), Knowledge.UNKNOWN),
        (day(4), (day(4), day(6), True), Knowledge.KNOWN),
        (day(5), (day(4), day(6), True), Knowledge.KNOWN),
        (day(6), (day(4), day(6), True), Knowledge.KNOWN),
        (day(8), (day(6), day(10), False), Knowledge.NOT_READ_BETWEEN),
        (day(11), (day(10), day(12), True), Knowledge.KNOWN),
        (day(12, hour=13), (day(12), None, False), Knowledge.UNKNOWN),
    ],
)
def test_readings_around_an_instant(scope, at, readings, knowledge):
    app = AppFactory(scope=scope, first_seen_at=day(1))

    for of in (scope, app):
        found = asof.readings_around(of, at)
        assert found[:3] == readings
        assert found.knowledge(at) == knowledge


def test_just_after_the_last_reading_it_is_known_unless_the_next_one_failed(scope):
    app, at = AppFactory(scope=scope, first_seen_at=day(1)), day(12) + timedelta(minutes=9)
    assert asof.readings_around(app, at).knowledge(at) == Knowledge.KNOWN

    Scope.objects.update(stale_since=day(12) + timedelta(minutes=5))
    assert asof.readings_around(app, at).knowledge(at) == Knowledge.UNKNOWN
    assert asof.readings_around(scope, at).knowledge(at) == Knowledge.UNKNOWN


def test_a_short_gap_between_readings_that_agree_leaves_no_doubt():
    at = day(4) + timedelta(minutes=5)

    assert Readings(day(4), at, is_inside=False).knowledge(at) == Knowledge.KNOWN


def test_a_period_that_ended_between_the_readings_is_unknown():
    at = day(11)
    around = Readings(day(10), day(12), is_inside=False)

    assert around.knowledge_of(at, day(10), day(12)) == Knowledge.UNKNOWN
    assert around.knowledge_of(at, None, day(12)) == Knowledge.UNKNOWN
    assert around.knowledge_of(at, day(11), day(14)) == Knowledge.NOT_READ_BETWEEN
    assert around.knowledge_of(at, None, None) == Knowledge.NOT_READ_BETWEEN


def test_an_app_is_known_from_wherever_it_was_read(scope):
    """Read with the others now, and by itself on the 8th."""
    app = AppFactory(scope=scope, region=scope.region, first_seen_at=day(1))
    alone = ScopeFactory(
        kind=Scope.Kind.APP, app_scalingo_id=app.scalingo_id, region=scope.region, unread=True
    )
    CoverageFactory(scope=alone, since=day(7), until=day(9))
    other = AppFactory(scope=scope, region=scope.region, first_seen_at=day(1))

    found = asof.readings_of_apps([app.pk, other.pk], day(8))

    assert found[app.pk].knowledge(day(8)) == Knowledge.KNOWN
    assert found[other.pk].knowledge(day(8)) == Knowledge.NOT_READ_BETWEEN


def test_a_listing_says_nothing_of_an_app_before_it_was_in_it(scope):
    """First seen on the 5th, and given to the account of the listing on the 11th."""
    app = AppFactory(scope=scope, first_seen_at=day(5))
    assert asof.readings_around(app, day(4))[:3] == (None, day(5), False)

    CollaborationFactory(app=app, owner=True, since_at=day(11))
    assert asof.readings_around(app, day(5))[:3] == (None, day(11), False)
    assert asof.readings_around(app, day(11)).is_inside


def test_an_app_whose_rows_are_not_believed_is_unknown_since(scope):
    app = AppFactory(scope=scope, first_seen_at=day(1), stale_since=day(11))

    assert asof.readings_around(app, day(10, hour=13)).is_inside
    assert asof.readings_around(app, day(11, hour=13)) == (day(10), None, False, True)
