"""The Rotations page: which secrets could a leaver still know, and who has changed them?"""

import uuid

import pytest

from governance.audit.models import Event
from governance.rotations.models import Duty
from tests.factories import (
    AppFactory,
    CollaborationFactory,
    DutyFactory,
    EvidenceFactory,
    PersonFactory,
    ProjectFactory,
    ScopeFactory,
    SecretFactory,
    ago,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def billing(db):
    return AppFactory(name="billing-api", scope=ScopeFactory(), project=ProjectFactory())


@pytest.fixture
def duty(billing):
    """Fred left billing-api; two variables, one of them changed since, and the default user."""
    found = DutyFactory(app=billing, person=PersonFactory(username="fred"))
    for name in ("STRIPE_KEY", "DATABASE_URL"):
        SecretFactory(duty=found, name=name)
    SecretFactory(duty=found, user=True, name="billing_api_0001")
    EvidenceFactory(duty=found, variable="STRIPE_KEY", actor_name="olivia")
    return found


@pytest.fixture
def see(client_of):
    def look(user, path="/rotations/", status=200, **headers):
        response = client_of(user).get(path, headers=headers)
        assert response.status_code == status, response.text[:2000]
        return response.text

    return look


def page_of(duty):
    return f"/rotations/{duty.pk}/"


# --- the list -------------------------------------------------------------------------------------


def test_a_row_says_who_what_and_by_when(see, bob, duty):
    html = see(bob)

    for words in ("fred on billing-api", "2 variables, 1 database user", "1 of 2", "in 3 days"):
        assert words in html
    assert "1 duty of 1" in html
    assert "nobody yet" in html


def test_it_says_that_a_removal_changes_nothing_on_scalingo(see, bob, duty):
    sentence = "Removing a person changes no variable and no password on Scalingo."

    assert sentence in see(bob)
    assert sentence in see(bob, page_of(duty))


def test_the_soonest_due_is_first_and_the_order_can_be_turned(see, bob):
    for name, days in (("late", 1), ("soon", 6), ("middle", 3)):
        DutyFactory(person=PersonFactory(username=name), departed_at=ago(days=days))

    def order(html):
        return sorted(("soon", "middle", "late"), key=lambda name: html.index(f"{name} on"))

    assert order(see(bob)) == ["soon", "middle", "late"]
    assert order(see(bob, "/rotations/?sort=-due")) == ["late", "middle", "soon"]


@pytest.fixture
def several(alice, billing):
    return {
        "open": DutyFactory(app=billing, person=PersonFactory(username="opal")),
        "offered": DutyFactory(person=PersonFactory(username="otto"), offered=True),
        "closed": DutyFactory(person=PersonFactory(username="clea"), overdue=True, closed=True),
        "late": DutyFactory(person=PersonFactory(username="lara"), overdue=True, owner=alice),
    }


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"opal", "otto", "lara"}),
        ("?state=open", {"opal", "lara"}),
        ("?state=offered", {"otto"}),
        ("?state=closed", {"clea"}),
        ("?state=all", {"opal", "otto", "clea", "lara"}),
        ("?overdue=yes", {"lara"}),
        ("?overdue=yes&state=all", {"lara"}),
        ("?owner=nobody", {"opal", "otto"}),
        ("?app={billing}", {"opal"}),
        ("?q=billing-AP", {"opal"}),
        ("?q=otto%40example", {"otto"}),
        ("?q=LAR&state=all", {"lara"}),
        ("?person={otto}", {"otto"}),
        ("?owner={alice}", {"lara"}),
        ("?owner={alice}&overdue=yes&state=open", {"lara"}),
    ],
)
def test_filters_are_in_the_address(see, bob, alice, billing, several, query, shown):
    query = query.format(billing=billing.pk, otto=several["offered"].person_id, alice=alice.pk)

    html = see(bob, f"/rotations/{query}")

    assert {name for name in ("opal", "otto", "clea", "lara") if f"{name} on" in html} == shown
    assert ('aria-label="Filters in force"' in html) == bool(query)


