"""Who closes a duty, what opens it again, and what the database itself refuses."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from governance.audit.events import Source
from governance.audit.models import Event
from governance.changes.models import Batch, Change, Preview
from governance.core.verdict import Refused
from governance.inventory.models import Attribution, Collaboration
from governance.rotations import actions
from governance.rotations.actions import opening
from governance.rotations.models import Duty, State
from tests.rotations.conftest import FRED, OLIVIA


def settle(action, duty, by, company, note="All keys are new."):
    return action(duty, by=by, note=note, source=Source.PAGE, at=company.now)


def test_what_is_closed_is_not_read_any_more(company, sweep, alice):
    duty = sweep.left_by(FRED)
    settle(actions.close, duty, alice, company)

    assert sweep(days=2) == 0
    assert sweep.duty(FRED).state == State.CLOSED


def test_what_is_closed_while_it_is_read_stays_closed(company, sweep, alice):
    company.world.remove("billing-api", FRED)
    company.sync()
    sweep.open()
    duty = sweep.duty(FRED)
    company.world.fault(
        path="/v1/apps/*/events", does=lambda: settle(actions.close, duty, alice, company)
    )

    sweep.read()

    duty.refresh_from_db()
    assert (duty.state, duty.next_read_at, duty.events_until) == (State.CLOSED, None, None)


def test_opened_again_it_is_offered_by_new_evidence_alone(company, sweep, alice):
    company.world.set_variable("billing-api", "KEY", "x")
    company.later(minutes=1)
    sweep.left_by(FRED)
    company.later(hours=6, minutes=50)
    company.world.set_variable("billing-api", "KEY", "y")
    sweep(minutes=20)
    duty = sweep.duty(FRED)
    assert duty.state == State.OFFERED
    settle(actions.close, duty, alice, company)
    settle(actions.reopen, duty, alice, company, note="It was the wrong key.")

    assert sweep(minutes=5) == 1  # Scalingo tells the same event again
    assert sweep.duty(FRED).state == State.OPEN
    company.world.set_variable("billing-api", "KEY", "z")
    sweep(hours=7)
    assert sweep.duty(FRED).state == State.OFFERED


def test_an_app_that_goes_is_not_read_any_more_and_its_duty_stays(company, sweep):
    duty = sweep.left_by(FRED)
    company.world.delete_app("billing-api")
    for _ in range(4):
        company.sync(after={"hours": 13})
    assert company.app("billing-api").gone_at

    sweep(hours=7)

    duty.refresh_from_db()
    assert (duty.state, duty.next_read_at) == (State.OPEN, None)


def test_two_workers_open_one_duty(company, monkeypatch):
    company.world.remove("billing-api", FRED)
    company.sync()
    together, judge = threading.Barrier(2, timeout=20), opening.departure

    def both_have_judged(*asked):
        together.wait()
        return judge(*asked)

    monkeypatch.setattr(opening, "departure", both_have_judged)
    opened = []

    def work():
        try:
            opened.append(len(actions.open_duties(at=company.now)))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(opened) == [0, 1]
    assert Duty.objects.count() == 1
    assert Event.objects.of_kind("rotation.opened").count() == 1


def test_two_who_close_at_once_leave_one_close(company, sweep, alice, make_user):
    duty = sweep.left_by(FRED)
    amy = make_user("amy", "admin")
    settle(actions.close, duty, amy, company)

    with pytest.raises(actions.AlreadySettled, match="Amy closed it first"):
        settle(actions.close, duty, alice, company)

    assert Event.objects.of_kind("rotation.closed").count() == 1


@pytest.mark.parametrize("role", ["viewer", "auditor", "operator"])
def test_only_admins_settle(company, sweep, make_user, role):
    duty = sweep.left_by(FRED)
    other = make_user("erin", role)

    for action in (actions.close, actions.reopen):
        with pytest.raises(Refused, match="Only admins"):
            settle(action, duty, other, company)
    with pytest.raises(Refused, match="Only admins"):
        actions.assign(duty, to=other, by=other, source=Source.PAGE, at=company.now)
    assert sweep.duty(FRED).state == State.OPEN


# --- whose it is ----------------------------------------------------------------------------------


@pytest.fixture
def removed_by(company):
    """Fred is removed from billing-api by a change of ours that somebody decided."""

    def remove(who):
        app, person = company.app("billing-api"), company.person(FRED)
        preview = Preview.objects.create(
            purpose="remove", made_by=who, made_at=company.now, source="page"
        )
        batch = Batch.objects.create(
            preview=preview,
            purpose="remove",
            decided_by=who,
            decided_at=company.now,
            reason="Left",
            source="page",
        )
        change = Change.objects.create(
            batch=batch,
            position=1,
            kind="remove",
            app=app,
            person=person,
            email=FRED,
            address=FRED,
            due_at=company.now,
        )
        period = company.period("billing-api", FRED)
        company.world.remove("billing-api", FRED, event=False)
        company.sync()
        Attribution.objects.update_or_create(
            collaboration=period,
            edge="end",
            defaults={
                "source": "ours",
                "change_id": change.pk,
                "happened_at": None,
                "event_id": "",
                "actor": None,
            },
        )

    return remove


def test_who_removed_them_here_owns_the_duty(company, sweep, alice, removed_by):
    removed_by(alice)
    sweep.open()

    assert sweep.duty(FRED).owner == alice


def test_who_may_not_remove_any_more_does_not(company, sweep, alice, removed_by):
    removed_by(alice)
    alice.roles = ["viewer"]
    alice.save()
    sweep.open()

    assert sweep.duty(FRED).owner is None


def test_a_step_down_departs_when_scalingo_says_so(company, sweep):
    company.later(minutes=2)
    stepped_down_at = company.now
    company.world.change_role("billing-api", FRED, limited=True, by=OLIVIA)
    company.sync()
    sweep.open()

    assert sweep.duty(FRED).departed_at == stepped_down_at


# --- the database ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "closed", "next_read_at": None},
        {"state": "offered"},
        {"knowledge": "names"},
        {"full_until": None},
        {"note": "Closed by nobody."},
    ],
)
def test_the_database_refuses_what_makes_no_sense(company, sweep, wrong):
    duty = sweep.left_by(FRED)
    if "note" in wrong:
        wrong = {"state": "closed", "closed_at": company.now, "next_read_at": None, **wrong}

    with pytest.raises(IntegrityError), transaction.atomic():
        Duty.objects.filter(pk=duty.pk).update(**wrong)


def test_one_period_has_one_duty(company, sweep):
    duty = sweep.left_by(FRED)
    duty.pk = None
    duty._state.adding = True

    with pytest.raises(IntegrityError), transaction.atomic():
        duty.save(force_insert=True)
    assert Collaboration.objects.filter(duty__isnull=False).count() == 1
