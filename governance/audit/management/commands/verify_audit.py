"""Recompute the audit log and say whether it is what was recorded."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from governance.audit.verify import Report, verify


class Command(BaseCommand):
    """Names every fault by its kind. Exit status 0 when there is none, 1 when there is any."""

    help = "Recompute the audit log and name every fault. Exit status 1 if there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of words")

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), ensure_ascii=False))
        else:
            self._in_words(report)
        if report.faults:
            sys.exit(1)

    def _in_words(self, report: Report) -> None:
        self.stdout.write(f"{report.checked:,} of {report.head:,} events recomputed.")
        for fault in report.faults:
            self.stdout.write(f"{fault.kind.label}: {fault.words}")
        if not report.faults:
            self.stdout.write("No fault found.")
        for weakness in report.weaknesses:
            self.stdout.write(f"Note: {weakness}")
