"""The Sync page: what goes on, how fresh it is, what each run did, and the two decisions."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from governance.audit.models import Event
from governance.inventory.models import Coverage
from governance.sync.models import HeldRemoval, Run
from governance.sync.queries.health import DAYS, read_health
from governance.sync.queries.history import SIZE, read_history
from governance.sync.queries.ongoing import Ongoing, read_ongoing
from tests.factories import (
    AppFactory,
    CollaborationFactory,
    ConnectionFactory,
    HeldRemovalFactory,
    PersonFactory,
    ProjectFactory,
    RunFactory,
    ScopeFactory,
    StepFactory,
    ago,
)

pytestmark = pytest.mark.django_db
POLL = {"HX-Request": "true", "HX-Target": "progress"}


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# --- what goes on ---------------------------------------------------------------------------------


@pytest.fixture
def running(alice):
    """A run that has read 41 of 212 apps and waits for the limit."""
    run = RunFactory(running=True, requested_by=alice.pk, requests={"GET /apps": 3})
    StepFactory(
        run=run,
        connection_name="Acme production",
        region_name="osc-fr1",
        state="reading",
        done=41,
        total=212,
        waits_until=timezone.now() + timedelta(seconds=300),
    )
    return run


def test_it_shows_how_far_a_running_sync_is(client_of, bob, running):
    shown = text_of(client_of(bob).get("/sync/"))

    assert "Reading Scalingo" in shown
    assert "41 of 212 apps" in shown
    assert "waiting 4 min for Scalingo's limit" in shown
    assert "3 requests" in shown
    assert "asked for by Alice" in shown


def test_the_polled_part_goes_on_asking_while_it_runs(client_of, bob, running):
    response = client_of(bob).get("/sync/", headers=POLL)

    assert response.status_code == 200
    assert response.content.decode().strip().startswith('<section id="progress"')
    assert 'hx-trigger="every 2s"' in response.content.decode()


def test_polling_stops_when_nothing_runs_and_the_rest_is_renewed(client_of, bob):
    RunFactory()

    response = client_of(bob).get("/sync/", headers=POLL)

    assert response.status_code == 286
    assert 'hx-trigger="load"' in response.content.decode()
    assert "every 2s" not in response.content.decode()


def test_a_page_without_a_run_asks_for_nothing_by_itself(client_of, bob):
    assert "hx-trigger" not in client_of(bob).get("/sync/").content.decode()


def test_the_polled_part_costs_three_queries(client_of, bob, running, django_assert_num_queries):
    client = client_of(bob)
    client.get("/sync/", headers=POLL)

    # Session, person, what goes on.
    with django_assert_num_queries(3):
        client.get("/sync/", headers=POLL)


def test_a_renewed_page_brings_its_freshness_along(client_of, bob):
    response = client_of(bob).get("/sync/", headers={"HX-Request": "true", "HX-Target": "sync"})

    assert 'id="freshness" hx-swap-oob="true"' in response.content.decode()


def test_a_run_that_no_worker_takes_says_so(client_of, bob):
    RunFactory(waiting=True, requested_at=ago(minutes=3))

    shown = text_of(client_of(bob).get("/sync/"))

    assert "A sync waits for a worker" in shown
    assert "Are the workers running?" in shown


def test_a_run_without_a_sign_of_life_says_so(client_of, bob):
    RunFactory(running=True, beat_at=ago(minutes=3))

    assert "No sign of life for more than a minute." in text_of(client_of(bob).get("/sync/"))


def ongoing(now, **fields):
    return Ongoing(
        now=now,
        state="running",
        trigger="page",
        connection="",
        asked_by="",
        requested_at=now - timedelta(seconds=30),
        started_at=now - timedelta(seconds=30),
        beat_at=now,
        requests=0,
        retries=0,
        waited=0,
        **fields,
    )


@pytest.mark.parametrize(("usual", "left"), [(100.0, 70.0), (20.0, None), (None, None)])
def test_the_time_left_is_what_the_last_whole_run_took(now, usual, left):
    assert ongoing(now, usual_seconds=usual).seconds_left == left


def test_the_time_left_comes_from_the_apps_so_far_while_nothing_else_is_known(bob, running):
    (run,), _ = read_ongoing(bob, at=running.started_at + timedelta(seconds=41))

    assert run.seconds_left == pytest.approx(171)


def test_problems_name_apps_and_are_counted_only_for_who_sees_some(client_of, dave, bob, running):
    StepFactory(
        run=running,
        region_name="osc-secnum-fr1",
        state="partial",
        problems=[{"scope": "secret-app", "reason": "not_listed", "sentence": "It is gone."}],
    )

    assert "secret-app: It is gone." in text_of(client_of(bob).get("/sync/"))
    assert "secret-app" not in text_of(client_of(dave).get("/sync/"))
    assert "1 thing could not be read" in text_of(client_of(dave).get("/sync/"))


# --- how healthy it is ----------------------------------------------------------------------------


def test_thirty_days_end_with_today(bob):
    RunFactory(requested_at=timezone.now())
    RunFactory(requested_at=timezone.now(), partial=True)
    RunFactory(requested_at=ago(days=40), failed=True)

    days = read_health(bob, at=timezone.now()).days

    assert len(days) == DAYS
    assert days[-1].day == timezone.localdate()
    assert (days[-1].complete, days[-1].partial, days[-1].failed) == (1, 1, 0)
    assert sum(day.runs for day in days) == 2


@pytest.mark.parametrize(
    ("states", "tone"),
    [
        ([], "none"),
        (["complete", "complete"], "ok"),
        (["complete", "failed"], "warn"),
        (["partial"], "warn"),
        (["failed", "failed"], "bad"),
    ],
)
def test_a_day_is_as_good_as_its_runs(bob, states, tone):
    for state in states:
        RunFactory(state=state, requested_at=timezone.now())

    assert read_health(bob, at=timezone.now()).days[-1].tone == tone


def test_each_region_says_what_is_fresh_and_what_is_not(client_of, bob):
    connection = ConnectionFactory(name="Acme production")
    ScopeFactory(connection_id=connection.pk, kind="apps")
    ScopeFactory(connection_id=connection.pk, kind="collaborators", stale=True)
    ScopeFactory(connection_id=connection.pk, kind="databases", unread=True)

    (place,) = read_health(bob, at=timezone.now()).places
    shown = text_of(client_of(bob).get("/sync/"))

    assert (place.connection, place.region) == ("Acme production", "osc-fr1")
    assert [bool(reading) for reading in place.readings] == [True, True, False, True]
    assert place.since is None
    assert "Stale failing since 5 h ago . Scalingo did not answer in time." in shown
    assert "Never read" in shown


def test_a_retired_scope_is_not_shown(bob):
    ScopeFactory(retired_at=timezone.now())

    assert read_health(bob, at=timezone.now()).places == []


def test_a_place_is_unbroken_since_its_youngest_reading_began(bob):
    connection = ConnectionFactory()
    old = ScopeFactory(connection_id=connection.pk, kind="apps")
    ScopeFactory(connection_id=connection.pk, kind="collaborators")
    Coverage.objects.exclude(scope=old).update(since=ago(days=2))

    (place,) = read_health(bob, at=timezone.now()).places

    assert timezone.now() - place.since < timedelta(days=3)


def test_apps_in_doubt_say_why(bob):
    app = AppFactory(name="billing-api")
    AppFactory(name="odd", stale=True)
    AppFactory(name="vanished", suspect_since=ago(minutes=9))
    CollaborationFactory(app=app, missing_after=ago(minutes=20), missing_at=ago(minutes=10))

    health = read_health(bob, at=timezone.now())

    assert health.doubtful == 3
    assert {doubt.app: doubt.reason for doubt in health.doubts} == {
        "billing-api": "missing",
        "odd": "not_understood",
        "vanished": "not_listed",
    }
    assert all(doubt.sentence.endswith(".") for doubt in health.doubts)
    (vanished,) = [doubt for doubt in health.doubts if doubt.app == "vanished"]
    assert "three times over a day" in vanished.sentence


def test_who_sees_some_apps_is_told_of_those_alone(dave):
    mine = ProjectFactory()
    connection = ConnectionFactory()
    scope = ScopeFactory(connection_id=connection.pk)
    AppFactory(name="mine", project=mine, scope=scope, stale=True)
    AppFactory(name="not-mine", stale=True, scope=ScopeFactory())
    dave.projects = [mine.pk]

    health = read_health(dave, at=timezone.now())

    assert [doubt.app for doubt in health.doubts] == ["mine"]
    assert [place.connection for place in health.places] == [connection.name]


# --- what was done --------------------------------------------------------------------------------


def test_a_run_that_is_over_says_what_it_cost_and_found(client_of, bob, alice):
    run = RunFactory(
        partial=True,
        trigger="page",
        requested_by=alice.pk,
        requests={"GET /apps": 4, "GET /events": 3},
        retries=2,
        waited=12.4,
        found={"joined": 1, "left": 2, "changed": 0, "two_factor": 3},
        coverage={"expected": 33, "read": 26, "failed": 7},
    )
    problem = {"scope": "apps", "reason": "unavailable", "sentence": "Scalingo did not answer."}
    StepFactory(run=run, state="failed", problems=[problem])

    shown = text_of(client_of(bob).get("/sync/"))

    for words in (
        "Alice",
        "Partial",
        "26 of 33",
        "2 repeated",
        "waited 12 s",
        "1 joined",
        "2 left",
        "3 2FA",
        "apps: Scalingo did not answer.",
    ):
        assert words in shown
    assert "changed" not in shown


def test_what_could_not_be_read_names_the_connection_and_the_region(client_of, bob):
    run = RunFactory(partial=True)
    problem = {"scope": "apps", "reason": "unavailable", "sentence": "Scalingo did not answer."}
    for name, region in (("Acme", "osc-fr1"), ("Other", "osc-fr1"), ("Third", "")):
        StepFactory(run=run, connection_name=name, region_name=region, problems=[problem])

    shown = text_of(client_of(bob).get("/sync/"))

    for words in ("Acme · osc-fr1 apps:", "Other · osc-fr1 apps:", "Third apps:"):
        assert words in shown


def test_runs_come_newest_first_and_in_pages(client_of, bob):
    for number in range(SIZE + 3):
        RunFactory(requested_at=ago(hours=number))

    first = read_history()
    second = read_history(after=first.after)

    assert len(first.rows) == SIZE
    assert len(second.rows) == 3
    assert [run.requested_at for run in first.rows + second.rows] == sorted(
        Run.objects.values_list("requested_at", flat=True), reverse=True
    )
    assert 'rel="next"' in client_of(bob).get("/sync/").content.decode()


@pytest.mark.parametrize(("state", "number"), [("failed", 1), ("complete", 2), ("", 3), ("x", 3)])
def test_the_history_can_be_narrowed_to_an_outcome(state, number):
    RunFactory(failed=True)
    RunFactory()
    RunFactory()
    RunFactory(waiting=True)

    assert len(read_history(state=state).rows) == number


def test_what_a_run_found_is_over_everything_so_who_sees_some_is_not_told(client_of, dave, bob):
    RunFactory(found={"joined": 7})

    assert "7 joined" in text_of(client_of(bob).get("/sync/"))
    assert "7 joined" not in text_of(client_of(dave).get("/sync/"))


def test_an_empty_page_says_what_comes_next(client_of, bob):
    shown = text_of(client_of(bob).get("/sync/"))

    assert "There is no connection to read with." in shown
    assert "No sync is over yet." in shown


# --- sync now -------------------------------------------------------------------------------------


def test_sync_now_writes_a_run_down(client_of, alice, sent):
    response = client_of(alice).post("/sync/start/", follow=True)

    run = Run.objects.get()
    assert (run.trigger, run.requested_by, run.state) == ("page", alice.pk, "waiting")
    assert "A sync is about to start." in text_of(response)


def test_the_second_who_asks_is_told_who_was_first(client_of, alice, olga, sent):
    client_of(alice).post("/sync/start/")

    response = client_of(olga).post("/sync/start/", follow=True)

    assert Run.objects.count() == 1
    assert "Alice asked for a sync just now; it is still under way." in text_of(response)


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        ("schedule", "The schedule asked for a sync just now; it is still under way."),
        ("terminal", "Somebody asked for a sync in a terminal just now; it is still under way."),
    ],
)
def test_what_nobody_asked_for_here_is_named_for_what_it_is(
    client_of, alice, sent, now, trigger, words
):
    Run.objects.create(trigger=trigger, requested_at=timezone.now())

    response = client_of(alice).post("/sync/start/", follow=True)

    assert Run.objects.count() == 1
    assert words in text_of(response)


def test_what_reads_a_few_apps_for_a_change_stands_in_nobody_s_way(client_of, alice, sent):
    Run.objects.create(
        trigger="change", state="running", apps=["an id"], requested_at=timezone.now()
    )

    response = client_of(alice).post("/sync/start/", follow=True)

    assert Run.objects.filter(trigger="page", state="waiting").count() == 1
    assert "A sync is about to start." in text_of(response)


@pytest.mark.parametrize("user", ["bob", "carol", "dave"])
def test_who_may_not_start_one_is_told_why_before_and_after(client_of, request, user, sent):
    client = client_of(request.getfixturevalue(user))

    page = client.get("/sync/")
    answer = client.post("/sync/start/")

    assert re.search(r"<button[^>]*disabled[^>]*>.{0,200}Sync now", page.content.decode())
    assert "Only admins and operators can start a sync." in text_of(page)
    assert answer.status_code == 403
    assert "Only admins and operators can start a sync." in text_of(answer)
    assert not Run.objects.exists()


def test_nothing_starts_by_reading(client_of, alice):
    assert client_of(alice).get("/sync/start/").status_code == 405


# --- held removals --------------------------------------------------------------------------------


@pytest.fixture
def held():
    """Two people of one app and one of another who would no longer be there."""
    billing = AppFactory(name="billing-api")
    rows = [
        CollaborationFactory(app=billing, person=PersonFactory(username="ana")),
        CollaborationFactory(app=billing, person=PersonFactory(username="ben"), role="limited"),
        CollaborationFactory(app=AppFactory(name="wiki"), person=PersonFactory(username="cleo")),
    ]
    return HeldRemovalFactory(
        plan=[
            {
                "collaboration": row.pk,
                "app": str(row.app_id),
                "person": str(row.person_id),
                "role": row.role,
            }
            for row in rows
        ]
    )


def decision(held, word, **changed):
    return {"decision": word, "digest": bytes(held.digest).hex(), **changed}


def test_the_plan_is_shown_with_names(client_of, carol, held):
    shown = text_of(client_of(carol).get("/sync/"))

    assert "3 removals wait for a decision" in shown
    assert "billing-api 2 ana collaborator , ben limited" in shown
    assert "wiki 1 cleo collaborator" in shown


def test_a_long_plan_is_shown_in_part_and_whole_on_request(bob, held, monkeypatch):
    _, some = read_ongoing(bob, at=timezone.now(), shown=2)
    _, whole = read_ongoing(bob, at=timezone.now(), shown=None)

    assert (some.shown, some.total) == (2, 3)
    assert whole.shown == 3


def test_who_sees_some_apps_is_told_without_names(client_of, dave, held):
    shown = text_of(client_of(dave).get("/sync/"))

    assert "A sync saw many people gone at once." in shown
    assert "billing-api" not in shown


@pytest.mark.parametrize(
    ("word", "state"),
    [("approve", HeldRemoval.State.APPROVED), ("keep", HeldRemoval.State.DISCARDED)],
)
def test_an_operator_decides(client_of, olga, held, sent, word, state):
    response = client_of(olga).post(f"/sync/held/{held.pk}/decide/", decision(held, word))

    held.refresh_from_db()
    assert response.status_code == 303
    assert (held.state, held.decided_by) == (state, olga.pk)


def test_anything_but_approval_keeps_it_as_it_was(client_of, olga, held, sent):
    client_of(olga).post(f"/sync/held/{held.pk}/decide/", decision(held, "yes please"))

    held.refresh_from_db()
    assert held.state == HeldRemoval.State.DISCARDED


def test_a_decision_on_another_plan_is_refused(client_of, olga, held, sent):
    response = client_of(olga).post(
        f"/sync/held/{held.pk}/decide/", decision(held, "approve", digest="00" * 32)
    )

    held.refresh_from_db()
    assert response.status_code == 409
    assert "This plan was decided already, or is no longer the same." in text_of(response)
    assert held.state == HeldRemoval.State.WAITING


def test_the_second_decision_is_refused(client_of, olga, alice, held, sent):
    client_of(olga).post(f"/sync/held/{held.pk}/decide/", decision(held, "keep"))

    response = client_of(alice).post(f"/sync/held/{held.pk}/decide/", decision(held, "approve"))

    held.refresh_from_db()
    assert response.status_code == 409
    assert (held.state, held.decided_by) == (HeldRemoval.State.DISCARDED, olga.pk)


@pytest.mark.parametrize("user", ["bob", "carol", "dave"])
def test_who_may_not_decide_changes_nothing(client_of, request, held, user, sent):
    client = client_of(request.getfixturevalue(user))

    response = client.post(f"/sync/held/{held.pk}/decide/", decision(held, "approve"))

    held.refresh_from_db()
    assert response.status_code == 403
    assert held.state == HeldRemoval.State.WAITING
    assert not Event.objects.filter(kind="sync.removals_approved").exists()


# --- the price ------------------------------------------------------------------------------------


def test_it_costs_the_same_whatever_the_size(client_of, bob, held, assert_same_cost):
    client = client_of(bob)
    RunFactory(running=True)

    def grow():
        for number in range(9):
            run = RunFactory(partial=True, requested_at=ago(hours=number), requested_by=bob.pk)
            StepFactory(run=run, problems=[{"scope": "a", "reason": "b", "sentence": "c."}])
            AppFactory(stale=True, scope=ScopeFactory())

    assert_same_cost(grow, lambda: client.get("/sync/"))


def test_six_queries(client_of, bob, held, django_assert_num_queries):
    RunFactory()
    client = client_of(bob)
    client.get("/sync/")

    # Session and person; the frame; what goes on, how healthy it is, what was done.
    with django_assert_num_queries(6):
        client.get("/sync/")


def test_hostile_text_is_shown_as_text(client_of, bob):
    hostile = "<script>alert(1)</script>"
    run = RunFactory(partial=True)
    StepFactory(run=run, problems=[{"scope": hostile, "reason": "x", "sentence": hostile}])
    AppFactory(name=hostile, stale=True)

    assert hostile not in client_of(bob).get("/sync/").content.decode()


def test_the_schedule_is_said_in_words(client_of, bob, monkeypatch):
    monkeypatch.setattr(settings, "SYNC_EVERY", timedelta(minutes=30))

    assert "Scalingo is read every 30 min." in text_of(client_of(bob).get("/sync/"))
