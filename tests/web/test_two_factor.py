"""/2fa/: who lacks it, on what, for how long; always over three denominators."""

from datetime import timedelta

import pytest
from django.utils import timezone

from governance.audit.events import Source
from governance.facts import vouching
from governance.facts.models import AppFact
from governance.inventory.models import Collaboration, Person
from governance.notifications.models import Delivery
from governance.reports.two_factor import counters
from tests.factories import (
    AppFactory,
    CollaborationFactory,
    PersonFactory,
    ReviewFactory,
    TwoFactorPeriodFactory,
    ago,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(company, alice):
    """The company, where ana lacks 2FA and two more do, on apps that matter more and less."""
    AppFact.objects.create(
        app=company.index, app_class="production", said_by=alice, said_at=ago(days=90)
    )
    for person in Person.objects.all():
        TwoFactorPeriodFactory(person=person, started_at=ago(days=100))
    company.dora = _person("dora", days=3)
    CollaborationFactory(app=company.index, person=company.dora, role="collaborator")
    company.emil = _person("emil", days=50)
    CollaborationFactory(app=company.web, person=company.emil, role="limited")
    company.owner.two_factor = "unknown"
    company.owner.save()
    type(company.api).objects.update(owner=company.owner)
    return company


def _person(name, days):
    person = PersonFactory(username=name, email=f"{name}@example.com", two_factor="off")
    TwoFactorPeriodFactory(person=person, started_at=ago(days=days))
    return person


def names(rows):
    return [row.split()[1] for row in rows]


def people(html, rows):
    """The first words of the second table of the page: who is listed."""
    return [row.split()[1] for row in rows(html[html.index('id="shown"') :])]


def test_the_riskiest_come_first(client_of, bob, staff, rows):
    html = client_of(bob).get("/2fa/").content.decode()

    # dora has a full role in production; ana a full role; emil is limited; then who is unknown.
    assert people(html, rows)[:3] == ["dora", "ana", "emil"]
    assert "ben" not in html


def test_the_three_denominators_stand_together(client_of, bob, staff, rows):
    html = client_of(bob).get("/2fa/").content.decode()

    # Accepted: ana, ben, dora, emil. Everyone: with the owner and an invited address.
    whom = "people on at least one app as collaborators, of whom Scalingo tells it"
    assert rows(html)[:3] == [
        f"Accepted, 2FA known {whom} 1 3 — 4 25 %",
        "All accepted with those of whom it is not known 1 3 0 4 25 %",
        "Everyone with owners, invited people and deleted accounts 1 3 2 6 17 %",
    ]
    assert "Everyone 6 = accepted 4 + owners alone 1 + invited alone 1 + deleted accounts 0" in html


def test_a_row_says_since_when_on_what_and_what_was_done(client_of, bob, staff, alice, rows):
    vouching.except_from_two_factor(
        staff.ana,
        reason="Waits for a phone.",
        until=timezone.now() + timedelta(days=30),
        by=alice,
        source=Source.PAGE,
        at=timezone.now(),
    )

    html = client_of(bob).get("/2fa/?q=ana").content.decode()

    assert people(html, rows) == ["ana"]
    row = rows(html[html.index('id="shown"') :])[0]
    assert "100 days" in row
    assert "2 apps 1 full · 1 limited" in row
    assert "Excepted until" in row


def test_an_attested_owner_stays_unknown_and_is_shown_as_attested(
    client_of, bob, staff, alice, rows
):
    vouching.attest(
        staff.owner,
        evidence="Shown on a call.",
        until=timezone.now() + timedelta(days=30),
        by=alice,
        source=Source.PAGE,
        at=timezone.now(),
    )

    html = client_of(bob).get("/2fa/").content.decode()

    assert "attested by Alice until" in html
    assert "Of the unknown, 1 owner is attested to have it on" in html
    assert rows(html)[2].endswith("1 3 2 6 17 %")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("two-factor=on", ["ben"]),
        ("two-factor=off", ["dora", "ana", "emil"]),
        ("two-factor=unknown", ["platform", "carl@example.com"]),
        ("two-factor=off,on", ["dora", "ana", "emil", "ben"]),
        ("on=sensitive", ["dora", "platform"]),
        ("reach=limited", ["emil"]),
        ("belongs=pending", ["carl@example.com"]),
        ("q=DOR", ["dora"]),
        ("exception=yes", []),
        ("two-factor=off&sort=since", ["ana", "emil", "dora"]),
        ("two-factor=off&sort=-since", ["dora", "emil", "ana"]),
    ],
)
@pytest.mark.parametrize("counted", [True, False])
def test_filters_are_in_the_address(
    client_of, bob, staff, rows, query, found, counted, monkeypatch
):
    if not counted:  # as while somebody else catches up
        monkeypatch.setattr(counters, "catch_up", lambda: False)

    html = client_of(bob).get(f"/2fa/?{query}").content.decode()

    assert people(html, rows) == found


