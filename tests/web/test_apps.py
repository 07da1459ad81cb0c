"""Apps: the tree project → app → people, with and without JavaScript."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from governance.inventory.models import App, Person
from governance.inventory.queries.newest import memory
from tests.factories import (
    AppFactory,
    CollaborationFactory,
    PersonFactory,
    ProjectFactory,
    ago,
)

pytestmark = pytest.mark.django_db
PAGE = "/apps/"


@pytest.fixture
def see(client_of):
    def look(user, query="", status=200, **headers):
        response = client_of(user).get(f"{PAGE}{query}", headers=headers)
        assert response.status_code == status, response.content
        return response.content.decode()

    return look


def apps(html):
    return re.findall(r'<button class="disclosure"[^>]*>([^<]*)<', html)


def people(html):
    return re.findall(r'<th scope="row"><a href="/people/[^"]+">([^<]*)</a>', html)


def row(html, app):
    """The collapsed row of an app, as words."""
    [found] = re.findall(rf'<tbody id="app-{app.pk}"><tr class="app">.*?</tr>', html)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def summary(html):
    return re.search(r'role="status">([^<]*)<', html)[1]


def part(app):
    return {"HX-Request": "true", "HX-Target": f"app-{app.pk}"}


# --- a collapsed row ------------------------------------------------------------------------------


def test_a_collapsed_row_answers_already(see, bob, company):
    html = see(bob)

    assert row(html, company.api) == (
        "billing-api 4 people 1 full · 2 limited 1 without 2FA · 1 unknown 1 pending Read 4 min ago"
    )
    assert people(html) == []


def test_each_number_links_to_the_list_behind_it(see, bob, company, client_of):
    html = see(bob)
    links = re.findall(rf'href="(/apps/{company.api.pk}/[^"]*)">(\d+) ', html)

    for url, number in links:
        there = client_of(bob).get(url).content.decode()
        assert len(people_of(there)) == int(number), url
    assert len(links) == 6


def people_of(html):
    return re.findall(r'<th scope="row"><div class="who">', html)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"database": True}, "database"),
        ({"review": True}, "review app"),
        ({"health_data": True}, "health data"),
        ({"suspect_since": ago(days=1)}, "suspect"),
        ({"stale": True}, "Stale since 2 h ago"),
        ({}, "Never read"),
    ],
)
def test_an_apps_peculiarities_are_words(see, bob, company, fields, words):
    app = AppFactory(name="odd", project=company.billing, **fields)
    CollaborationFactory(app=app)

    assert words in row(see(bob), app)


def test_apps_stand_under_their_projects(see, bob, company):
    alone = AppFactory(name="alone")
    CollaborationFactory(app=alone)

    html = see(bob)

    assert apps(html) == ["billing-api", "billing-web", "shop-index", "alone"]
    groups = re.findall(r'<tbody class="group">.*?</tbody>', html, re.S)
    assert [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in groups] == [
        "billing osc-fr1",
        "shop osc-fr1",
        "No project",
    ]


def test_apps_with_nobody_but_their_owner_are_hidden_by_a_switch(see, bob, company):
    html = see(bob)
    both = see(bob, "?collaborators=any")

    assert "shop-old" not in apps(html)
    assert summary(html) == "3 apps of 4"
    assert "shop-old" in apps(both)
    assert summary(both) == "4 apps"
    assert "Also apps without collaborators" in both


def test_what_a_form_sends_for_nothing_does_not_stay_in_the_address(client_of, bob, company):
    sent = "?q=&role=owner&two-factor=&collaborators=any&collaborators=only"  # the switch is on

    plain = client_of(bob).get(PAGE + sent)
    with_htmx = client_of(bob).get(PAGE + sent, headers={"HX-Request": "true", "HX-Target": "tree"})

    assert (plain.status_code, plain.headers["Location"]) == (302, "/apps/?role=owner")
    assert (with_htmx.status_code, with_htmx.headers["HX-Push-Url"]) == (200, "/apps/?role=owner")
    assert client_of(bob).get(f"{PAGE}?q=").headers["Location"] == PAGE


# --- opening, with and without JavaScript ---------------------------------------------------------


def test_an_open_branch_shows_its_people_the_owner_first(see, bob, company):
    html = see(bob, f"?open={company.api.pk}")

    assert people(html) == ["platform", "ana", "ben", "carl@example.com"]
    assert html.count('aria-expanded="true"') == 1
    assert f'aria-controls="app-{company.api.pk}"' in html
    assert "Pending 12 d" in html


def test_expand_all_opens_the_apps_of_this_page(see, bob, company):
    html = see(bob, "?open=all")

    assert html.count('aria-expanded="true"') == 3
    assert len(people(html)) == 8
    collapse = re.search(r'href="([^"]*)">(?:(?!</a>).)*Collapse all', html)[1]
    assert people(see(bob, collapse)) == []


def test_without_javascript_a_button_leads_to_the_page_with_its_branch_open(
    client_of, bob, company
):
    client = client_of(bob)

    shown = client.get(PAGE, {"q": "b", "open": str(company.web.pk), "show": str(company.api.pk)})

    where = urlsplit(shown.headers["Location"])
    assert shown.status_code == 302
    assert where.fragment == f"app-{company.api.pk}"
    assert parse_qs(where.query) == {
        "q": ["b"],
        "open": [f"{company.web.pk},{company.api.pk}"],
    }
    hidden = client.get(PAGE, {"open": str(company.api.pk), "hide": str(company.api.pk)})
    assert parse_qs(urlsplit(hidden.headers["Location"]).query) == {}


def test_one_branch_can_be_shut_when_all_are_open(client_of, bob, company):
    client = client_of(bob)
    address = client.get(PAGE, {"open": "all", "hide": str(company.api.pk)}).headers["Location"]

    html = client.get(address).content.decode()
    again = client.get(f"{address.split('#')[0]}&show={company.api.pk}").headers["Location"]

    assert html.count('aria-expanded="true"') == 2
    assert parse_qs(urlsplit(again).query) == {"open": ["all"]}


def test_the_buttons_take_the_whole_address_along(see, bob, company):
    html = see(bob, f"?q=bill&role=owner&open={company.api.pk}&from=x")

    [form] = re.findall(r'<form id="state".*?</form>', html, re.S)
    assert re.findall(r'name="([^"]*)" value="([^"]*)"', form) == [
        ("q", "bill"),
        ("role", "owner"),
        ("open", str(company.api.pk)),
    ]


def test_htmx_gets_one_branch_and_the_address_that_remembers_it(client_of, bob, company):
    response = client_of(bob).get(
        f"{PAGE}?open={company.web.pk}&show={company.api.pk}", headers=part(company.api)
    )

    html = response.content.decode()
    assert html.startswith(f'<tbody id="app-{company.api.pk}">')
    assert people(html) == ["platform", "ana", "ben", "carl@example.com"]
    assert apps(html) == ["billing-api"]
    assert parse_qs(urlsplit(response.headers["HX-Push-Url"]).query) == {
        "open": [f"{company.web.pk},{company.api.pk}"]
    }
    assert "HX-Target" in response.headers["Vary"]


def test_htmx_shuts_one_branch(client_of, bob, company):
    response = client_of(bob).get(
        f"{PAGE}?open={company.api.pk}&hide={company.api.pk}", headers=part(company.api)
    )

    assert people(response.content.decode()) == []
    assert 'aria-expanded="false"' in response.content.decode()
    assert parse_qs(urlsplit(response.headers["HX-Push-Url"]).query) == {}


def test_the_branch_of_an_app_that_may_not_be_seen_does_not_exist(see, of_billing, company):
    see(of_billing, f"?show={company.index.pk}", status=404, **part(company.index))
    assert people(see(of_billing, f"?open={company.index.pk}")) == []


def test_a_large_app_is_paged_inside(client_of, bob, company):
    for number in range(45):
        CollaborationFactory(app=company.web, person=PersonFactory(username=f"zoe-{number:02}"))
    client = client_of(bob)
    seen, address = [], f"?open={company.web.pk}"

    for _page in range(3):
        html = client.get(PAGE + address).content.decode()
        seen += people(html)
        following = re.search(rf'name="from" value="({company.web.pk}:[^"]+)"', html)
        if following:
            address = f"?open={company.web.pk}&from={following[1]}"

    assert following is None
    assert len(seen) == len(set(seen)) == 47
    assert "The first" in html
    with_htmx = client.get(PAGE + address, headers=part(company.web)).content.decode()
    assert people(with_htmx) == seen[40:]


# --- searching and filters ------------------------------------------------------------------------


def test_a_search_opens_the_apps_where_it_found_people_and_says_how_many(see, bob, company):
    html = see(bob, "?q=lopez")

    assert apps(html) == ["billing-api", "billing-web"]
    assert people(html) == ["ana", "ana"]
    assert "1 of 4 shown" in row(html, company.api)


def test_a_search_for_an_app_shows_all_its_people_when_opened(see, bob, company):
    html = see(bob, "?q=billing-api")

    assert people(html) == []
    assert "shown" not in row(html, company.api)
    assert len(people(see(bob, f"?q=billing-api&open={company.api.pk}"))) == 4


def test_a_branch_that_a_search_opened_can_be_shut(client_of, bob, company):
    client = client_of(bob)
    address = client.get(PAGE, {"q": "lopez", "hide": str(company.api.pk)}).headers["Location"]

    html = client.get(address).content.decode()

    assert people(html) == ["ana"]
    assert parse_qs(urlsplit(address).query)["shut"] == [str(company.api.pk)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?role=collaborator", {"billing-api": ["ana"], "shop-index": ["ben"]}),
        ("?two-factor=off&role=limited", {"billing-web": ["ana"]}),
        ("?two-factor=unknown", {"billing-api": ["carl@example.com"]}),
        ("?kind=app&q=index", {"shop-index": []}),
        ("?kind=database", {}),
        ("?health-data=yes", {}),
        ("?region=osc-fr1&q=web", {"billing-web": []}),
    ],
)
def test_filters_stand_in_the_address(see, bob, company, query, found):
    html = see(bob, query)

    assert apps(html) == list(found)
    assert people(html) == [name for names in found.values() for name in names]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?role=god", "Role: “god” is not known"),
        ("?kind=rocket", "Kind: “rocket” is not known"),
        ("?project=x", "Project: “x” is not known"),
        ("?project=00000000-0000-0000-0000-000000000001", "is not known"),
        ("?region=mars", "Region: “mars” is not known"),
        ("?health-data=perhaps", "Health data: “perhaps” is not known"),
    ],
)
def test_what_is_not_known_is_left_out_and_said(see, bob, company, query, words):
    html = see(bob, query)

    assert words in html
    assert apps(html) == ["billing-api", "billing-web", "shop-index"]


@pytest.mark.parametrize(
    "query",
    [
        "?open=x,y&shut=z",
        "?open=" + ",".join(["00000000-0000-0000-0000-000000000001"] * 500),
        "?after=garbage&before=W10",
        "?from=x:y",
        "?from=00000000-0000-0000-0000-000000000001:W10",
        "?q=%00&region=%00&project=%00&collaborators=%00",
        "?q=" + "x" * 5000,
        "?q=%25_%5C",
        "?show=x",
        "?hide=%00",
    ],
)
def test_no_address_breaks_the_page(see, bob, company, query):
    see(bob, query)


def test_no_address_breaks_a_branch(see, bob, company):
    for query in ("?from=x:y", f"?from={company.api.pk}:W10&open=all", "?show=x", "?q=%00"):
        see(bob, query, **part(company.api))


def test_pages_of_25_apps_follow_each_other_in_both_directions(see, bob, company):
    for number in range(60):
        CollaborationFactory(app=AppFactory(name=f"n-{number:02}", project=company.billing))
    seen, html, address = [], see(bob), None
    while True:
        seen.append(apps(html))
        following = re.search(r'rel="next" href="([^"]*)"', html)
        if following is None:
            break
        html = see(bob, following[1].replace("&amp;", "&"))
    back = re.search(r'rel="prev" href="([^"]*)"', html)[1].replace("&amp;", "&")

    assert [len(page) for page in seen] == [25, 25, 13]
    assert apps(see(bob, back)) == seen[1]
    assert address is None


# --- who sees what, and nothing to see ------------------------------------------------------------


def test_a_viewer_of_one_project_sees_its_apps_and_counts_alone(see, of_billing, company):
    html = see(of_billing, "?collaborators=any")

    assert apps(html) == ["billing-api", "billing-web"]
    assert summary(html) == "2 apps"
    assert "shop" not in html


def test_each_emptiness_has_its_own_words(see, bob, company):
    assert "4 apps are known; the filters together fit none of them." in see(bob, "?q=zzz")
    App.objects.exclude(pk=company.empty.pk).update(gone_at=ago(days=1))
    memory.forget()  # no history told of that
    assert "No app has collaborators." in see(bob)
    App.objects.update(gone_at=ago(days=1))
    memory.forget()
    assert "No app is known yet." in see(bob)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=y>', "a\nb", "\u202egnp", "{{ 7 }}"]
)
def test_hostile_names_are_text(see, bob, company, text):
    def tags(html):
        return sorted(
            re.sub(r'(value|href|aria-label|title)="[^"]*"', r"\1", tag)
            for tag in re.findall(r"<\w+[^>]*>", html[html.index('id="tree"') :])
        )

    before = see(bob, "?open=all")
    App.objects.filter(pk=company.api.pk).update(name=text)
    Person.objects.filter(pk=company.ana.pk).update(username=text, email=text)
    company.shop.__class__.objects.filter(pk=company.shop.pk).update(name=text)
    after = see(bob, "?open=all")

    assert tags(after) == tags(before)


# --- what a page costs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["", "?open=all", "?q=zoe", "?role=limited&two-factor=on", "?collaborators=any"]
)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true", "HX-Target": "tree"}])
def test_ten_apps_cost_as_much_as_one(client_of, bob, company, assert_same_cost, query, headers):
    client = client_of(bob)
    CollaborationFactory(app=company.web, person=PersonFactory(username="zoe"), role="limited")

    def grow():
        for number in range(10):
            app = AppFactory(name=f"new-{number}", project=ProjectFactory())
            for name in range(3):
                person = PersonFactory(username=f"zoe {number} {name}")
                CollaborationFactory(app=app, person=person, role="limited")

    assert_same_cost(grow, lambda: client.get(f"{PAGE}{query}", headers=headers))


def test_the_page_costs_at_most_six_queries(client_of, bob, company, queries_of):
    client = client_of(bob)
    client.get(PAGE)
    memory.forget()

    # session, user, totals, heads, the frame; and the people of open apps
    assert len(queries_of(lambda: client.get(PAGE))) == 5
    assert len(queries_of(lambda: client.get(PAGE))) == 4  # counted already, says the frame
    memory.forget()
    assert len(queries_of(lambda: client.get(f"{PAGE}?open=all"))) == 6


def test_an_open_page_of_many_people_stays_light(client_of, alice, company):
    """Its rows are what its weight grows with: so much each, and no more."""

    def weight():
        return len(client_of(alice).get("/apps/?open=all&collaborators=any").content)

    before = weight()
    for number in range(40):
        person = PersonFactory(username=f"person-{number:02}", email=f"p-{number:02}@example.com")
        CollaborationFactory(app=company.web, person=person, role="collaborator")

    assert (weight() - before) / 40 < 255
