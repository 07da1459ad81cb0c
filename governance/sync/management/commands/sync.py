"""`python manage.py sync`: read Scalingo now, in this terminal."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from governance.connections.models import Connection
from governance.sync import actions
from governance.sync.models import Run

_EXIT = {Run.State.COMPLETE: 0, Run.State.PARTIAL: 3}


class Command(BaseCommand):
    help = (
        "Read Scalingo and write what differs. Exit status: 0 complete, 3 partial, 1 failed."
        " Needs the private sealing key, as a worker does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--connection", metavar="NAME", help="only this connection")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = _connection(options["connection"]) if options["connection"] else None
        if connection is None and not Connection.objects.readable().exists():
            raise CommandError("There is no connection to read with yet.")
        try:
            run = actions.request(
                by=None,
                at=timezone.now(),
                trigger=Run.Trigger.TERMINAL,
                connection=connection,
            )
        except actions.AlreadyAsked as busy:
            run = busy.run
        done = actions.carry_out_next(run_id=run.pk)
        while done and not done.is_over:
            done = actions.carry_out_next(run_id=run.pk)
        if done is None:
            raise CommandError("A sync is already under way in another process.")
        self.stdout.write(_as_json(done) if options["json"] else _as_text(done))
        raise SystemExit(_EXIT.get(Run.State(done.state), 1))


def _connection(name: str) -> Connection:
    try:
        return Connection.objects.readable().get(name__iexact=name)
    except Connection.DoesNotExist:
        raise CommandError(f"There is no connection called {name} to read with.") from None


def outcome(run: Run) -> dict[str, Any]:
    """A run as the terminal prints it with --json."""
    found = run.found
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
    found, covered = run.found, run.coverage
    lines = [
        (
            f"{run.get_state_display()} in {run.seconds:.1f} s with {run.request_count} requests"
            f" ({run.retries} retries, {run.waited:.0f} s waited for the limit)."
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
