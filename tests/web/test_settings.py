"""Settings: who signs in here, as what; and where mail goes."""

import re
from html import unescape

import pytest
from django.test import Client

from governance.accounts.models import User
from governance.audit.models import Event
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db
PAGE = "/settings/people/"


@pytest.fixture
def text():
    def words(response):
        bare = re.sub(r"<[^>]+>", " ", response.content.decode())
        return " ".join(unescape(bare).split())

    return words


def kinds():
    """The audit log, less who was refused and who came in."""
    events = Event.objects.order_by("sequence").values_list("kind", flat=True)
    return [kind for kind in events if kind not in {"user.refused", "user.signed_in"}]


def address(user, verb=""):
    return f"{PAGE}{user.pk}/{verb}"


# --- who is there ---------------------------------------------------------------------------------


def test_everybody_who_signs_in_here_is_listed_with_what_they_may(client_of, carol, dave, text):
    project = ProjectFactory(name="billing")
    dave.projects = [project.pk]
    dave.save()

    shown = text(client_of(carol).get(PAGE))

    assert "Carol carol@example.com Auditor all apps" in shown
    assert "Dave dave@example.com Viewer billing never May sign in" in shown


def test_it_says_when_somebody_signed_in_last(client_of, olga, bob, text):
    credentials = {"email": bob.email, "password": "bob-pass-phrase"}
    assert "last sign-in never" in text(client_of(olga).get(address(bob)))

    assert Client().post("/sign-in/", credentials).status_code == 303

    assert "last sign-in just now" in text(client_of(olga).get(address(bob)))


def test_who_may_not_change_anybody_is_told_so_beside_the_button(client_of, alice, bob, text):
    page = client_of(alice).get(PAGE).content.decode()

    assert re.search(r'<button[^>]*disabled aria-describedby="why-not"', page)
    assert 'id="why-not">Only operators can manage who signs in here.' in page


# --- somebody new ---------------------------------------------------------------------------------


@pytest.fixture
def added(client_of, olga):
    """What is answered to an operator who adds Erin."""

    def add(**changes):
        data = {"email": "Erin@Example.com", "name": "Erin", "roles": ["viewer"], "sees": "all"}
        return client_of(olga).post(f"{PAGE}add/", data | changes)

    return add


def test_somebody_added_signs_in_with_the_password_that_is_shown_once(added, olga):
    response = added()

    password = re.search(r'id="password">([^<]+)<', response.content.decode())[1]
    erin = User.objects.get(email="erin@example.com")
    assert erin.check_password(unescape(password))
    assert (erin.roles, erin.scoped) == (["viewer"], False)
    assert "no-store" in response["Cache-Control"]
    event = Event.objects.get(kind="user.created")
    assert (event.actor_id, event.source) == (olga.pk, "page")
    assert password not in event.line


def test_somebody_added_for_some_projects_sees_these_alone(added):
    billing = ProjectFactory(name="billing")

    added(sees="some", projects=[str(billing.pk)])

    erin = User.objects.get(email="erin@example.com")
    assert (erin.scoped, erin.projects) == (True, [billing.pk])
    assert kinds() == ["user.created", "user.scope_changed"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"email": "bob@example.com"}, "signs in here already"),
        ({"email": "nobody"}, "valid email"),
        ({"name": ""}, "required"),
        ({"roles": ["god"]}, "Select a valid choice"),
        ({"sees": "some"}, "Choose at least one project"),
        ({"sees": "some", "projects": ["00000000-0000-0000-0000-000000000007"]}, "valid choice"),
    ],
)
def test_what_will_not_do_is_said_and_adds_nobody(added, bob, text, changes, said):
    response = added(**changes)

    assert response.status_code == 422
    assert said in text(response)
    assert not User.objects.filter(email="erin@example.com").exists()
    assert kinds() == []


# --- what somebody may ----------------------------------------------------------------------------


