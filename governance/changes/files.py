"""Who has access as a file: written, edited by people, and compared with what is known.

One line for each person on each app, owners included. The file speaks of the apps that it names:
whoever is on one of them and has no line any more is to be removed, a new line is an invitation,
another role a change of role. An app without any line is left alone.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.changes.addresses import is_address, key
from governance.changes.models import Kind
from governance.changes.plans import Wanted
from governance.inventory.models import App, Collaboration, Role

if TYPE_CHECKING:
    import _csv

COLUMNS = ("app", "region", "email", "role", "status", "exported_at")
# More is no file that anybody edits.
MOST_BYTES = 20 * 1024 * 1024
_ROLES = (Role.OWNER, Role.COLLABORATOR, Role.LIMITED)
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


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


@dataclass(slots=True)
class File:
    """The lines of a file, the apps it names, and when it was exported."""

    lines: list[Line] = field(default_factory=list)
    exported_at: datetime | None = None

    @property
    def apps(self) -> list[UUID]:
        return list(dict.fromkeys(line.app_id for line in self.lines))


# --- out ------------------------------------------------------------------------------------------


def rows(*, at: datetime) -> Iterator[Sequence[str]]:
    """The lines of the file, with its header, as of `at`: what is known now."""
    yield COLUMNS
    found = (
        Collaboration.objects.open()
        .filter(app__gone_at=None, missing_at=None)
        .order_by("app__region__name", "app__name", "app_id", "role", "person__email")
        .values_list("app__name", "app__region__name", "person__email", "role", "status")
    )
    for row in found.iterator(chunk_size=2000):
        yield tuple(neutral(cell) for cell in (*row, at.isoformat()))


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one `'` in front of what looks like one."""
    return f"'{cell}" if cell.startswith((*_RISKY, "'")) else cell


def _as_it_was(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


# --- in -------------------------------------------------------------------------------------------


def read(data: bytes, *, by: User) -> File:
    """Understand a file, or raise `NotSuchAFile` with the first line that is wrong."""
    table = _table(data)
    apps = _apps(by)
    file, met = File(), set[tuple[UUID, str]]()
    for number, cells in table:
        line = _line(number, dict(zip(COLUMNS, cells, strict=True)), apps)
        if (line.app_id, key(line.email)) in met:
            raise NotSuchAFile(number, _("this app and address have a line already."))
        met.add((line.app_id, key(line.email)))
        file.lines.append(line)
        _note_export(file, number, cells[-1])
    if not file.lines:
        raise NotSuchAFile(0, _("The file has no lines."))
    if file.exported_at is None:
        raise NotSuchAFile(0, _("The file does not say when it was exported (exported_at)."))
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
            if not any(cell.strip() for cell in cells):
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
            yield reader.line_num, [_as_it_was(cell.strip()) for cell in cells]
    except csv.Error as error:
        raise NotSuchAFile(reader.line_num, str(error)) from None


def _apps(by: User) -> dict[tuple[str, str], UUID]:
    found = App.objects.visible_to(by).listed().values_list("region__name", "name", "pk")
    return {(region, name): pk for region, name, pk in found}


def _line(number: int, said: dict[str, str], apps: dict[tuple[str, str], UUID]) -> Line:
    app_id = apps.get((said["region"], said["app"]))
    if app_id is None:
        why = _("there is no app {app} in the region {region}.")
        raise NotSuchAFile(number, why.format(app=said["app"], region=said["region"]))
    if not is_address(said["email"]):
        raise NotSuchAFile(number, _("{email} is not an address.").format(email=said["email"]))
    role = said["role"].lower()
    if role not in _ROLES:
        why = _("the role must be one of {roles}.")
        raise NotSuchAFile(number, why.format(roles=", ".join(_ROLES)))
    return Line(number, app_id, said["email"], role)


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


# --- the difference -------------------------------------------------------------------------------


def difference(file: File) -> list[Wanted]:
    """What must be done so that the apps of the file have exactly its people, with its roles.

    Raises `NotSuchAFile` where it would change an owner. Whoever came to an app after the file was
    exported is no difference: they stay, and the plan says so.
    """
    there = _there(file.apps)
    wanted: list[Wanted] = []
    kept: set[tuple[UUID, str]] = set()
    for line in file.lines:
        now = there.get((line.app_id, key(line.email)))
        kept.add((line.app_id, key(line.email)))
        wanted += _of_line(line, now)
    for where, now in there.items():
        if where not in kept:
            wanted.append(_without_line(now, file))
    return wanted


def _there(app_ids: Iterable[UUID]) -> dict[tuple[UUID, str], Collaboration]:
    rows = (
        Collaboration.objects.open()
        .filter(app_id__in=list(app_ids), missing_at=None)
        .select_related("person", "app")
        .order_by("app__region__name", "app__name", "person__email")
    )
    return {(row.app_id, key(row.person.email)): row for row in rows}


def _of_line(line: Line, now: Collaboration | None) -> list[Wanted]:
    was_owner = now is not None and now.role == Role.OWNER
    if was_owner != (line.role == Role.OWNER):
        raise NotSuchAFile(line.number, _("the owner of an app cannot be changed."))
    if now is None:
        return [Wanted(Kind.INVITE, line.email, line.app_id, role=line.role, line=line.number)]
    if now.role == line.role:
        return []
    return [
        Wanted(
            Kind.CHANGE_ROLE, line.email, line.app_id, now.person_id, line.role, line=line.number
        )
    ]


def _without_line(now: Collaboration, file: File) -> Wanted:
    if now.role == Role.OWNER:
        why = _("The line of the owner of {app} is missing: the owner cannot be removed.")
        raise NotSuchAFile(0, why.format(app=now.app.name))
    is_newer = file.exported_at is not None and now.since_at > file.exported_at
    return Wanted(
        Kind.REMOVE,
        now.person.email,
        now.app_id,
        now.person_id,
        problem="newer" if is_newer else "",
    )
