"""Settings, Connections: operators manage, auditors and admins look, nobody else knows of it."""

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.utils import timezone

from governance.audit.models import Event
from governance.connections import actions, keys
from governance.connections.models import Connection, State

pytestmark = pytest.mark.django_db

PATH = "/settings/connections/"
TOKEN = "tk-us-" + "canary" * 8
HOSTILE = "<b onclick=x>\"'&amp;\u202e"


@pytest.fixture
def waiting(sent):
    """A connection whose token nobody has tested yet."""
    return actions.add("Production", TOKEN, by=None, at=timezone.now())


@pytest.fixture
def working(waiting):
    """A connection in use."""
    Connection.objects.filter(pk=waiting.pk).update(
        state=State.WORKING,
        sealed_token=waiting.sealed_candidate,
        sealed_candidate=None,
        account_id="us-1",
        account_email="olivia@acme.example",
        tested_at=timezone.now(),
    )
    waiting.refresh_from_db()
    return waiting


# --- who may what ---------------------------------------------------------------------------------

#                                  anonymous operator admin auditor viewer scoped no-role
MATRIX = {
    "GET ": (302, 200, 200, 200, 404, 404, 403),
    "GET add/": (302, 200, 403, 403, 404, 404, 403),
    "GET {pk}/": (302, 200, 200, 200, 404, 404, 403),
    "GET {pk}/replace-token/": (302, 200, 403, 403, 404, 404, 403),
    "POST add/": (302, 422, 403, 403, 404, 404, 403),
    "POST {pk}/replace-token/": (302, 422, 403, 403, 404, 404, 403),
    "POST {pk}/test/": (302, 303, 403, 403, 404, 404, 403),
    "POST {pk}/pause/": (302, 303, 403, 403, 404, 404, 403),
    "POST {pk}/resume/": (302, 303, 403, 403, 404, 404, 403),
    "POST {pk}/remove/": (302, 303, 403, 403, 404, 404, 403),
    "GET {pk}/pause/": (302, 405, 405, 405, 405, 405, 403),
    "PUT {pk}/": (302, 405, 405, 405, 405, 405, 403),
}
CAST = [None, "olga", "alice", "carol", "bob", "dave", "mallory"]


@pytest.mark.parametrize("row", MATRIX)
@pytest.mark.parametrize("who", CAST)
def test_who_may_what(row, who, request, client, client_of, working):
    method, _, path = row.partition(" ")
    browser = client_of(request.getfixturevalue(who)) if who else client
    response = browser.generic(method, PATH + path.format(pk=working.pk))

    assert response.status_code == MATRIX[row][CAST.index(who)]
    if response.status_code in {302, 403, 404, 405}:
        assert b"Production" not in response.content
        assert not Event.objects.filter(kind__startswith="connection.").exclude(
            kind="connection.added"
        )


def test_every_address_is_in_the_table():
    from governance.connections.urls import urlpatterns

    known = {row.partition(" ")[2].replace("{pk}", "<uuid:pk>") for row in MATRIX}
    assert {str(pattern.pattern) for pattern in urlpatterns} == known


@pytest.mark.parametrize("path", ["", "replace-token/", "test/", "pause/", "resume/", "remove/"])
def test_what_does_not_exist_is_not_found(path, olga, client_of):
    browser = client_of(olga)
    for pk in (uuid4(), "1", "..", "x" * 300):
        assert browser.get(f"{PATH}{pk}/{path}").status_code in {404, 405}
        assert browser.post(f"{PATH}{pk}/{path}").status_code in {404, 405}


def test_a_form_from_elsewhere_is_refused(olga, client_of, working):
    browser = client_of(olga, enforce_csrf_checks=True)

    assert browser.post(f"{PATH}{working.pk}/pause/").status_code == 403
    working.refresh_from_db()
    assert working.paused_at is None


# --- adding ---------------------------------------------------------------------------------------


def test_an_operator_adds_a_connection(olga, client_of, sent):
    browser = client_of(olga)
    response = browser.post(f"{PATH}add/", {"name": " Production ", "token": f" {TOKEN} "})

    connection = Connection.objects.get()
    assert response.status_code == 303
    assert response.headers["Location"] == f"{PATH}{connection.pk}/"
    assert connection.name == "Production"
    assert keys.open_sealed(bytes(connection.sealed_candidate)) == TOKEN
    assert "A worker is testing the token." in browser.get(response.headers["Location"]).text


