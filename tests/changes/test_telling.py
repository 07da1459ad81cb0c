"""What Scalingo's answer to an order makes of a change; no answer is looked at before anything."""

import contextlib
from datetime import timedelta

import httpx
import pytest
from django.db import DatabaseError, connection, connections

from governance.accounts.models import User
from governance.audit.models import Event
from governance.changes import actions
from governance.changes.actions.leasing import LEASE
from governance.changes.models import Change
from governance.connections.models import Connection
from governance.inventory.models import App, Collaboration
from tests.changes.company import Acting
from tests.sync.company import read_company

NEW = "new@acme.example"
FRED, LIM = "fred@acme.example", "lim@acme.example"
WAITING = "waiting@new.example"
ORDERS = "/v1/apps/*/collaborators"
ONE = "/v1/apps/*/collaborators/*"


def invited(company, email=NEW, app="billing-api", **options):
    company.place(company.invitation(email, app, **options))
    company.tell()
    return company.changes()[-1]


def removed(company, email=LIM, app="billing-api"):
    company.place(company.removal((email, app)))
    company.tell()
    return company.changes()[-1]


def promoted(company, email=LIM, app="billing-api"):
    company.place(company.new_role("collaborator", (email, app)))
    company.tell()
    return company.changes()[-1]


ALL = {"invite": invited, "remove": removed, "role": promoted}
# The answers that leave open what was done, with the fault that spoils a good one.
OPEN = {
    "time-out": {"ending": "silence"},
    "reset": {"ending": "reset"},
    "500": {"status": 500, "body": "{}"},
    "502 page": {"status": 502, "body": "<html>"},
    "not JSON": {"status": 200, "body": "<html>"},
}


def spoil(company, how, *, processed):
    """Let the next order meet `how`, carried out or not."""
    what = dict(OPEN[how])
    if "status" in what:
        what["processed"] = processed
    elif not processed:
        what |= {"status": 500}  # nothing is carried out, and no answer comes
    for method in ("POST", "PATCH", "DELETE"):
        company.fault(method=method, path="/v1/apps/**", times=1, **what)


def is_so(company, what):
    there = {(app, email): role for app, email, role, _ in company.truth()}
    if what == "invite":
        return ("billing-api", NEW) in there
    if what == "remove":
        return ("billing-api", LIM) not in there
    return there["billing-api", LIM] == "collaborator"


# --- rows 36 to 38: an answer that never came -----------------------------------------------------


@pytest.mark.parametrize(
    ("what", "how"),
    # A removal is answered without a body.
    [(what, how) for what in ALL for how in OPEN if (what, how) != ("remove", "not JSON")],
)
def test_done_and_the_answer_lost_it_is_looked_at_and_verified(company, what, how):
    spoil(company, how, processed=True)
    change = ALL[what](company)
    assert (change.state, change.verified_at) == ("unknown", None)

    company.look()

    change.refresh_from_db()
    assert (change.state, change.code) == ("verified", "seen")
    assert company.steps(change) == ["placed", "telling", "unknown", "verified"]
    assert len(company.orders()) == 1
    assert is_so(company, what)


@pytest.mark.parametrize("how", ["time-out", "500", "502 page"])
def test_an_invitation_that_never_arrived_is_not_sent_again(company, how):
    spoil(company, how, processed=False)
    change = invited(company)
    company.look()
    change.refresh_from_db()
    assert change.state == "unknown"  # it may still be on its way

    company.look(minutes=1)

    change.refresh_from_db()
    assert (change.state, change.code) == ("failed", "not_sent")
    assert (company.mails(), len(company.orders())) == ([], 1)
    assert not is_so(company, "invite")

    again = company.retry(change.batch)
    company.tell()
    company.sync()
    assert again.changes.get().state == "verified"
    assert len(company.mails(NEW)) == 1


