"""A worker may die on any line: the run is taken up again and ends in the truth."""

import os
import signal
import subprocess
import sys

import pytest
from django.db import OperationalError, connection

from governance.audit.verify import verify
from governance.inventory.models import Attribution, Collaboration, Scope
from governance.sync import actions, engine
from governance.sync.models import Run
from tests.sync import invariants
from tests.sync.company import read_company


class Killed(BaseException):
    """As if by SIGKILL: nothing after it runs but what unwinds."""


class DiesAt:
    """Ends the worker at its nth statement."""

    def __init__(self, nth, error=Killed):
        self.nth, self.error, self.statements = nth, error, 0

    def __call__(self, execute, sql, params, many, context):
        self.statements += 1
        if self.statements == self.nth:
            raise self.error(f"at statement {self.nth}: {sql[:60]}")
        return execute(sql, params, many, context)


def much_happened(company):
    """One of everything that a sync can find."""
    world = company.world
    company.later(minutes=1)
    world.invite("billing-web", "new@acme.example")
    world.accept("billing-api", "waiting@new.example")
    world.change_role("billing-api", "lim@acme.example", limited=False)
    world.remove("billing-web", "lim@acme.example")
    world.set_two_factor("fred@acme.example", False)
    world.rename_app("billing-api", "billing-core")
    world.create_app("ledger", owner="olivia@acme.example", region="osc-fr1")
    world.add_member("ledger", "oscar@other.example", limited=True)
    world.transfer_app("vault-api", "fred@acme.example")
    world.change_email("oscar@other.example", "oscar@new.example")


def dies(company, nth, error=Killed):
    """Start a sync that dies at its nth statement. Whether it did."""
    company.later(minutes=10)
    actions.request(by=None, at=company.now, trigger=Run.Trigger.TERMINAL)
    try:
        with connection.execute_wrapper(DiesAt(nth, error)):
            company.carry_out()
    except (Killed, OperationalError):
        return True
    return False


def goes_on(company):
    """The next workers take it up, and the syncs after that."""
    company.later(minutes=1)
    while company.carry_out():
        company.later(minutes=1)
    company.sync()
    company.sync()


# The statements of a busy sync are about 250. Ordinary runs kill it at every twenty-first, and
# `make deep` at every single one.
@pytest.mark.parametrize("nth", range(3, 240, 21))
def test_it_ends_in_the_truth_wherever_the_worker_died(company, nth):
    much_happened(company)
    dies(company, nth)
    invariants.check(company)
    goes_on(company)

    invariants.check(company)
    invariants.converged(company)


@pytest.mark.deep
def test_it_ends_in_the_truth_at_every_single_statement(db):
    """Each time from the same start."""
    for nth in range(1, 1000):
        company = read_company()
        much_happened(company)
        if not dies(company, nth):
            break
        goes_on(company)
        invariants.check(company)
        invariants.converged(company)
    assert nth > 150


def test_a_statement_that_fails_once_costs_one_more_attempt(company):
    """As when the database ended the connection: the next worker goes on."""
    much_happened(company)
    assert dies(company, 100, OperationalError)
    run = company.carry_out()

    assert (run.state, run.attempts) == ("complete", 2)
    company.sync()
    invariants.converged(company)


def test_a_connection_that_the_server_ends_is_made_again(company):
    much_happened(company)
    company.later(minutes=10)
    actions.request(by=None, at=company.now)
    ended = []

    def end(execute, sql, params, many, context):
        if "INSERT INTO diff" in sql and not ended:
            ended.append(True)
            with connection.connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                (pid,) = cursor.fetchone()
            _terminate(pid)
        return execute(sql, params, many, context)

    with pytest.raises(OperationalError), connection.execute_wrapper(end):
        company.carry_out()
    connection.close()
    assert company.carry_out().attempts == 2
    company.sync()
    invariants.check(company)
    invariants.converged(company)


def test_what_was_counted_before_it_died_is_counted_still(company):
    much_happened(company)
    dies(company, 150)
    asked = Run.objects.get(state=Run.State.RUNNING).request_count
    company.later(minutes=1)
    run = company.carry_out()

    assert 0 < asked < run.request_count


def test_nothing_is_attributed_twice(company):
    """The worker dies between the last end and its outcome."""
    company.world.remove("billing-api", "lim@acme.example", by="fred@acme.example")

    def dead(*_, **__):
        raise Killed

    finish, engine._finish = engine._finish, dead
    try:
        with pytest.raises(Killed):
            company.sync()
    finally:
        engine._finish = finish
    company.carry_out()

    assert Attribution.objects.count() == 1
    assert company.events().count("platform.left") == 1
    assert verify().faults == ()


