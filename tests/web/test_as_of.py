"""`?at=` on People, Person, Apps and App: what was so at an instant, and how far that is known."""

import re
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.inventory.models import App, Collaboration, Coverage, Person, TwoFactorPeriod
from governance.inventory.queries.newest import memory
from tests.factories import (
    AppPeriodFactory,
    CollaborationFactory,
    CoverageFactory,
    PersonFactory,
    TwoFactorPeriodFactory,
    ago,
)

pytestmark = pytest.mark.django_db


@dataclass
class Past:
    """The company, with a past.

    Everything was read from 200 days ago until 60 days ago, not at all for ten days, and since 50
    days ago until now. Dora was there before the silence and Erik after it.
    """

    company: Any
    dora: Any
    erik: Any


@pytest.fixture
def past(company):
    memory.forget()
    [scope] = {row.scope for row in Coverage.objects.select_related("scope")}
    Coverage.objects.all().delete()
    CoverageFactory(scope=scope, since=ago(days=200), until=ago(days=60), latest=False)
    CoverageFactory(scope=scope, since=ago(days=50), until=ago(minutes=4))
    for app in App.objects.all():
        AppPeriodFactory(app=app, started_at=ago(days=300))
    first = ago(days=190)
    Collaboration.objects.update(
        started_after=first, started_at=first, since_at=first, since_after=first
    )
    Person.objects.update(first_seen_at=first)
    dora = PersonFactory(username="dora", email="dora@example.com", first_seen_at=ago(days=90))
    erik = PersonFactory(username="erik", email="erik@example.com", first_seen_at=ago(days=50))
    CollaborationFactory(
        app=company.api,
        person=dora,
        role="limited",
        since_at=ago(days=90),
        ended_after=ago(days=60),
        ended_at=ago(days=50),
    )
    CollaborationFactory(
        app=company.api,
        person=erik,
        role="limited",
        since_at=ago(days=50),
        since_after=ago(days=60),
    )
    for person, before in ((company.ana, "on"), (company.ben, "on"), (dora, "on")):
        TwoFactorPeriodFactory(
            person=person,
            value=before,
            started_at=ago(days=190),
            ended_after=ago(days=75),
            ended_at=ago(days=75),
        )
        TwoFactorPeriodFactory(person=person, started_after=ago(days=75), started_at=ago(days=75))
    return Past(company, dora, erik)


def instant(**span):
    return quote(ago(**span).isoformat())


@pytest.fixture
def see(client_of):
    def look(user, path, status=200, **headers):
        response = client_of(user).get(path, headers=headers)
        assert response.status_code == status, response.content.decode()
        return response.content.decode()

    return look


def people_in(html):
    """Name → the whole row, of a list of people."""
    return {
        re.search(r'<a href="/people/[^"]+">([^<]*)</a>', row)[1]: unescape(
            " ".join(re.sub(r"<[^>]+>", " ", row).split())
        )
        for row in re.findall(r"<tr.*?(?=<tr|</tr|</tbody)", html, re.S)
        if '<a href="/people/' in row
    }


def links_of(html):
    """The addresses that the content of a page leads to, without the frame around it."""
    main = html[html.index('<main id="main"') :]
    return [unescape(found) for found in re.findall(r'href="([^"]*)"', main)]


# --- people ---------------------------------------------------------------------------------------


def test_people_are_those_who_had_access_then(see, bob, past):
    def names(span):
        return set(people_in(see(bob, f"/people/?at={instant(days=span)}")))

    assert names(85) == {"platform", "ana", "ben", "carl@example.com", "dora"}
    assert names(95) == {"platform", "ana", "ben", "carl@example.com"}
    assert names(40) == {"platform", "ana", "ben", "carl@example.com", "erik"}
    assert names(400) == set()


def test_counts_are_of_the_instant(see, bob, past):
    assert 'role="status">5 people<' in see(bob, f"/people/?at={instant(days=85)}")
    assert 'role="status">4 people<' in see(bob, f"/people/?at={instant(days=95)}")
    assert 'role="status">1 person of 5<' in see(bob, f"/people/?at={instant(days=85)}&q=dora")


def test_two_factor_is_what_it_was(see, bob, past):
    before = people_in(see(bob, f"/people/?at={instant(days=85)}"))
    after = people_in(see(bob, f"/people/?at={instant(days=70)}"))

    assert " On " in before["ana"]
    assert " Off " in after["ana"]
    off = "/people/?two-factor=off&at="
    assert people_in(see(bob, f"{off}{instant(days=85)}")) == {}
    assert set(people_in(see(bob, f"{off}{instant(days=70)}"))) == {"ana"}