@pytest.mark.parametrize(
    "query", ["state=x", "app=7", "person=%00", "owner=me", "overdue=no", "sort=name"]
)
def test_an_unknown_filter_is_left_out_and_said(see, bob, several, query):
    html = see(bob, f"/rotations/?{query}")

    assert "opal on" in html
    assert ("is not known, so the list is shown without it" in html) == ("%00" not in query)


@pytest.mark.parametrize(
    "query", ["after=x", "before=W10", "after=%00", "q=%00%25_", f"app={uuid.UUID(int=7)}"]
)
def test_no_address_breaks_the_page(see, bob, several, query):
    see(bob, f"/rotations/?{query}")


def test_it_pages(see, bob, billing):
    for number in range(51):
        DutyFactory(app=billing, person=PersonFactory(username=f"person-{number:03}-x"))

    html = see(bob)

    assert html.count("-x on billing-api") == 50
    assert "51 duties of 51" in html
    assert "after=" in html


def test_the_part_alone_is_given_to_htmx(see, bob, duty):
    html = see(bob, HX_Request="true", HX_Target="duties")

    assert html.lstrip().startswith('<div id="duties">')
    assert "<html" not in html


def test_each_empty_state_has_its_own_words(see, bob, dave, billing):
    assert "Nobody has left an app lately." in see(bob)
    DutyFactory(app=billing, closed=True)
    assert "Nothing is left to change." in see(bob)
    assert "No duty matches." in see(bob, "/rotations/?state=offered")


def test_before_anything_was_read_it_says_so(see, bob):
    assert "Nothing has been read yet." in see(bob)


def test_it_costs_the_same_whatever_the_number(
    client_of, alice, duty, assert_same_cost, queries_of
):
    client = client_of(alice)

    def grow():
        for number in range(8):
            more = DutyFactory(owner=alice, overdue=number % 2 == 0)
            SecretFactory.create_batch(3, duty=more)
            EvidenceFactory(duty=more, variable=more.secrets.first().name)

    assert_same_cost(grow, lambda: client.get("/rotations/?state=all"))
    # The session, the user, the frame; the duties, their numbers, their owners.
    assert len(queries_of(lambda: client.get("/rotations/?state=all"))) == 6
    # The session, the user, the frame; the duty with everything, who may own it.
    assert len(queries_of(lambda: client.get(page_of(duty)))) == 5


def test_a_scoped_viewer_sees_those_of_their_apps_alone(see, dave, duty, billing):
    other = DutyFactory(person=PersonFactory(username="zoe"))
    dave.projects = [billing.project_id]
    dave.save()

    html = see(dave)

    assert "fred on" in html
    assert "zoe on" not in html
    assert "1 duty of 1" in html
    see(dave, page_of(duty))
    see(dave, page_of(other), status=404)


# --- one of them ----------------------------------------------------------------------------------


def test_it_says_what_could_be_read_and_what_was_seen_since(see, bob, duty):
    html = see(bob, page_of(duty))

    for words in (
        "fred is no longer on billing-api.",
        "as a full collaborator",
        "The value of every environment variable",
        "STRIPE_KEY",
        "DATABASE_URL",
        "1 of 2 seen changed since",
        "Not seen changed",
        "olivia",
        "billing_api_0001",
        "Ask support",
        "log drains",
        "One-off containers",
        "API tokens stopped working",
    ):
        assert words in html, words


def test_who_was_limited_could_read_names_alone(see, bob, billing):
    duty = DutyFactory(app=billing, nothing=True)

    html = see(bob, page_of(duty))

    assert "The names of environment variables, and no value." in html
    assert "The value of every environment variable" not in html
    assert "Nothing to rotate" in html


@pytest.mark.parametrize("what", ["names", "databases", "events"])
def test_what_was_not_read_says_since_when_and_why(see, bob, billing, what):
    duty = DutyFactory(
        app=billing,
        unread=True,
        **{f"{what}_failing_since": ago(days=2), f"{what}_said": "Scalingo answered 503."},
    )

    html = see(bob, page_of(duty))

    assert "because: Scalingo answered 503." in html
    assert "2 days ago" in html


