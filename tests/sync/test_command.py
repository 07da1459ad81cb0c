"""`manage.py sync`: what it prints, and how it ends."""

import json
import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from governance.sync import actions, engine
from governance.sync.locks import only_one
from governance.sync.models import Run


@pytest.fixture
def sync(company, monkeypatch, capsys):
    """Run the command against the pretend Scalingo: its exit status and what it printed."""
    clients = company.clients
    monkeypatch.setattr(engine, "sweeping", lambda: clients)
    company.later(days=400)  # the command reads the real clock

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            call_command("sync", *arguments)
        return ended.value.code, capsys.readouterr().out

    return run


def test_it_ends_with_0_when_everything_was_read(sync):
    code, said = sync()

    assert code == 0
    assert "Read 4 of 4 apps: " in said


def test_it_ends_with_3_when_a_part_could_not_be_read(sync, company):
    company.fault(path="/v1/apps", region="osc-fr1", status=500, times=None)
    code, said = sync()

    assert code == 3
    assert "olivia@acme.example osc-fr1: Scalingo answered 500." in said


def test_it_ends_with_1_when_nothing_could_be_read(sync, company):
    company.fault(path="/v1/**", status=500, times=None)
    code, _ = sync()

    assert code == 1


def test_json_has_all_that_was_promised(sync, company):
    company.world.invite("billing-api", "new@acme.example")
    company.world.set_two_factor("fred@acme.example", False)
    code, said = sync("--json")

    told = json.loads(said)
    assert code == 0
    assert told["state"] == "complete"
    assert told["requests"]["GET /collaborators"] == 2
    assert (told["retries"], told["waited_seconds"]) == (0, 0)
    assert told["seconds"] > 0
    assert (told["apps"], told["people"], told["collaborations"]) == (4, 6, 12)
    assert told["changes"] == {"joined": 1, "left": 0, "changed": 0, "two_factor": 1}
    assert told["coverage"] == {"expected": 4, "read": 4, "failed": 0}
    assert (told["not_understood"], told["problems"]) == (0, [])


def test_json_says_what_failed_where_and_why(sync, company):
    company.fault(path="/v1/collaborators", region="osc-fr1", status=503, times=None)
    code, said = sync("--json")

    told = json.loads(said)
    assert (code, told["state"], told["retries"]) == (3, "partial", 2)
    assert told["problems"] == [
        {
            "connection": "olivia@acme.example",
            "region": "osc-fr1",
            "scope": "collaborators",
            "reason": "server_error",
            "sentence": "Scalingo answered 503.",
        }
    ]


def test_one_connection_can_be_named_whatever_its_case(sync, company):
    company.connect("oscar@other.example", "Oscar")
    code, said = sync("--connection", "oscar", "--json")

    assert code == 0
    assert json.loads(said)["requests"]["POST /tokens/exchange"] == 1


def test_a_connection_that_does_not_exist_is_refused(company):
    with pytest.raises(CommandError, match="no connection called nobody"):
        call_command("sync", "--connection", "nobody")


def test_without_any_connection_it_says_so(db):
    with pytest.raises(CommandError, match="no connection to read with"):
        call_command("sync")


def test_while_another_process_is_at_it_it_says_so(company):
    with only_one(), pytest.raises(CommandError, match="already under way"):
        call_command("sync", "--wait", "0")


@pytest.fixture
def worker(company):
    """Another process that holds the lock, and carries out the run that is asked for next."""
    threads = []

    def work(lock_taken):
        try:
            with only_one():
                lock_taken.set()
                while not Run.objects.filter(state=Run.State.WAITING).exists():
                    time.sleep(0.05)
                engine.carry_out(actions._claim(company.now, None))
        finally:
            connections.close_all()

    def start():
        lock_taken = threading.Event()
        threads.append(threading.Thread(target=work, args=[lock_taken]))
        threads[-1].start()
        assert lock_taken.wait(10)

    yield start
    for thread in threads:
        thread.join()


def test_whoever_else_carries_its_run_out_its_outcome_is_printed(sync, company, worker):
    company.fault(path="/v1/apps", region="osc-fr1", status=500, times=None)
    worker()
    code, said = sync("--json")

    told = json.loads(said)
    assert (code, told["state"]) == (3, "partial")
    run = Run.objects.latest("requested_at")
    assert (told["run"], run.attempts, run.trigger) == (str(run.pk), 1, "terminal")


def test_no_worker_is_woken_for_what_a_terminal_carries_out(sync, sent):
    sync()

    assert "sync.carry_out" not in [name for name, _ in sent]


def test_a_sync_of_another_connection_comes_first_and_then_what_was_asked(sync, company):
    oscar = company.connect("oscar@other.example", "Oscar")
    first = actions.request(by=None, at=company.now, connection=oscar)
    code, said = sync("--json")

    first.refresh_from_db()
    assert (code, first.state) == (0, "complete")
    ours = Run.objects.get(pk=json.loads(said)["run"])
    assert (ours.connection_id, ours.trigger) == (None, "terminal")


def test_what_reads_a_few_apps_for_a_change_is_no_sync(sync, company):
    Run.objects.create(
        trigger=Run.Trigger.CHANGE,
        state=Run.State.RUNNING,
        connection_id=company.olivia.pk,
        apps=[str(company.app("billing-api").pk)],
        requested_at=company.now,
        started_at=company.now,
        attempts=1,
    )
    code, said = sync("--json")

    assert code == 0
    assert Run.objects.get(pk=json.loads(said)["run"]).trigger == "terminal"


def test_a_run_that_was_given_up_is_told_without_numbers(sync, company):
    Run.objects.create(
        trigger=Run.Trigger.SCHEDULE,
        state=Run.State.RUNNING,
        requested_at=company.now,
        started_at=company.now,
        attempts=actions.MOST_ATTEMPTS,
    )
    code, said = sync()

    assert code == 1
    assert said.startswith("Failed in 0.0 s")


def test_an_app_that_is_no_longer_listed_is_named_each_time(sync, company):
    company.world.delete_app("billing-web")
    for _ in range(2):
        code, said = sync("--json")
        told = json.loads(said)

        assert (code, told["state"]) == (3, "partial")
        assert told["coverage"] == {"expected": 4, "read": 3, "failed": 1}
        assert [one["scope"] for one in told["problems"]] == ["billing-web"]


def test_it_carries_out_the_run_that_waits_already(sync, company):
    waits = actions.request(by=None, at=company.now)
    code, said = sync("--json")

    assert code == 0
    assert json.loads(said)["run"] == str(waits.pk)
    assert Run.objects.count() == 2


def test_it_goes_on_with_what_a_dead_worker_left(sync, company):
    left = Run.objects.create(
        trigger=Run.Trigger.SCHEDULE,
        state=Run.State.RUNNING,
        requested_at=company.now,
        started_at=company.now,
        attempts=1,
    )
    code, said = sync("--json")

    assert code == 0
    assert json.loads(said)["run"] == str(left.pk)
