"""What a list must know before it can be asked for, in one query: see `newest.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from governance.inventory.queries.newest import NEWEST
from governance.inventory.queries.prepared import prepared

if TYPE_CHECKING:
    from governance.accounts.models import User


@dataclass(frozen=True, slots=True)
class Opening:
    """What counts rest on, and what of an address exists where somebody may see it."""

    newest: tuple[Any, ...]
    apps: tuple[UUID, ...]  # of the name that was asked for
    project: str | None  # its name
    region: bool


_VISIBLE = "a.gone_at IS NULL AND (%(everything)s OR a.project_id = ANY(%(projects)s::uuid[]))"
_LOOKUPS = [
    lookup.replace("VISIBLE", _VISIBLE)
    for lookup in (
        "(SELECT array_agg(a.id) FROM inventory_app a WHERE a.name = %(app)s AND VISIBLE)",
        """(SELECT g.name FROM inventory_project g WHERE g.id = %(project)s
            AND EXISTS (SELECT FROM inventory_app a WHERE a.project_id = g.id AND VISIBLE))""",
        """EXISTS (SELECT FROM inventory_region r WHERE r.name = %(region)s
            AND EXISTS (SELECT FROM inventory_app a WHERE a.region_id = r.id AND VISIBLE))""",
    )
]


def opening(
    user: "User",
    *,
    app: str = "",
    project: UUID | None = None,
    region: str = "",
    more: Sequence[str] = (),
) -> Opening:
    """Whether there is an app of that name, such a project and region, among what `user` may see.

    `more` are further numbers, constants of code as SQL, that counts rest on.
    """
    with prepared() as cursor:
        cursor.execute(
            "SELECT " + ", ".join([*_LOOKUPS, *NEWEST, *more]),
            {
                "everything": user.sees_everything,
                "projects": list(user.projects),
                "app": app,
                "project": project,
                "region": region,
            },
        )
        apps, name, known, *numbers = cursor.fetchone()
    return Opening(tuple(numbers), tuple(apps or ()), name, known)
