"""What a file wants that is not so yet."""

from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext as _

from governance.changes.addresses import key
from governance.changes.files.reading import File, Line, NotSuchAFile
from governance.changes.models import Kind
from governance.changes.plans import Wanted
from governance.inventory.models import Collaboration, Role


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