def test_what_is_not_known_is_ignored_and_said(client_of, bob, staff):
    html = client_of(bob).get("/2fa/?two-factor=maybe&sort=color&at=soon").content.decode()

    assert "2FA: “maybe” is not known" in html
    assert "Order: “color” is not known" in html
    assert "As of: “soon” is not known" in html


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("sort", ["risk", "since", "-since"])
def test_every_page_is_reached_and_left_again(client_of, bob, rows, sort, counted, monkeypatch):
    if not counted:
        monkeypatch.setattr(counters, "catch_up", lambda: False)
    app = AppFactory()
    for number in range(120):
        person = _person(f"p{number:03}", days=number % 7)
        CollaborationFactory(app=app, person=person, role=["limited", "collaborator"][number % 2])
    browser, seen, address = client_of(bob), [], f"/2fa/?sort={sort}"
    pages = []
    while address:
        html = browser.get(address).content.decode()
        pages.append(people(html, rows))
        seen += pages[-1]
        address = _link(html, "next")

    assert len(pages) == 3
    assert len(seen) == len(set(seen)) == 120
    back = browser.get(_link(html, "prev")).content.decode()
    assert people(back, rows) == pages[1]
    assert people(browser.get(_link(back, "prev")).content.decode(), rows) == pages[0]


def _link(html, rel):
    import re
    from html import unescape

    found = re.search(rf'rel="{rel}" href="([^"]+)"', html)
    return "/2fa/" + unescape(found[1]) if found else None


def test_it_is_of_an_instant(client_of, bob, staff, rows):
    """Ana was on it a month ago, and dora had not come yet."""
    Collaboration.objects.filter(person=staff.dora).update(
        since_at=ago(days=10), since_after=None, started_at=ago(days=10), started_after=None
    )
    type(staff.ana.two_factor_periods.get()).objects.filter(person=staff.ana).update(
        started_at=ago(days=20)
    )
    TwoFactorPeriodFactory(
        person=staff.ana,
        value="on",
        started_at=ago(days=100),
        ended_after=ago(days=20, minutes=10),
        ended_at=ago(days=20),
    )

    then = ago(days=30).isoformat()
    answer = client_of(bob).get("/2fa/", {"at": then, "two-factor": "all"})

    html = answer.content.decode()
    found = rows(html[html.index('id="shown"') :])
    assert "dora" not in html
    assert next(row for row in found if " ana " in row).count("On") >= 1
    assert "This is as of" in html


def test_a_day_to_come_is_an_error_at_its_field(client_of, bob, staff):
    tomorrow = (timezone.localdate() + timedelta(days=2)).isoformat()

    answer = client_of(bob).get("/2fa/", {"at": tomorrow})

    assert answer.status_code == 422
    assert "That is still to come" in answer.content.decode()


def test_who_sees_one_project_reads_of_that_alone(client_of, of_billing, staff, rows):
    html = client_of(of_billing).get("/2fa/?two-factor=all").content.decode()

    assert set(people(html, rows)) == {"ana", "emil", "ben", "platform", "carl@example.com"}
    assert "Everyone 5 =" in html


def test_the_overviews_numbers_lead_here_and_agree(client_of, bob, staff, rows):
    html = client_of(bob).get("/").content.decode()

    assert 'href="/2fa/?two-factor=off"' in html
    listed = client_of(bob).get("/2fa/?two-factor=off").content.decode()
    assert len(people(listed, rows)) == 3


