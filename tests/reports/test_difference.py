"""The difference between two instants: as a page, and as a register."""

import csv
import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.inventory.models import AppPeriod, Attribution, Collaboration, Coverage
from tests.factories import (
    AppFactory,
    AppPeriodFactory,
    AttributionFactory,
    CollaborationFactory,
    CoverageFactory,
    PersonFactory,
    TwoFactorPeriodFactory,
    ago,
)


def between(since, until=None, **filters):
    query = {"since": ago(**since).isoformat()}
    if until:
        query["until"] = ago(**until).isoformat()
    return "/difference/?" + "&".join(
        f"{name}={quote(value)}" for name, value in {**query, **filters}.items()
    )


@pytest.fixture
def see(client_of):
    def look(user, path, status=200):
        response = client_of(user).get(path)
        assert response.status_code == status, response.content.decode()
        return response.content.decode()

    return look


def lines(html):
    """The rows of the table as text, without what stands on hover."""
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    found = re.findall(r"<tr>.*?</tr>", body, re.S)
    return [unescape(" ".join(re.sub(r"<[^>]+>", " ", row).split())) for row in found]


def continued(row, *, at, after, **what):
    """End a period and start the next of the same collaborator."""
    Collaboration.objects.filter(pk=row.pk).update(ended_after=after, ended_at=at)
    values = {
        "app": row.app,
        "person": row.person,
        "collaborator_id": row.collaborator_id,
        "role": row.role,
        "status": row.status,
        "since_after": row.since_after,
        "since_at": row.since_at,
        **what,
    }
    return CollaborationFactory(started_after=after, started_at=at, **values)


@pytest.fixture
def past(company, db):
    """Read for 200 days without a gap; what changed did so 20 days ago, within ten minutes."""
    Coverage.objects.update(since=ago(days=200))
    first = ago(days=100)
    for app in (company.api, company.web, company.index, company.empty):
        app.first_seen_at = first
        app.save()
        AppPeriodFactory(app=app, started_at=first)
    Collaboration.objects.update(started_after=None, started_at=first, since_at=first)
    company.at, company.after = ago(days=20), ago(days=20, minutes=10)
    return company


def row_of(app, person):
    return Collaboration.objects.open().get(app=app, person=person)


# --- each kind ------------------------------------------------------------------------------------


def test_who_joined_and_who_left(see, bob, past):
    dora = PersonFactory(username="dora")
    joined = CollaborationFactory(
        app=past.api, person=dora, role="limited", since_at=past.at, since_after=past.after
    )
    AttributionFactory(collaboration=joined, named=True, actor=past.ana)
    left = row_of(past.api, past.ben)
    Collaboration.objects.filter(pk=left.pk).update(ended_after=past.after, ended_at=past.at)
    AttributionFactory(collaboration=left, edge=Attribution.Edge.END)

    html = see(bob, between({"days": 30}, {"days": 10}))
    found = lines(html)

    assert len(found) == 2
    [one] = [line for line in found if line.startswith("dora is on billing-api as limited")]
    assert "by ana, on Scalingo" in one
    [other] = [line for line in found if line.startswith("ben is no longer on billing-api")]
    assert "unexplained" in other
    assert "Unknown" not in html.partition("<tbody>")[2]
    assert "9 accesses before, 1 joined, 1 left: 9 after." in " ".join(html.split())


def test_a_role_an_owner_and_an_acceptance(see, bob, past):
    continued(row_of(past.api, past.ben), at=past.at, after=past.after, role="collaborator")
    continued(row_of(past.web, past.owner), at=past.at, after=past.after, person=past.ana)
    continued(row_of(past.api, past.invited), at=past.at, after=past.after, status="accepted")

    found = lines(see(bob, between({"days": 30}, {"days": 10})))

    assert {line.partition(".")[0] for line in found} == {
        "The role of ben on billing-api is collaborator; it was limited",
        "ana owns billing-web ; before it was platform",
        "carl@example",  # the full stop of an address
    }
    assert any("accepted the invitation to billing-api" in line for line in found)
    assert sum("by themself" in line for line in found) == 1


def test_two_factor_names_and_projects(see, bob, past):
    TwoFactorPeriodFactory(
        person=past.ana,
        value="on",
        started_at=ago(days=90),
        ended_after=past.after,
        ended_at=past.at,
    )
    TwoFactorPeriodFactory(
        person=past.ana, value="off", started_after=past.after, started_at=past.at
    )
    AppPeriod.objects.filter(app=past.web).update(
        name="billing-old", project=past.shop, ended_after=past.after, ended_at=past.at
    )
    AppPeriodFactory(app=past.web, started_after=past.after, started_at=past.at)

    found = lines(see(bob, between({"days": 30}, {"days": 10})))

    assert [line for line in found if line.startswith("The 2FA of ana is off; it was on.")]
    assert [line for line in found if line.startswith("billing-web is called so; it was called b")]
    assert [line for line in found if line.startswith("billing-web is in billing; it was in shop.")]
    assert len(found) == 3