def test_to_try_to_invite_again_once_more_is_to_cancel_and_then_to_invite(company):
    company.fault(method="DELETE", path="/v1/**", status=422, body='{"error":"no"}', times=1)
    batch = company.place(company.again((WAITING, "billing-api"))).batch
    company.tell()
    assert company.states() == [("refused", "refused"), ("cancelled", "first_came_to_nothing")]

    again = company.retry(batch)
    first, second = again.changes.order_by("position")
    assert (first.kind, second.kind, second.follows) == ("cancel", "invite", first)
    company.tell()
    for _ in range(2):
        company.look()
        company.tell(seconds=1)
    company.sync()

    assert {one.state for one in again.changes.all()} == {"verified"}
    assert len(company.mails(WAITING)) == 1


def test_where_only_the_invitation_came_to_nothing_it_alone_is_tried_again(company):
    company.fault(method="POST", path=ORDERS, status=422, body='{"error":"no"}', times=1)
    batch = company.place(company.again((WAITING, "billing-api"))).batch
    company.tell()
    company.look()
    company.tell(seconds=1)
    assert [state for state, _ in company.states()] == ["verified", "refused"]

    (change,) = company.retry(batch).changes.all()
    assert (change.kind, change.follows) == ("invite", None)


@pytest.mark.parametrize("what", ["remove", "role"])
@pytest.mark.parametrize("how", ["time-out", "500", "502 page"])
def test_what_can_be_told_again_is_when_a_look_shows_that_it_was_not_done(company, what, how):
    spoil(company, how, processed=False)
    change = ALL[what](company)
    company.look(minutes=1)
    assert company.states() == [("waiting", "again")]

    company.tell(seconds=1)
    company.sync()

    change.refresh_from_db()
    assert change.state == "verified"
    assert len(company.orders()) == 2
    assert is_so(company, what)


@pytest.mark.parametrize("what", ["remove", "role"])
def test_nothing_is_told_more_than_three_times(company, what):
    company.fault(path=ONE, status=500, times=None)
    change = ALL[what](company)
    for _ in range(8):
        company.sweep(minutes=3)

    change.refresh_from_db()
    assert (change.state, change.code, change.tells) == ("failed", "not_done", 3)
    assert len(company.orders()) == 3


def test_while_an_app_cannot_be_read_it_stays_unknown(company):
    spoil(company, "time-out", processed=True)
    company.fault(method="GET", path=ORDERS, status=500, times=None)
    invited(company)
    for _ in range(5):
        company.sweep(minutes=5)
    assert company.states() == [("unknown", "")]

    company.world.faults.clear()
    company.sweep(minutes=60)
    assert company.states() == [("verified", "seen")]


# --- rows 39 to 42, and what Scalingo refuses -----------------------------------------------------


def test_whoever_is_there_already_is_not_invited_by_force(company):
    company.place(company.invitation(NEW, "billing-api"))
    company.world.invite("billing-api", NEW)
    company.world.mails.clear()
    company.tell()

    (change,) = company.changes()
    assert (change.state, change.code) == ("refused", "refused")
    assert "has already been taken" in change.said
    assert company.mails() == []


def test_the_same_form_again_is_the_same_batch(company):
    plan = company.keep(company.invitation(NEW, "billing-api"))
    first, second = company.place(plan), company.place(plan)

    assert (first.is_new, second.is_new, first.batch) == (True, False, second.batch)
    assert len(company.changes()) == 1
    assert Event.objects.filter(kind="change.batch_placed").count() == 1


def test_of_two_admins_the_second_is_told_who_was_first(company, make_user):
    erin = make_user("erin", "admin")
    mine = company.keep(company.removal((LIM, "billing-api")))
    hers = company.keep(company.removal((LIM, "billing-api"), by=erin), erin)
    company.place(mine)
    company.place(hers, by=erin)

    assert company.states() == [("waiting", ""), ("refused", "under_way")]
    assert company.changes()[1].said == "Alice"
    company.tell()
    assert len(company.orders()) == 1


def test_whoever_is_gone_already_is_gone(company):
    company.place(company.removal((LIM, "billing-api")))
    company.world.remove("billing-api", LIM)
    company.tell()
    assert company.states() == [("told", "already_absent")]

    company.sync()
    assert company.states() == [("verified", "")]