def test_it_costs_the_same_for_many_as_for_few(client_of, bob, staff, assert_same_cost):
    browser = client_of(bob)

    def grow():
        for number in range(30):
            CollaborationFactory(app=staff.web, person=_person(f"more-{number}", days=1))
        counters.catch_up()

    counters.catch_up()
    assert_same_cost(grow, lambda: browser.get("/2fa/"))
    assert_same_cost(grow, lambda: browser.get("/2fa/", {"at": ago(days=2).isoformat()}))


def test_it_costs_six_queries(client_of, bob, staff, queries_of):
    """Session, user, frame; the last review; the numbers; the rows. Before there was a review one
    more, for when Scalingo was first read."""
    ReviewFactory()
    browser = client_of(bob)
    browser.get("/2fa/")

    assert len(queries_of(lambda: browser.get("/2fa/"))) <= 6
    then = ago(days=2).isoformat()
    assert len(queries_of(lambda: browser.get("/2fa/", {"at": then}))) <= 6


def test_nobody_without_it_is_good_news(client_of, bob):
    CollaborationFactory()

    html = client_of(bob).get("/2fa/").content.decode()

    assert "No one without 2FA." in html
    assert "1 known, 0 unknown." in html


# --- one person -----------------------------------------------------------------------------------


def test_an_owner_is_attested_on_their_page(client_of, alice, staff):
    browser, address = client_of(alice), f"/2fa/people/{staff.owner.pk}/"
    until = timezone.localdate() + timedelta(days=90)

    answer = browser.post(
        f"{address}attest/", {"evidence": "Shown on a call.", "until": until.isoformat()}
    )

    assert answer.status_code == 303
    html = browser.get(address).content.decode()
    assert "Shown on a call." in html
    assert "Withdraw it" in html
    assert browser.post(f"{address}withdraw/").status_code == 303
    assert "ended by Alice" in browser.get(address).content.decode()


def test_what_is_wrong_with_an_attestation_stands_at_its_field(client_of, alice, staff):
    answer = client_of(alice).post(
        f"/2fa/people/{staff.owner.pk}/attest/", {"evidence": "", "until": "2020-01-01"}
    )

    assert answer.status_code == 422
    assert "That day is over." in answer.content.decode()


def test_who_has_it_on_cannot_be_excepted(client_of, alice, staff):
    until = (timezone.localdate() + timedelta(days=9)).isoformat()

    answer = client_of(alice).post(
        f"/2fa/people/{staff.ben.pk}/except/", {"reason": "Because of it.", "until": until}
    )

    assert answer.status_code == 409
    assert "has 2FA on" in answer.content.decode()


def test_an_exception_is_granted_and_ended(client_of, alice, staff):
    browser, address = client_of(alice), f"/2fa/people/{staff.ana.pk}/"
    until = (timezone.localdate() + timedelta(days=9)).isoformat()

    browser.post(f"{address}except/", {"reason": "Waits for a phone.", "until": until})

    assert "Waits for a phone." in browser.get(address).content.decode()
    browser.post(f"{address}end-exception/")
    assert not staff.ana.two_factor_exceptions.filter(ended_at=None).exists()


# --- reminders ------------------------------------------------------------------------------------


@pytest.fixture(params=["its address", "that there is one"])
def _mail(settings, request):
    """What the web process knows of the server that workers send by."""
    if request.param == "its address":
        settings.MAIL_URL = "smtp://127.0.0.1:1"
    else:
        settings.MAIL_IS_SET = True


@pytest.mark.usefixtures("_mail")
def test_everybody_without_it_is_reminded_at_once(client_of, alice, staff):
    browser = client_of(alice)
    assert "3 mails" in browser.get("/2fa/remind/").content.decode()

    browser.post("/2fa/remind/")

    assert set(Delivery.objects.values_list("recipient", flat=True)) == {
        "dora@example.com",
        "ana.lopez@example.com",
        "emil@example.com",
    }
    html = browser.get("/2fa/?q=dora").content.decode()
    assert "reminded once" in " ".join(html.split())
    assert "0 mails" in browser.get("/2fa/remind/").content.decode()


def test_without_a_mail_server_nobody_is_and_the_page_says_why(client_of, alice, staff):
    html = client_of(alice).get("/2fa/remind/").content.decode()

    assert "No mail server is set (MAIL_URL)" in html
    assert client_of(alice).post("/2fa/remind/").status_code == 403
    assert not Delivery.objects.exists()
