"""`python manage.py export_report access-by-app --at 2026-03-31 --output register.csv`."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.accounts.management._refusing import enforce, name_of
from governance.accounts.models import Role, User, plain_address
from governance.audit import checkpoints
from governance.audit.actions import record
from governance.audit.events import Json, Source
from governance.audit.models import Witness
from governance.reports import asking, permissions
from governance.reports.asked import takes_since
from governance.reports.forms import DIFFERENCE, Instant
from governance.reports.making import FORMATS, CannotBeMade, Made, Maker, Options, make
from governance.reports.naming import PACK
from governance.reports.pack import make_pack
from governance.reports.registers import REPORTS
from governance.reports.registers.base import Asked


class Command(BaseCommand):
    """Makes the report here and now. Events say that it was asked for, and what came of it."""

    help = "Write a report, or an evidence pack of several, to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=[*REPORTS, PACK], metavar="NAME", help=_names())
        parser.add_argument("--at", metavar="WHEN", help="as of a date or a time; without: now")
        parser.add_argument("--since", metavar="WHEN", help="where the period begins")
        parser.add_argument("--format", choices=sorted(FORMATS), default="csv")
        parser.add_argument("--output", default="-", metavar="FILE", help="a file, or - (default)")
        parser.add_argument(
            "--filter", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
        )
        parser.add_argument("--bom", action="store_true", help="CSV with a byte order mark")
        parser.add_argument("--semicolon", action="store_true", help="CSV with ; between cells")
        parser.add_argument(
            "--reports", nargs="+", choices=sorted(REPORTS), metavar="NAME", help="of a pack"
        )
        parser.add_argument(
            "--formats", nargs="+", choices=sorted(FORMATS), metavar="FORMAT", help="of a pack"
        )
        parser.add_argument("--by", metavar="EMAIL", help="with whose rights; without: everything")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        by = _user(options["by"]) if options["by"] else None
        if by:
            enforce(permissions.may_export(by), by=by, at=now, command=name_of(self))
        names = (
            options["reports"] or sorted(REPORTS) if options["name"] == PACK else [options["name"]]
        )
        if options["since"] and not any(map(takes_since, names)):
            raise CommandError(_("This report is of one instant: it has no --since."))
        reports = [_asked(name, options, by, now) for name in names]
        with ExitStack() as stack:
            out = _output(options["output"], stack)
            asked = _record_asked(reports, options, by, now)
            try:
                made = _make(reports, out, options, by, now)
            except BaseException as error:
                # Also when somebody stops it: what was asked for has an end, and leaves no file.
                _take_away(options["output"])
                _record_failed(asked, error, by)
                if isinstance(error, CannotBeMade):
                    raise CommandError(str(error)) from None
                raise
        _record_made(asked, made, by)
        for why in made.why_partial:
            self.stderr.write(f"PARTIAL: {why}")
        self.stderr.write(
            _("%(rows)d rows, SHA-256 %(sha256)s") % {"rows": made.rows, "sha256": made.sha256}
        )


def _names() -> str:
    return ", ".join([*REPORTS, PACK])


def _user(email: str) -> User:
    user = User.objects.filter(email=plain_address(email), is_active=True).first()
    if user is None:
        raise CommandError(_("Nobody signs in here as {email}.").format(email=email))
    return user


def _asked(name: str, options: dict[str, Any], by: User | None, now: datetime) -> Asked:
    at = _instant(options["at"], starts=False)
    if at and at > now:
        raise CommandError(_("This day is still to come."))
    since = None
    if takes_since(name):
        # As the form has it: a period begins with its day, an instant is the end of one.
        since = _instant(options["since"], starts=name != DIFFERENCE)
    if since and since >= (at or now):
        raise CommandError(_("The period would end before it begins."))
    # Whoever has this terminal has the database.
    reader = by or User(roles=[Role.AUDITOR])
    return Asked(
        report=name,
        at=at or now,
        is_now=at is None,
        everything=reader.sees_everything,
        projects=() if reader.sees_everything else tuple(reader.projects),
        since=since,
        filters=_filters(name, options["filter"], reader),
    )


def _instant(text: str | None, *, starts: bool) -> datetime | None:
    try:
        return Instant(starts=starts).clean(text or "")
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None


def _filters(name: str, given: Sequence[str], reader: User) -> dict[str, tuple[str, ...]]:
    """Nobody reads along at a terminal: what is not known is refused, not left out."""
    said: dict[str, list[str]] = {}
    for one in given:
        key, _equals, value = one.partition("=")
        said.setdefault(key, []).append(value)
    found = asking.read(REPORTS[name].filters, said, reader, name)
    if found.ignored:
        raise CommandError("\n".join(found.ignored))
    return found.values


def _output(name: str, stack: ExitStack) -> BinaryIO:
    if name == "-":
        return sys.stdout.buffer
    try:
        return stack.enter_context(Path(name).open("xb"))
    except OSError as error:
        raise CommandError(f"{name} cannot be written: {error.strerror}.") from None


def _take_away(name: str) -> None:
    """What was begun is worth nothing."""
    if name != "-":
        Path(name).unlink(missing_ok=True)


def _make(
    reports: list[Asked], out: BinaryIO, options: dict[str, Any], by: User | None, now: datetime
) -> Made:
    how = Options(bom=options["bom"], semicolon=options["semicolon"])
    maker = Maker.of(by) if by else None
    if options["name"] == PACK:
        formats = options["formats"] or sorted(FORMATS)
        made = make_pack(reports, formats, out, by=maker, at=now, options=how)
    else:
        made = make(reports[0], options["format"], out, by=maker, at=now, options=how)
    out.flush()
    if made.checkpoint:
        checkpoints.witnessed([made.checkpoint], Witness.Kind.EXPORT, at=timezone.now())
    return made


# --- what the audit log says of it ----------------------------------------------------------------


def _record_asked(
    reports: list[Asked], options: dict[str, Any], by: User | None, now: datetime
) -> dict[str, Json]:
    """The event before anything is made; what it says is said by the second one, too."""
    name = options["name"]
    data: dict[str, Json] = {
        "report": name,
        "format": "zip" if name == PACK else options["format"],
        "as_of": reports[0].at.isoformat(),
        "everything": reports[0].everything,
    }
    record("report.asked", by=by, source=Source.TERMINAL, at=now, data=data)
    return data


def _record_made(asked: dict[str, Json], made: Made, by: User | None) -> None:
    data = {
        **asked,
        "rows": made.rows,
        "bytes": made.bytes,
        "sha256": made.sha256,
        "standing": _("complete") if made.complete else _("PARTIAL"),
    }
    record("report.made", by=by, source=Source.TERMINAL, at=timezone.now(), data=data)


def _record_failed(asked: dict[str, Json], error: BaseException, by: User | None) -> None:
    said = str(error).rstrip(".") if isinstance(error, CannotBeMade) else type(error).__name__
    data = {**asked, "said": said}
    # Where the database is what failed, what failed is still what is to be told.
    with suppress(DatabaseError):
        record("report.failed", by=by, source=Source.TERMINAL, at=timezone.now(), data=data)
