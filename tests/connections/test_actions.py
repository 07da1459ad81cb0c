"""A token is tried before it is used, and the one in use stays in use until then."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db import connection as database

from governance.audit.models import Event
from governance.connections import actions, keys
from governance.connections.actions import Outcome, trials
from governance.connections.budget import Kind, shared
from governance.connections.models import Connection, State
from governance.core.verdict import Refused
from governance.emulator import Ending

pytestmark = pytest.mark.django_db


def kinds():
    return list(Event.objects.order_by("sequence").values_list("kind", flat=True))


def token_in_use(connection):
    connection.refresh_from_db()
    return keys.open_sealed(bytes(connection.sealed_token))


# --- adding ---------------------------------------------------------------------------------------


def test_a_new_connection_waits_for_a_worker_and_is_not_read_with(
    olga, olivias_token, now, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        connection = actions.add("Production", f" {olivias_token}\n", by=olga, at=now)

    assert connection.state == State.UNTESTED
    assert connection not in Connection.objects.readable()
    assert connection in Connection.objects.untested()
    assert keys.open_sealed(bytes(connection.sealed_candidate)) == olivias_token
    assert sent == [("connections.test", {"connection_id": str(connection.pk)})]
    event = Event.objects.get(kind="connection.added")
    assert (event.actor_id, event.target_id) == (olga.pk, connection.pk)


NO_TOKENS = [
    "",
    "password",
    "tk-us-",
    "tk-us-short",
    "TK-US-aaaaaaaaaaaaaaaaaaaaaaaa",
    "tk-us-aaaaaaaa aaaaaaaaaaaaaaa",
    "tk-us-éééééééééééééééééééééééé",
    "eyJhbGciOi.payload.signature",
    "",
][:-1]
NO_TOKENS += ["tk-us-" + "a" * 400, "tk-us-" + "a" * 9 + "\n" + "b" * 9, "tk-us-\0" + "a" * 9]


@pytest.mark.parametrize("text", NO_TOKENS)
def test_what_cannot_be_a_token_is_refused_and_not_repeated(olga, now, sent, text):
    with pytest.raises(actions.NotAToken) as caught:
        actions.add("Production", text, by=olga, at=now)

    assert len(text) < 7 or text not in str(caught.value)
    assert not Connection.objects.exists()
    assert kinds() == []
    assert sent == []


def test_a_name_is_given_once_whatever_its_case(added, olivias_token, now):
    with pytest.raises(actions.NameTaken, match="PRODUCTION"):
        actions.add("PRODUCTION", olivias_token, by=None, at=now)

    assert Connection.objects.count() == 1


@pytest.mark.parametrize("cast", ["alice", "bob", "carol", "dave", "mallory"])
def test_only_operators_manage_connections(cast, added, olivias_token, now, request):
    somebody = request.getfixturevalue(cast)
    before = kinds()

    for attempt in (
        lambda: actions.add("Other", olivias_token, by=somebody, at=now),
        lambda: actions.replace_token(added, olivias_token, by=somebody, at=now),
        lambda: actions.pause(added, by=somebody, at=now),
        lambda: actions.resume(added, by=somebody, at=now),
        lambda: actions.ask_for_test(added, by=somebody, at=now),
        lambda: actions.remove(added, by=somebody, at=now),
    ):
        with pytest.raises(Refused):
            attempt()

    assert kinds() == before
    assert Connection.objects.get().paused_at is None


def test_without_a_key_no_token_is_taken(olga, olivias_token, now, settings):
    settings.SEALING_PUBLIC_KEY = settings.SEALING_PRIVATE_KEY = ""

    with pytest.raises(keys.NoKey, match="SEALING_PUBLIC_KEY"):
        actions.add("Production", olivias_token, by=olga, at=now)


# --- the test -------------------------------------------------------------------------------------


def test_a_token_that_scalingo_accepts_is_put_into_use(
    added, scalingo_transport, acme, olivias_token, now
):
    later = now + timedelta(seconds=5)

    assert actions.test(added.pk, at=later) is Outcome.WORKS

    added.refresh_from_db()
    olivia = acme.account("olivia@acme.example")
    assert (added.state, added.said) == (State.WORKING, "")
    assert (added.account_id, added.account_email) == (olivia.id, olivia.email)
    assert (added.tested_at, added.token_set_at) == (later, later)
    assert added.sealed_candidate is None
    assert token_in_use(added) == olivias_token
    assert added in Connection.objects.readable()
    assert kinds() == ["connection.added", "connection.tested"]


def test_a_token_that_scalingo_refuses_is_not_kept(db, sent, scalingo_transport, now):
    connection = actions.add("Wrong", "tk-us-" + "0" * 48, by=None, at=now)

    assert actions.test(connection.pk, at=now) is Outcome.REFUSED

    connection.refresh_from_db()
    assert connection.state == State.REFUSED
    assert connection.sealed_token is connection.sealed_candidate is None
    assert "token" in connection.said.lower()
    assert connection not in Connection.objects.untested()
    assert kinds() == ["connection.added", "connection.refused"]


def test_a_message_that_comes_twice_or_too_late_changes_nothing(working, acme, now):
    asked, events = acme.traffic.total, kinds()

    assert actions.test(working.pk, at=now + timedelta(hours=1)) is Outcome.NOTHING_TO_DO

    assert acme.traffic.total == asked
    assert kinds() == events
    working.refresh_from_db()
    assert working.tested_at == now


def test_a_test_of_what_was_removed_is_no_error(added, scalingo_transport, now):
    actions.remove(added, by=None, at=now)

    assert actions.test(added.pk, at=now) is Outcome.NOTHING_TO_DO


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"path": "/v1/tokens/exchange", "status": 503}, "Scalingo"),
        ({"path": "/v1/tokens/exchange", "status": 429, "body": "Retry later"}, "requests"),
        ({"path": "/v1/users/self", "status": 500, "body": "<html>"}, "Scalingo"),
        ({"path": "/v1/users/self", "status": 200, "body": '{"user": 7}'}, "answer"),
        ({"path": "/v1/tokens/exchange", "status": 200, "body": "not JSON"}, "answer"),
        ({"path": "/v1/users/self", "status": 403, "body": "Forbidden\n"}, "Scalingo"),
    ],
)
def test_where_scalingo_could_not_be_asked_the_token_waits_and_is_tried_again(
    added, scalingo_transport, acme, now, next_minute, fault, words
):
    acme.fault(**fault)

    assert actions.test(added.pk, at=now) is Outcome.UNCLEAR

    added.refresh_from_db()
    assert added.state == State.UNTESTED
    assert added in Connection.objects.untested()
    assert words in added.said
    assert kinds() == ["connection.added"]
    next_minute()
    assert actions.test(added.pk, at=now) is Outcome.WORKS
    added.refresh_from_db()
    assert added.said == ""


def test_a_429_during_a_test_is_told_to_everybody(added, scalingo_transport, acme, now):
    acme.answer_next_with(429, "Retry later", path="/v1/tokens/exchange", Retry_After="20")
    actions.test(added.pk, at=now)

    assert shared().remaining(Kind.INTERACTIVE) == 0


def test_a_worker_with_another_key_says_so_and_keeps_the_token(
    added, scalingo_transport, acme, now, settings
):
    right = settings.SEALING_PRIVATE_KEY
    for wrong in (keys.sealing.make_keys()[1], "", "no key at all"):
        settings.SEALING_PRIVATE_KEY = wrong
        assert actions.test(added.pk, at=now) is Outcome.UNREADABLE

    added.refresh_from_db()
    assert added.state == State.UNREADABLE
    assert "SEALING_PRIVATE_KEY" in added.said
    assert kinds().count("connection.tested") == 1, "one event, not one a minute"
    settings.SEALING_PRIVATE_KEY = right
    assert actions.test(added.pk, at=now) is Outcome.WORKS


# --- replacing ------------------------------------------------------------------------------------


def test_a_new_token_replaces_the_old_one_only_when_it_was_tried(
    working, acme, olivias_token, olga, now
):
    new = acme.add_token("olivia@acme.example", "newer").secret
    actions.replace_token(working, new, by=olga, at=now)
    assert token_in_use(working) == olivias_token
    assert working.state == State.WORKING
    assert working in Connection.objects.readable()

    actions.test(working.pk, at=now + timedelta(minutes=1))

    assert token_in_use(working) == new
    assert working.token_set_at == now + timedelta(minutes=1)
    assert kinds()[-2:] == ["connection.token_replaced", "connection.tested"]


def test_a_new_token_that_is_refused_leaves_the_old_one_in_use(working, olivias_token, olga, now):
    actions.replace_token(working, "tk-us-" + "0" * 48, by=olga, at=now)

    assert actions.test(working.pk, at=now) is Outcome.REFUSED

    assert token_in_use(working) == olivias_token
    assert working.state == State.WORKING
    assert working.sealed_candidate is None
    assert working.said != ""
    assert kinds()[-1] == "connection.refused"


def test_a_token_of_another_account_does_not_replace(working, acme, olivias_token, olga, now):
    actions.replace_token(working, acme.token_of("fred@acme.example"), by=olga, at=now)

    assert actions.test(working.pk, at=now) is Outcome.REFUSED

    assert token_in_use(working) == olivias_token
    assert "fred@acme.example" in working.said
    assert working.account_email == "olivia@acme.example"
    event = Event.objects.latest("sequence")
    assert event.kind == "connection.tested"
    assert '"another_account"' in event.line
    assert "fred" not in event.line, "no personal data in the chain"


def test_an_account_is_read_by_one_connection(working, olivias_token, now):
    second = actions.add("Again", olivias_token, by=None, at=now)

    assert actions.test(second.pk, at=now) is Outcome.REFUSED

    second.refresh_from_db()
    assert second.said == "The connection Production reads this account already."
    assert second.sealed_token is second.sealed_candidate is None


def test_a_token_replaced_while_it_was_being_tried_is_tried_anew(
    added, scalingo_transport, acme, now
):
    """The answer was about a token that is no longer the one waiting: it is not kept."""
    other = acme.add_token("olivia@acme.example", "newer").secret
    acme.fault(
        path="/v1/users/self",
        does=lambda: actions.replace_token(added, other, by=None, at=now),
        ending=Ending.WHOLE,
    )

    assert actions.test(added.pk, at=now) is Outcome.NOTHING_TO_DO
    added.refresh_from_db()
    assert added.sealed_token is None
    assert actions.test(added.pk, at=now) is Outcome.WORKS
    assert token_in_use(added) == other


@pytest.mark.django_db(transaction=True)
def test_two_tokens_of_one_account_tried_at_once_leave_one_in_use(
    sent, scalingo_transport, acme, now, monkeypatch
):
    first = actions.add("One", acme.token_of("olivia@acme.example"), by=None, at=now)
    second = actions.add("Two", acme.token_of("olivia@acme.example"), by=None, at=now)
    both_asked, outcomes, ask = threading.Barrier(2, timeout=20), [], trials._ask

    def ask_and_wait_for_the_other(box, client):
        answer = ask(box, client)
        both_asked.wait()
        return answer

    def try_it(pk):
        try:
            outcomes.append(actions.test(pk, at=now))
        finally:
            database.close()

    monkeypatch.setattr(trials, "_ask", ask_and_wait_for_the_other)
    threads = [threading.Thread(target=try_it, args=(pk,)) for pk in (first.pk, second.pk)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(outcome.value for outcome in outcomes) == ["refused", "works"]
    assert Connection.objects.readable().count() == 1


# --- what a sync hears ----------------------------------------------------------------------------


def test_what_a_sync_hears_of_the_token_in_use_is_kept_once(working, now):
    for _ in range(3):
        actions.heard(working.pk, state=State.REFUSED, said="Invalid credentials.", at=now)

    working.refresh_from_db()
    assert (working.state, working.said) == (State.REFUSED, "Invalid credentials.")
    assert working in Connection.objects.readable(), "it is tried again at each sync"
    assert kinds().count("connection.refused") == 1

    actions.heard(working.pk, state=State.WORKING, said="", at=now)
    working.refresh_from_db()
    assert (working.state, working.said) == (State.WORKING, "")


def test_an_operator_may_have_the_token_in_use_tried_again(working, acme, olga, now):
    acme.delete_token("olivia@acme.example", "governance")
    actions.ask_for_test(working, by=olga, at=now)
    assert working.pk in Connection.objects.untested().values_list("pk", flat=True)

    assert actions.test(working.pk, at=now) is Outcome.REFUSED

    working.refresh_from_db()
    assert working.state == State.REFUSED
    assert working.sealed_token is not None, "a token in use may be made valid again"


# --- pausing and removing -------------------------------------------------------------------------


def test_a_paused_connection_is_not_read_with_until_it_is_resumed(working, olga, now):
    actions.pause(working, by=olga, at=now)
    assert working not in Connection.objects.readable()
    with pytest.raises(actions.AlreadyPaused, match="Production"):
        actions.pause(working, by=olga, at=now)

    actions.resume(working, by=olga, at=now)
    assert working in Connection.objects.readable()
    with pytest.raises(actions.NotPaused, match="Production"):
        actions.resume(working, by=olga, at=now)
    assert kinds()[-2:] == ["connection.paused", "connection.resumed"]


def test_only_what_was_never_read_with_can_be_removed(working, acme, olga, now):
    with pytest.raises(actions.InUse, match="paused"):
        actions.remove(working, by=olga, at=now)

    unused = actions.add("Unused", acme.token_of("fred@acme.example"), by=olga, at=now)
    actions.remove(unused, by=olga, at=now)

    assert list(Connection.objects.all()) == [working]
    event = Event.objects.latest("sequence")
    assert (event.kind, event.target_id) == ("connection.removed", unused.pk)


def test_the_database_refuses_a_connection_without_any_token(working):
    with pytest.raises(IntegrityError), transaction.atomic():
        Connection.objects.filter(pk=working.pk).update(sealed_token=None)


# --- keys -----------------------------------------------------------------------------------------


def test_tokens_are_sealed_again_for_a_new_key(working, acme, olivias_token, now, settings):
    actions.add("Second", acme.token_of("fred@acme.example"), by=None, at=now)
    old = settings.SEALING_PRIVATE_KEY
    public, private = keys.sealing.make_keys()
    settings.SEALING_PUBLIC_KEY, settings.SEALING_PRIVATE_KEY = public, f"{private},{old}"

    assert actions.reseal(at=now) == 2
    assert actions.reseal(at=now) == 0

    settings.SEALING_PRIVATE_KEY = private
    assert token_in_use(working) == olivias_token
    settings.SEALING_PRIVATE_KEY = old
    with pytest.raises(keys.sealing.CannotOpen):
        token_in_use(working)
    assert kinds().count("settings.changed") == 1


def test_when_one_token_cannot_be_opened_none_is_sealed_again(working, now, settings):
    public, private = keys.sealing.make_keys()
    right = settings.SEALING_PRIVATE_KEY
    settings.SEALING_PUBLIC_KEY, settings.SEALING_PRIVATE_KEY = public, private

    with pytest.raises(keys.sealing.CannotOpen):
        actions.reseal(at=now)

    settings.SEALING_PRIVATE_KEY = right
    token_in_use(working)