def test_whoever_is_gone_already_as_was_read_is_not_told(company):
    company.place(company.removal((LIM, "billing-api")))
    company.world.remove("billing-api", LIM)
    company.sync(after={"seconds": 10})
    company.tell()

    assert company.states() == [("refused", "already")]
    assert company.orders() == []


def test_no_such_app_is_a_refusal(company):
    company.place(company.removal((LIM, "billing-web")))
    company.world.delete_app("billing-web")
    company.tell()
    assert company.states() == [("refused", "no_such_app")]


@pytest.mark.parametrize("status", [401, 403])
def test_a_fresh_bearer_refused_is_no_right_there(company, status):
    company.fault(path=ONE, status=status, body='{"error":"no"}', times=None)
    removed(company)
    assert company.states() == [("refused", "no_right")]
    assert Connection.objects.get().state == "working"


def test_a_bearer_that_ended_is_exchanged_and_the_order_sent_again(company):
    company.fault(path=ORDERS, method="POST", status=401, body='{"error":"x"}', times=1)
    invited(company)
    assert company.states() == [("told", "")]
    assert len(company.mails(NEW)) == 1


def test_the_role_of_who_linked_the_repository_is_refused_in_scalingos_words(company):
    change_ = company.place(company.new_role("limited", (FRED, "billing-api")))
    company.tell()
    (change,) = change_.batch.changes.all()
    assert (change.state, change.code) == ("refused", "refused")
    assert "linked the repository" in change.said


def test_a_token_that_is_dead_fails_and_says_so(company):
    company.place(company.removal((LIM, "billing-api")))
    company.fault(path="/v1/tokens/exchange", status=401, body='{"error":"no"}', times=None)
    company.tell()
    assert company.states() == [("failed", "no_token")]
    assert company.orders() == []


# --- row 43: lists that lag -----------------------------------------------------------------------


def test_whoever_is_still_listed_for_a_while_is_not_removed_in_a_storm(company):
    company.world.switch(removal_lag=150.0)
    removed(company)
    for _ in range(4):
        company.sync(after={"seconds": 30})
    assert len(company.orders()) <= 3

    company.tell(seconds=1)
    company.sync(after={"minutes": 3})
    company.sync()
    assert company.states() == [("verified", "")]
    assert len(company.orders()) <= 3


def test_an_invitation_that_three_readings_do_not_show_is_given_up(company):
    change = invited(company)
    company.world.remove("billing-api", NEW)
    for _ in range(2):
        company.sync()
        change.refresh_from_db()
        assert (change.state, change.code) == ("told", "still_there")
    company.sync()

    change.refresh_from_db()
    assert (change.state, change.code) == ("failed", "not_seen")
    assert len(company.orders()) == 1


# --- row 44: a reading that began before ---------------------------------------------------------


def test_only_a_reading_that_began_later_says_anything(company):
    """It was asked for before the removal, and answered after it."""

    def remove_meanwhile(request, _response):
        if request.url.path.endswith("/v1/collaborators"):
            company.on_answer.clear()
            company.tell()
            connections.close_all()  # of the reader's thread

    company.place(company.removal((LIM, "billing-api")))
    company.later(seconds=31)
    company.on_answer.append(remove_meanwhile)
    company.sync(after={"seconds": 1})
    assert company.states() == [("told", "")]
    assert company.changes()[0].unseen == 0

    company.sync()
    assert company.states() == [("verified", "")]


# --- row 45: other shapes -------------------------------------------------------------------------


def test_an_invitation_may_be_answered_as_an_array(company):
    company.world.switch(invitation_as_array=True)
    invited(company)
    assert company.states() == [("told", "")]


def test_an_answer_without_an_id_is_looked_at(company):
    company.spoil("drop", m_field="id", method="POST", path=ORDERS)
    invited(company)
    assert company.states() == [("unknown", "")]
    company.look()
    assert company.states() == [("verified", "seen")]
    assert len(company.mails(NEW)) == 1


# --- row 46: rights that end ----------------------------------------------------------------------


