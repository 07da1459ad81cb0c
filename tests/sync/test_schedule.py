"""When syncs happen: rows say what is due; messages may be lost, doubled or late."""

import contextlib
import threading
from datetime import timedelta

import pytest
from django.db import connections

from governance.audit.models import Event
from governance.connections.models import Connection
from governance.core.verdict import Refused
from governance.sync import actions, progress, tasks
from governance.sync.locks import only_one
from governance.sync.models import Run, Step

State = Run.State


def due(company):
    return actions.ensure_due(at=company.now)


# --- what is due ---------------------------------------------------------------------------------


def test_the_first_sync_is_due_as_soon_as_there_is_a_connection(unread):
    assert due(unread).trigger == Run.Trigger.SCHEDULE


def test_nothing_is_due_without_a_connection(db):
    from django.utils import timezone

    assert actions.ensure_due(at=timezone.now()) is None
    assert not Run.objects.exists()


def test_nothing_is_due_before_the_interval_is_over(company, settings):
    company.later(seconds=settings.SYNC_EVERY.total_seconds() - 1)
    assert due(company) is None
    company.later(seconds=1)
    assert due(company) is not None


def test_two_ticks_write_one_run(company):
    company.later(hours=1)
    assert due(company) is not None
    assert due(company) is None
    assert Run.objects.filter(state=State.WAITING).count() == 1


def test_two_beats_at_once_write_one_run(company):
    company.later(hours=1)
    _at_once(lambda: due(company), lambda: due(company))

    assert Run.objects.filter(state=State.WAITING).count() == 1


def test_after_two_hours_without_a_beat_one_run_is_due_not_twelve(company):
    company.later(hours=2)
    assert due(company) is not None
    company.carry_out()
    assert due(company) is None


def test_a_clock_set_back_does_not_stop_the_schedule(company, settings):
    """A run of the future cannot have been: it was just now."""
    company.later(hours=-5)
    due(company)
    company.later(seconds=settings.SYNC_EVERY.total_seconds())

    assert due(company) is not None


def test_a_clock_set_back_causes_no_storm(company):
    company.later(hours=-5)
    runs = []
    for _ in range(40):
        if due(company):
            runs.append(company.carry_out())
        company.later(seconds=30)

    assert 1 <= len(runs) <= 2


def test_a_sync_of_one_connection_does_not_put_the_next_one_off(company):
    company.later(minutes=9)
    company.sync(connection=company.olivia, after={"seconds": 1})
    company.later(minutes=1)

    assert due(company) is not None


def test_shut_out_by_scalingo_nobody_knocks_for_a_quarter_of_an_hour(company):
    company.fault(path="/v1/**", status=403, body="Forbidden", times=None)
    company.later(minutes=10)
    due(company)
    company.carry_out()
    assert "blocked" in company.reasons()

    company.later(minutes=14, seconds=59)
    assert due(company) is None
    company.later(seconds=1)
    assert due(company) is not None


# --- asking --------------------------------------------------------------------------------------


def test_asking_twice_is_asking_once(company, alice):
    first = actions.request(by=alice, at=company.now)

    with pytest.raises(actions.AlreadyAsked) as refused:
        actions.request(by=alice, at=company.now)
    assert refused.value.run == first
    assert Run.objects.filter(state=State.WAITING).count() == 1


def test_two_who_ask_at_once_ask_once(company):
    def ask():
        with contextlib.suppress(actions.AlreadyAsked):
            actions.request(by=None, at=company.now)

    _at_once(ask, ask)
    assert Run.objects.filter(state=State.WAITING).count() == 1


def test_asking_is_recorded_with_who_did(company, alice, sent):
    run = actions.request(by=alice, at=company.now)

    event = Event.objects.filter(kind="sync.requested").latest("sequence")
    assert (event.actor_id, event.target_id) == (alice.pk, run.pk)
    assert sent == [("sync.carry_out", {"run_id": str(run.pk)})]


def test_whoever_may_not_ask_leaves_nothing(company, mallory):
    with pytest.raises(Refused):
        actions.request(by=mallory, at=company.now)
    assert Run.objects.count() == 1


# --- carrying out --------------------------------------------------------------------------------


def test_a_lost_message_loses_nothing(company, sent):
    run = actions.request(by=None, at=company.now)
    sent.clear()  # nobody hears it

    assert company.carry_out().pk == run.pk


