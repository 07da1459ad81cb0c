"""Person: what can they reach, since when, and who gave it to them?"""

import re
import uuid

import pytest
from django.utils import timezone

from governance.audit.models import Event
from governance.facts.models import PersonFact
from governance.inventory.models import Collaboration, Person
from tests.factories import (
    AppFactory,
    AttributionFactory,
    CollaborationFactory,
    PersonFactory,
    TwoFactorPeriodFactory,
    ago,
)

pytestmark = pytest.mark.django_db


def page_of(person):
    return f"/people/{person.pk}/"


@pytest.fixture
def see(client_of):
    def look(user, person, query="", status=200):
        response = client_of(user).get(f"{page_of(person)}{query}")
        assert response.status_code == status, response.content
        return response.content.decode()

    return look


def text(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def section(html, name):
    """One part of the page, as words, by the id of its heading."""
    [found] = re.findall(
        rf'<section class="card" aria-labelledby="{name}">.*?</section>', html, re.S
    )
    return text(found)


SAID = {"kind": "human", "employment": "external", "employer": "Studio Galet", "instead_of": ""}


# --- what it says ---------------------------------------------------------------------------------


def test_it_says_who_and_what_they_can_reach(see, bob, company):
    html = see(bob, company.ana)

    assert "<h1>" in html
    assert "ana.lopez@example.com" in html
    assert "On 2 apps" in text(html)
    now = section(html, "access")
    assert "1 full · 1 limited" in now
    assert "billing-api billing · osc-fr1 Collaborator Accepted 3 months ago" in now
    assert "billing-web billing · osc-fr1 Limited Accepted" in now


def test_what_they_own_comes_first(see, bob, company):
    CollaborationFactory(app=AppFactory(name="aaa"), person=company.owner)

    found = re.findall(r'<th scope="row"><a href="/apps/[^"]*">([^<]*)', see(bob, company.owner))

    assert found == ["billing-api", "billing-web", "shop-index", "shop-old", "aaa"]


@pytest.mark.parametrize(
    ("attribution", "words"),
    [
        ({"named": True, "actor__username": "nadia"}, "by nadia, on Scalingo"),
        ({"source": "event", "actor_name": "x@elsewhere.test"}, "by x@elsewhere.test, on Scalingo"),
        ({"source": "event"}, "on Scalingo, by nobody named"),
        ({"source": "ours"}, "decided here"),
        ({"source": "unexplained"}, "unexplained"),
        (None, "not known by whom"),
    ],
)
def test_it_says_who_gave_each_access(see, bob, company, attribution, words):
    given = Collaboration.objects.get(app=company.web, person=company.ana)
    if attribution is not None:
        AttributionFactory(collaboration=given, **attribution)

    assert words in section(see(bob, company.ana), "access")


def test_what_was_there_at_the_first_reading_was_given_before_we_looked(see, bob, company):
    Collaboration.objects.filter(person=company.ana).update(since_after=None, started_after=None)

    html = see(bob, company.ana)

    assert "before we looked" in section(html, "access")
    assert "ana was on 2 apps when they were first read: billing-api , billing-web ." in section(
        html, "changes"
    )
    assert "at our first reading" in section(html, "changes")


def test_an_edge_says_between_which_readings_it_lies(see, bob, company, settings):
    settings.TIME_ZONE = "UTC"
    day = timezone.now().replace(hour=9, minute=20, second=0, microsecond=0) - timezone.timedelta(
        20
    )
    CollaborationFactory(
        app=company.empty, person=company.ana, since_at=day, since_after=day.replace(minute=10)
    )

    words = section(see(bob, company.ana), "changes")

    assert f"on {day:%-d %b %Y} between 09:10 and 09:20" in words


def test_a_pending_invitation_is_dimmed_and_its_2fa_not_known_yet(see, bob, company):
    html = see(bob, company.invited)

    assert '<tr class="dim">' in html
    assert "Pending 12 d" in section(html, "access")
    assert "Not known until the invitation is accepted." in section(html, "two-factor")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "deleted"}, "Account deleted"),
        ({"status": "unknown", "status_said": "frozen"}, "Scalingo says “frozen”"),
        ({"status": "unknown"}, "Status unknown"),
        ({"role": "unknown"}, "Role unknown"),
        ({"missing_at": ago(minutes=5)}, "Not seen last time"),
    ],
)
def test_what_scalingo_did_not_say_clearly_is_said_as_it_is(see, bob, company, fields, words):
    Collaboration.objects.filter(app=company.web, person=company.ana).update(**fields)

    assert words in section(see(bob, company.ana), "access")


