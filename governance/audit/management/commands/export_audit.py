"""Export the audit log as a file that anybody can check."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.audit import checkpoints, export
from governance.audit.events import Source


class Command(BaseCommand):
    """Writes a ZIP with the log, its checkpoints and what checks them. An event says so."""

    help = "Export the audit log with everything that is needed to check it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        output: Path = options["output"]
        try:
            # First of all: an export that cannot be written is none.
            file = output.open("xb")
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from None
        with file:
            asked = export.ask(by=None, source=Source.TERMINAL, at=timezone.now())
            if settings.AUDIT_SIGNING_KEY:
                checkpoints.take(
                    private=settings.AUDIT_SIGNING_KEY,
                    origin=settings.AUDIT_ORIGIN,
                    at=timezone.now(),
                )
            newest = export.covered(asked)
            for piece in export.archive(asked, newest, timezone.now):
                file.write(piece)
        self.stdout.write(f"Events up to {asked.last:,} are in {output}.")
        if newest is None or newest.size < asked.last:
            self.stdout.write("No checkpoint covers them yet: is AUDIT_SIGNING_KEY set?")