def test_a_doubled_or_late_message_has_no_second_effect(company):
    run = company.sync()
    before = company.rows_of("sync_run")
    for _ in range(5):
        assert company.carry_out(run_id=run.pk) is None

    assert company.rows_of("sync_run") == before


def test_a_message_about_nothing_does_nothing(company):
    tasks.carry_out(run_id="00000000-0000-4000-8000-000000000000")
    assert Run.objects.count() == 1


def test_a_task_of_a_newer_version_is_understood_by_this_one(company):
    """Its message may bring fields that this one does not know."""
    tasks.carry_out(run_id="00000000-0000-4000-8000-000000000000", attempt=2)


def test_two_workers_at_once_do_it_once(company):
    """The second one comes while the first one reads, and goes."""
    others = []

    def second(_):
        company.on_request.clear()
        thread = threading.Thread(target=lambda: others.append(_closing(company.carry_out)))
        thread.start()
        thread.join()

    company.on_request.append(second)
    actions.request(by=None, at=company.now)
    run = actions.carry_out_next(clock=lambda: company.now, client_for=company.clients, threads=1)

    assert others == [None]
    assert (run.state, run.attempts) == (State.COMPLETE, 1)


def test_while_one_is_at_work_it_shows_that_it_lives(company, monkeypatch):
    monkeypatch.setattr(progress, "_EVERY", 0)  # a whole sync takes less here
    beats = set()
    company.step = timedelta(seconds=5)
    company.on_request.append(
        lambda _: beats.add(_closing(lambda: Run.objects.get(state=State.RUNNING).beat_at))
    )
    run = company.sync()

    assert len(beats) > 3
    assert None not in beats
    run.refresh_from_db()
    assert run.beat_at is None


def test_the_lock_goes_with_whoever_holds_it(company):
    with only_one() as first:
        assert first
        with only_one() as second:
            assert not second
    with only_one() as again:
        assert again


def _left_running(company, attempts=1):
    return Run.objects.create(
        trigger=Run.Trigger.SCHEDULE,
        state=State.RUNNING,
        requested_at=company.now,
        started_at=company.now,
        beat_at=company.now,
        attempts=attempts,
    )


def test_what_a_dead_worker_left_is_taken_up_before_anything_else(company):
    left = _left_running(company)
    company.later(minutes=1)

    run = company.carry_out()

    assert (run.pk, run.state, run.attempts) == (left.pk, State.COMPLETE, 2)
    assert run.started_at == left.started_at


def test_what_kills_its_worker_each_time_is_given_up_after_three(company):
    left = _left_running(company, attempts=3)
    Step.objects.create(
        run=left,
        connection_id=company.olivia.pk,
        connection_name="olivia",
        region_name="osc-fr1",
        state=Step.State.READING,
        started_at=company.now,
    )
    company.later(minutes=1)
    assert company.carry_out() is None

    left.refresh_from_db()
    assert (left.state, left.finished_at, left.beat_at) == (State.FAILED, company.now, None)
    (step,) = left.steps.all()
    assert (step.state, step.finished_at) == (Step.State.FAILED, company.now)
    assert step.problems[0]["reason"] == "gave_up"
    assert Event.objects.filter(kind="sync.finished", target_id=left.pk).exists()


def test_after_giving_one_up_the_next_one_is_carried_out(company):
    _left_running(company, attempts=3)
    waits = Run.objects.create(trigger=Run.Trigger.PAGE, requested_at=company.now)

    assert company.carry_out().pk == waits.pk


def test_a_run_of_a_connection_that_was_paused_meanwhile_fails_with_no_harm(company):
    actions.request(by=None, at=company.now, connection=company.olivia)
    Connection.objects.update(paused_at=company.now)
    known = company.known()

    assert company.carry_out().state == State.FAILED
    assert company.known() == known


# --- helpers -------------------------------------------------------------------------------------


def _closing(call):
    """Run `call` on another thread's own database connection, and close that."""
    try:
        return call()
    finally:
        if threading.current_thread() is not threading.main_thread():
            connections.close_all()


def _at_once(*calls):
    barrier = threading.Barrier(len(calls))

    def start(call):
        barrier.wait()
        _closing(call)

    threads = [threading.Thread(target=start, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
