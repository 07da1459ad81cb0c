"""App: its people, its invitations, what changed, and how well that is known."""

import re

import pytest

from governance.facts.models import AppFact
from governance.inventory.models import App, Collaboration, Person, Scope
from tests.factories import (
    AppPeriodFactory,
    AttributionFactory,
    CollaborationFactory,
    PersonFactory,
    ago,
)

pytestmark = pytest.mark.django_db
SAID = {"app_class": "production", "team": "Billing", "instead_of": ""}


def page_of(app):
    return f"/apps/{app.pk}/"


@pytest.fixture
def see(client_of):
    def look(user, app, query="", status=200, **headers):
        response = client_of(user).get(f"{page_of(app)}{query}", headers=headers)
        assert response.status_code == status, response.content
        return response.content.decode()

    return look


def text(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def section(html, name):
    [found] = re.findall(
        rf'<section class="card" aria-labelledby="{name}">.*?</section>', html, re.S
    )
    return text(found)


def people(html):
    return re.findall(r'<div class="who">.*?<a href="/people/[^"]*">([^<]*)</a>', html)


def tile(html, name):
    return text(re.search(rf'<a class="tile[^>]*>(?:(?!</a>).)*{name}.*?</a>', html, re.S)[0])


# --- what it says ---------------------------------------------------------------------------------


def test_the_owner_comes_first_and_invitations_are_dimmed_with_age_and_inviter(see, bob, company):
    invitation = Collaboration.objects.get(person=company.invited)
    AttributionFactory(collaboration=invitation, named=True, actor=company.ana)

    html = see(bob, company.api)

    assert people(html) == ["platform", "ana", "ben", "carl@example.com"]
    [row] = re.findall(r'<tr class="dim">.*?</tr>', html, re.S)
    assert "Pending 12 d" in text(row)
    assert "by ana, on Scalingo" in text(row)


def test_its_numbers_are_the_lists_behind_them(see, bob, company):
    html = see(bob, company.api)

    assert tile(html, "People").startswith("People 4")
    assert tile(html, "Full").startswith("Full 1")
    assert tile(html, "Without 2FA") == "Without 2FA 1 1 unknown"
    assert tile(html, "Pending").startswith("Pending 1")
    assert people(see(bob, company.api, "?role=collaborator")) == ["ana"]
    assert people(see(bob, company.api, "?two-factor=off")) == ["ana"]
    assert people(see(bob, company.api, "?status=pending")) == ["carl@example.com"]
    assert "Nobody on this app matches." in see(bob, company.api, "?status=deleted")
    assert "Role: “god” is not known" in see(bob, company.api, "?role=god")


def test_it_tells_what_changed_and_who_did_it(see, bob, company):
    joined = Collaboration.objects.get(app=company.api, person=company.ben)
    AttributionFactory(collaboration=joined, named=True, actor=company.owner)
    left = CollaborationFactory(
        app=company.api, person=PersonFactory(username="lena"), role="limited", ended=True
    )
    AttributionFactory(collaboration=left, edge="end", source="unexplained")

    words = section(see(bob, company.api), "changes")

    assert "lena no longer has access to billing-api ; the role was limited." in words
    assert "unexplained" in words
    assert "ben got access to billing-api as limited collaborator." in words
    assert "by platform, on Scalingo" in words


def test_a_change_of_role_is_told_from_what_to_what(see, bob, company):
    changed = ago(days=1)
    row = Collaboration.objects.get(app=company.web, person=company.ana)
    Collaboration.objects.filter(pk=row.pk).update(ended_after=changed, ended_at=changed)
    CollaborationFactory(
        app=company.web, person=company.ana, role="collaborator",
        collaborator_id=row.collaborator_id, since_at=row.since_at, started_at=changed,
    )  # fmt: skip

    words = section(see(bob, company.web), "changes")

    assert "The role of ana on billing-web changed from limited to collaborator." in words


def test_a_new_owner_is_told(see, bob, company):
    moved = ago(days=1)
    Collaboration.objects.filter(app=company.web, role="owner").update(
        ended_after=moved, ended_at=moved
    )
    CollaborationFactory(app=company.web, person=company.ben, owner=True, since_at=moved)

    words = section(see(bob, company.web), "changes")

    assert "ben became the owner of billing-web , after platform." in words


def test_former_names_and_projects_are_listed(see, bob, company):
    renamed = ago(days=2)
    AppPeriodFactory(
        app=company.api,
        name="old-api",
        project=company.shop,
        started_at=ago(days=300),
        ended_at=renamed,
    )
    AppPeriodFactory(app=company.api, started_after=ago(days=3), started_at=renamed)

    html = see(bob, company.api)

    assert "old-api shop" in section(html, "names")
    assert "The app was renamed from old-api to billing-api." in section(html, "changes")


def test_it_says_where_and_when_it_was_read(see, bob, company):
    words = section(see(bob, company.api), "reading")

    assert "Read 4 min ago" in words
    assert "Collaborators of owned apps, osc-fr1" in words
    assert "Owner account" in words
    assert "in 4,000 readings" in words


def test_it_says_since_when_and_why_it_is_stale(see, bob, company):
    Scope.objects.update(
        stale_since=ago(hours=5), stale_reason="unavailable", stale_detail="Scalingo was away."
    )

    html = see(bob, company.api)

    assert "Stale since 5 h ago" in text(html)
    assert "Scalingo was away." in html
    App.objects.filter(pk=company.api.pk).update(stale_since=ago(hours=2), stale_reason="x")
    assert "could not be believed, so it keeps what it had." in see(bob, company.api)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("not_listed", "does not name it, so it was not read."),
        ("read_otherwise", "It is read in another way now, and was not yet read so."),
    ],
)
def test_an_app_that_was_not_read_is_not_said_to_be_doubtful(see, bob, company, reason, words):
    App.objects.filter(pk=company.api.pk).update(
        stale_since=ago(hours=2), stale_reason=reason, suspect_since=ago(hours=2)
    )

    html = see(bob, company.api)

    assert words in html
    assert "could not be believed" not in html
    assert "until Scalingo has said three times over a day that there is no such app." in html
    assert "Not listed since 2 h ago" in text(html)