def test_what_was_read_on_both_sides_is_known(see, bob, past):
    html = see(bob, f"/people/?at={instant(days=85)}")

    assert "Unknown (" not in html
    assert "Not read around then" not in html
    assert "Everything was read around then" in html


def test_in_a_silence_what_differs_is_unknown_and_what_agrees_was_not_read(see, bob, past):
    """Erik is not counted, and Dora is: the last reading before had her and not him."""
    html = see(bob, f"/people/?at={instant(days=55)}")

    rows = people_in(html)
    assert "Unknown last read" in rows["dora"]
    assert "next read" in rows["dora"]
    assert "Not read around then" in rows["ana"]
    assert re.search(r'title="last read [^"]+, next read [^"]+"', html)
    assert "erik" not in rows
    assert "1 place where apps are read was not read around then: last read" in html


def test_after_the_last_reading_of_a_place_that_fails_nothing_is_known(see, bob, past):
    Coverage.objects.filter(latest=True).update(until=ago(days=3))

    rows = people_in(see(bob, f"/people/?at={instant(days=2)}"))

    assert "not read since" in rows["ana"]
    assert "Unknown" in rows["ana"]


def test_before_anything_was_read_the_page_says_so(see, bob, past):
    html = see(bob, f"/people/?at={instant(days=400)}")

    assert "Nobody was known then." in html
    assert "Nothing had been read by then." in html


def test_an_order_that_the_past_does_not_keep_is_ignored_and_said(see, bob, past):
    html = see(bob, f"/people/?sort=-changed&at={instant(days=85)}")

    assert "Order: “-changed” is not known" in html


def test_people_of_an_app_by_the_name_that_it_had(see, bob, past):
    api = past.company.api
    api.periods.update(name="old-name", ended_after=ago(days=80), ended_at=ago(days=80))
    AppPeriodFactory(app=api, started_after=ago(days=80), started_at=ago(days=80))
    at = instant(days=85)

    assert "dora" in people_in(see(bob, f"/people/?app=old-name&at={at}"))
    assert "“billing-api” is not known" in see(bob, f"/people/?app=billing-api&at={at}")


def test_those_who_were_gone_by_then(see, bob, past):
    gone = "/people/?status=gone&at="

    assert set(people_in(see(bob, f"{gone}{instant(days=40)}"))) == {"dora"}
    assert people_in(see(bob, f"{gone}{instant(days=85)}")) == {}


# --- the tree, one app, one person ----------------------------------------------------------------


def test_the_tree_counts_and_shows_who_was_there(see, bob, past):
    html = see(bob, f"/apps/?open=all&at={instant(days=85)}")

    api = re.search(rf'<tbody id="app-{past.company.api.pk}">.*?</tbody>', html, re.S)[0]
    assert "5 people" in api
    assert "dora" in people_in(api)
    assert "erik" not in people_in(api)
    assert "without 2FA" not in api
    assert "Read around then" in api


def test_the_tree_says_which_apps_are_unknown(see, bob, past):
    html = see(bob, f"/apps/?open=all&at={instant(days=55)}")
    api = re.search(rf'<tbody id="app-{past.company.api.pk}">.*?</tbody>', html, re.S)[0]
    web = re.search(rf'<tbody id="app-{past.company.web.pk}">.*?</tbody>', html, re.S)[0]

    assert "the readings around then differ on 2 people" in api  # dora, and erik
    assert "Unknown" in people_in(api)["dora"]
    assert "Not read around then" in web


def test_an_app_is_in_the_project_that_it_was_in(see, bob, past):
    web, shop = past.company.web, past.company.shop
    web.periods.update(
        name="shop-web", project=shop, ended_after=ago(days=80), ended_at=ago(days=80)
    )
    AppPeriodFactory(app=web, started_after=ago(days=80), started_at=ago(days=80))

    before = see(bob, f"/apps/?project={shop.pk}&at={instant(days=85)}")
    after = see(bob, f"/apps/?project={shop.pk}&at={instant(days=70)}")

    assert "shop-web" in before
    assert str(web.pk) not in after
    assert "shop-web" in see(bob, f"/apps/?q=shop-w&at={instant(days=85)}")


