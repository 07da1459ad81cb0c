"""The grouped tree: project → app → people, a page of apps at a time.

Written in SQL, since this is the page that people open most and it has a budget: one query for the
heads of a page with their counts and their freshness, one for the people of those that are open.

Apps follow each other by project and by name, those of no project last. A page is found from its
cursor in up to three indexed steps (the rest of the cursor's project, the projects after it, the
apps of none), so the last page costs what the first does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import models

from governance.core import cursor as cursors
from governance.inventory.queries.asof import (
    Around,
    Readings,
    around,
    may_have_begun,
    may_have_ended,
    readings,
    two_factor_of,
)
from governance.inventory.queries.prepared import limited, prepared
from governance.inventory.queries.totals import Counted
from governance.inventory.queries.wanted import (
    MATCHES,
    Wanted,
    app_conditions,
    app_table,
    found_apps,
    parameters,
    people_conditions,
)

if TYPE_CHECKING:
    from governance.accounts.models import User

__all__ = ["Head", "Page", "Wanted", "counts", "heads", "ids"]

SIZE = 25
NOBODY = UUID(int=0)  # the project, in a cursor, of an app that has none
_CURSOR: "list[models.Field[Any, Any]]" = [
    models.CharField(),
    models.UUIDField(),
    models.CharField(),
    models.UUIDField(),
]


class Head(NamedTuple):
    """A collapsed row: an app, how many are on it, and how fresh that is."""

    id: UUID
    name: str
    kind: str
    parent_name: str
    health_data: bool | None
    project_id: UUID | None
    project_name: str | None
    region: str
    stale_since: datetime | None  # the app's own, else its scope's
    stale_reason: str
    suspect_since: datetime | None
    read_at: datetime | None
    people: int
    owner: int
    full: int
    limited: int
    role_unknown: int
    pending: int
    without_two_factor: int
    two_factor_unknown: int
    named: bool  # whether the text is in its own name or its project's
    shown: int  # of `people`: those that the filters speak of
    # As of an instant: the readings around it, and on how many people they differ.
    last: datetime | None = None
    next: datetime | None = None
    is_inside: bool = False
    is_stale: bool = False
    unsure: int = 0

    @property
    def readings(self) -> Readings:
        return Readings(self.last, self.next, self.is_inside, self.is_stale)


_OF_A_HEAD = len(Head._fields)


@dataclass(slots=True)
class Page:
    """The heads of one page, and the cursors of the pages beside it."""

    heads: list[Head] = field(default_factory=list)
    after: str | None = None
    before: str | None = None
    around: Around | None = None  # as of an instant, where there is a head to read it from

    @property
    def is_whole(self) -> bool:
        """Whether everything is on this page."""
        return self.after is None and self.before is None


# --- a page of heads ------------------------------------------------------------------------------

_GROUPED = """
    SELECT {rank} AS rank, g.name AS project_name, g.id AS project_id, a.name, a.id
    FROM inventory_project g JOIN {apps} a ON a.project_id = g.id
    WHERE {where} ORDER BY g.name {way}, g.id {way}, a.name {way}, a.id {way} LIMIT %(limit)s"""
_IN_ONE = """
    SELECT {rank} AS rank, g.name AS project_name, g.id AS project_id, a.name, a.id
    FROM inventory_project g JOIN {apps} a ON a.project_id = g.id
    WHERE g.id = %(at_project)s AND {where}
    ORDER BY a.name {way}, a.id {way} LIMIT %(limit)s"""
# In the order of their index, where no project is a project like any other.
_ALONE = """
    SELECT {rank} AS rank, NULL AS project_name, NULL::uuid AS project_id, a.name, a.id
    FROM {apps} a
    WHERE a.project_id IS NULL AND {where}
    ORDER BY a.project_id {way}, a.name {way}, a.id {way} LIMIT %(limit)s"""

# To count, only those whose 2FA is not on need be looked at, and an index of their own has them.
_NOT_ON = "LEFT JOIN inventory_person p ON p.id = k.person_id AND p.two_factor <> 'on'"
_ALL = "JOIN inventory_person p ON p.id = k.person_id"
_HEADS = """
{found}SELECT a.id, page.name, a.kind, a.parent_name, a.health_data, page.project_id,
    page.project_name, r.name, {freshness}, t.*{then}
