"""Many at once: forms, admins, workers. Each on a database connection of its own."""

import threading

from django.db import connections

from governance.changes import actions
from governance.changes.actions import telling
from governance.changes.models import Batch, Change
from governance.connections.budget import Kind

NEW = "new@acme.example"
LIM = "lim@acme.example"
MANY = 12


def at_once(*calls):
    """What each call returned, or the error that it ended with."""
    barrier, found = threading.Barrier(len(calls)), []

    def start(call):
        barrier.wait()
        try:
            found.append(call())
        except Exception as error:  # noqa: BLE001  Told to whoever asks.
            found.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=start, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_form_sent_a_dozen_times_is_one_batch_and_one_mail(company):
    plan = company.keep(company.invitation(NEW, "billing-api"))

    found = at_once(*[lambda: company.place(plan)] * MANY)

    assert sorted(placed.is_new for placed in found) == [False] * (MANY - 1) + [True]
    assert (Batch.objects.count(), Change.objects.count()) == (1, 1)
    company.tell()
    assert len(company.mails(NEW)) == 1


def test_of_a_dozen_admins_one_is_first(company, make_user):
    admins = [make_user(f"admin-{number}", "admin") for number in range(MANY)]
    plans = [
        company.keep(company.removal((LIM, "billing-api"), by=admin), admin) for admin in admins
    ]

    at_once(
        *[
            lambda plan=plan, admin=admin: company.place(plan, by=admin)
            for plan, admin in zip(plans, admins, strict=True)
        ]
    )

    states = sorted(company.states())
    assert states == [("refused", "under_way")] * (MANY - 1) + [("waiting", "")]
    first = Change.objects.get(state="waiting").batch.decided_by
    assert {change.said for change in Change.objects.filter(state="refused")} == {str(first)}


def test_what_is_taken_is_on_disk_before_scalingo_is_told(company, queries_of):
    """Also where the database may forget what it committed last: it would be told twice."""
    company.place(company.removal((LIM, "billing-api")))
    company.later(seconds=30)
    said = queries_of(lambda: telling.take(at=company.now))
    last = said.index("SET LOCAL synchronous_commit = on")
    assert "audit_append" in said[last - 1]


def test_several_workers_tell_each_change_once(company):
    emails = [f"new-{number}@acme.example" for number in range(10)]
    company.place(company.invitation(emails, "billing-api"))
    company.later(seconds=30)

    found = at_once(
        *[lambda: actions.tell_due(clock=lambda: company.now, client_for=company.tellers)] * 4
    )

    assert sum(found) == 10
    assert {state for state, _ in company.states()} == {"told"}
    assert len(company.mails()) == len(company.orders()) == 10


def test_what_people_decide_does_not_wait_behind_a_sync(company, monkeypatch):
    asked = {}
    monkeypatch.setattr(telling, "client_for", lambda connection, **how: asked.update(how))
    telling.interactive(company.olivia, print)
    assert asked["kind"] is Kind.INTERACTIVE


def test_an_order_is_not_sent_when_its_lease_might_end_before(company, monkeypatch):
    """The limit is full for longer than the change is ours."""

    class Full:
        def take(self, kind, *, on_wait=None):
            on_wait(400.0)

        def limited(self, retry_after):
            pass

    monkeypatch.setattr(type(company), "budget", Full())
    company.place(company.removal((LIM, "billing-api")))
    company.tell()

    (change,) = company.changes()
    assert (change.state, change.code, change.tells) == ("waiting", "window", 0)
    assert company.orders() == []
