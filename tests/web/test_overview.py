"""The overview: true numbers over what one may see, each a link to the list behind it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from governance.dashboard.overview.changes import read_changes, read_lines
from governance.dashboard.overview.charts import coverage, line, turnover
from governance.dashboard.overview.figures import read_figures
from governance.dashboard.overview.trend import WEEKS, Week, read_trend
from tests.factories import (
    AppFactory,
    AttributionFactory,
    CollaborationFactory,
    ConnectionFactory,
    CoverageFactory,
    HeldRemovalFactory,
    PersonFactory,
    ProjectFactory,
    ScopeFactory,
    TwoFactorPeriodFactory,
    ago,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def scope():
    """What reads the apps of these tests, four minutes ago."""
    return ScopeFactory(connection_id=ConnectionFactory(name="Acme production").pk)


@pytest.fixture
def billing(scope):
    return AppFactory(name="billing-api", scope=scope, project=ProjectFactory(name="Billing"))


@pytest.fixture
def website(scope):
    return AppFactory(name="website", scope=scope, project=ProjectFactory(name="Website"))


@pytest.fixture
def ana(billing, website):
    """A full collaborator of both apps, without 2FA."""
    person = PersonFactory(username="ana", two_factor="off")
    CollaborationFactory(app=billing, person=person, role="collaborator")
    CollaborationFactory(app=website, person=person, role="limited")
    return person


@pytest.fixture
def ben(website):
    """Invited to one app for 12 days; whether 2FA is on is not known until the invitation is
    accepted."""
    person = PersonFactory(username="", email="ben@example.com", two_factor="unknown")
    CollaborationFactory(app=website, person=person, pending=True, role="collaborator")
    return person


@pytest.fixture
def owner(billing, website):
    person = PersonFactory(username="olivia", two_factor="on")
    for app in (billing, website):
        CollaborationFactory(app=app, person=person, owner=True)
    return person


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# --- the numbers ----------------------------------------------------------------------------------


def test_people_count_once_and_two_factor_has_three_numbers(bob, ana, ben, owner):
    figures = read_figures(bob, at=timezone.now())

    assert (figures.apps, figures.people) == (2, 3)
    assert (
        figures.two_factor_on,
        figures.two_factor_off,
        figures.two_factor_unknown,
    ) == (1, 1, 1)


def test_privileged_are_owners_and_full_collaborators_who_accepted(bob, ana, ben, owner):
    figures = read_figures(bob, at=timezone.now())

    assert (figures.privileged, figures.privileged_off) == (2, 1)


@pytest.mark.parametrize(
    ("days", "ages"), [(0, (1, 0, 0)), (6, (1, 0, 0)), (12, (0, 1, 0)), (31, (0, 0, 1))]
)
def test_invitations_by_age(bob, billing, days, ages):
    CollaborationFactory(app=billing, pending=True, since_at=ago(days=days))

    figures = read_figures(bob, at=timezone.now())

    assert (figures.pending_week, figures.pending_month, figures.pending_old) == ages
    assert figures.pending == 1


def test_who_left_and_what_is_gone_count_nowhere(bob, ana, billing):
    CollaborationFactory(app=billing, ended=True)
    AppFactory(gone=True)

    figures = read_figures(bob, at=timezone.now())

    assert (figures.apps, figures.people) == (2, 1)


def test_how_far_we_read_says_what_is_stale_and_why(bob, billing, website):
    stale = ScopeFactory(
        connection_id=billing.scope.connection_id, kind="app", stale=True, unread=True
    )
    CoverageFactory(scope=stale, until=ago(hours=6))
    AppFactory(name="partner", scope=stale)

    (reach,) = read_figures(bob, at=timezone.now()).reaches

    assert (reach.connection, reach.region) == ("Acme production", "osc-fr1")
    assert (reach.apps, reach.read) == (3, 2)
    assert timezone.now() - reach.until > timedelta(hours=5)
    assert reach.stale_detail == "Scalingo did not answer in time."


def test_since_when_reading_fails_is_a_sentence(client_of, bob, billing):
    billing.scope.stale_since = ago(minutes=4)
    billing.scope.stale_detail = "Scalingo did not answer in time."
    billing.scope.save()

    html = re.sub(r"<[^>]*>", "", client_of(bob).get("/").text)

    assert "Failing since 4 min ago. Scalingo did not answer in time." in html


def test_a_scoped_viewer_gets_numbers_over_their_apps_alone(dave, ana, ben, owner, billing):
    dave.projects = [billing.project_id]

    figures = read_figures(dave, at=timezone.now())

    assert (figures.apps, figures.people, figures.pending) == (1, 2, 0)
    assert [reach.apps for reach in figures.reaches] == [1]


# --- the year -------------------------------------------------------------------------------------


def test_the_last_week_of_the_year_is_today(bob, ana, ben, owner):
    TwoFactorPeriodFactory(person=ana)
    TwoFactorPeriodFactory(person=owner)

    last = read_trend(bob, at=timezone.now())[-1]

    assert (last.on, last.off, last.unknown) == (1, 1, 1)


def test_the_year_begins_where_something_was_known(bob, billing):
    CollaborationFactory(app=billing, since_at=ago(days=20), since_after=None, started_after=None)

    weeks = read_trend(bob, at=timezone.now())

    assert len(weeks) == 3
    assert [week.people for week in weeks] == [1, 1, 1]
    assert sum(week.joined for week in weeks) == 0, "they were there when we first looked"


def test_nothing_known_is_no_year(bob):
    assert read_trend(bob, at=timezone.now()) == []


def test_who_was_there_longer_than_a_year_fills_it(bob, billing):
    CollaborationFactory(app=billing, since_at=ago(days=500))

    weeks = read_trend(bob, at=timezone.now())

    assert len(weeks) == WEEKS + 1
    assert {week.people for week in weeks} == {1}
    assert sum(week.joined for week in weeks) == 0


def test_a_change_of_role_or_of_app_neither_joins_nor_leaves(bob, billing, website):
    person = PersonFactory()
    first = CollaborationFactory(
        app=billing, person=person, since_at=ago(days=100), ended_at=ago(days=60)
    )
    CollaborationFactory(
        app=billing,
        person=person,
        role="limited",
        since_at=first.since_at,
        started_at=first.ended_at,
        started_after=ago(days=60, minutes=10),
        ended_at=ago(days=20),
    )
    CollaborationFactory(app=website, person=person, since_at=ago(days=30))

    weeks = read_trend(bob, at=timezone.now())

    assert sum(week.joined for week in weeks) == 1
    assert sum(week.left for week in weeks) == 0


def test_who_left_and_came_back_did_both(bob, billing):
    person = PersonFactory()
    CollaborationFactory(app=billing, person=person, since_at=ago(days=100), ended_at=ago(days=60))
    CollaborationFactory(app=billing, person=person, since_at=ago(days=10))

    weeks = read_trend(bob, at=timezone.now())

    assert (sum(week.joined for week in weeks), sum(week.left for week in weeks)) == (2, 1)
    assert [week.people for week in weeks] == [1] * 6 + [0] * 7 + [1] * 2


def test_two_factor_is_counted_while_there_is_access(bob, billing):
    person = PersonFactory()
    CollaborationFactory(app=billing, person=person, since_at=ago(days=50))
    off = TwoFactorPeriodFactory(
        person=person, value="off", started_at=ago(days=300), ended_at=ago(days=24)
    )
    TwoFactorPeriodFactory(person=person, value="on", started_at=off.ended_at)

    weeks = read_trend(bob, at=timezone.now())

    assert [(week.off, week.on) for week in weeks] == [(1, 0)] * 4 + [(0, 1)] * 4


def test_a_scoped_viewer_sees_the_year_of_their_apps(dave, billing, website):
    CollaborationFactory(app=website)
    dave.projects = [billing.project_id]

    assert read_trend(dave, at=timezone.now()) == []


# --- the last changes -----------------------------------------------------------------------------


def test_what_was_there_at_the_first_reading_is_no_change(bob, billing):
    CollaborationFactory(app=billing, since_after=None, started_after=None)

    assert read_changes(bob, limit=10) == []


def test_each_change_says_what_and_by_whom(bob, billing):
    boss = PersonFactory(username="boss")
    invited = CollaborationFactory(app=billing, pending=True, since_at=ago(days=9))
    joined = CollaborationFactory(app=billing, since_at=ago(days=8))
    AttributionFactory(collaboration=joined, named=True, actor=boss, happened_at=ago(days=8))
    left = CollaborationFactory(app=billing, ended=True, since_after=None, started_after=None)
    AttributionFactory(collaboration=left, edge="end")

    changes = {change.kind: change for change in read_changes(bob, limit=10)}

    assert changes["invited"].person_id == invited.person_id
    assert (changes["joined"].source, changes["joined"].actor) == ("event", "boss")
    assert (changes["left"].app, changes["left"].source) == ("billing-api", "unexplained")


def test_a_row_that_another_continues_is_one_change(bob, billing):
    before = CollaborationFactory(
        app=billing, role="collaborator", ended_at=ago(days=2), since_after=None, started_after=None
    )
    CollaborationFactory(
        app=billing,
        person=before.person,
        collaborator_id=before.collaborator_id,
        role="limited",
        since_at=before.since_at,
        started_at=before.ended_at,
        started_after=ago(days=2, minutes=10),
    )

    (change,) = read_changes(bob, limit=10)

    assert (change.kind, change.before, change.after) == ("role", "collaborator", "limited")


def test_an_accepted_invitation_is_a_change_of_its_own(bob, billing):
    before = CollaborationFactory(
        app=billing,
        status="pending",
        ended_at=ago(days=2),
        since_after=None,
        started_after=None,
    )
    CollaborationFactory(
        app=billing,
        collaborator_id=before.collaborator_id,
        since_at=before.since_at,
        started_at=before.ended_at,
        started_after=ago(days=2, minutes=10),
    )

    assert [change.kind for change in read_changes(bob, limit=10)] == ["accepted"]


def test_switching_two_factor_is_a_change(bob, ana):
    before = TwoFactorPeriodFactory(person=ana, value="on", ended_at=ago(days=1))
    TwoFactorPeriodFactory(
        person=ana, value="off", started_at=before.ended_at, started_after=ago(days=1, minutes=10)
    )

    change = read_changes(bob, limit=10)[0]

    assert (change.kind, change.before, change.after) == ("two_factor", "on", "off")


def test_many_who_come_to_one_app_are_one_sentence(client_of, bob, billing):
    at = ago(days=2)
    for name in ("ana", "ben", "cleo", "dora"):
        CollaborationFactory(app=billing, person=PersonFactory(username=name), since_at=at)

    (line,) = read_lines(bob)
    shown = text_of(client_of(bob).get("/"))

    assert [person.name for person in line.people] == ["ana", "ben", "cleo", "dora"]
    assert "ana , ben and 2 more got access to billing-api as collaborator" in shown


def test_one_who_comes_to_many_apps_is_one_sentence(client_of, bob, billing, website):
    at, ana = ago(days=2), PersonFactory(username="ana")
    CollaborationFactory(app=billing, person=ana, since_at=at, role="collaborator")
    CollaborationFactory(app=website, person=ana, since_at=at, role="limited")

    (line,) = read_lines(bob)
    shown = text_of(client_of(bob).get("/"))

    assert line.after == "", "she has another role on each"
    assert "ana got access to billing-api and website" in shown


def test_those_of_two_readings_or_two_actors_are_two_sentences(bob, billing):
    boss, at = PersonFactory(), ago(days=2)
    CollaborationFactory(app=billing, since_at=ago(days=3))
    CollaborationFactory(app=billing, since_at=at)
    AttributionFactory(
        collaboration=CollaborationFactory(app=billing, since_at=at), named=True, actor=boss
    )

    assert len(read_lines(bob)) == 3


def test_a_scoped_viewer_sees_changes_of_their_apps_alone(dave, billing, website):
    CollaborationFactory(app=website)
    mine = CollaborationFactory(app=billing)
    dave.projects = [billing.project_id]

    assert [change.person_id for change in read_changes(dave, limit=10)] == [mine.person_id]


# --- the page -------------------------------------------------------------------------------------


def test_the_page_shows_it_all_and_links_to_the_lists(client_of, bob, ana, ben, owner):
    response = client_of(bob).get("/")

    shown = text_of(response)
    assert response.status_code == 200
    assert "Who can reach 2 apps on Scalingo: 3 people." in shown
    assert "2 of 2 apps" in shown
    for address in (
        "/2fa/?two-factor=on",
        "/2fa/?two-factor=off",
        "/2fa/?two-factor=unknown",
        "/people/?status=pending",
        "/people/?role=owner&amp;role=collaborator&amp;status=accepted",
    ):
        assert f'href="{address}"' in response.content.decode()


@pytest.fixture
def linked(client_of, bob):
    """A number of the overview, as it is written there, and how long the list behind it is."""
    client = client_of(bob)

    def found(address):
        page = client.get("/").content.decode()
        (link,) = re.findall(rf'<a[^>]* href="{re.escape(address)}".*?</a>', page, re.S)
        people = client.get(unescape(address)).content.decode()
        words = re.sub(r"<[^>]+>", " ", link.replace("&amp;", "&"))
        return " ".join(words.split()), len(re.findall('<th scope="row">', people))

    return found


def test_privileged_people_are_those_of_the_list_behind_them(linked, ana, ben, owner, billing):
    CollaborationFactory(app=billing, person=ben, pending=True, role="collaborator")
    privileged = "/people/?role=owner&amp;role=collaborator&amp;status=accepted"

    assert linked(privileged) == ("Privileged people 2", 2)
    assert linked(f"{privileged}&amp;two-factor=off") == ("1 of them without 2FA", 1)


def test_invitations_of_each_age_lead_to_the_people_of_it(linked, ben, billing, website):
    """Ben is invited to one app for twelve days, and to another since today."""
    CollaborationFactory(app=billing, person=ben, pending=True, since_at=ago(hours=2))
    CollaborationFactory(app=billing, pending=True, since_at=ago(hours=2))
    CollaborationFactory(app=website, pending=True, since_at=ago(days=40))

    said, people = linked("/people/?status=pending")
    assert said.startswith("Pending invitations 4 to 3 people")
    assert people == 3
    assert linked("/people/?pending=week") == ("up to a week 2 to 2 people", 2)
    assert linked("/people/?pending=month") == ("up to a month 1 to 1 person", 1)
    assert linked("/people/?pending=older") == ("longer 1 to 1 person", 1)


def test_who_joined_and_who_left_is_a_page_of_its_own(client_of, bob, billing):
    CollaborationFactory(app=billing, started_after=ago(days=21), started_at=ago(days=20))

    page = client_of(bob).get("/").content.decode()

    for kind in ("joined", "left"):
        (address,) = re.findall(rf'href="([^"]+difference={kind})"', page)
        assert client_of(bob).get(unescape(address)).status_code == 200


def test_a_scoped_viewer_is_told_that_these_are_their_apps(client_of, dave, ana, billing):
    dave.projects = [billing.project_id]
    dave.save()

    assert "your 1 app" in text_of(client_of(dave).get("/"))


def test_before_anything_is_connected_it_says_the_next_step(client_of, olga, bob):
    assert "Add a connection" in text_of(client_of(olga).get("/"))
    assert "Only operators can manage connections." in text_of(client_of(bob).get("/"))


def test_before_the_first_sync_it_says_so(client_of, bob):
    ConnectionFactory()

    shown = text_of(client_of(bob).get("/"))

    assert "Nothing has been read yet." in shown
    assert "Never read yet" in shown


def test_held_removals_are_said_first(client_of, bob, ana):
    HeldRemovalFactory()

    assert "Removals wait for a decision." in text_of(client_of(bob).get("/"))


def test_hostile_names_are_shown_as_text(client_of, bob, billing):
    hostile = "<script>alert(1)</script>"
    CollaborationFactory(app=AppFactory(name=hostile), person=PersonFactory(username=hostile))

    page = client_of(bob).get("/").content.decode()

    assert hostile not in page
    assert "&lt;script&gt;" in page


def test_it_costs_the_same_whatever_the_size(client_of, bob, ana, assert_same_cost):
    client = client_of(bob)

    def grow():
        for _ in range(12):
            person = PersonFactory()
            TwoFactorPeriodFactory(person=person)
            AttributionFactory(collaboration=CollaborationFactory(person=person), named=True)

    assert_same_cost(grow, lambda: client.get("/"))


def test_six_queries(client_of, bob, ana, django_assert_num_queries):
    client = client_of(bob)
    client.get("/")  # notes that the session is in use, once in a while

    # Session and person; the frame; the figures, the year and the last changes.
    with django_assert_num_queries(6):
        client.get("/")


# --- the drawings ---------------------------------------------------------------------------------


def week(number=0, *, on=0, off=0, unknown=0, joined=0, left=0):
    return Week(ago(days=7 * number), on, off, unknown, joined, left)


def test_the_bands_of_the_area_stand_on_each_other():
    drawn = coverage([week(on=4, unknown=1, off=5), week(on=8, off=2)])

    assert drawn.top == 10
    assert [area.path for area in drawn.areas] == [
        "M0 120L1000 40L1000 200L0 200Z",
        "M0 100L1000 40L1000 40L0 120Z",
        "M0 0L1000 0L1000 40L0 100Z",
    ]


def test_joined_and_left_have_one_scale():
    drawn = turnover([week(joined=3, left=1), week()])

    assert drawn.middle == 150
    assert (drawn.bars[0].joined_height, drawn.bars[0].left_height) == (150, 50)
    assert (drawn.bars[1].joined_height, drawn.bars[1].left_height) == (0, 0)


@pytest.mark.parametrize("weeks", [[], [week()]])
def test_a_drawing_of_nothing_is_no_error(weeks):
    assert coverage(weeks).top == 2
    assert turnover(weeks).joined == 0
    assert line([1]) == ""
