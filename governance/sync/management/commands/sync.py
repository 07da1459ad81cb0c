"""`python manage.py sync`: read Scalingo now, in this terminal.

Where another process is at a sync, or takes ours up, its outcome is waited for.
"""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from governance.connections.models import Connection
from governance.sync import actions
from governance.sync.models import Run

_EXIT = {Run.State.COMPLETE: 0, Run.State.PARTIAL: 3}
_LOOK_EVERY = 0.5  # seconds
# Of a run that was given up, nothing is told.
_NOTHING: dict[str, int] = dict.fromkeys(
    (
        *("apps", "people", "collaborations"),
        *("joined", "left", "changed", "two_factor", "not_understood"),
    ),
    0,
)


class Command(BaseCommand):
    help = (
        "Read Scalingo and write what differs. Exit status: 0 complete, 3 partial, 1 failed."
        " Needs the private sealing key, as a worker does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--connection", metavar="NAME", help="only this connection")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
        parser.add_argument(
            "--wait",
            type=int,
            default=1800,
            metavar="SECONDS",
            help="how long to wait for a sync of another process (default: 1800)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        connection = _connection(options["connection"]) if options["connection"] else None
        if connection is None and not Connection.objects.readable().exists():
            raise CommandError("There is no connection to read with yet.")
        wait_until = time.monotonic() + options["wait"]
        done = _see_through(_asked(connection, wait_until), wait_until)
        self.stdout.write(_as_json(done) if options["json"] else _as_text(done))
        raise SystemExit(_EXIT.get(Run.State(done.state), 1))


def _connection(name: str) -> Connection:
    try:
        return Connection.objects.readable().get(name__iexact=name)
    except Connection.DoesNotExist:
        raise CommandError(f"There is no connection called {name} to read with.") from None


def _asked(connection: Connection | None, wait_until: float) -> Run:
    """The run that reads what was asked for: ours, or the one that somebody asked for before."""
    while True:
        try:
            return actions.request(
                by=None,
                at=timezone.now(),
                trigger=Run.Trigger.TERMINAL,
                connection=connection,
            )
        except actions.AlreadyAsked as busy:
            reads = busy.run.connection_id
            if reads is None or (connection and reads == connection.pk):
                return busy.run
            _see_through(busy.run, wait_until)


def _see_through(run: Run, wait_until: float) -> Run:
    """`run` when it is over: carried out here, with what stands before it, or by another process.

    Once `wait_until` is over, another process is waited for no more.
    """
    while not run.is_over:
        if actions.carry_out_next() is None:
            if time.monotonic() > wait_until:
                raise CommandError("A sync is already under way in another process.")
            time.sleep(_LOOK_EVERY)
        run.refresh_from_db()
    return run


def outcome(run: Run) -> dict[str, Any]:
    """A run as the terminal prints it with --json."""
    found = _NOTHING | run.found
    return {
        "run": str(run.pk),
        "state": run.state,
        "seconds": run.seconds,
        "requests": dict(sorted(run.requests.items())),
        "retries": run.retries,
        "waited_seconds": run.waited,
        "apps": found["apps"],
        "people": found["people"],
        "collaborations": found["collaborations"],
        "changes": {name: found[name] for name in ("joined", "left", "changed", "two_factor")},
        "not_understood": found["not_understood"],
        "coverage": run.coverage,
        "problems": [
            {"connection": step.connection_name, "region": step.region_name, **problem}
            for step in run.steps.all()
            for problem in step.problems
        ],
    }


def _as_json(run: Run) -> str:
    return json.dumps(outcome(run), indent=2, ensure_ascii=False)


def _as_text(run: Run) -> str:
    found = _NOTHING | run.found
    covered = {"read": 0, "expected": 0} | run.coverage
    lines = [
        (
            f"{run.get_state_display()} in {run.seconds or 0:.1f} s"
            f" with {run.request_count} requests ({run.retries} retries,"
            f" {run.waited:.0f} s waited for the limit)."
        ),
        (
            f"Read {covered['read']} of {covered['expected']} apps:"
            f" {found['people']} people, {found['collaborations']} collaborations."
        ),
        (
            f"{found['joined']} joined, {found['left']} left, {found['changed']} changed,"
            f" {found['two_factor']} changed their 2FA."
        ),
    ]
    for step in run.steps.all():
        lines += [
            f"  {step.connection_name} {step.region_name}: {problem['sentence']}"
            for problem in step.problems
        ]
    return "\n".join(lines)
