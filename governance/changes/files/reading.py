"""Understand a file, or say which line is wrong."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.changes.files.writing import COLUMNS, MISSING, as_it_was, named
from governance.inventory.models import App

if TYPE_CHECKING:
    import _csv

# More is no file that anybody edits.
MOST_BYTES = 20 * 1024 * 1024


class NotSuchAFile(Exception):
    """The file is not what it claims. `line` counts from 1; 0 is the file as a whole."""

    def __init__(self, line: int, why: str) -> None:
        self.line, self.why = line, why
        super().__init__(_("Line {line}: {why}").format(line=line, why=why) if line else why)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, as it was understood."""

    number: int
    app_id: UUID
    email: str
    role: str
    was_missing: bool = False  # when it was exported


@dataclass(slots=True)
class File:
    """The lines of a file, the apps it names, and when it was exported."""

    lines: list[Line] = field(default_factory=list)
    exported_at: datetime | None = None

    @property
    def apps(self) -> list[UUID]:
        return list(dict.fromkeys(line.app_id for line in self.lines))


def read(data: bytes, *, by: User) -> File:
    """Understand a file, or raise `NotSuchAFile` with the first line that is wrong.

    Whether an address is one, and a role, is asked where a line wants something (`difference`):
    Scalingo names people without an address, and roles that nobody knows.
    """
    table = _table(data)
    apps = _apps(by)
    file = File()
    for number, cells in table:
        file.lines.append(_line(number, dict(zip(COLUMNS, cells, strict=True)), apps))
        _note_export(file, number, cells[-1])
    if not file.lines:
        raise NotSuchAFile(0, _("The file has no lines."))
    if file.exported_at is None:
        raise NotSuchAFile(0, _("The file does not say when it was exported (exported_at)."))
    _enforce_age(file, apps.values())
    return file


def _table(data: bytes) -> Iterator[tuple[int, list[str]]]:
    if len(data) > MOST_BYTES:
        raise NotSuchAFile(0, _("The file is too large."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotSuchAFile(0, _("The file is not text in UTF-8.")) from None
    if "\x00" in text:
        raise NotSuchAFile(0, _("The file is not text."))
    first = text.split("\n", 1)[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if ";" in first else ",", strict=True
    )
    return _rows(reader)


def _rows(reader: "_csv.Reader") -> Iterator[tuple[int, list[str]]]:
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
                continue
            if header is None:
                header = [cell.strip().lower() for cell in cells]
                if tuple(header) != COLUMNS:
                    why = _("the columns must be {columns}.").format(columns=", ".join(COLUMNS))
                    raise NotSuchAFile(reader.line_num, why)
                continue
            if len(cells) != len(COLUMNS):
                why = _("it has {n} columns instead of {wanted}.")
                raise NotSuchAFile(reader.line_num, why.format(n=len(cells), wanted=len(COLUMNS)))
            yield reader.line_num, [as_it_was(cell.strip()) for cell in cells]
    except csv.Error as error:
        raise NotSuchAFile(reader.line_num, str(error)) from None


def _apps(by: User) -> dict[tuple[str, str], App]:
    found = named().visible_to(by).select_related("region")
    return {(app.region.name, app.name): app for app in found}


def _line(number: int, said: dict[str, str], apps: dict[tuple[str, str], App]) -> Line:
    app = apps.get((said["region"], said["app"]))
    if app is None:
        why = _("there is no app {app} in the region {region}.")
        raise NotSuchAFile(number, why.format(app=said["app"], region=said["region"]))
    was_missing = said["status"].lower() == MISSING
    return Line(number, app.pk, said["email"], said["role"].lower(), was_missing)


def _enforce_age(file: File, apps: Iterable[App]) -> None:
    """A file may speak of apps alone that were there when it was exported.

    Another that is called the same since then has other people.
    """
    by_id = {app.pk: app for app in apps}
    for line in file.lines:
        app = by_id[line.app_id]
        if file.exported_at and app.first_seen_at > file.exported_at:
            why = _("{app} was not known yet when the file was exported: export it again.")
            raise NotSuchAFile(line.number, why.format(app=app.name))


def _note_export(file: File, number: int, said: str) -> None:
    """New lines may leave it empty; all others say the same."""
    if not said:
        return
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        raise NotSuchAFile(number, _("exported_at is not a time.")) from None
    if at.tzinfo is None or file.exported_at not in (None, at):
        raise NotSuchAFile(number, _("exported_at is not that of the other lines."))
    file.exported_at = at