def test_what_came_and_went_between_is_no_difference(see, bob, past):
    CollaborationFactory(
        app=past.api,
        since_at=past.at,
        since_after=past.after,
        ended_after=ago(days=15, minutes=10),
        ended_at=ago(days=15),
    )

    assert lines(see(bob, between({"days": 30}, {"days": 10}))) == []
    assert len(lines(see(bob, between({"days": 30}, {"days": 17})))) == 1
    assert len(lines(see(bob, between({"days": 17}, {"days": 10})))) == 1


def test_a_role_that_changed_on_the_way_out_is_one_leaving(see, bob, past):
    ben = row_of(past.api, past.ben)
    second = continued(ben, at=past.at, after=past.after, role="collaborator")
    Collaboration.objects.filter(pk=second.pk).update(
        ended_after=ago(days=15, minutes=10), ended_at=ago(days=15)
    )

    [line] = lines(see(bob, between({"days": 30}, {"days": 10})))

    assert line.startswith("ben is no longer on billing-api ; their role was limited.")


# --- what is not known ----------------------------------------------------------------------------


@pytest.fixture
def silent(past):
    """Nothing was read from 40 to 20 days ago: dora is there after it."""
    [scope] = {row.scope for row in Coverage.objects.select_related("scope")}
    Coverage.objects.all().delete()
    CoverageFactory(scope=scope, since=ago(days=200), until=ago(days=40), latest=False)
    CoverageFactory(scope=scope, since=ago(days=20), until=ago(minutes=4))
    CollaborationFactory(
        app=past.api,
        person=PersonFactory(username="dora"),
        since_after=ago(days=40),
        since_at=ago(days=20),
    )
    return past


def test_who_may_have_been_there_already_is_said_to_be_unknown(see, bob, silent):
    [line] = lines(see(bob, between({"days": 30}, {"days": 10})))

    assert "Unknown at the first: last read" in line
    assert "at the second" not in line


def test_what_surely_came_in_the_silence_is_known_at_both(see, bob, silent):
    [line] = lines(see(bob, between({"days": 50}, {"days": 10})))

    assert "Unknown" not in line
    assert "between" in line


def test_an_instant_in_a_silence_in_which_nothing_differs_was_not_read(see, bob, silent):
    continued(
        row_of(silent.web, silent.ana), at=ago(days=15), after=ago(days=16), role="collaborator"
    )

    html = see(bob, between({"days": 30}, {"days": 10}))

    [role] = [line for line in lines(html) if line.startswith("The role of ana")]
    assert "Not read around then" in role
    assert 'title="at the first: last read' in html


def test_who_joined_with_an_app_was_not_on_it_before(see, bob, past):
    """The readings before had no such app: that is known of it, and of everybody on it."""
    app = AppFactory(
        name="brand-new", project=past.billing, scope=past.api.scope, first_seen_at=past.at
    )
    AppPeriodFactory(app=app, started_after=past.after, started_at=past.at)
    CollaborationFactory(app=app, owner=True, since_at=past.at, since_after=past.after)

    [line] = lines(see(bob, between({"days": 30}, {"days": 10})))

    assert "is on brand-new as owner" in line
    assert "Unknown" not in line


# --- what is asked for ----------------------------------------------------------------------------


@pytest.fixture
def three(past):
    """One joined in each project, and one changed role; by three authors."""
    one = CollaborationFactory(
        app=past.api,
        person=PersonFactory(username="dora"),
        since_at=past.at,
        since_after=past.after,
    )
    AttributionFactory(collaboration=one, source="ours")
    other = CollaborationFactory(
        app=past.index,
        person=PersonFactory(username="erik"),
        since_at=past.at,
        since_after=past.after,
    )
    AttributionFactory(collaboration=other, named=True, actor=past.ana)
    continued(row_of(past.web, past.ana), at=past.at, after=past.after, role="collaborator")
    return past


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"dora", "erik", "The"}),
        ({"app": "billing"}, {"dora", "The"}),
        ({"q": "ERI"}, {"erik"}),
        ({"difference": "role"}, {"The"}),
        ({"difference": "joined"}, {"dora", "erik"}),
        ({"by": "ours"}, {"dora"}),
        ({"by": "named"}, {"erik"}),
        ({"by": "unexplained"}, {"The"}),
        ({"by": "ours", "app": "shop"}, set()),
        ({"q": "%"}, set()),
    ],
)
def test_it_is_narrowed(see, bob, three, filters, found):
    html = see(bob, between({"days": 30}, {"days": 10}, **filters))

    assert {line.split()[0] for line in lines(html)} == found


