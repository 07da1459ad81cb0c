"""Real processes killed while changes are told: `python -m tests.chaos.killing --kills 100`.

A pretend Scalingo on a socket, PostgreSQL, Valkey and two workers. Somebody keeps deciding; workers
get SIGKILL at random moments, so do the broker, which forgets everything, and the database. Then it
is left alone until nothing is under way, and what is true there, what is known here, the mails sent
and the audit log must agree. Exit status 1 where they do not. What is decided and killed follows
`--seed`; when exactly it happens is up to the machine.
"""

import argparse
import atexit
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CALM = 300.0  # seconds in which everything must have come to its end
DOORBELLS = ("sync.run_due", "changes.sweep", "sync.read_asked", "changes.tell")


class Servers:
    """PostgreSQL, Valkey, the pretend Scalingo, and the settings that everybody finds."""

    def __init__(self, seed):
        from governance.connections import sealing
        from governance.emulator import World
        from governance.emulator.server import Server
        from governance.local import servers
        from governance.local.temporary import Temporary

        self.temporary = Temporary(settings={"max_connections": "60"})
        atexit.register(self.temporary.stop)
        self.world = World(company="small", seed=seed, latency_ms=40, jitter_ms=30)
        self._fill()
        self.scalingo = Server(self.world).start()
        atexit.register(self.scalingo.stop)
        self.postgres, self.valkey = self.temporary.postgres, self.temporary.valkey
        self.valkey.start()
        self.postgres.start()
        self.postgres.prepare()
        public, private = sealing.make_keys()
        os.environ.update(
            DJANGO_SETTINGS_MODULE="governance.settings",
            SECRET_KEY=secrets.token_urlsafe(50),
            DATABASE_URL=self.postgres.url(servers.APPLICATION),
            MIGRATION_DATABASE_URL=self.postgres.url(servers.OWNER),
            REDIS_URL=self.valkey.url,
            SEALING_PUBLIC_KEY=public,
            SEALING_PRIVATE_KEY=private,
            SCALINGO_AUTH_URL=self.scalingo.url,
            SCALINGO_HOSTS="127.0.0.1",
            SCALINGO_RATE_LIMIT="100000",
            CHANGES_GRACE="1s",
            HTTPS="false",
            STATIC_FROM_SOURCE="true",
            LOG_LEVEL="ERROR",
            VAR_DIR=str(self.temporary.folder),
        )
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, check=True, cwd=ROOT)

    def _fill(self):
        for number in range(8):
            self.world.create_app(f"app-{number}", owner="olivia@acme.example", region="osc-fr1")
        for number in range(16):
            address = f"person-{number}@acme.example"
            self.world.add_account(address)
            for app in (number % 8, (number * 3 + 1) % 8):
                if f"app-{app}" not in self._apps_of(address):
                    self.world.add_member(f"app-{app}", address, limited=number % 3 > 0)
        self.world.mails.clear()

    def _apps_of(self, address):
        return {app for app, email in self.people() if email == address}

    def people(self):
        """Whoever is on an app in truth, or invited: role by (app, address)."""
        return {
            (app.name, one.email.lower()): "limited" if one.limited else "collaborator"
            for app in self.world.apps()
            for one in (self.world.member(app, place) for place in app.collaborations.values())
        }