def test_it_says_what_was_not_looked_at(see, bob, billing):
    missed = [ago(days=9).isoformat(), ago(days=6).isoformat()]
    duty = DutyFactory(app=billing, events_missed=[missed])

    html = see(bob, page_of(duty))

    assert "Scalingo tells the last 72 hours alone" in html
    assert "9 days ago" in html


def test_a_variable_added_since_was_never_known(see, bob, duty):
    EvidenceFactory(duty=duty, variable="DATABASE_URL", what="added")

    assert "never known to them" in see(bob, page_of(duty))


def test_removed_and_added_again_is_changed(see, bob, duty):
    EvidenceFactory(duty=duty, variable="DATABASE_URL", what="removed", at=ago(hours=9))
    EvidenceFactory(duty=duty, variable="DATABASE_URL", what="added", at=ago(hours=8))

    html = see(bob, page_of(duty))

    assert "never known to them" not in html
    assert "2 of 2 seen changed since" in html


def test_who_is_back_is_said(see, bob, duty):
    CollaborationFactory(app=duty.app, person=duty.person)

    assert "is on the app again" in see(bob, page_of(duty))


def test_hostile_names_are_shown_as_text(see, bob, duty):
    SecretFactory(duty=duty, name="<script>alert(1)</script>")
    EvidenceFactory(duty=duty, variable="<b>", actor_name="<i>")

    html = see(bob, page_of(duty))

    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert" not in html
    assert "<i>" not in html


def test_only_admins_are_given_forms(see, bob, alice, duty):
    assert "Only admins close rotation duties" in see(bob, page_of(duty))
    assert f'action="{page_of(duty)}close/"' not in see(bob, page_of(duty))
    assert f'action="{page_of(duty)}close/"' in see(alice, page_of(duty))


# --- what somebody does ---------------------------------------------------------------------------


def test_an_admin_closes_it_with_a_note(client_of, alice, duty):
    response = client_of(alice).post(f"{page_of(duty)}close/", {"note": "All keys are new."})

    assert (response.status_code, response["Location"]) == (303, page_of(duty))
    duty.refresh_from_db()
    assert (duty.state, duty.closed_by, duty.note) == ("closed", alice, "All keys are new.")
    assert duty.next_read_at is None
    (event,) = Event.objects.of_kind("rotation.closed")
    assert (event.actor_id, event.target_id) == (alice.pk, duty.pk)
    assert "All keys" not in event.line


@pytest.mark.parametrize("note", ["", "ok", "   a   ", "x" * 1001])
def test_a_note_is_needed(client_of, alice, duty, note):
    response = client_of(alice).post(f"{page_of(duty)}close/", {"note": note})

    assert response.status_code == 422
    assert "needs another look" in response.text
    duty.refresh_from_db()
    assert duty.state == "open"
    assert not Event.objects.exists()


def test_the_second_is_told_who_was_first(client_of, alice, make_user, duty):
    amy = make_user("amy", "admin")
    client_of(amy).post(f"{page_of(duty)}close/", {"note": "All keys are new."})

    response = client_of(alice).post(f"{page_of(duty)}close/", {"note": "Mine as well."})

    assert response.status_code == 409
    assert "Amy closed it first." in response.text
    assert Event.objects.of_kind("rotation.closed").count() == 1


def test_a_closed_one_is_opened_again(client_of, alice, duty):
    client = client_of(alice)
    client.post(f"{page_of(duty)}close/", {"note": "All keys are new."})

    response = client.post(f"{page_of(duty)}reopen/", {"note": "One was forgotten."})

    assert response.status_code == 303
    duty.refresh_from_db()
    assert (duty.state, duty.closed_by, duty.note) == ("open", None, "One was forgotten.")
    assert duty.next_read_at is not None
    assert Event.objects.of_kind("rotation.reopened").count() == 1
    assert client.post(f"{page_of(duty)}reopen/", {"note": "Once more."}).status_code == 409


