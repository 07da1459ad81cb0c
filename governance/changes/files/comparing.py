"""What a file wants that is not so yet: the file, what is known now, and what has ended between."""

from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext as _

from governance.changes.addresses import key
from governance.changes.files.reading import File, Line, NotSuchAFile
from governance.changes.models import Kind
from governance.changes.plans import Wanted
from governance.inventory.models import Collaboration, Role

_Where = tuple[UUID, str]  # app, address key


def difference(file: File) -> list[Wanted]:
    """What must be done so that the apps of the file have exactly its people, with its roles.

    Raises `NotSuchAFile` where it would change an owner. What happened on an app after the file was
    exported is no difference, since nobody who edited the file knew of it: who came stays, who left
    is not invited again, another role is kept, and the plan says so.
    """
    there, over = _there(file.apps), _over(file)
    wanted: list[Wanted] = []
    kept: set[_Where] = set()
    for line in file.lines:
        where = (line.app_id, key(line.email))
        kept.add(where)
        wanted += _of_line(line, there.get(where), over.get(where, []))
    for where, now in there.items():
        if where not in kept:
            wanted.append(_without_line(now, file))
    return wanted


def _there(app_ids: Iterable[UUID]) -> dict[_Where, Collaboration]:
    rows = (
        Collaboration.objects.open()
        .filter(app_id__in=list(app_ids))
        .select_related("person", "app")
        # Those missing first, so that they hide nobody who was read.
        .order_by("app__region__name", "app__name", "person__email", "missing_at")
    )
    return {(row.app_id, key(row.person.email)): row for row in rows}


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


def _of_line(line: Line, now: Collaboration | None, over: list[str]) -> list[Wanted]:
    """`over` are the roles that they had on the app until some time after the export."""
    if now is None:
        if over or line.was_missing:
            return [_invitation(line, problem="left")]
        _enforce_no_owner(line)
        return [_invitation(line)]
    if now.role == line.role:
        return []
    # The line is as it was exported: the role was changed since, and not by the file.
    problem = "other_role" if over and line.role == over[-1] else ""
    if not problem:
        _enforce_no_owner(line, now)
    return [
        Wanted(
            Kind.CHANGE_ROLE,
            line.email,
            line.app_id,
            now.person_id,
            line.role,
            line=line.number,
            problem=problem,
        )
    ]


def _invitation(line: Line, problem: str = "") -> Wanted:
    return Wanted(
        Kind.INVITE, line.email, line.app_id, role=line.role, line=line.number, problem=problem
    )


def _enforce_no_owner(line: Line, now: Collaboration | None = None) -> None:
    if Role.OWNER in (line.role, now and now.role):
        raise NotSuchAFile(line.number, _("the owner of an app cannot be changed."))


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
