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
    apps,
    around,
    believed,
    may_have_begun,
    may_have_ended,
    readings,
    silence,
    two_factor_of,
)
from governance.inventory.queries.prepared import limited, prepared
from governance.inventory.queries.totals import Counted
from governance.inventory.words import SHORTEST, like

if TYPE_CHECKING:
    from governance.accounts.models import User

SIZE = 25
NOBODY = UUID(int=0)  # the project, in a cursor, of an app that has none
_CURSOR: "list[models.Field[Any, Any]]" = [
    models.CharField(),
    models.UUIDField(),
    models.CharField(),
    models.UUIDField(),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which apps to show, and of which people. Empty: all.

    `roles` and `two_factor` speak of one collaboration: an app is shown when somebody on it is
    both, and of its people those who are.
    """

    text: str = ""
    app: UUID | None = None
    project: UUID | None = None
    region: str = ""
    kind: str = ""  # app, database or review
    health_data: str = ""  # yes, no
    roles: tuple[str, ...] = ()
    two_factor: tuple[str, ...] = ()
    only_with_collaborators: bool = True
    at: datetime | None = None  # as of an instant; None: now

    def holds(self, row: str) -> str:
        """SQL: whether a row with edges is there, now or then."""
        return f"{row}.ended_at IS NULL" if self.at is None else believed(row, "instant")


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


# --- conditions -----------------------------------------------------------------------------------

MATCHES = "lower(p.username || ' ' || p.email) LIKE %(like)s"
_FOUND = """
WITH found(id) AS MATERIALIZED (
    SELECT {id} FROM {named} WHERE {there} AND {app}
    UNION
    SELECT a.id FROM inventory_project g JOIN {apps} a ON a.project_id = g.id
    WHERE lower(g.name) LIKE %(like)s
    UNION
    SELECT k.app_id FROM inventory_person p
    JOIN inventory_collaboration k ON k.person_id = p.id AND {held}
    WHERE {pieces} {matches}{people}
)
"""
_APP_PIECES = "text_pieces(name) @> text_pieces(%(text)s) AND lower(name) LIKE %(like)s"
_PERSON_PIECES = "text_pieces(p.username || ' ' || p.email) @> text_pieces(%(text)s) AND"
_KINDS = {
    "app": "a.kind = 'app' AND a.parent_name = ''",
    "review": "a.parent_name <> ''",
    "database": "a.kind = 'database'",
}
_HEALTH = {"yes": "a.health_data", "no": "a.health_data IS FALSE"}


def _conditions(user: "User", wanted: Wanted) -> list[str]:
    """What an app `a` must be. Fragments of this module alone; values are parameters."""
    people = " AND ".join(people_conditions(wanted))
    seen_in = "project_id" if wanted.at is None else "now_in"
    held = wanted.holds("k")
    asked = (
        (not user.sees_everything, f"a.{seen_in} = ANY(%(visible)s::uuid[])"),
        (wanted.text, "a.id IN (SELECT id FROM found)"),
        (wanted.app, "a.id = %(app)s"),
        (wanted.project, "a.project_id = %(project)s"),
        (wanted.region, _IN_REGION),
        (wanted.kind, _KINDS.get(wanted.kind, "")),
        (wanted.health_data, _HEALTH.get(wanted.health_data, "")),
        (wanted.only_with_collaborators, _HAS_COLLABORATORS.format(held=held)),
        (people, _HAS.format(people, held=held)),
    )
    there = "a.gone_at IS NULL" if wanted.at is None else "true"
    return [there, *(fragment for value, fragment in asked if value)]


_IN_REGION = "a.region_id = (SELECT id FROM inventory_region WHERE name = %(region)s)"
_HAS_COLLABORATORS = """EXISTS (
    SELECT FROM inventory_collaboration k
    WHERE k.app_id = a.id AND {held} AND k.role <> 'owner')"""
_HAS = """EXISTS (
    SELECT FROM inventory_collaboration k JOIN inventory_person p ON p.id = k.person_id
    WHERE k.app_id = a.id AND {held} AND {})"""


def people_conditions(wanted: Wanted) -> list[str]:
    """What a collaboration `k` of a person `p` must be, the text aside."""
    found = []
    if wanted.roles:
        found.append("k.role = ANY(%(roles)s)")
    if wanted.two_factor:
        found.append(f"{_two_factor(wanted)} = ANY(%(two_factor)s)")
    return found


def _two_factor(wanted: Wanted) -> str:
    """SQL: the 2FA of a person `p`, now or then."""
    return "p.two_factor" if wanted.at is None else two_factor_of("p.id", "instant")


def _apps(wanted: Wanted) -> str:
    """SQL: the table of apps, as they are or as they were."""
    return "inventory_app" if wanted.at is None else apps("instant")


def _parameters(user: "User", wanted: Wanted) -> dict[str, Any]:
    return {
        "visible": list(user.projects),
        "everything": user.sees_everything,
        "silence": silence(),
        **values_of(wanted),
    }


def values_of(wanted: Wanted) -> dict[str, Any]:
    """The parameters that the fragments about `wanted` speak of."""
    return {
        "text": wanted.text,
        "like": like(wanted.text),
        "app": wanted.app,
        "project": wanted.project,
        "region": wanted.region,
        "roles": list(wanted.roles),
        "two_factor": list(wanted.two_factor),
        "instant": wanted.at,
    }


def _found(wanted: Wanted) -> str:
    """The apps that have to do with the text, as a common table; nothing without a text."""
    if not wanted.text:
        return ""
    people = "".join(f" AND {condition}" for condition in people_conditions(wanted))
    is_short = len(wanted.text) < SHORTEST
    is_now = wanted.at is None
    return _FOUND.format(
        id="id" if is_now else "app_id",
        named="inventory_app" if is_now else "inventory_appperiod named",
        there="gone_at IS NULL" if is_now else believed("named", "instant"),
        app="lower(name) LIKE %(like)s" if is_short else _APP_PIECES,
        apps=_apps(wanted),
        held=wanted.holds("k"),
        pieces="" if is_short else _PERSON_PIECES,
        matches=MATCHES,
        people=people,
    )


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
        cursor.execute(limited(sql, size + 1), {**_parameters(user, wanted), **at})
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
    where = " AND ".join(_conditions(user, wanted))
    people = people_conditions(wanted)
    shown = " AND ".join(people) or "true"
    named = "false"
    if wanted.text:
        named = "lower(page.name || ' ' || coalesce(page.project_name, '')) LIKE %(like)s"
        shown += f" AND (({named}) OR {MATCHES})"
    return _HEADS.format(
        found=_found(wanted),
        steps=" UNION ALL ".join(_steps(where, start, _apps(wanted), backwards=backwards)),
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


def counts(user: "User", wanted: Wanted) -> Counted:
    """What counts the apps as `wanted`, and all that `user` may see."""
    everything = Wanted(only_with_collaborators=False, at=wanted.at)
    table = _apps(wanted)
    return Counted(
        _found(wanted) + _COUNT.format(" AND ".join(_conditions(user, wanted)), apps=table),
        _COUNT.format(" AND ".join(_conditions(user, everything)), apps=table),
        _parameters(user, wanted),
    )


_COUNT = "SELECT count(*) FROM {apps} a WHERE {}"