FROM (
    SELECT * FROM ({steps}) steps ORDER BY rank {way}, project_name {way}, project_id {way},
        name {way}, id {way} LIMIT %(limit)s
) page
JOIN inventory_app a ON a.id = page.id
JOIN inventory_region r ON r.id = a.region_id
{read}
CROSS JOIN LATERAL (
    SELECT count(*), count(*) FILTER (WHERE k.role = 'owner'),
        count(*) FILTER (WHERE k.role = 'collaborator'),
        count(*) FILTER (WHERE k.role = 'limited'), count(*) FILTER (WHERE k.role = 'unknown'),
        count(*) FILTER (WHERE k.status = 'pending'),
        count(*) FILTER (WHERE {two_factor} = 'off'),
        count(*) FILTER (WHERE {two_factor} = 'unknown'),
        {named}, {shown}
    FROM inventory_collaboration k {people}
    WHERE k.app_id = a.id AND {held}
) t
ORDER BY page.rank {way}, page.project_name {way}, page.project_id {way}, page.name {way},
    a.id {way}
"""
_FRESHNESS = """coalesce(a.stale_since, s.stale_since),
    CASE WHEN a.stale_since IS NULL THEN coalesce(s.stale_reason, '') ELSE a.stale_reason END,
    a.suspect_since, c.until"""
_READ = """LEFT JOIN inventory_scope s ON s.id = a.scope_id
LEFT JOIN inventory_coverage c ON c.scope_id = s.id AND c.latest"""
_READ_THEN = """CROSS JOIN LATERAL {readings} around
CROSS JOIN LATERAL (
    SELECT count(*) FROM inventory_collaboration k
    WHERE k.app_id = a.id AND ({ended} OR {begun})
) differ(unsure)"""
_TWO_FACTOR_THEN = "CROSS JOIN LATERAL (SELECT {} AS value) then_2fa"


def heads(
    user: "User",
    wanted: Wanted,
    *,
    after: str | None = None,
    before: str | None = None,
    size: int = SIZE,
) -> Page:
    """The apps that follow the cursor `after`, or precede `before`, in one query.

    A cursor that is none gives the first page.
    """
    start = cursors.decode(after, _CURSOR)
    backwards = start is None and (start := cursors.decode(before, _CURSOR)) is not None
    sql = _heads_sql(user, wanted, start, backwards=backwards)
    at = dict(zip(("at_name_of_project", "at_project", "at_name", "at"), start or (), strict=False))
    with prepared() as cursor:
        cursor.execute(limited(sql, size + 1), {**parameters(user, wanted), **at})
        rows = cursor.fetchall()
    if not rows:
        return Page()
    said = None if wanted.at is None else Around.of(rows[0][-1])
    found = [Head(*row[:_OF_A_HEAD]) for row in rows]
    beyond = len(found) > size
    found = found[:size][::-1] if backwards else found[:size]
    return Page(
        found,
        after=_cursor(found[-1]) if beyond or backwards else None,
        before=_cursor(found[0]) if (beyond if backwards else start is not None) else None,
        around=said,
    )


def _cursor(head: Head) -> str:
    return cursors.encode([head.project_name or "", head.project_id or NOBODY, head.name, head.id])


def _heads_sql(
    user: "User",
    wanted: Wanted,
    start: Sequence[Any] | None,
    *,
    backwards: bool,
) -> str:
    where = " AND ".join(app_conditions(user, wanted))
    people = people_conditions(wanted)
    shown = " AND ".join(people) or "true"
    named = "false"
    if wanted.text:
        named = "lower(page.name || ' ' || coalesce(page.project_name, '')) LIKE %(like)s"
        shown += f" AND (({named}) OR {MATCHES})"
    return _HEADS.format(
        found=found_apps(wanted),
        steps=" UNION ALL ".join(_steps(where, start, app_table(wanted), backwards=backwards)),
        way="DESC" if backwards else "ASC",
        named=named,
        shown=f"count(*) FILTER (WHERE {shown})",
        held=wanted.holds("k"),
        **(_of_now(wanted) if wanted.at is None else _of_then(wanted)),
    )


def _of_now(wanted: Wanted) -> dict[str, str]:
    """How fresh an app is, and whose 2FA is looked at."""
    return {
        "freshness": _FRESHNESS,
        "read": _READ,
        "then": "",
        "people": _ALL if wanted.text or wanted.two_factor else _NOT_ON,
        "two_factor": "p.two_factor",
    }


def _of_then(wanted: Wanted) -> dict[str, str]:
    """How it was read around the instant, and the 2FA of that time."""
    person = _ALL if wanted.text else ""
    return {
        "freshness": "NULL::timestamptz, '', NULL::timestamptz, NULL::timestamptz",
        "read": _READ_THEN.format(
            readings=readings("a", "instant"),
            ended=may_have_ended("k", "instant"),
            begun=may_have_begun("k", "instant"),
        ),
        "then": ", around.last, around.next, around.is_inside, around.is_stale, differ.unsure, "
        + around("instant"),
        "people": f"{person} {_TWO_FACTOR_THEN.format(two_factor_of('k.person_id', 'instant'))}",
        "two_factor": "then_2fa.value",
    }


def _steps(where: str, start: Sequence[Any] | None, table: str, *, backwards: bool) -> list[str]:
    """The parts of a page, each bounded and each read from an index."""
    way, beyond = ("DESC", "<") if backwards else ("ASC", ">")
    here = f"{where} AND (a.name, a.id) {beyond} (%(at_name)s, %(at)s)"
    there = f"{where} AND (g.name, g.id) {beyond} (%(at_name_of_project)s, %(at_project)s)"
    if start is None:
        parts = [
            _GROUPED.format(rank=2, where=where, way=way, apps=table),
            _alone(where, way, table),
        ]
    elif start[1] == NOBODY:
        parts = [_alone(here, way, table)]
        if backwards:
            parts.append(_GROUPED.format(rank=2, where=where, way=way, apps=table))
    else:
        rank = 3 if backwards else 1
        parts = [
            _IN_ONE.format(rank=rank, where=here, way=way, apps=table),
            _GROUPED.format(rank=2, where=there, way=way, apps=table),
        ]
        if not backwards:
            parts.append(_alone(where, way, table))
    return [f"({part})" for part in parts]


def _alone(where: str, way: str, table: str) -> str:
    return _ALONE.format(rank=4, where=where, way=way, apps=table)


def ids(user: "User", wanted: Wanted, *, most: int) -> list[UUID]:
    """The apps as `wanted`, by name, but no more than `most`."""
    sql = found_apps(wanted) + _IDS.format(
        " AND ".join(app_conditions(user, wanted)), apps=app_table(wanted)
    )
    with prepared() as cursor:
        cursor.execute(sql, {**parameters(user, wanted), "most": most})
        return [row[0] for row in cursor.fetchall()]


_IDS = "SELECT a.id FROM {apps} a WHERE {} ORDER BY a.name, a.id LIMIT %(most)s"


def counts(user: "User", wanted: Wanted) -> Counted:
    """What counts the apps as `wanted`, and all that `user` may see."""
    everything = Wanted(only_with_collaborators=False, at=wanted.at)
    table = app_table(wanted)
    return Counted(
        found_apps(wanted) + _COUNT.format(" AND ".join(app_conditions(user, wanted)), apps=table),
        _COUNT.format(" AND ".join(app_conditions(user, everything)), apps=table),
        parameters(user, wanted),
    )


_COUNT = "SELECT count(*) FROM {apps} a WHERE {}"
