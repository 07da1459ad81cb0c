"""2FA over the past year: counted where something was read, and nowhere else."""

from datetime import UTC, datetime, timedelta

import pytest

from governance.reports.two_factor.history import charts, over_time
from governance.reports.two_factor.history.over_time import Month, Week
from tests.factories import (
    AppFactory,
    CollaborationFactory,
    CoverageFactory,
    PersonFactory,
    ProjectFactory,
    ScopeFactory,
    TwoFactorPeriodFactory,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def day(number):
    """So many days before NOW."""
    return NOW - timedelta(days=number)


@pytest.fixture
def scope():
    """Read without a gap for a year."""
    scope = ScopeFactory(unread=True)
    CoverageFactory(scope=scope, since=day(400), until=NOW)
    return scope


@pytest.fixture
def app(scope):
    return AppFactory(scope=scope, project=ProjectFactory())


def person(app, *values, since=300, **fields):
    """On `app` since so many days, with 2FA as in `values`: ("off", 300), ("on", 100)."""
    one = PersonFactory(two_factor=values[-1][0])
    CollaborationFactory(
        app=app, person=one, since_at=day(since), since_after=day(since + 1), **fields
    )
    ends = [day(at) for _value, at in values[1:]] + [None]
    for (value, at), end in zip(values, ends, strict=True):
        TwoFactorPeriodFactory(
            person=one, value=value, started_at=day(at), ended_at=end, ended_after=end
        )
    return one


# --- the trend ------------------------------------------------------------------------------------


def test_each_week_counts_who_had_access_by_their_2fa_then(app, bob):
    person(app, ("off", 300), ("on", 100))
    person(app, ("on", 50), since=50)
    person(app, ("unknown", 20), since=20)

    weeks = over_time.read_trend(bob, at=NOW)

    def at(days):
        found = min(weeks, key=lambda week: abs((NOW - week.at).days - days))
        return found.on, found.off, found.unknown

    assert at(350) == (0, 0, 0)
    assert at(200) == (0, 1, 0)
    assert at(84) == (1, 0, 0)
    assert at(35) == (2, 0, 0)
    assert at(0) == (2, 0, 1)


def test_a_week_without_a_reading_has_no_numbers(scope, app, bob):
    scope.coverage.all().delete()
    CoverageFactory(scope=scope, since=day(200), until=day(100), latest=False)
    CoverageFactory(scope=scope, since=day(60), until=NOW)
    person(app, ("off", 200))

    weeks = over_time.read_trend(bob, at=NOW)

    assert weeks[0].at >= day(203)  # nothing before the first reading
    silent = [week for week in weeks if not week.is_read]
    assert {(NOW - week.at).days for week in silent} == {63, 70, 77, 84, 91}
    assert all(week.people == 0 for week in silent)
    assert all(week.off == 1 for week in weeks if week.is_read and week.at > day(199))


def test_who_sees_one_project_reads_of_its_readings_and_people_alone(app, bob, dave):
    other = AppFactory(scope=ScopeFactory(unread=True), project=ProjectFactory())
    person(app, ("off", 300))
    person(other, ("off", 300))
    dave.projects = [other.project_id]
    dave.save()

    assert over_time.read_trend(bob, at=NOW)[-1].off == 2
    # Nobody has read the place of that app.
    assert over_time.read_trend(dave, at=NOW) == []
    CoverageFactory(scope=other.scope, since=day(30), until=NOW)
    assert [week.off for week in over_time.read_trend(dave, at=NOW)] == [1] * 5


def test_where_nothing_was_read_nothing_is_drawn():
    def week(number, *, is_read):
        return Week(day(7 * number), is_read=is_read, on=2, off=1, unknown=1)

    weeks = [week(5 - n, is_read=n not in {2, 3}) for n in range(6)]

    drawn = charts.stack(weeks)

    for area in drawn.areas:
        pieces = [piece for piece in area.path.split("M") if piece]
        spans = [_span(piece) for piece in pieces]
        assert spans == [(0, 200), (800, 1000)]
    assert drawn.has_gaps


def test_a_week_alone_between_two_gaps_is_drawn_thin():
    weeks = [Week(day(7), is_read=n == 2, on=4) for n in range(5)]

    on = charts.stack(weeks).areas[0]

    assert _span(on.path[1:]) == (496, 504)


def _span(piece):
    xs = [float(point.split()[0]) for point in piece.rstrip("Z").split("L")]
    return min(xs), max(xs)


# --- exposure -------------------------------------------------------------------------------------


def months(user):
    return {month.since.strftime("%Y-%m"): month for month in over_time.read_exposure(user, at=NOW)}


def test_each_day_of_each_person_on_each_app_without_it_counts_one(scope, app, bob):
    """Off in the whole of April and until the tenth of May, on two apps."""
    one = person(app, ("off", 76), ("on", 36), since=200)  # 31 March 12:00 to 10 May 12:00
    CollaborationFactory(app=AppFactory(scope=scope), person=one, since_at=day(200))

    found = months(bob)

    assert (found["2026-04"].days, found["2026-04"].people, found["2026-04"].apps) == (60, 1, 2)
    assert found["2026-05"].days == 19
    assert found["2026-06"].days == 0
    assert found["2026-03"].days == 1


def test_an_invitation_is_no_exposure(app, bob):
    person(app, ("off", 76), status="pending")

    assert sum(month.days for month in months(bob).values()) == 0


def test_who_is_on_one_app_twice_lays_it_open_once(app, bob):
    one = person(app, ("off", 76), since=100)
    CollaborationFactory(app=app, person=one, since_at=day(90), role="owner")

    assert months(bob)["2026-04"].days == 30


def test_a_change_of_role_is_no_gap_and_counts_no_day_twice(app, bob):
    one = person(app, ("off", 100), since=100)
    one.collaborations.update(ended_at=day(60), ended_after=day(60))
    CollaborationFactory(app=app, person=one, since_at=day(60), role="limited")

    assert months(bob)["2026-04"].days == 30


def test_it_is_counted_no_further_than_the_last_reading(scope, app, bob):
    scope.coverage.update(until=day(36))
    person(app, ("off", 76))

    found = months(bob)

    assert found["2026-05"].days == 10
    assert found["2026-06"].days == 0
    assert not found["2026-06"].is_read
    assert found["2026-05"].is_read


# --- how long it takes ----------------------------------------------------------------------------


def test_the_median_is_over_those_who_turned_it_on(app, bob):
    for took in (10, 20, 60):
        person(app, ("off", 100), ("on", 100 - took), since=100)
    person(app, ("off", 100), since=100)

    found = over_time.read_turning(bob, at=NOW)

    assert (round(found.median), found.people, found.unsaid) == (20, 3, 0)


def test_who_lacked_it_when_we_first_looked_is_said_apart(app, bob):
    one = person(app, ("off", 300), ("on", 10))
    one.collaborations.update(since_after=None, started_after=None)

    found = over_time.read_turning(bob, at=NOW)

    assert (found.median, found.people, found.unsaid) == (None, 0, 1)


def test_off_then_unknown_then_on_is_not_turning_it_on(app, bob):
    """When it was turned on is not known: nobody read it in between."""
    person(app, ("off", 100), ("unknown", 60), ("on", 30))

    assert over_time.read_turning(bob, at=NOW).people == 0


# --- the page -------------------------------------------------------------------------------------


def test_the_page_says_it_all(client_of, bob):
    scope = ScopeFactory()
    app = AppFactory(scope=scope)
    now = datetime.now(UTC)
    one = PersonFactory(two_factor="off")
    CollaborationFactory(app=app, person=one, since_at=now - timedelta(days=25))
    TwoFactorPeriodFactory(person=one, started_at=now - timedelta(days=25))

    html = client_of(bob).get("/2fa/over-time/").content.decode()

    assert "Exposure-days" in html
    assert 'class="fill-off"' in html
    assert "so far" in html
    assert "not read" in html  # the months before


def test_bars_of_nothing_have_no_height():
    empty = Month(NOW, is_read=True, is_over=True, days=0, people=0, apps=0)

    assert [bar.height for bar in charts.bars([empty])] == [0.0]