def test_apps_read_singly_are_not_read_again_after_a_death(company):
    for number in range(6):
        app = company.create_app(f"theirs-{number}", owner="oscar@other.example")
        company.world.add_member(app, "olivia@acme.example")
    company.sync()
    dies(company, 95)
    company.world.traffic.clear()
    company.carry_out()

    single = company.world.traffic.requests["GET /v1/apps/:app/collaborators"]
    assert single < 3 + 7


def test_an_approved_plan_is_finished_by_whoever_comes_next(company, alice):
    from governance.sync.models import HeldRemoval

    company.create_app("team")
    company.crowd("team", 30)
    company.sync()
    company.disperse("team", 15)
    company.sync()
    plan = HeldRemoval.objects.get()
    actions.decide_held(plan.pk, bytes(plan.digest).hex(), approve=True, by=alice, at=company.now)
    killed = []

    def dead(*_, **__):
        killed.append(True)
        raise Killed

    from governance.sync import held

    applied, held.applied = held.applied, dead
    try:
        with pytest.raises(Killed):
            company.carry_out()
    finally:
        held.applied = applied
    assert Collaboration.objects.filter(ended_at__isnull=False).count() == 15
    company.carry_out()

    plan.refresh_from_db()
    assert plan.state == "applied"
    assert company.known() == company.truth()


def test_a_killed_process_gives_its_lock_back(company):
    """A real one, with SIGKILL, that held it."""
    from governance.sync.locks import only_one

    script = (
        "import sys, time; from django.db import connection;"
        "from governance.sync.locks import only_one;"
        "lock = only_one(); print(lock.__enter__(), flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", f"import django; django.setup(); {script}"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DATABASE_URL": _test_database()},
    )
    try:
        assert child.stdout.readline().strip() == "True"
        with only_one() as ours:
            assert not ours
        child.send_signal(signal.SIGKILL)
        child.wait()
        for _ in range(50):
            with only_one() as ours:
                if ours:
                    return
        pytest.fail("the lock outlived its process")
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def _test_database():
    """The address of the database that these tests use, as another process needs it."""
    found = connection.settings_dict
    password = f":{found['PASSWORD']}" if found["PASSWORD"] else ""
    return f"postgresql://{found['USER']}{password}@/{found['NAME']}?host={found['HOST']}" + (
        f"&port={found['PORT']}" if found["PORT"] else ""
    )


def _terminate(pid):
    from django.db import DEFAULT_DB_ALIAS, connections

    other = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        with other.cursor() as cursor:
            cursor.execute("SET ROLE NONE")
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    finally:
        other.close()


def dies_before_it_counts(scalingo_id):
    """Ends the worker when the app has been read by itself, and the reading is about to count."""

    def wrapper(execute, sql, params, many, context):
        text = str(sql).replace('"', "")
        if "INSERT INTO inventory_coverage" in text:
            scope = Scope.objects.filter(app_scalingo_id=scalingo_id).first()
            values = params.values() if isinstance(params, dict) else params
            if scope and scope.pk in values:
                raise Killed
        return execute(sql, params, many, context)

    return wrapper


def test_an_app_read_in_its_first_scope_keeps_its_time_when_the_worker_dies(company):
    """Who comes after that came since it was last read, and did not stand there all along."""
    last_read = company.now
    company.later(minutes=1)
    app = company.world.app("billing-web")
    company.world.transfer_app(app, "fred@acme.example")
    company.later(minutes=9)
    actions.request(by=None, at=company.now, trigger=Run.Trigger.TERMINAL)
    with pytest.raises(Killed), connection.execute_wrapper(dies_before_it_counts(app.id)):
        company.carry_out()
    company.world.invite("billing-web", "new@acme.example")
    company.later(minutes=1)
    company.carry_out()

    assert company.period("billing-web", "new@acme.example").started_after == last_read
    assert company.app("billing-web").stale_since is None


def dies_before(text):
    """Ends the worker before the first statement that holds `text`."""

    def wrapper(execute, sql, params, many, context):
        if text in str(sql):
            raise Killed
        return execute(sql, params, many, context)

    return wrapper


def test_an_app_listed_again_keeps_its_time_until_its_ends_are_written(company):
    """The list of all was read without it meanwhile, which says nothing of when somebody left."""
    last_read = company.now
    left_out = {"name": "billing-web"}
    company.spoil("drop_rows", path="/v1/apps", region="osc-fr1", m_where=left_out, times=2)
    company.sync()
    company.world.remove("billing-web", "lim@acme.example")
    company.sync()
    company.later(minutes=10)
    actions.request(by=None, at=company.now, trigger=Run.Trigger.TERMINAL)
    with pytest.raises(Killed), connection.execute_wrapper(dies_before("e.digest")):
        company.carry_out()
    company.later(minutes=1)
    company.carry_out()

    gone = company.period("billing-web", "lim@acme.example")
    assert (gone.ended_after, gone.ended_at) == (last_read, company.now)
    assert company.app("billing-web").stale_since is None