def test_2fa_has_a_history(see, bob, company):
    switched = ago(days=3)
    TwoFactorPeriodFactory(
        person=company.ana, value="on", started_at=ago(days=90), ended_at=switched
    )
    TwoFactorPeriodFactory(
        person=company.ana, value="off", started_after=ago(days=4), started_at=switched
    )

    html = see(bob, company.ana)

    assert "Off for 3 days so far" in section(html, "two-factor")
    assert "On for" in section(html, "two-factor")
    assert "ana switched 2FA off." in section(html, "changes")


def test_what_is_over_is_listed_with_its_edges(see, bob, company):
    CollaborationFactory(app=company.empty, person=company.ana, role="limited", ended=True)

    html = see(bob, company.ana)

    assert "shop-old Limited" in section(html, "past")
    assert "ana no longer has access to shop-old ; the role was limited." in section(
        html, "changes"
    )


def test_somebody_on_nothing_any_more_still_has_a_page(see, bob, company):
    gone = CollaborationFactory(app=company.api, ended=True).person

    html = see(bob, gone)

    assert "On no app any more" in html
    assert "No access now." in html
    assert "billing-api" in section(html, "past")


def test_another_account_of_the_same_address_is_hinted_at(see, bob, company):
    account = PersonFactory(username="carl", email=company.invited.email)
    CollaborationFactory(app=company.web, person=account)

    assert "The account carl has the same address." in see(bob, company.invited)
    assert "This address is invited to more apps" in see(bob, account)
    assert "same address" not in see(bob, company.ana)


# --- who may see whom -----------------------------------------------------------------------------


def test_who_may_not_be_seen_does_not_exist(see, of_billing, mallory, client_of, company):
    elsewhere = CollaborationFactory(app=company.index).person

    see(of_billing, elsewhere, status=404)
    see(of_billing, PersonFactory.build(pk=uuid.uuid4()), status=404)
    see(of_billing, company.ana)


def test_what_of_somebody_may_not_be_seen_is_not_shown(see, of_billing, company):
    CollaborationFactory(app=company.empty, person=company.ben, ended=True)

    html = see(of_billing, company.ben)

    assert "On 1 app of your projects" in text(html)
    assert "shop" not in html


def test_an_address_that_became_somebody_leads_to_them(client_of, bob, of_billing, company):
    was = company.invited
    Collaboration.objects.filter(person=was).update(ended_at=timezone.now())
    CollaborationFactory(app=company.index, person=PersonFactory(username="other"))
    Person.objects.filter(pk=was.pk).update(merged_into=company.ana)
    second = PersonFactory(merged_into=was)

    for old in (was, second):
        response = client_of(bob).get(page_of(old))
        assert (response.status_code, response.headers["Location"]) == (301, page_of(company.ana))


def test_it_leads_nowhere_where_the_other_may_not_be_seen(client_of, of_billing, company):
    was = company.invited
    hidden = CollaborationFactory(app=company.index).person
    Person.objects.filter(pk=was.pk).update(merged_into=hidden)

    assert client_of(of_billing).get(page_of(was)).status_code == 404


def test_merges_in_a_circle_lead_nowhere(client_of, bob, company):
    Person.objects.filter(pk=company.ana.pk).update(merged_into=company.ben)
    Person.objects.filter(pk=company.ben.pk).update(merged_into=company.ana)

    assert client_of(bob).get(page_of(company.ana)).status_code == 404


