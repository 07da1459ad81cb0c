"""`python manage.py export_access > access.csv`: who has access, as a file to edit."""

import csv
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from governance.accounts.management._refusing import enforce, name_of
from governance.accounts.permissions import may_export
from governance.audit.actions import record
from governance.audit.events import Source
from governance.changes import files
from governance.changes.management._acting import user_called


class Command(BaseCommand):
    help = "Write who has access as CSV. Edit it, then see the difference with plan_access."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", metavar="EMAIL", help="who reads it, for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        by = user_called(options["by"]) if options["by"] else None
        if by:
            enforce(may_export(by), by=by, at=at, command=name_of(self))
        rows = list(files.rows(at=at))
        record(
            "access.exported", by=by, source=Source.TERMINAL, at=at, data={"rows": len(rows) - 1}
        )
        csv.writer(self.stdout, lineterminator="\n").writerows(rows)
        for line in files.foot(at=at):
            self.stdout.write(line)