def test_it_is_narrowed_to_a_project(see, bob, three):
    html = see(bob, between({"days": 30}, {"days": 10}, project=str(three.shop.pk)))

    assert [line.split()[0] for line in lines(html)] == ["erik"]
    assert "2 accesses before, 1 joined, 0 left: 3 after." not in html
    assert "3 accesses before, 1 joined, 0 left: 4 after." in " ".join(html.split())


def test_what_is_not_known_is_ignored_and_said(see, bob, three):
    html = see(bob, between({"days": 30}, by="aliens", difference="magic", project="x"))

    assert len(lines(html)) == 3
    assert html.count("is not known, so") >= 3
    gone = see(bob, between({"days": 30}, project="00000000-0000-0000-0000-000000000000"))
    assert len(lines(gone)) == 3
    assert "Project: this one is not known" in gone


def test_a_period_that_cannot_be_is_refused_by_its_field(see, bob, db):
    today = timezone.localdate()

    upside_down = see(bob, between({"days": 10}, {"days": 30}), status=422)
    assert "The period ends before it begins." in upside_down
    to_come = see(bob, f"/difference/?until={today + timedelta(days=2)}", status=422)
    assert "This day is still to come." in to_come
    assert 'aria-invalid="true"' in to_come
    assert "This day is not over yet." in see(bob, f"/difference/?since={today}", status=422)
    assert "This is no date." in see(bob, "/difference/?since=soon", status=422)


def test_without_dates_it_is_the_last_thirty_days(see, bob, three):
    assert len(lines(see(bob, "/difference/"))) == 3


def test_nothing_is_otherwise(see, bob, past):
    assert "Nothing is otherwise." in see(bob, between({"days": 10}))
    assert "Nothing matches." in see(bob, between({"days": 10}, q="nobody"))


def test_somebody_sees_the_apps_of_their_projects_alone(see, of_billing, three):
    TwoFactorPeriodFactory(person=three.ben, value="on", started_at=ago(days=90), ended_at=three.at)
    TwoFactorPeriodFactory(person=three.ben, value="off", started_at=three.at)
    stranger = CollaborationFactory(app=three.empty, since_at=ago(days=90)).person
    TwoFactorPeriodFactory(person=stranger, value="on", started_at=ago(days=90), ended_at=three.at)
    TwoFactorPeriodFactory(person=stranger, value="off", started_at=three.at)

    html = see(of_billing, between({"days": 30}, {"days": 10}))

    assert {line.split()[0] for line in lines(html)} == {"dora", "The"}
    assert "The 2FA of ben" in " ".join(lines(html))
    assert stranger.username not in html
    assert "shop" not in html.partition('<main id="main"')[2]


def test_links_lead_to_the_second_instant(see, bob, three):
    html = see(bob, between({"days": 30}, {"days": 10}))

    assert re.search(r'href="/people/[^"/]+/\?at=[^"]+">dora<', html)


def test_pages_hang_together(bob, three):
    from governance.reports.difference import rows
    from governance.reports.registers.base import Asked

    asked = Asked("difference", at=ago(days=10), is_now=False, everything=True, since=ago(days=30))
    whole = [(row.what, row.id) for row in rows.page(asked).rows]
    walked, after, before = [], None, []
    for _page in range(5):
        found = rows.page(asked, after=after, size=1)
        walked += [(row.what, row.id) for row in found.rows]
        before.append(found.before)
        after = found.after
        if after is None:
            break

    assert walked == whole
    back = rows.page(asked, before=before[-1], size=1)
    assert [(row.what, row.id) for row in back.rows] == whole[-2:-1]


def test_it_costs_six_queries_at_most(client_of, bob, three):
    path, client = between({"days": 30}, {"days": 10}), client_of(bob)
    client.get(path)

    with CaptureQueriesContext(connection) as captured:
        client.get(path)

    assert len(captured) <= 6


# --- the register ---------------------------------------------------------------------------------


def test_the_register_has_the_rows_of_the_page_and_balances(made, three):
    found, content = made("difference", at=ago(days=10), is_now=False, since=ago(days=30))

    said = [line for line in content.decode().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(said))
    assert {(row["difference"], row["email"], row["done_by"]) for row in rows} == {
        ("joined", "dora@example.com", "ours"),
        ("joined", "erik@example.com", "named"),
        ("role", "ana.lopez@example.com", "unexplained"),
    }
    assert {row["known_since"] for row in rows} == {row["known_until"] for row in rows} == {"known"}
    assert found.totals.balance
    figures = found.totals.figures
    assert figures["joined"] - figures["left"] == (
        figures["population"] - figures["population_since"]
    )