@pytest.mark.parametrize(
    ("name", "token", "words"),
    [
        ("", TOKEN, "required"),
        ("Production", "", "required"),
        ("x" * 81, TOKEN, "80"),
        ("production", TOKEN, "There is a connection called production already."),
        ("Other", "hunter2-hunter2", "starts with tk-us-"),
        ("Other", TOKEN + " " + TOKEN, "starts with tk-us-"),
        ("Other", TOKEN + "x" * 400, "shorter"),
        ("Other\0", TOKEN, "Null characters"),
        (HOSTILE, "not a token", "starts with tk-us-"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_the_token_is_not_shown(
    olga, client_of, working, name, token, words
):
    response = client_of(olga).post(f"{PATH}add/", {"name": name, "token": token})

    assert response.status_code == 422
    assert words in response.text
    assert len(token) < 8 or token not in response.text
    assert TOKEN not in response.text
    assert HOSTILE not in response.text
    field = re.search(r'<input[^>]*name="token"[^>]*>', response.text)[0]
    assert 'type="password"' in field
    assert 'autocomplete="off"' in field
    assert "value=" not in field
    assert Connection.objects.count() == 1


def test_a_web_process_without_a_key_says_what_is_missing(olga, client_of, settings):
    settings.SEALING_PUBLIC_KEY = settings.SEALING_PRIVATE_KEY = ""

    response = client_of(olga).post(f"{PATH}add/", {"name": "Production", "token": TOKEN})

    assert response.status_code == 422
    assert "SEALING_PUBLIC_KEY" in response.text
    assert TOKEN not in response.text


def test_the_page_of_nothing_says_the_next_step(olga, bob, carol, client_of):
    assert "Add a connection" in client_of(olga).get(PATH).text
    shown = client_of(carol).get(PATH).text
    assert "Add a connection" not in shown
    assert "Only operators can manage connections." in shown


# --- the list and one of them ---------------------------------------------------------------------


STATES = {
    "working": ({"state": State.WORKING}, "Working", "Scalingo accepts the token."),
    "kept": (
        {"state": State.WORKING, "said": "Invalid credentials."},
        "Working",
        "The token given last was not saved: Invalid credentials. The one in use stays in use.",
    ),
    "refused": (
        {"state": State.REFUSED, "said": "Invalid credentials."},
        "Refused",
        "Invalid credentials.",
    ),
    "never saved": (
        {"state": State.REFUSED, "said": "No.", "sealed_token": None, "account_id": ""},
        "Refused",
        "The token was not saved: No.",
    ),
    "unreadable": (
        {"state": State.UNREADABLE, "said": "Sealed for another key."},
        "Cannot be opened",
        "Sealed for another key.",
    ),
    "again": ({"state": State.UNTESTED}, "Being tested", "testing the token in use again"),
    "another": (
        {"sealed_candidate": b"box", "said": "No answer."},
        "Working",
        "The one in use stays in use until then. No answer. It is tried again every minute.",
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_each_state_has_its_words(case, olga, client_of, working):
    fields, word, sentence = STATES[case]
    Connection.objects.filter(pk=working.pk).update(**fields)
    browser = client_of(olga)

    assert word in browser.get(PATH).text
    shown = browser.get(f"{PATH}{working.pk}/").text
    assert word in shown
    assert sentence in shown


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.REFUSED, "1 connection refused"),
        (State.UNREADABLE, "1 token that cannot be opened"),
    ],
)
def test_one_that_is_shut_out_is_not_read_with_and_every_page_says_why(
    olga, client_of, working, state, words
):
    browser = client_of(olga)
    before = browser.get(PATH).text
    assert "1 of 1 Scalingo account is read at each sync." in before
    assert words not in before

    Connection.objects.filter(pk=working.pk).update(state=state, said="No.")

    page = browser.get(PATH).text
    assert "0 of 1 Scalingo account is read at each sync." in page
    assert words in page
    assert ("refused" in words) == ("connection refused" in page)


def test_the_list_says_with_how_many_is_read(olga, client_of, working):
    browser = client_of(olga)
    actions.add("New", TOKEN, by=None, at=timezone.now())
    assert "1 of 2 Scalingo accounts are read at each sync." in browser.get(PATH).text

    actions.pause(working, by=None, at=timezone.now())
    assert "0 of 2 Scalingo accounts are read at each sync." in browser.get(PATH).text


def test_when_nobody_tests_it_the_page_asks_whether_a_worker_runs(olga, client_of, waiting):
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    Connection.objects.filter(pk=waiting.pk).update(token_set_at=long_ago)

    assert "is a worker running?" in client_of(olga).get(f"{PATH}{waiting.pk}/").text


def test_names_and_words_from_elsewhere_are_text(olga, client_of, working):
    Connection.objects.filter(pk=working.pk).update(
        name=HOSTILE, said=HOSTILE, account_email=HOSTILE, account_username=HOSTILE
    )
    browser = client_of(olga)
    for path in ("", f"{working.pk}/", f"{working.pk}/replace-token/"):
        shown = browser.get(PATH + path).text
        assert "<b onclick" not in shown
        assert "&lt;b onclick" in shown


def test_the_list_costs_the_same_for_many(olga, client_of, waiting, sent, assert_same_cost):
    browser = client_of(olga)

    def grow():
        for n in range(10):
            actions.add(f"Another {n}", TOKEN, by=None, at=timezone.now())

    assert_same_cost(grow, lambda: browser.get(PATH))


# --- the live result ------------------------------------------------------------------------------

HTMX = {"HX-Request": "true", "HX-Target": "state"}


def test_the_page_asks_by_itself_until_the_test_is_over(olga, client_of, waiting):
    browser = client_of(olga)
    page = browser.get(f"{PATH}{waiting.pk}/").text
    asks = re.search(r'hx-get="([^"]+)" hx-trigger="every 2s"', page)[1]

    assert browser.get(asks, headers=HTMX).status_code == 204, "nothing new"

    Connection.objects.filter(pk=waiting.pk).update(said="Scalingo did not answer in time.")
    news = browser.get(asks, headers=HTMX)
    assert news.status_code == 200
    assert news.text.strip().startswith('<section id="state"')
    assert "Scalingo did not answer in time." in news.text
    assert "every 2s" in news.text

    Connection.objects.filter(pk=waiting.pk).update(
        state=State.WORKING,
        sealed_token=b"box",
        sealed_candidate=None,
        account_id="us-1",
    )
    over = browser.get(asks, headers=HTMX)
    assert over.status_code == 286
    assert over.headers["HX-Refresh"] == "true"
    assert "hx-trigger" not in browser.get(f"{PATH}{waiting.pk}/").text


def test_without_javascript_there_is_a_link_to_look_again(olga, client_of, waiting):
    browser = client_of(olga)
    page = browser.get(f"{PATH}{waiting.pk}/?known=whatever")

    assert page.status_code == 200
    assert f'<noscript><p><a class="button" href="{PATH}{waiting.pk}/">' in page.text


# --- what operators do ----------------------------------------------------------------------------


def test_pause_and_resume_and_the_second_is_told(olga, client_of, working):
    browser = client_of(olga)

    browser.post(f"{PATH}{working.pk}/pause/")
    assert "Nothing is read with Production from now on." in browser.get(PATH).text
    assert "Paused" in browser.get(PATH).text
    browser.post(f"{PATH}{working.pk}/pause/")
    assert "Production is paused already." in browser.get(f"{PATH}{working.pk}/").text

    browser.post(f"{PATH}{working.pk}/resume/")
    assert "The next sync reads with Production again." in browser.get(PATH).text
    browser.post(f"{PATH}{working.pk}/resume/")
    assert "Production is not paused." in browser.get(PATH).text
    assert Event.objects.filter(kind__in=["connection.paused", "connection.resumed"]).count() == 2


def test_replacing_the_token_keeps_the_old_one_in_use(olga, client_of, working):
    before = bytes(working.sealed_token)
    other = "tk-us-" + "other" * 9

    response = client_of(olga).post(f"{PATH}{working.pk}/replace-token/", {"token": other})

    assert response.status_code == 303
    working.refresh_from_db()
    assert bytes(working.sealed_token) == before
    assert keys.open_sealed(bytes(working.sealed_candidate)) == other


def test_only_what_was_never_read_with_can_be_removed(olga, client_of, waiting):
    browser = client_of(olga)
    Connection.objects.filter(pk=waiting.pk).update(account_id="us-1", sealed_token=b"box")
    browser.post(f"{PATH}{waiting.pk}/remove/")
    assert "it can be paused, not removed" in browser.get(PATH).text

    Connection.objects.filter(pk=waiting.pk).update(account_id="")
    assert browser.post(f"{PATH}{waiting.pk}/remove/").headers["Location"] == PATH
    assert "Production was removed." in browser.get(PATH).text
    assert not Connection.objects.exists()


def test_asking_for_a_test_makes_it_wait_for_one(olga, client_of, working):
    client_of(olga).post(f"{PATH}{working.pk}/test/")

    working.refresh_from_db()
    assert working.waits_for_a_test
    assert Event.objects.filter(kind="connection.test_requested", actor_id=olga.pk).exists()