@pytest.mark.parametrize("lost", [{"is_active": False}, {"roles": ["viewer"]}, {"roles": []}])
def test_whoever_lost_the_right_meanwhile_has_nothing_told(company, lost):
    company.place(company.removal((LIM, "billing-api")))
    User.objects.filter(pk=company.admin.pk).update(**lost)
    company.tell()

    assert company.states() == [("refused", "not_allowed")]
    assert company.orders() == []
    assert company.steps(company.changes()[0]) == ["placed", "refused"]


def test_what_is_no_longer_as_it_was_shown_is_not_told(company):
    company.place(company.new_role("collaborator", (LIM, "billing-api")))
    company.place(company.invitation(NEW, "billing-web"))
    company.place(company.removal(("waiting@new.example", "billing-api")))
    company.world.change_role("billing-api", LIM, limited=False)
    company.world.invite("billing-web", NEW)
    company.world.accept("billing-api", "waiting@new.example")
    company.sync(after={"seconds": 10})
    company.tell()

    assert company.states() == [
        ("refused", "already"),
        ("refused", "on_it"),
        ("refused", "changed"),
    ]
    assert company.orders() == []


def test_what_changed_before_it_was_placed_is_refused_for_that_row_alone(company):
    plan = company.keep(company.removal((LIM, "billing-api"), (LIM, "billing-web")))
    company.world.change_role("billing-api", LIM, limited=False)
    company.sync()
    company.place(plan)

    assert company.states() == [("refused", "changed"), ("waiting", "")]


# --- row 47: the limit, and no connection --------------------------------------------------------


@pytest.mark.parametrize("what", ALL)
def test_a_429_waits_for_the_next_window(company, what):
    company.fault(path="/v1/apps/**", status=429, body="Retry later", times=1)
    change = ALL[what](company)
    assert company.states() == [("waiting", "window")]
    company.tell(seconds=1)
    assert len(company.orders()) == 1
    change.refresh_from_db()
    assert (change.due_at.second, change.due_at > company.now) == (0, True)

    company.tell(minutes=1)
    assert company.states() == [("told", "")]
    assert len(company.orders()) == 2
    assert len(company.mails()) == (what == "invite")


@pytest.mark.parametrize("what", ALL)
def test_what_never_left_is_sent_when_there_is_a_connection_again(company, what):
    inner, refused = company.transport.handle_request, [True]

    def refuse(request):
        if request.method != "GET" and "/apps/" in request.url.path and refused:
            refused.pop()
            raise httpx.ConnectError("refused")
        return inner(request)

    company.transport.handle_request = refuse
    ALL[what](company)
    assert company.states() == [("waiting", "not_reached")]
    assert company.orders() == []

    company.tell(seconds=30)
    company.sync()
    assert [state for state, _ in company.states()] == ["verified"]
    assert is_so(company, what)


def test_shut_out_by_scalingo_nobody_knocks_for_a_quarter_of_an_hour(company):
    company.fault(path="/v1/**", status=403, body="Forbidden", times=None)
    removed(company)
    assert company.states() == [("waiting", "blocked")]
    company.world.faults.clear()
    company.tell(minutes=14)
    assert company.orders() == []
    company.tell(minutes=1)
    assert company.states() == [("told", "")]


def test_what_can_never_be_reached_is_given_up_in_the_end(company):
    company.fault(path="/v1/regions", status=503, times=None)
    removed(company)
    for _ in range(25):
        company.tell(minutes=11)
    (change,) = company.changes()
    assert (change.state, change.code, change.tells) == ("failed", "given_up", 0)
    assert company.orders() == []


# --- row 71: crashes at every statement -----------------------------------------------------------


class Killed(BaseException):
    """As if by SIGKILL."""


def _dies_at(company, nth):
    """Tell what is due with a worker that dies at its nth statement. Whether it came so far."""
    left = [nth]

    def dies(execute, sql, params, many, context):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return execute(sql, params, many, context)

    with contextlib.suppress(Killed), connection.execute_wrapper(dies):
        company.tell()
    return left[0] <= 0