def test_what_happened_to_the_invited_address_is_told_of_the_account(see, bob, company):
    accepted = ago(days=2)
    invitation = Collaboration.objects.get(person=company.invited)
    Collaboration.objects.filter(pk=invitation.pk).update(ended_after=accepted, ended_at=accepted)
    account = PersonFactory(username="carl")
    CollaborationFactory(
        app=company.api, person=account, collaborator_id=invitation.collaborator_id,
        role="limited", since_at=invitation.since_at, started_at=accepted,
    )  # fmt: skip
    Person.objects.filter(pk=company.invited.pk).update(merged_into=account)

    words = section(see(bob, account), "changes")

    assert "carl accepted the invitation to billing-api as limited collaborator." in words
    assert "carl@example.com was invited to billing-api as limited collaborator." in words
    assert "is gone" not in words


def test_what_happened_to_each_earlier_address_is_told_of_the_account(see, bob, company):
    second = PersonFactory(username="carla")
    Person.objects.filter(pk=second.pk).update(merged_into=company.ana)
    Person.objects.filter(pk=company.invited.pk).update(merged_into=second)

    words = section(see(bob, company.ana), "changes")

    assert "carl@example.com was invited to billing-api as limited collaborator." in words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "got access to billing-web as limited collaborator."),
        ({"status": "pending"}, "was invited to billing-web as limited collaborator."),
        ({"ended": True}, "no longer has access to billing-web ; the role was limited."),
    ],
)
def test_a_change_that_nobody_looked_up_says_so(see, bob, company, fields, words):
    zoe = PersonFactory(username="zoe")
    CollaborationFactory(app=company.web, person=zoe, role="limited", **fields)

    told = section(see(bob, zoe), "changes").partition(words)[2].split("zoe")[0]

    assert told.strip().endswith("· not known by whom")


def test_what_people_do_themselves_needs_no_author(see, bob, company):
    was = CollaborationFactory(
        app=company.web,
        status="pending",
        role="limited",
        ended_after=ago(days=3),
        ended_at=ago(days=2),
    )
    CollaborationFactory(
        app=company.web, person=was.person, collaborator_id=was.collaborator_id, role="limited",
        since_at=was.since_at, started_after=was.ended_after, started_at=was.ended_at,
    )  # fmt: skip

    words = section(see(bob, was.person), "changes")

    accepted, invited = words.split("was invited to billing-web")
    assert "accepted the invitation to billing-web as limited collaborator." in accepted
    assert "by whom" not in accepted
    assert "by whom" in invited


# --- facts ----------------------------------------------------------------------------------------


def test_an_admin_says_who_somebody_is(client_of, alice, company, see):
    response = client_of(alice).post(page_of(company.ben), SAID)

    assert (response.status_code, response.headers["Location"]) == (303, page_of(company.ben))
    html = see(alice, company.ben)
    assert "External Employer Studio Galet" in section(html, "who")
    assert "said by Alice" in section(html, "who")
    assert '<span class="tag">external</span>' in html
    assert Event.objects.get().kind == "fact.person_described"


def test_what_cannot_be_meant_is_said_at_the_field_and_kept_in_the_form(client_of, alice, company):
    response = client_of(alice).post(page_of(company.ben), {**SAID, "employment": "internal"})

    assert response.status_code == 422
    html = response.content.decode()
    assert "Somebody internal has no other employer." in html
    assert 'value="Studio Galet"' in html
    assert not PersonFact.objects.exists()


@pytest.mark.parametrize("name", ["bob", "carol", "olga"])
def test_nobody_else_may_and_is_told_so(client_of, request, company, name, see):
    user = request.getfixturevalue(name)

    response = client_of(user).post(page_of(company.ben), SAID)

    assert response.status_code == 403
    assert "Only admins describe people and apps." in response.content.decode()
    assert "Only admins describe people and apps." in see(user, company.ben)
    assert "Keep" not in see(user, company.ben)
    assert not PersonFact.objects.exists()