@pytest.mark.parametrize("query", ["", "open=all&", "q=ana&", "q=an&", "role=limited&", "q=zzz&"])
def test_pages_of_the_tree_hang_together_as_of_an_instant(bob, past, query):
    from governance.inventory.queries import tree

    wanted = tree.Wanted(text=re.sub(".*q=|&", "", query) if "q=" in query else "", at=ago(days=85))
    whole = [head.id for head in tree.heads(bob, wanted).heads]

    walked, after = [], None
    for _page in range(9):
        found = tree.heads(bob, wanted, after=after, size=1)
        walked += [head.id for head in found.heads]
        after = found.after
        if after is None:
            break

    assert walked == whole
    assert len(whole) == tree_count(bob, wanted)


def tree_count(user, wanted):
    from governance.inventory.queries import tree

    counted = tree.counts(user, wanted)
    with connection.cursor() as cursor:
        cursor.execute(counted.shown, counted.values)
        return cursor.fetchone()[0]


def test_an_app_shows_who_was_on_it_and_who_may_have_been(see, bob, past, text):
    html = see(bob, f"/apps/{past.company.api.pk}/?at={instant(days=55)}")

    there, _middle, maybe = html.partition("May have been on it already")
    assert "Unknown last read" in people_in(there)["dora"]
    assert list(people_in(maybe.partition("</table>")[0])) == ["erik"]
    assert "This app was not read around then" in text(html)


def test_the_numbers_of_an_app_are_of_the_instant(see, bob, past, text):
    def tiles(span):
        html = see(bob, f"/apps/{past.company.api.pk}/?at={instant(days=span)}")
        return [text(tile) for tile in re.findall(r'<a class="tile.*?</a>', html, re.S)]

    assert tiles(85)[0].startswith("People 5")
    assert tiles(85)[3].startswith("Without 2FA 0 2 unknown")
    assert tiles(70)[3].startswith("Without 2FA 1 2 unknown")


def test_an_app_that_was_not_known_then_says_so(see, bob, past, text):
    html = text(see(bob, f"/apps/{past.company.api.pk}/?at={instant(days=400)}"))

    assert "it was not known then" in html
    assert "Nobody was read on this app by then." in html


def test_a_person_shows_where_they_were_and_what_was_over(see, bob, past, text):
    def page(span):
        return see(bob, f"/people/{past.dora.pk}/?at={instant(days=span)}")

    assert "Access then limited" in text(page(85)).replace("1 ", "")
    assert "Unknown last read" in text(page(55))
    assert "On no app then" in text(page(40))
    assert "Access before" in page(40)
    assert "Access before" not in page(85)


def test_a_person_may_have_had_access_already(see, bob, past, text):
    html = text(see(bob, f"/people/{past.erik.pk}/?at={instant(days=55)}"))

    assert "May have had access already" in html
    assert "No access then, as far as was read." in html


def test_what_happened_later_is_not_told(see, bob, past):
    path = f"/apps/{past.company.api.pk}/"

    assert "no longer has access" in see(bob, path)
    assert "no longer has access" not in see(bob, f"{path}?at={instant(days=85)}")


def test_somebody_who_was_merged_is_followed_with_the_instant(client_of, bob, past):
    Person.objects.filter(pk=past.company.invited.pk).update(merged_into=past.company.ben)
    at = instant(days=85)

    response = client_of(bob).get(f"/people/{past.company.invited.pk}/?at={at}")

    assert response.status_code == 301
    assert response.headers["Location"].startswith(f"/people/{past.company.ben.pk}/?at=")


# --- the frame of it ------------------------------------------------------------------------------


def paths(past):
    return [
        "/people/",
        f"/people/{past.company.ana.pk}/",
        "/apps/",
        f"/apps/{past.company.api.pk}/",
    ]


def test_every_link_to_such_a_page_keeps_the_instant(see, alice, past):
    for path in paths(past):
        html = see(alice, f"{path}?at={instant(days=85)}")
        back = re.search(r'href="([^"]*)">Back to now', html)[1]
        within = [
            link
            for link in links_of(html)
            if link != unescape(back) and re.match(r"(\?|/people/|/apps/)", link)
        ]

        assert "at=" not in back, path
        assert within, path
        assert [link for link in within if "at=" not in link] == [], path


