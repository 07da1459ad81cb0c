"""People: who has access to anything?"""

import re

import pytest
from django.utils import timezone

from governance.facts.models import PersonFact
from governance.inventory.models import Person
from governance.inventory.queries.newest import memory
from tests.factories import CollaborationFactory, PersonFactory, ago

pytestmark = pytest.mark.django_db
PAGE = "/people/"


@pytest.fixture
def see(client_of):
    """The text of the page for somebody: `see(bob, "?q=ana")`."""

    def look(user, query="", status=200, **headers):
        response = client_of(user).get(f"{PAGE}{query}", headers=headers)
        assert response.status_code == status, response.content
        return response.content.decode()

    return look


def shown(html):
    """The names in the table, in order."""
    return re.findall(r'<th scope="row">.*?<a href="/people/[^"]+">([^<]*)</a>', html)


def summary(html):
    return re.search(r'role="status">([^<]*)<', html)[1]


# --- what a row says ------------------------------------------------------------------------------


def test_a_row_says_who_on_how_many_apps_and_with_which_2fa(see, bob, company):
    html = see(bob, "?q=lopez")

    [row] = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html)
    text = re.sub(r"<[^>]+>", " ", row)
    assert " ".join(text.split()).startswith(
        "AN ana ana.lopez@example.com Off 2 1 full · 1 limited 6 months ago"
    )


def test_an_invited_address_is_dimmed_and_its_2fa_unknown(see, bob, company):
    html = see(bob, "?status=pending")

    [row] = re.findall(r'<tr class="dim">.*?</tr>', html)
    assert "carl@example.com" in row
    assert "Unknown" in row
    assert "1 limited · 1 pending" in row


def test_outside_people_and_service_accounts_are_marked(see, bob, alice, company, settings):
    settings.COMPANY_DOMAINS = frozenset({"example.com"})
    PersonFact.objects.create(
        person=company.owner,
        kind="service",
        employment="internal",
        said_by=alice,
        said_at=timezone.now(),
    )

    html = see(bob)

    assert re.search(r'ben</a> <span class="tag">external</span>', html)
    assert re.search(r'platform</a> <span class="tag" title="Service account">service<', html)
    assert html.count('class="tag"') == 2


# --- filters, in the address ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["ana", "ben", "carl@example.com", "platform"]),
        ("?q=LOPEZ", ["ana"]),
        ("?q=%20ana%20", ["ana"]),
        ("?two-factor=off", ["ana"]),
        ("?two-factor=off&two-factor=unknown", ["ana", "carl@example.com"]),
        ("?two-factor=off,unknown", ["ana", "carl@example.com"]),
        ("?role=owner&role=collaborator", ["ana", "ben", "platform"]),
        ("?status=pending", ["carl@example.com"]),
        ("?pending=month", ["carl@example.com"]),
        ("?pending=week,older", []),
        ("?app=shop-index", ["ben", "platform"]),
        ("?app=shop-index&role=collaborator", ["ben"]),
        ("?region=osc-fr1&q=b", ["ben"]),
        ("?sort=-email", ["platform", "carl@example.com", "ben", "ana"]),
        ("?sort=two-factor", ["ana", "ben", "platform", "carl@example.com"]),
        ("?q=nobody-like-that", []),
    ],
)
def test_filters_and_order_stand_in_the_address(see, bob, company, query, found):
    assert shown(see(bob, query)) == found


def test_people_of_a_project(see, bob, company):
    html = see(bob, f"?project={company.shop.pk}")

    assert shown(html) == ["ben", "platform"]
    assert "Project: shop" in html


def test_it_says_how_many_are_shown_and_of_how_many(see, bob, company):
    assert summary(see(bob)) == "4 people"
    assert summary(see(bob, "?two-factor=off")) == "1 person of 4"
    assert summary(see(bob, "?role=limited")) == "3 people of 4"


def test_it_counts_again_when_somebody_came(see, bob, company):
    see(bob, "?role=limited")

    CollaborationFactory(app=company.api, role="limited")

    assert summary(see(bob, "?role=limited")) == "4 people of 5"


def test_those_without_access_any_more_can_be_asked_for(see, bob, company):
    CollaborationFactory(app=company.api, person=PersonFactory(username="lena"), ended=True)

    html = see(bob, "?status=gone")

    assert shown(html) == ["lena"]
    assert summary(html) == "1 person without access any more"


def test_chips_name_the_filters_and_take_them_away(see, bob, company):
    html = see(bob, "?role=owner&role=limited&two-factor=off&q=ana&after=x")

    chips = re.findall(r'<li class="chip">([^<]*)<a href="([^"]*)"', html)
    assert [text for text, _url in chips] == [
        "“ana”",
        "2FA: Off",
        "Role: Owner",
        "Role: Limited",
    ]
    assert dict(chips)["Role: Owner"] == "?role=limited&amp;two-factor=off&amp;q=ana"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?two-factor=maybe", "2FA: “maybe” is not known"),
        ("?role=god&role=owner", "Role: “god” is not known"),
        ("?project=not-a-uuid", "Project: “not-a-uuid” is not known"),
        ("?project=00000000-0000-0000-0000-000000000001", "is not known"),
        ("?region=mars", "Region: “mars” is not known"),
        ("?app=no-such-app", "App: “no-such-app” is not known"),
        ("?pending=never", "Invited: “never” is not known"),
        ("?sort=password", "Order: “password” is not known"),
        ("?role=<b onclick=x>", "Role: “&lt;b onclick=x&gt;” is not known"),
    ],
)
def test_what_is_not_known_is_left_out_and_said(see, bob, company, query, words):
    html = see(bob, query)

    assert words in html
    assert "platform" in shown(html)


