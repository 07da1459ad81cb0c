"""Offboard: everything that one person is on, seen before it ends; and removals of many."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from governance.changes.models import Batch, Change, Preview
from governance.inventory.models import App
from tests.factories import AppFactory, CollaborationFactory, PersonFactory, ago

pytestmark = pytest.mark.django_db
REASON = "She leaves on Friday"
EMAIL = "ana.lopez@example.com"


@pytest.fixture(autouse=True)
def company(acting):
    return acting


@pytest.fixture
def browser(client_of, alice):
    return client_of(alice)


@pytest.fixture
def plan_of(browser):
    """The address of the plan to offboard somebody."""

    def planned(person):
        return browser.post(f"/people/{person.pk}/offboard/")["Location"]

    return planned


@pytest.fixture
def place(browser, plan_of, company):
    """What placing the plan for ana answers: `place(day="2026-03-01")`."""

    def placed(**data):
        return browser.post(plan_of(company.ana), {"reason": REASON, "typed": EMAIL, **data})

    return placed


def local(at):
    return {"day": f"{timezone.localtime(at):%Y-%m-%d}", "time": f"{timezone.localtime(at):%H:%M}"}


# --- the plan -------------------------------------------------------------------------------------


def test_the_page_has_every_app_with_role_warnings_and_what_follows(
    browser, plan_of, company, rows, text
):
    App.objects.filter(pk=company.api.pk).update(scm_linker=company.ana)
    CollaborationFactory(
        app=company.index, person=PersonFactory(username="", email=EMAIL), pending=True
    )

    html = browser.get(plan_of(company.ana)).text

    linked = (
        "ana linked billing-api to its repository: its automatic deployments may stop."
        " Nobody but the owner is left on billing-api who may deploy it."
    )
    assert rows(html) == [
        f"ana {EMAIL} billing-api osc-fr1 Collaborator Will be removed {linked} Opens a rotation.",
        "ana billing-web osc-fr1 Limited collaborator Will be removed",
        "ana shop-index osc-fr1 Collaborator Invitation will be cancelled",
    ]
    words = text(html)
    assert "Offboard ana?" in words
    for sentence in (
        "Removing somebody changes no variable and no password on Scalingo.",
        "Whoever is removed keeps the secrets that they have read",
        "Their API tokens stop working on these apps, and so does whatever runs with them.",
        "It cannot be undone: they would have to accept a new invitation.",
        "A rotation is opened for 1 app: which secrets they could have read.",
        "Type the address of who loses everything: ana.lopez@example.com",
    ):
        assert sentence in words


def test_what_they_own_stays_theirs_and_says_why(browser, plan_of, company, text):
    html = browser.get(plan_of(company.owner)).text

    assert "until they transfer its project to somebody else on Scalingo" in text(html)
    assert "Nothing of this would happen" not in text(html)
    assert 'name="reason"' not in html


def test_the_person_page_offers_it_to_those_who_may(client_of, alice, bob, company):
    form = f'action="/people/{company.ana.pk}/offboard/"'

    assert form in client_of(alice).get(f"/people/{company.ana.pk}/").text
    assert form not in client_of(bob).get(f"/people/{company.ana.pk}/").text


def test_somebody_on_no_app_has_nothing_to_lose(browser):
    nobody = PersonFactory(username="zoe")

    answer = browser.post(f"/people/{nobody.pk}/offboard/")

    assert (answer.status_code, answer["Location"]) == (303, f"/people/{nobody.pk}/")
    assert "zoe is on no app." in browser.get(answer["Location"]).text
    assert not Preview.objects.exists()


# --- placing it -----------------------------------------------------------------------------------


def test_at_once(place, company):
    answer = place()

    batch = Batch.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/changes/{batch.pk}/")
    assert (batch.purpose, batch.person, batch.not_before) == ("offboard", company.ana, None)
    assert {(change.kind, change.app) for change in batch.changes.all()} == {
        ("remove", company.api),
        ("remove", company.web),
    }


@pytest.mark.parametrize("typed", ["", "ana", "ben@agency.test", EMAIL + "x"])
def test_the_address_must_be_typed(place, typed):
    answer = place(typed=typed)

    assert answer.status_code == 422
    assert re.search(r'<input[^>]*name="typed"[^>]*aria-invalid="true"', answer.text)
    assert not Batch.objects.exists()


def test_however_it_is_written(place):
    assert place(typed=f"  {EMAIL.upper()} ").status_code == 303


def test_at_a_set_time_in_the_zone_of_the_installation(browser, place, settings):
    settings.TIME_ZONE = "America/New_York"
    at = (timezone.now() + timedelta(days=3)).replace(second=0, microsecond=0)

    answer = place(when="later", **local(at))

    assert set(Change.objects.values_list("due_at", flat=True)) == {at}
    assert Batch.objects.get().not_before == at
    html = browser.get(answer["Location"]).text
    assert "Waiting for the time that was set" in html
    assert "Cancel all 2 that wait" in html


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"when": "later"}, "day", "Say when."),
        ({"when": "later", "day": "2999-01-01"}, "time", "Say when."),
        ({"when": "later", "day": "2020-01-01", "time": "10:00"}, "day", "This is over already."),
        ({"when": "later", "day": "0001-01-01", "time": "00:00"}, "day", "This is over already."),
        (
            {"when": "later", "day": "9999-12-31", "time": "23:59"},
            "day",
            "This is more than a year ahead.",
        ),
        ({"when": "later", "day": "2026-02-30", "time": "10:00"}, "day", "Enter a valid date."),
        ({"when": "later", "day": "tomorrow", "time": "10:00"}, "day", "Enter a valid date."),
        ({"when": "later", "day": "2026-11-01", "time": "25:00"}, "time", "Enter a valid time."),
        ({"when": "never"}, "when", "Select a valid choice."),
        ({"when": "now", "day": "2999-01-01", "time": "10:00"}, "when", "You gave a time."),
        ({"day": "2999-01-01"}, "when", "You gave a time."),
    ],
)
def test_a_time_that_makes_no_sense_is_refused_at_its_field(place, data, field, words):
    answer = place(**data)

    assert answer.status_code == 422
    error = re.search(rf'id="id_{field}_error">.*?</p>', answer.text, re.S)
    assert words in error[0]
    assert f'<a href="#id_{field}">' in answer.text
    assert not Batch.objects.exists()


def test_a_minute_ago_is_over(place):
    answer = place(when="later", **local(timezone.now() - timedelta(minutes=1)))

    assert answer.status_code == 422
    assert "This is over already." in answer.text


def test_a_time_that_the_clocks_jump_over_is_refused():
    from governance.changes.forms import PlaceForm
    from governance.changes.permissions import confirmation

    def form(day, time):
        return PlaceForm(
            {"reason": REASON, "typed": EMAIL, "when": "later", "day": day, "time": time},
            typed=confirmation(ends=1, leavers=[EMAIL], of_one=True),
            at=datetime(2026, 3, 1, tzinfo=UTC),
            may_wait=True,
        )

    gap, twice = form("2026-03-29", "02:30"), form("2026-10-25", "02:30")

    assert gap.errors == {"time": ["The clocks jump over this time on that day."]}
    assert twice.is_valid()
    assert twice.cleaned_data["not_before"] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_who_is_on_more_by_now_is_shown_again_and_nothing_was_done(browser, plan_of, company, rows):
    address = plan_of(company.ana)
    CollaborationFactory(app=company.index, person=company.ana)

    answer = browser.post(address, {"reason": REASON, "typed": EMAIL})

    assert answer.status_code == 303
    assert answer["Location"] != address
    html = browser.get(answer["Location"]).text
    assert "They are on more apps by now than this plan shows. Nothing was done" in html
    assert len(rows(html)) == 3
    assert not Batch.objects.exists()


def test_what_is_set_for_later_is_linked_from_a_plan_that_it_stands_in_the_way_of(
    browser, place, company, text
):
    at = (timezone.now() + timedelta(days=3)).replace(second=0, microsecond=0)
    page = place(when="later", **local(at))["Location"]

    for data in (
        {"one": f"remove:{company.ana.pk}:{company.api.pk}"},
        {
            "do": "remove",
            "pair": [f"{company.ana.pk}:{app.pk}" for app in (company.api, company.web)],
        },
    ):
        html = browser.get(browser.post("/changes/selected/", data)["Location"]).text
        assert f"for {timezone.localtime(at):%Y-%m-%d %H:%M}: nothing happens before" in text(html)
        assert f'<a class="link" href="{page}">Look at it</a>' in html


def test_when_it_is_over_the_page_says_what_they_are_still_on(
    client_of, alice, of_billing, place, company, text
):
    page = place()["Location"]
    CollaborationFactory(app=company.index, person=company.ana, pending=True)
    browser = client_of(alice)
    assert 'id="still-on"' not in browser.get(page).text

    Change.objects.update(
        state="verified", told_at=ago(seconds=9), verified_at=ago(seconds=5), ended_at=ago()
    )
    company.api.collaborations.filter(person=company.ana).update(ended_at=timezone.now())
    html = browser.get(page).text

    still = re.search(r'id="still-on".*?</form>', html, re.S)[0]
    assert "ana is still on 2 apps, as last read." in text(still)
    assert "billing-web osc-fr1 as limited collaborator" in text(still)
    assert "shop-index osc-fr1 invited as collaborator" in text(still)
    assert f'action="/people/{company.ana.pk}/offboard/"' in still
    theirs = client_of(of_billing).get(page).text
    assert "shop-index" not in theirs
    assert "Offboard again" not in theirs

    company.ana.collaborations.update(ended_at=timezone.now())
    assert 'id="still-on"' not in browser.get(page).text


def test_to_try_it_again_is_to_plan_everything_that_they_are_on_by_then(
    browser, place, company, rows
):
    page = place()["Location"]
    Change.objects.update(state="refused", code="not_allowed", ended_at=ago())
    CollaborationFactory(app=company.index, person=company.ana)

    plan = browser.post(f"{page}retry/")["Location"]

    html = browser.get(plan).text
    assert "Type the address of who loses everything" in html
    assert len(rows(html)) == 3

    company.ana.collaborations.update(ended_at=timezone.now())
    assert browser.post(f"{page}retry/")["Location"] == page
    assert "ana is on no app." in browser.get(page).text


# --- many people ----------------------------------------------------------------------------------


def test_many_removals_want_their_number_typed(browser, company):
    crowd = [CollaborationFactory(app=company.api, role="limited").person for _ in range(11)]
    people = ", ".join(person.email for person in crowd)
    asked = browser.post("/changes/removals/", {"people": people, "app": [company.api.pk]})
    html = browser.get(asked["Location"]).text
    assert "Type how many accesses and invitations end: 11" in html
    assert "Make 11 removals" in html

    assert browser.post(asked["Location"], {"reason": REASON}).status_code == 422
    assert browser.post(asked["Location"], {"reason": REASON, "typed": "10"}).status_code == 422
    assert not Batch.objects.exists()
    assert browser.post(asked["Location"], {"reason": REASON, "typed": "11"}).status_code == 303
    assert Change.objects.filter(kind="remove", state="waiting").count() == 11


def test_one_person_off_everything_is_as_much_from_here_as_offboarding(browser, company):
    def typed(people, **data):
        asked = browser.post("/changes/removals/", {"people": people, **data})
        return re.findall(r"Type [^<:]*: [^<]*", browser.get(asked["Location"]).text)

    all_apps = {"app": [company.api.pk, company.web.pk]}
    assert typed(EMAIL, everything="1") == [f"Type the address of who loses everything: {EMAIL}"]
    assert typed(EMAIL, **all_apps) == typed(EMAIL, everything="1")
    assert typed(EMAIL, app=[company.api.pk]) == []
    assert typed("carl@example.com", everything="1") == []  # one invitation
    CollaborationFactory(app=company.index, person=company.ana)
    assert typed(EMAIL, **all_apps) == []
    number = "Type how many accesses and invitations end: 4"
    assert typed(f"{EMAIL}, carl@example.com", everything="1") == [number]


def test_many_invitations_that_are_cancelled_want_their_number_typed_and_not_if_sent_again(
    browser, company
):
    crowd = [CollaborationFactory(app=company.api, pending=True).person for _ in range(11)]
    pairs = [f"{person.pk}:{company.api.pk}" for person in crowd]

    def page(verb):
        asked = browser.post("/changes/selected/", {"do": verb, "pair": pairs})
        return browser.get(asked["Location"]).text

    assert "Type how many accesses and invitations end: 11" in page("remove")
    assert "Type how many" not in page("again")


def test_people_are_removed_from_all_that_they_are_on_but_not_from_what_is_theirs(
    browser, company, rows
):
    people = f"{EMAIL.upper()}, carl@example.com, platform@example.com, x@example.com, nonsense"

    asked = browser.post("/changes/removals/", {"people": people, "everything": "1"})

    assert [row.split(" osc")[0] for row in rows(browser.get(asked["Location"]).text)] == [
        "ana ana.lopez@example.com billing-api",
        "ana billing-web",
        "carl@example.com billing-api",
        "platform platform@example.com Owner platform is on no other app than those that they own.",
        "x@example.com On no app x@example.com is on no app, as last read.",
        "nonsense Not an address nonsense is not an address.",
    ]
    alone = browser.post("/changes/removals/", {"people": "x@example.com", "everything": "1"})
    assert alone.status_code == 422
    assert "None of these people is on any app." in alone.text


def test_who_is_named_with_an_app_that_they_are_not_on_says_so(browser, company, rows):
    asked = browser.post(
        "/changes/removals/", {"people": "new@example.com, nonsense", "app": [company.api.pk]}
    )

    found = rows(browser.get(asked["Location"]).text)

    assert found[0] == (
        "new@example.com billing-api osc-fr1 Not on it new@example.com is not on billing-api."
    )
    assert "Not on it" in found[1]


def test_several_roles_at_once(browser, company, rows):
    asked = browser.post(
        "/changes/roles/",
        {"people": f"{EMAIL}, ben@agency.test", "everything": "1", "role": "collaborator"},
    )

    html = browser.get(asked["Location"]).text

    assert "Change the role of 2 people on 2 apps?" in html
    assert "Change 2 roles" in html
    assert "A full collaborator sees the values of all variables" in html
    assert [row.split("osc-fr1 ")[1] for row in rows(html)] == [
        "Collaborator Already so ana is collaborator on billing-api already.",
        "Limited collaborator Becomes full",
        "Limited collaborator Becomes full",
        "Collaborator Already so ben is collaborator on shop-index already.",
    ]


def test_everything_is_planned_within_limits(browser, company):
    crowd = [PersonFactory() for _ in range(2)]
    for _number in range(6):
        app = AppFactory()
        for person in crowd:
            CollaborationFactory(app=app, person=person)
    people = ",".join(person.email for person in crowd)

    asked = browser.post("/changes/removals/", {"people": people, "everything": "1"})

    assert len(Preview.objects.get().rows["rows"]) == 12
    assert asked.status_code == 303