def test_the_second_of_two_admins_is_told_who_was_first(client_of, alice, make_user, company):
    client_of(alice).post(page_of(company.ben), SAID)
    other = client_of(make_user("erin", "admin"))

    response = other.post(page_of(company.ben), {**SAID, "employer": "Another"})

    assert response.status_code == 409
    html = response.content.decode()
    assert "Alice changed this while you were writing." in html
    assert 'value="Studio Galet"' in html
    fact = PersonFact.objects.get()
    again = other.post(page_of(company.ben), {**SAID, "employer": "Another", "instead_of": fact.pk})
    assert again.status_code == 303


def test_sent_twice_it_is_one_fact(client_of, alice, company):
    client = client_of(alice)

    for _twice in range(2):
        assert client.post(page_of(company.ben), SAID).status_code == 303

    assert PersonFact.objects.count() == 1
    assert "Alice said the same already." in client.get(page_of(company.ben)).content.decode()


def test_no_field_can_be_set_that_is_not_in_the_form(client_of, alice, bob, company):
    client_of(alice).post(
        page_of(company.ben),
        {**SAID, "said_by": bob.pk, "said_at": "2000-01-01", "current": "", "person": "x", "id": 7},
    )

    fact = PersonFact.objects.get()
    assert (fact.said_by, fact.person, fact.current) == (alice, company.ben, True)
    assert timezone.now() - fact.said_at < timezone.timedelta(minutes=1)


# --- hostile text, bad addresses, and what it costs -----------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "a\nb", "\u202egnp", "{app}{0}"],
)
def test_hostile_names_are_text(see, bob, company, name):
    def tags(html):
        return sorted(
            re.sub(r'(value|href|aria-label)="[^"]*"', r"\1", tag)
            for tag in re.findall(r"<\w+[^>]*>", html[html.index('class="stack"') :])
        )

    AttributionFactory(
        collaboration=Collaboration.objects.get(app=company.web, person=company.ana),
        source="event",
        actor_name="somebody",
    )
    before = see(bob, company.ana)
    Person.objects.filter(pk=company.ana.pk).update(username=name, email=name)
    company.api.__class__.objects.filter(pk=company.api.pk).update(name=name)
    Collaboration.objects.get(app=company.web, person=company.ana).attributions.update(
        actor_name=name
    )

    assert tags(see(bob, company.ana)) == tags(before)


@pytest.mark.parametrize(
    "query", ["?after=x", "?before=W10", "?changes-after=%00", "?changes-before=x"]
)
def test_no_address_breaks_the_page(see, bob, company, query):
    see(bob, company.ana, query)


@pytest.mark.parametrize("path", ["/people/1/", "/people/x/", f"/people/{'9' * 40}/"])
def test_an_id_that_is_none_is_a_page_that_does_not_exist(client_of, bob, path):
    assert client_of(bob).get(path).status_code == 404


def test_long_lists_are_paged(see, bob, company):
    for number in range(70):
        CollaborationFactory(app=AppFactory(name=f"n-{number:02}"), person=company.ana)

    first = see(bob, company.ana)
    more = re.search(r'rel="next" href="(\?after=[^"]*)"', first)[1]
    older = re.search(r'rel="next" href="(\?changes-after=[^"#]*)', first)[1]

    apps = re.findall(r'<th scope="row"><a href="/apps/', first)
    assert len(apps) == 50
    assert len(re.findall(r'<th scope="row"><a href="/apps/', see(bob, company.ana, more))) == 22
    assert section(see(bob, company.ana, older), "changes") != section(first, "changes")


def test_much_costs_as_much_as_little_and_that_is_six(
    client_of, bob, company, assert_same_cost, queries_of
):
    client = client_of(bob)

    def grow():
        for _number in range(5):
            CollaborationFactory(person=company.ana)
            CollaborationFactory(person=company.ana, ended=True)
            TwoFactorPeriodFactory(person=company.ana, ended_at=ago(days=1))
            AttributionFactory(collaboration=CollaborationFactory(person=company.ana), named=True)

    assert_same_cost(grow, lambda: client.get(page_of(company.ana)))
    # session, user, the person, their apps, what happened, the frame
    assert len(queries_of(lambda: client.get(page_of(company.ana)))) == 6