class Workers:
    """Two workers of one process each, in sessions of their own."""

    def __init__(self, log):
        self._log = log
        self.running = [self._start(number) for number in range(2)]
        atexit.register(self.stop)

    def _start(self, number):
        command = [
            *(sys.executable, "-m", "celery", "-A", "tests.chaos.worker", "worker"),
            *("--queues", "interactive,sweep", "--hostname", f"w{number}-{time.time_ns()}@chaos"),
            *("--pool", "prefork", "--concurrency", "1"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            *("--loglevel", "ERROR"),
        ]
        return subprocess.Popen(
            command, cwd=ROOT, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def kill(self, number):
        """The whole worker, and another takes its place."""
        self._end(self.running[number])
        self.running[number] = self._start(number)

    def kill_child(self, number):
        """The process that does the work; its parent starts another."""
        children = subprocess.run(
            ["pgrep", "-P", str(self.running[number].pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        for pid in map(int, children.stdout.split()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @staticmethod
    def _end(process):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self):
        for process in self.running:
            self._end(process)


class Chaos:
    """One run of it."""

    def __init__(self, seed, kills):
        self.random = random.Random(seed)
        self.kills = kills
        self.counts = Counter()
        self.servers = Servers(seed)
        import django

        django.setup()
        from governance.accounts.models import User
        from governance.celery import app
        from governance.connections import keys
        from governance.connections.models import Connection, State

        self.celery = app
        world = self.servers.world
        account = world.account("olivia@acme.example")
        from django.utils import timezone

        Connection.objects.create(
            name="Olivia",
            sealed_token=keys.seal(world.token_of(account)),
            state=State.WORKING,
            account_id=account.id,
            account_email=account.email,
            account_username=account.username,
            token_set_at=timezone.now(),
        )
        self.admin = User.objects.create(email="admin@example.com", name="Ada", roles=["admin"])
        self._read()
        self.workers = Workers((self.servers.temporary.folder / "workers.log").open("ab"))

    def _read(self):
        from django.utils import timezone

        from governance.sync import actions
        from governance.sync.models import Run

        actions.request(by=None, at=timezone.now(), trigger=Run.Trigger.TERMINAL)
        run = actions.carry_out_next()
        assert run is not None
        assert run.state == "complete", run.state

    # --- the hour -------------------------------------------------------------------------------

    def run(self):
        started = time.monotonic()
        while self.counts["killed"] < self.kills:
            self._at_risk(self._decide)
            self._spoil()
            self._ring()
            time.sleep(self.random.uniform(0.05, 1.2))
            self._kill()
        self.servers.world.faults.clear()
        self._settle()
        self._check()
        say(f"{time.monotonic() - started:.0f} s, nothing lost and nothing twice: {self.figures}")

    @property
    def figures(self):
        return ", ".join(f"{name} {number}" for name, number in sorted(self.counts.items()))

    def _at_risk(self, what):
        """Do it, whatever the database does meanwhile."""
        from django.db import Error, connection

        try:
            what()
        except Error:
            self.counts["database gone under a decision"] += 1
            connection.close()

    def _decide(self):
        from django.utils import timezone

        from governance.audit.events import Source
        from governance.changes import actions, plans
        from governance.core.verdict import Refused

        at = timezone.now()
        plan = self._plan(at)
        if plan is None:
            return
        kept = plans.keep(plan, by=self.admin, source=Source.TERMINAL)
        for _ in range(self.random.choice([1, 1, 2])):
            try:
                placed = actions.place(
                    kept.id,
                    by=self.admin,
                    reason="chaos",
                    source=Source.TERMINAL,
                    at=timezone.now(),
                    typed=plan.typed.text,
                )
            except (Refused, actions.NothingToDo, actions.PlanIsOld):
                self.counts["not placed"] += 1
            else:
                self.counts["placed" if placed.is_new else "placed twice"] += 1

    def _plan(self, at):
        from governance.changes import plans
        from governance.inventory.models import App, Collaboration, Person

        kind = self.random.choice(["invite", "invite", "remove", "role", "again", "all"])
        apps = list(App.objects.filter(name__startswith="app-", gone_at=None).order_by("name"))
        if kind == "invite":
            emails = [f"person-{self.random.randint(0, 24)}@acme.example" for _ in range(2)]
            chosen = [app.pk for app in self.random.sample(apps, 3)]
            return plans.plan_invitations(emails, chosen, by=self.admin, at=at)
        rows = Collaboration.objects.open().filter(app__in=apps).exclude(role="owner")
        if kind == "again":
            rows = rows.filter(status="pending")
        found = sorted(rows.values_list("person_id", "app_id"), key=str)
        if not found:
            return None
        pairs = self.random.sample(found, min(len(found), 3))
        if kind == "all":
            person = Person.objects.get(pk=pairs[0][0])
            return plans.plan_offboarding(person, by=self.admin, at=at)
        if kind == "again":
            return plans.plan_again(pairs, by=self.admin, at=at)
        if kind == "role":
            role = self.random.choice(["limited", "collaborator"])
            return plans.plan_roles(pairs, role, by=self.admin, at=at)
        return plans.plan_removals(pairs, by=self.admin, at=at)

    def _spoil(self):
        """What Scalingo does to the next orders."""
        fault = self.random.choice(
            [
                {},
                {},
                {"hold": 1.0},
                {"delay": 0.8},
                {"ending": "reset"},
                {"ending": "half"},
                {"status": 500, "processed": True, "body": '{"error": "late"}'},
                {"status": 503, "body": "<html>"},
                {"status": 429, "body": "Retry later"},
            ]
        )
        method = self.random.choice(["POST", "DELETE", "PATCH"])
        if fault:
            path = "/v1/apps/*/collaborators" + ("" if method == "POST" else "/*")
            self.servers.world.fault(method=method, path=path, times=2, **fault)

    def _ring(self):
        from kombu.exceptions import OperationalError

        for name in DOORBELLS:
            try:
                self.celery.send_task(name, retry=False)
            except (OperationalError, OSError):
                self.counts["nobody heard"] += 1

    def _kill(self):
        what = self.random.choices(
            ["child", "worker", "valkey", "postgres", "postgres at once"], [60, 24, 8, 4, 4]
        )[0]
        number = self.random.randrange(2)
        if what == "child":
            self.workers.kill_child(number)
        elif what == "worker":
            self.workers.kill(number)
        else:
            server = self.servers.valkey if what == "valkey" else self.servers.postgres
            number = signal.SIGQUIT if what == "postgres at once" else signal.SIGKILL
            os.kill(server.process.pid, number)
            server.process.wait()
            server.start()
            self._at_risk(self._touch)
        self.counts[what] += 1
        self.counts["killed"] += 1

    @staticmethod
    def _touch():
        from django.db import connection

        connection.close()
        connection.ensure_connection()

    # --- after it -------------------------------------------------------------------------------

    def _settle(self):
        """Leave it alone until nothing is under way; then read once more."""
        from django.db import connection
        from django.utils import timezone

        from governance.changes.models import OPEN, Change
        from governance.sync import actions
        from governance.sync.models import Run

        connection.close()
        deadline = time.monotonic() + CALM
        while Change.objects.filter(state__in=OPEN).exists():
            assert time.monotonic() < deadline, self._still_open()
            self._ring()
            if self.random.random() < 0.2:
                with suppress(actions.AlreadyAsked):
                    actions.request(by=None, at=timezone.now(), trigger=Run.Trigger.TERMINAL)
            time.sleep(1)
        self.workers.stop()
        while actions.carry_out_next() is not None:
            pass
        self._read()

    def _still_open(self):
        from governance.changes.models import OPEN, Change

        found = Change.objects.filter(state__in=OPEN)
        return "still under way: " + "; ".join(
            f"{one} {one.code} tries={one.tries} looks={one.looks}" for one in found
        )

    def _check(self):
        from governance.audit.verify import verify

        faults = [
            *self._truth(),
            *self._mails(),
            *self._events(),
            *(f"audit log: {fault}" for fault in verify().faults),
        ]
        assert not faults, "\n".join(faults)

    def _truth(self):
        """Who is on what after the last change that was verified, there and here."""
        from governance.changes.models import ENDING, Change
        from governance.inventory.models import Collaboration

        there = self.servers.people()
        rows = Collaboration.objects.open().exclude(role="owner").select_related("app", "person")
        here = {(row.app.name, row.person.email.lower()): row.role for row in rows}
        here = {place: role for place, role in here.items() if place[0] != "other-api"}
        there = {place: role for place, role in there.items() if place[0] != "other-api"}
        for place in sorted(here.items() ^ there.items()):
            yield f"known here and true there differ: {place}"
        last = {}
        done = Change.objects.filter(state="verified").select_related("app").order_by("verified_at")
        for change in done:
            self.counts[f"verified {change.kind}"] += 1
            last[change.app.name, change.address] = change
        for place, change in last.items():
            if (change.kind in ENDING) == (place in there):
                yield f"{change} is verified, and is not so"
        for state, number in Counter(Change.objects.values_list("state", flat=True)).items():
            self.counts[f"ended {state}"] = number

    def _mails(self):
        """No invitation's mail was sent twice."""
        from governance.changes.models import Change, Kind

        told = defaultdict(int)
        for change in Change.objects.filter(kind=Kind.INVITE, tells__gt=0).select_related("app"):
            told[change.app.name, change.address] += 1
        sent = Counter((mail["app"], mail["to"].lower()) for mail in self.servers.world.mails)
        self.counts["mails"] = sum(sent.values())
        for place, number in sent.items():
            if number > told[place]:
                yield f"{number} mails for {told[place]} invitations of {place}"

    def _events(self):
        """Each change has the event of its last state, once."""
        from governance.audit.models import Event
        from governance.changes.models import Change

        for change in Change.objects.all():
            kinds = list(
                Event.objects.filter(target_id=change.pk)
                .order_by("sequence")
                .values_list("kind", flat=True)
            )
            if not kinds or kinds[0] not in ("change.placed", "change.refused"):
                yield f"{change} has no first event: {kinds}"
            elif kinds[-1] != f"change.{change.state}" and change.state != "waiting":
                yield f"{change} ends with the event {kinds[-1]}"


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}, {arguments.kills} kills")
    chaos = Chaos(arguments.seed, arguments.kills)
    try:
        chaos.run()
    except AssertionError as wrong:
        say(f"seed {arguments.seed}: {wrong}\n{chaos.figures}")
        return 1
    finally:
        # For good, before the servers go.
        chaos.workers.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