@pytest.fixture
def give(client_of, olga):
    """Give somebody rights, as an operator does on their page."""

    def post(user, by=None, **data):
        return client_of(by or olga).post(address(user), {"sees": "all", **data})

    return post


def test_other_roles_count_from_the_next_page_on(give, client_of, bob):
    browser = client_of(bob)
    assert browser.get("/settings/").status_code == 404

    assert give(bob, roles=["viewer", "auditor"]).status_code == 303

    assert browser.get("/settings/").status_code == 200
    assert kinds() == ["user.roles_changed"]


def test_a_scope_is_changed_alone_or_with_the_roles(give, bob):
    billing = ProjectFactory(name="billing")

    give(bob, roles=["viewer"], sees="some", projects=[str(billing.pk)])
    bob.refresh_from_db()
    assert (bob.scoped, bob.projects) == (True, [billing.pk])

    give(bob, roles=["viewer", "auditor"], sees="all")
    bob.refresh_from_db()
    assert (bob.roles, bob.scoped) == (["viewer", "auditor"], False)
    assert kinds() == ["user.scope_changed", "user.roles_changed", "user.scope_changed"]


def test_what_is_so_already_leaves_no_event(give, bob):
    assert give(bob, roles=["viewer"]).status_code == 303

    assert kinds() == []


def test_nobody_changes_their_own_rights(give, client_of, olga, text):
    assert give(olga, roles=["viewer"]).status_code == 403
    for verb in ("deactivate/", "password/"):
        assert client_of(olga).post(address(olga, verb)).status_code == 403

    olga.refresh_from_db()
    assert (olga.roles, olga.is_active) == (["operator"], True)
    assert "You cannot change your own rights." in text(client_of(olga).get(address(olga)))


# --- the door -------------------------------------------------------------------------------------


def test_who_may_no_longer_sign_in_is_out_at_once_and_may_come_back(client_of, olga, bob):
    browser = client_of(bob)
    assert browser.get("/people/").status_code == 200

    client_of(olga).post(address(bob, "deactivate/"))
    assert browser.get("/people/").status_code == 302

    client_of(olga).post(address(bob, "activate/"))
    assert client_of(bob).get("/people/").status_code == 200
    assert kinds() == ["user.deactivated", "user.activated"]


def test_a_new_password_is_shown_once_and_ends_open_sessions(client_of, olga, bob):
    browser = client_of(bob)

    response = client_of(olga).post(address(bob, "password/"))

    password = unescape(re.search(r'id="password">([^<]+)<', response.content.decode())[1])
    bob.refresh_from_db()
    assert bob.check_password(password)
    assert browser.get("/people/").status_code == 302
    assert password not in client_of(olga).get(address(bob)).content.decode()
    assert kinds() == ["user.password_changed"]


# --- where mail goes ------------------------------------------------------------------------------


def test_it_says_where_mail_and_checkpoints_go_and_no_secret(client_of, carol, settings, text):
    assert "Not set up: nothing is sent." in text(client_of(carol).get("/settings/"))

    settings.MAIL_URL = "smtp://mailer:hunter2@mail.example.com"
    settings.DEFAULT_FROM_EMAIL = "access@example.com"
    settings.CHECKPOINT_MAIL = ["auditor@example.com"]
    page = client_of(carol).get("/settings/")

    assert "Sent from access@example.com." in text(page)
    assert "Mailed to auditor@example.com." in text(page)
    assert "hunter2" not in page.content.decode()
    assert settings.AUDIT_SIGNING_KEY not in page.content.decode()


def test_the_list_costs_as_much_for_many_as_for_few(client_of, olga, make_user, assert_same_cost):
    client = client_of(olga)
    make_user("erin", "viewer", scoped=True, projects=[ProjectFactory().pk])

    def grow():
        for number in range(12):
            project = ProjectFactory()
            make_user(f"new{number}", "viewer", scoped=True, projects=[project.pk])

    assert_same_cost(grow, lambda: client.get(PAGE))