@pytest.mark.parametrize(
    "query",
    [
        "?after=garbage",
        "?before=W10",
        "?after=%00",
        "?q=%00",
        "?q=" + "x" * 5000,
        "?role=" + ",".join("abc" * 500),
        "?app=%F0%9F%92%A9&region=%00&project=%00",
        "?status[]=x&q[$ne]=1",
        "?sort=--name",
        "?sort=name&sort=-email&q=a&q=b",
    ],
)
def test_no_address_breaks_the_page(see, bob, company, query):
    see(bob, query)


def test_pages_follow_each_other_in_both_directions(see, bob, company):
    for number in range(60):
        CollaborationFactory(app=company.api, person=PersonFactory(username=f"zoe-{number:02}"))

    first = see(bob)
    onward = re.search(r'rel="next" href="([^"]*)"', first)[1]
    second = see(bob, onward.replace("&amp;", "&"))
    back = re.search(r'rel="prev" href="([^"]*)"', second)[1]

    assert len(shown(first)) == 50
    assert shown(first) + shown(second) == sorted(shown(first) + shown(second))
    assert len(shown(second)) == 14
    assert shown(see(bob, back.replace("&amp;", "&"))) == shown(first)


def test_the_order_in_force_is_said_and_can_be_turned(see, bob, company):
    html = see(bob, "?q=a")

    assert html.count("aria-sort=") == 1
    assert re.search(r'aria-sort="ascending"><a href="\?q=a&amp;sort=-name"', html)


def test_what_a_form_sends_for_nothing_does_not_stay_in_the_address(client_of, bob, company):
    response = client_of(bob).get(f"{PAGE}?q=&two-factor=off&role=&sort=name")

    assert (response.status_code, response.headers["Location"]) == (302, "/people/?two-factor=off")


# --- who sees whom --------------------------------------------------------------------------------


def test_a_viewer_of_one_project_sees_its_people_and_counts_alone(see, of_billing, company):
    html = see(of_billing)

    assert summary(html) == "4 people"
    assert shown(see(of_billing, "?role=collaborator")) == ["ana"]  # ben is full elsewhere
    assert "shop" not in html
    assert "App: “shop-index” is not known" in see(of_billing, "?app=shop-index")


def test_numbers_of_one_viewer_are_not_shown_to_another(see, of_billing, bob, company):
    CollaborationFactory(app=company.index)

    assert [summary(see(user)) for user in (bob, of_billing, bob)] == [
        "5 people",
        "4 people",
        "5 people",
    ]


def test_there_is_no_way_to_more_rows_through_a_cursor(see, of_billing, bob, company):
    CollaborationFactory(app=company.index, person=PersonFactory(username="aaa"))
    for number in range(60):
        CollaborationFactory(app=company.index, person=PersonFactory(username=f"m-{number:02}"))
    onward = re.search(r'rel="next" href="([^"]*)"', see(bob))[1].replace("&amp;", "&")

    assert set(shown(see(of_billing, onward))) <= {"ana", "ben", "carl@example.com", "platform"}


# --- nothing to show ------------------------------------------------------------------------------


def test_each_emptiness_has_its_own_words(see, bob, company):
    assert "Nobody matches." in see(bob, "?q=zzz")
    assert "4 people have access; the filters together fit none of them." in see(bob, "?q=zzz")


def test_before_anything_was_read_it_says_so(see, bob, dave):
    assert "Nobody is known yet." in see(bob)
    assert "Nothing of your projects was read so far." in see(dave)


# --- hostile text ---------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=y>',
    "a\nb",
    "\u202egnp.exe",
    "{{ 7 }}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_text(see, bob, company, text):
    def tags(html):
        return sorted(
            re.sub(r'(value|href)="[^"]*"|hue-\d+', r"\1", tag)
            for tag in re.findall(r"<\w+[^>]*>", html[html.index('id="people"') :])
        )

    person = PersonFactory(username="harmless", email="plain@example.com")
    CollaborationFactory(app=company.api, person=person)
    before = see(bob)
    Person.objects.filter(pk=person.pk).update(username=text, email=f"{text}@x")
    after = see(bob)

    assert tags(after) == tags(before)


# --- htmx, and what a page costs ------------------------------------------------------------------


def test_htmx_gets_the_list_alone(see, bob, company):
    part = see(bob, "?q=ana", **{"HX-Request": "true", "HX-Target": "people"})
    page = see(bob, "?q=ana", **{"HX-Request": "true", "HX-Target": "main"})

    assert part.lstrip().startswith('<div id="people">')
    assert shown(part) == ["ana"]
    assert "<!doctype html>" in page


@pytest.mark.parametrize(
    "query", ["", "?q=zoe", "?role=limited&two-factor=on", "?sort=-changed", "?app=billing-api"]
)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true", "HX-Target": "people"}])
def test_ten_people_cost_as_much_as_one(client_of, bob, company, assert_same_cost, query, headers):
    client = client_of(bob)

    def grow():
        for number in range(10):
            person = PersonFactory(username=f"zoe {number}", first_seen_at=ago(days=number))
            CollaborationFactory(app=company.api, person=person, role="limited")

    assert_same_cost(grow, lambda: client.get(f"{PAGE}{query}", headers=headers))


def test_the_page_costs_five_queries(client_of, bob, company, queries_of):
    client = client_of(bob)
    client.get(PAGE)
    memory.forget()

    # session, user, totals, the people, the frame: whether or not they were counted before
    assert len(queries_of(lambda: client.get(PAGE))) == 5
    assert len(queries_of(lambda: client.get(PAGE))) == 5
