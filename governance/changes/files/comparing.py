"""What a file wants that is not so yet: the file, what is known now, and what has ended between."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from governance.changes.addresses import is_address, key
from governance.changes.files.reading import File, Line, NotSuchAFile
from governance.changes.models import Kind
from governance.changes.plans import Wanted
from governance.inventory.models import Collaboration, Role

_Where = tuple[UUID, str]  # app, address key
_ROLES = (Role.OWNER, Role.COLLABORATOR, Role.LIMITED)


def difference(file: File) -> list[Wanted]:
    """What must be done so that the apps of the file have exactly its people, with its roles.

    A line that says what is known wants nothing, however odd. Raises `NotSuchAFile` with the first
    line that wants what cannot be. What happened on an app after the file was exported is no
    difference, since nobody who edited the file knew of it: who came stays, who left is not invited
    again, another role is kept, and the plan says so.
    """
    there, over = _there(file.apps), _over(file)
    lines: dict[_Where, list[Line]] = {}
    for line in file.lines:
        lines.setdefault((line.app_id, key(line.email)), []).append(line)
    wanted: list[Wanted] = []
    for where, some in lines.items():
        people = there.get(where, [])
        differing, others = _unequal(some, people)
        if len(people) > 1 and (differing or others):
            wanted += [_of_several(line) for line in differing] or [_of_several(some[0])]
            continue
        for line in differing:
            now = others.pop() if others else None
            wanted.append(_of_line(line, now, over.get(where, []), is_only=len(some) == 1))
    for where, people in there.items():
        if where not in lines:
            wanted += [_without_line(now, file) for now in people]
    return wanted


def _unequal(
    lines: Sequence[Line], people: Sequence[Collaboration]
) -> tuple[list[Line], list[Collaboration]]:
    """The lines that are as nobody of these people is, and the people as whom no line is.

    All are of one app and address: that of several people, who may have none.
    """
    differing, others = list(lines), list(people)
    for says in (_says_so, _says_nothing):
        for line in tuple(differing):
            same = next((one for one in others if says(line, one)), None)
            if same:
                others.remove(same)
                differing.remove(line)
    return differing, others


def _says_so(line: Line, now: Collaboration) -> bool:
    return line.role == now.role


def _says_nothing(line: Line, now: Collaboration) -> bool:
    """Whether a line was exported before their role was known."""
    return line.role == Role.UNKNOWN and now.role != Role.OWNER


def _there(app_ids: Iterable[UUID]) -> dict[_Where, list[Collaboration]]:
    rows = (
        Collaboration.objects.open()
        .filter(app_id__in=list(app_ids))
        .select_related("person", "app")
        .order_by("app__region__name", "app__name", "person__email", "pk")
    )
    found: dict[_Where, list[Collaboration]] = {}
    for row in rows:
        found.setdefault((row.app_id, key(row.person.email)), []).append(row)
    return found


def _over(file: File) -> dict[_Where, list[str]]:
    """The roles of the periods that ended after the export, newest first."""
    rows = (
        Collaboration.objects.filter(app_id__in=file.apps, ended_at__gt=file.exported_at)
        .order_by("-ended_at", "-pk")
        .values_list("app_id", "person__email", "role")
    )
    found: dict[_Where, list[str]] = {}
    for app_id, email, role in rows:
        found.setdefault((app_id, key(email)), []).append(role)
    return found


def _of_line(line: Line, now: Collaboration | None, over: list[str], *, is_only: bool) -> Wanted:
    """What a line wants that nobody is as; `now` is whom it may be about.

    `over` are the roles that they had on the app until some time after the export. `is_only` is
    False where the same app and address have another line.
    """
    if now is None and (over or line.was_missing):
        return _invitation(line, problem="left")
    # The line is as it was exported: the role was changed since, and not by the file.
    is_old = now is not None and bool(over) and line.role == over[-1]
    if not is_old:
        _enforce_sense(line, now, is_only=is_only)
    if now is None:
        return _invitation(line)
    return Wanted(
        Kind.CHANGE_ROLE,
        line.email,
        line.app_id,
        now.person_id,
        line.role,
        line=line.number,
        problem="other_role" if is_old else "",
    )


def _enforce_sense(line: Line, now: Collaboration | None, *, is_only: bool) -> None:
    """Raise `NotSuchAFile` where a line wants what makes no sense."""
    if not is_only:
        raise NotSuchAFile(line.number, _("this app and address have a line already."))
    if Role.OWNER in (line.role, now and now.role):
        raise NotSuchAFile(line.number, _("the owner of an app cannot be changed."))
    if now is None and not is_address(line.email):
        raise NotSuchAFile(line.number, _("{email} is not an address.").format(email=line.email))
    if line.role not in _ROLES:
        why = _("the role must be one of {roles}.")
        raise NotSuchAFile(line.number, why.format(roles=", ".join(_ROLES)))


def _of_several(line: Line) -> Wanted:
    """Nothing: the line may mean any of several people."""
    return Wanted(
        Kind.CHANGE_ROLE,
        line.email,
        line.app_id,
        role=line.role,
        line=line.number,
        problem="several_people",
    )


def _invitation(line: Line, problem: str = "") -> Wanted:
    return Wanted(
        Kind.INVITE, line.email, line.app_id, role=line.role, line=line.number, problem=problem
    )


def _without_line(now: Collaboration, file: File) -> Wanted:
    is_newer = file.exported_at is not None and now.since_at > file.exported_at
    if now.role == Role.OWNER and not is_newer:
        why = _("The line of the owner of {app} is missing: the owner cannot be removed.")
        raise NotSuchAFile(0, why.format(app=now.app.name))
    return Wanted(
        Kind.REMOVE,
        now.person.email,
        now.app_id,
        now.person_id,
        problem="newer" if is_newer else "",
    )
