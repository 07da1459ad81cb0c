"""Recompute the audit log and say whether it is what was recorded."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.audit import checks, signing
from governance.audit.verify import Outside, Report, verify

_EVERYTHING = 2**63 - 1


class Command(BaseCommand):
    """Names every fault by its kind. Exit status 0 when there is none, 1 when there is any."""

    help = "Recompute the audit log and name every fault. Exit status 1 if there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
        parser.add_argument(
            "--checkpoints",
            type=Path,
            metavar="DIR",
            help="a folder with checkpoints that were kept outside; CHECKPOINTS_DIR otherwise",
        )
        parser.add_argument(
            "--public-key",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="believe this key (PEM) and none that the log itself names; may be repeated",
        )
        parser.add_argument(
            "--since-checkpoint",
            action="store_true",
            help="recompute only what is newer than the newest checkpoint that the log agrees with",
        )

        parser.add_argument(
            "--chain-only",
            action="store_true",
            help="recompute the hashes alone, and do not compare the columns that repeat the lines",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        outside = _outside(options["checkpoints"], _keys(options["public_key"]))
        with checks.alone(waits=True):
            now = timezone.now()
            report = verify(
                outside,
                since=_EVERYTHING if options["since_checkpoint"] else None,
                columns=not options["chain_only"],
            )
            # What a folder or a key from elsewhere shows is for whoever brought them, not for the
            # page.
            if not (options["chain_only"] or options["checkpoints"] or options["public_key"]):
                checks.keep(report, at=now)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), ensure_ascii=False))
        else:
            self._in_words(report)
        if report.faults:
            sys.exit(1)

    def _in_words(self, report: Report) -> None:
        self.stdout.write(f"{report.checked:,} of {report.head:,} events recomputed.")
        if report.first:
            self.stdout.write(f"A checkpoint vouches for those up to {report.first:,}.")
        self.stdout.write(f"Checkpoints that agree: {report.checkpoints:,}.")
        for fault in report.faults:
            self.stdout.write(f"{fault.kind.label}: {fault.words}")
        if not report.faults:
            self.stdout.write("No fault found.")
        for weakness in report.weaknesses:
            self.stdout.write(f"Note: {weakness}")


def _outside(folder: Path | None, keys: list[bytes]) -> Outside:
    if folder is None:
        folder = settings.CHECKPOINTS_DIR
    elif not folder.is_dir():
        raise CommandError(f"There is no folder {folder}.")
    return checks.copies_in(folder, keys) if folder else Outside(keys=keys)


def _keys(files: list[Path]) -> list[bytes]:
    try:
        return [signing.public_bytes(file.read_text(encoding="utf-8")) for file in files]
    except (OSError, ValueError) as error:
        raise CommandError(f"The public key cannot be read: {error}") from None