@pytest.mark.parametrize("what", ["invite", "remove"])
def test_a_worker_may_die_at_any_statement(company, make_user, what):
    """Wherever it died, the change ends in the truth, told once where it sends mail."""
    came, nth = True, 0
    while came:
        nth += 1
        company = Acting(read_company(), make_user("alice", "admin"))
        plan = (
            company.invitation(NEW, "billing-api")
            if what == "invite"
            else company.removal((LIM, "billing-api"))
        )
        company.place(plan)
        came = _dies_at(company, nth)
        for minutes in (6, 2, 2):
            company.sweep(minutes=minutes)
        company.sync()
        (change,) = company.changes()
        assert (change.state, is_so(company, what)) in [("verified", True), ("failed", False)], nth
        assert change.state == "verified" or what == "invite", nth
        assert len(company.mails(NEW)) == (what == "invite" and change.state == "verified"), nth
    assert nth > 15


def test_what_a_dead_worker_took_is_not_known_until_a_look(company):
    company.place(company.removal((LIM, "billing-api")))
    company.later(seconds=30)
    actions.tell_due.__globals__["take"](at=company.now)  # and then it died
    assert company.states() == [("telling", "")]

    company.later(seconds=LEASE.total_seconds() + 1)
    assert actions.give_up_on_the_lost(at=company.now) == 1
    assert company.states() == [("unknown", "worker_lost")]

    company.look(minutes=1)
    company.tell(seconds=1)
    company.sync()
    assert [state for state, _ in company.states()] == ["verified"]


def test_a_late_outcome_is_not_written_over_what_others_found(company):
    """The worker is paused before its invitation leaves; others find nobody, then it arrives."""
    paused, inner = [], company.transport.handle_request

    def pause(request):
        if request.method == "POST" and request.url.path.endswith("collaborators") and not paused:
            paused.append(True)
            company.sweep(seconds=LEASE.total_seconds() + 1)
            company.sweep(minutes=2)
            assert company.states() == [("failed", "not_sent")]
        return inner(request)

    company.transport.handle_request = pause
    change = invited(company)
    assert change.state == "unknown"  # worth another look, no more

    company.look()
    change.refresh_from_db()
    assert change.state == "verified"
    assert company.steps(change) == [
        "placed", "telling", "unknown", "failed", "unknown", "verified",
    ]  # fmt: skip
    assert len(company.mails(NEW)) == 1


# --- row 73: no event, no change ------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["place", "take", "settle"])
def test_without_its_event_nothing_changes(company, monkeypatch, moment):
    plan = company.keep(company.removal((LIM, "billing-api")))
    if moment != "place":
        company.place(plan)
    before = company.states()
    calls = [0]

    def breaks(execute, sql, params, many, context):
        if "audit_append" in sql:
            calls[0] += 1
            if calls[0] == (2 if moment == "settle" else 1):
                raise DatabaseError("no")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(breaks), pytest.raises(DatabaseError):
        company.place(plan) if moment == "place" else company.tell()

    after = [("telling", "")] if moment == "settle" else before
    assert company.states() == after
    assert Change.objects.count() == len(before)


# --- what the database refuses --------------------------------------------------------------------


def test_the_call_is_made_outside_any_transaction(company):
    seen = []
    company.on_request.append(lambda _: seen.append(connection.in_atomic_block))
    removed(company)
    assert seen
    assert not any(seen)


def test_two_workers_take_different_changes(company):
    company.place(company.removal((LIM, "billing-api"), (LIM, "billing-web")))
    company.later(seconds=30)
    take = actions.tell_due.__globals__["take"]
    one, two, none = take(at=company.now), take(at=company.now), take(at=company.now)
    assert {one.change.pk, two.change.pk} == {change.pk for change in company.changes()}
    assert none is None


def test_nothing_is_told_of_an_app_other_than_the_changes(company):
    removed(company, app="billing-web")
    app = App.objects.get(name="billing-web")
    (order,) = company.orders()
    assert order.startswith(f"DELETE /v1/apps/{app.scalingo_id}/collaborators/")
    company.sync(after={"minutes": 10})
    assert Collaboration.objects.open().filter(app__name="billing-api", person__email=LIM).exists()
    assert timedelta(0) < company.changes()[0].verified_at - company.changes()[0].told_at