def test_an_app_that_no_connection_reads_says_so(see, bob, company):
    App.objects.filter(pk=company.api.pk).update(scope=None)

    assert "no connection can see its collaborators" in see(bob, company.api)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"suspect_since": ago(days=1)}, "Scalingo does not list this app any more."),
        ({"gone_at": ago(days=1)}, "No longer on Scalingo, as read"),
        ({"parent_name": "billing"}, "review app"),
        ({"kind": "database"}, "database"),
        ({"health_data": True}, "health data"),
    ],
)
def test_its_peculiarities_are_words(see, bob, company, fields, words):
    App.objects.filter(pk=company.api.pk).update(**fields)

    assert words in text(see(bob, company.api))


def test_who_made_the_link_to_the_source_code_is_marked(see, bob, company):
    App.objects.filter(pk=company.api.pk).update(scm_linker=company.ana)

    html = see(bob, company.api)

    assert re.search(r'ana</a> <span class="tag" title="[^"]*">SCM linker</span>', html)
    assert "made by ana" in section(html, "reading")


def test_whether_somebody_links_it_is_unknown_until_it_was_read(see, bob, company, now):
    assert "Not known: it was not read yet." in section(see(bob, company.api), "reading")

    App.objects.filter(pk=company.api.pk).update(scm_read_at=now)

    reading = section(see(bob, company.api), "reading")
    assert "Not known" not in reading
    assert "None, read" in reading


# --- who may see it -------------------------------------------------------------------------------


def test_an_app_that_may_not_be_seen_does_not_exist(see, of_billing, company):
    see(of_billing, company.index, status=404)
    see(of_billing, company.api)


# --- facts ----------------------------------------------------------------------------------------


def test_an_admin_says_what_it_is_for(client_of, alice, company, see):
    response = client_of(alice).post(page_of(company.api), SAID)

    assert (response.status_code, response.headers["Location"]) == (303, page_of(company.api))
    words = section(see(alice, company.api), "what")
    assert "Class Production Team Billing" in words
    assert "said by Alice" in words


def test_a_form_that_means_nothing_is_shown_again(client_of, alice, company):
    response = client_of(alice).post(page_of(company.api), {**SAID, "app_class": "prod"})

    assert response.status_code == 422
    assert "prod is not one of the available choices" in response.content.decode()
    assert not AppFact.objects.exists()


def test_only_admins_may(client_of, bob, company):
    response = client_of(bob).post(page_of(company.api), SAID)

    assert response.status_code == 403
    assert "Only admins describe people and apps." in response.content.decode()
    assert not AppFact.objects.exists()


def test_the_second_of_two_admins_is_told_who_was_first(client_of, alice, make_user, company):
    client_of(alice).post(page_of(company.api), SAID)

    response = client_of(make_user("erin", "admin")).post(
        page_of(company.api), {**SAID, "team": "Other"}
    )

    assert response.status_code == 409
    assert "Alice changed this while you were writing." in response.content.decode()
    assert AppFact.objects.get().team == "Billing"


# --- hostile text, paging, htmx, and what it costs ------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "a\nb", "\u202egnp", "{app}{0}"],
)
def test_hostile_names_are_text(see, bob, company, name):
    def tags(html):
        return sorted(
            re.sub(r'(value|href|aria-label|title)="[^"]*"|hue-\d+', r"\1", tag)
            for tag in re.findall(r"<\w+[^>]*>", html[html.index('class="stack"') :])
        )

    App.objects.filter(pk=company.api.pk).update(scm_linker=company.ana)
    Scope.objects.update(stale_since=ago(hours=5), stale_detail="plain")
    before = see(bob, company.api)
    App.objects.filter(pk=company.api.pk).update(name=name, scalingo_id=name)
    Person.objects.filter(pk=company.ana.pk).update(username=name, email=name)
    Scope.objects.update(stale_detail=name)

    assert tags(see(bob, company.api)) == tags(before)


@pytest.mark.parametrize("query", ["?after=x", "?before=W10", "?changes-after=%00", "?role=%00"])
def test_no_address_breaks_the_page(see, bob, company, query):
    see(bob, company.api, query)


def test_two_hundred_people_are_paged(see, bob, company):
    for number in range(60):
        CollaborationFactory(app=company.web, person=PersonFactory(username=f"zoe-{number:02}"))

    first = see(bob, company.web)
    more = re.search(r'rel="next" href="(\?after=[^"]*)"', first)[1]
    second = see(bob, company.web, more)

    assert len(people(first)) == 50
    assert len(set(people(first) + people(second))) == 62
    part = see(bob, company.web, more, **{"HX-Request": "true", "HX-Target": "people"})
    assert part.lstrip().startswith('<div id="people">')
    assert people(part) == people(second)


def test_much_costs_as_much_as_little_and_that_is_six(
    client_of, bob, company, assert_same_cost, queries_of
):
    client = client_of(bob)

    def grow():
        for _number in range(5):
            row = CollaborationFactory(app=company.api)
            AttributionFactory(collaboration=row, named=True)
            CollaborationFactory(app=company.api, ended=True)

    assert_same_cost(grow, lambda: client.get(page_of(company.api)))
    # session, user, the app, its people, what happened, the frame
    assert len(queries_of(lambda: client.get(page_of(company.api)))) == 6