def test_nobody_acts_on_the_past(see, alice, past):
    for path in paths(past):
        now, then = see(alice, path), see(alice, f"{path}?at={instant(days=85)}")
        acts = r'type="checkbox" name="(?:person|app|pair)"|name="one" value'
        offers = [
            r'class="selection"',
            "/changes/offboard",
            'class="button danger"',
            "Being invited",
        ]

        assert re.search(acts, now), path
        main = then[then.index('<main id="main"') :]
        assert not re.search(acts, main), path
        assert not any(offer in main for offer in offers), path
        assert 'method="post"' not in main, path


def test_a_page_of_the_past_says_so_and_leads_back(see, bob, past):
    day = (timezone.localdate() - timedelta(days=85)).isoformat()

    for path in paths(past):
        html = see(bob, f"{path}?at={day}")
        assert re.search(r"As of \d+ \w+ \d{4}, 23:59\.", html), path
        assert f'type="date" id="at" name="at" value="{day}"' in html


def test_a_day_that_is_still_to_come_is_refused_by_its_field(see, bob, past):
    today = timezone.localdate()

    for path in paths(past):
        html = see(bob, f"{path}?at={today + timedelta(days=2)}", status=422)
        assert "This day is still to come." in html
        assert 'aria-invalid="true"' in html
        assert "Back to now" not in html
    assert "This day is not over yet." in see(bob, f"/people/?at={today}", status=422)


@pytest.mark.parametrize("at", ["yesterday", "2026-13-40", "0000-00-00", "%00", "9999-12-31T", "1"])
def test_what_is_no_date_is_ignored_and_said(see, bob, past, at):
    for path in paths(past):
        html = see(bob, f"{path}?at={at}")
        assert ("is no date, so the page shows what is so now" in html) == (at != "%00")
        assert "Back to now" not in html


def test_another_instant_renews_the_whole_page(client_of, bob, past):
    """The field is outside of the part that htmx renews."""
    headers = {"HX-Request": "true", "HX-Target": "people", "HX-Current-URL": "http://x/people/"}
    at = f"/people/?at={instant(days=85)}"

    moved = client_of(bob).get(at, headers=headers)
    stayed = client_of(bob).get(at, headers={**headers, "HX-Current-URL": f"http://x{at}"})

    assert moved.headers["HX-Redirect"] == at
    assert "HX-Redirect" not in stayed.headers


def test_a_branch_of_the_tree_is_of_the_instant_too(client_of, bob, past):
    at = f"at={instant(days=85)}"
    headers = {
        "HX-Request": "true",
        "HX-Target": f"app-{past.company.api.pk}",
        "HX-Current-URL": f"http://x/apps/?{at}",
    }

    html = client_of(bob).get(f"/apps/?show={past.company.api.pk}&{at}", headers=headers)

    assert "dora" in people_in(html.content.decode())
    assert at in html.headers["HX-Push-Url"].replace("%3A", ":").replace("%2B", "+") or (
        "at=" in html.headers["HX-Push-Url"]
    )


# --- who, and what it costs -----------------------------------------------------------------------


def test_what_somebody_may_see_of_the_past_is_what_they_may_see_today(see, of_billing, past):
    """The app was in the project of the lead then, and is in another now."""
    at = instant(days=85)
    assert "dora" in people_in(see(of_billing, f"/people/?at={at}"))

    App.objects.filter(pk=past.company.api.pk).update(project=past.company.shop)

    assert "dora" not in people_in(see(of_billing, f"/people/?at={at}"))
    assert "billing-api" not in see(of_billing, f"/apps/?at={at}")
    see(of_billing, f"/apps/{past.company.api.pk}/?at={at}", status=404)


def test_a_page_of_the_past_costs_as_many_queries_as_the_page_of_now(client_of, bob, past):
    client = client_of(bob)

    def queries(path):
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            client.get(path)
        return len(captured)

    for path in paths(past):
        assert queries(f"{path}?at={instant(days=55)}") == queries(path), path


def test_an_instant_between_two_changes_of_one_moment(bob, past):
    """The period before and the one after share an edge: exactly one of them counts."""
    row = Collaboration.objects.get(person=past.dora)
    again = CollaborationFactory(
        app=row.app,
        person=past.dora,
        collaborator_id=row.collaborator_id,
        since_at=row.since_at,
        started_after=row.ended_after,
        started_at=row.ended_at,
    )

    for moment, expected in ((row.ended_at - timedelta(seconds=1), row), (row.ended_at, again)):
        assert Collaboration.objects.at(moment).get(person=past.dora) == expected
    assert TwoFactorPeriod.objects.at(ago(days=75)).count() == 3