def test_nothing_to_rotate_may_be_opened_by_who_knows_better(client_of, alice, billing):
    duty = DutyFactory(app=billing, nothing=True)

    client_of(alice).post(f"{page_of(duty)}reopen/", {"note": "They had the production keys."})

    duty.refresh_from_db()
    assert (duty.state, duty.knowledge, duty.full_until) == ("open", "values", duty.departed_at)


def test_it_is_given_to_somebody_and_taken_back(client_of, alice, bob, duty):
    client = client_of(alice)

    assert client.post(f"{page_of(duty)}assign/", {"owner": str(bob.pk)}).status_code == 303
    duty.refresh_from_db()
    assert duty.owner == bob
    client.post(f"{page_of(duty)}assign/", {"owner": str(bob.pk)})
    client.post(f"{page_of(duty)}assign/", {"owner": ""})
    duty.refresh_from_db()
    assert duty.owner is None
    kinds = Event.objects.values_list("kind", flat=True)
    assert list(kinds) == ["rotation.assigned", "rotation.unassigned"]


def test_it_is_not_given_to_who_has_no_role_or_is_nobody(client_of, alice, mallory, duty):
    for owner in (mallory.pk, uuid.uuid4(), "x"):
        response = client_of(alice).post(f"{page_of(duty)}assign/", {"owner": str(owner)})
        assert response.status_code == 422

    duty.refresh_from_db()
    assert duty.owner is None


@pytest.mark.parametrize("act", ["close", "reopen", "assign"])
@pytest.mark.parametrize("who", ["bob", "carol", "olga"])
def test_others_are_refused(client_of, request, duty, act, who):
    browser = client_of(request.getfixturevalue(who))

    response = browser.post(f"{page_of(duty)}{act}/", {"note": "All keys are new."})

    assert response.status_code == 403
    assert "Only admins close rotation duties" in response.text
    assert Duty.objects.get().state == "open"


# --- the frame ------------------------------------------------------------------------------------


def test_the_sidebar_counts_what_is_overdue(see, bob, dave, billing):
    DutyFactory(app=billing, overdue=True)
    DutyFactory(overdue=True)
    DutyFactory(overdue=True, closed=True)
    dave.projects = [billing.project_id]
    dave.save()

    assert '2<span class="unseen"> overdue' in see(bob)
    assert '1<span class="unseen"> overdue' in see(dave)


def test_the_overview_counts_what_is_overdue_and_links_to_it(see, bob, billing):
    assert "rotation is overdue" not in see(bob, "/")
    DutyFactory(app=billing, overdue=True)

    html = see(bob, "/")

    assert "1 rotation is overdue" in html
    assert 'href="/rotations/?overdue=yes"' in html


def test_an_app_and_a_person_show_their_duties(see, bob, dave, billing, duty):
    DutyFactory(app=billing, person=PersonFactory(username="clea"), closed=True)
    elsewhere = DutyFactory(app=AppFactory(name="secret-app"), person=duty.person, overdue=True)
    dave.projects = [billing.project_id]
    dave.save()

    app, person = f"/apps/{billing.pk}/", f"/people/{duty.person_id}/"
    CollaborationFactory(app=billing, person=duty.person)

    html = see(bob, app)
    rows = html.split('aria-labelledby="rotations"')[1]
    assert rows.index(page_of(duty)) < rows.index("clea")
    assert f"/rotations/?state=all&amp;app={billing.pk}" in html
    assert page_of(elsewhere) in see(bob, person)
    assert page_of(duty) in see(dave, person)
    assert page_of(elsewhere) not in see(dave, person)
    assert "secret-app" not in see(dave, person)


def test_an_app_that_nobody_left_shows_no_duties(see, bob, billing):
    assert 'id="rotations"' not in see(bob, f"/apps/{billing.pk}/")
