"""Who is on one app, and on which apps one person is: now and before, with who gave it to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import models

from governance.core import cursor as cursors
from governance.inventory.queries import asof
from governance.inventory.queries.asof import Knowledge, Readings
from governance.inventory.queries.branches import More
from governance.inventory.queries.prepared import limited, prepared

if TYPE_CHECKING:
    from governance.accounts.models import User

SIZE = 50
PAST = 20  # of what is over; the rest is in the history


class Access(NamedTuple):
    """One person on one app. `since_after` is the last reading without it, None at the first one.

    Who gave it: `source` is ours, event or unexplained, and empty where nobody looked it up.
    """

    collaboration_id: int
    role: str
    status: str
    status_said: str
    since_after: datetime | None
    since_at: datetime
    ended_after: datetime | None
    ended_at: datetime | None
    missing_at: datetime | None
    app_id: UUID
    app: str
    app_kind: str
    parent_name: str
    app_gone_at: datetime | None
    project_id: UUID | None
    project: str | None
    region: str
    person_id: UUID
    username: str
    email: str
    two_factor: str
    source: str
    given_at: datetime | None  # as Scalingo's event says
    actor_id: UUID | None
    actor: str
    after_owner: bool
    sort_name: str
    started_after: datetime | None
    started_at: datetime
    last: datetime | None  # as of an instant: the readings of the app around it
    next: datetime | None
    is_inside: bool
    is_stale: bool
    now_role: str  # of what is over: as what the person is on the app all the same
    more: tuple[Any, ...]

    @property
    def name(self) -> str:
        return self.username or self.email

    def knowledge(self, at: datetime) -> Knowledge:
        """How far it is known that this was there at `at`."""
        if self.started_at > at:
            return Knowledge.UNKNOWN
        around = Readings(self.last, self.next, self.is_inside, self.is_stale)
        return around.knowledge_of(at, self.ended_after, self.ended_at)


@dataclass(slots=True)
class Page:
    """Rows, and the cursors of the pages beside them."""

    rows: list[Access] = field(default_factory=list)
    after: str | None = None
    before: str | None = None

    @property
    def is_whole(self) -> bool:
        return self.after is None and self.before is None


@dataclass(slots=True)
class Found:
    """A page of what is there, what is over, and what may have begun already."""

    page: Page
    past: list[Access]
    begun: list[Access]


_CURSOR: "list[models.Field[Any, Any]]" = [
    models.BooleanField(),
    models.CharField(),
    models.BigIntegerField(),
]
# The page is cut first; only then is it looked up who gave each access. `since_at` is carried
# along from row to row, so it is when the first row of a membership began.
_ROWS = """
SELECT k.id, k.role, k.status, k.status_said, k.since_after, k.since_at, k.ended_after, k.ended_at,
    {missing_at}, a.id, a.name, a.kind, a.parent_name, a.gone_at, a.project_id, g.name, r.name,
    p.id, p.username, p.email, {two_factor}, coalesce(t.source, ''), t.happened_at, t.actor_id,
    coalesce(nullif(actor.username, ''), actor.email, t.actor_name, ''),
    k.after_owner, k.sort_name, k.started_after,
    k.started_at, {around}, k.now_role{columns}
FROM ({pages}) k
JOIN {apps} a ON a.id = k.app_id
{readings}
JOIN inventory_region r ON r.id = a.region_id
LEFT JOIN inventory_project g ON g.id = a.project_id
JOIN inventory_person p ON p.id = k.person_id
{join}
LEFT JOIN LATERAL (
    SELECT told.* FROM inventory_collaboration began
    JOIN inventory_attribution told ON told.collaboration_id = began.id
    WHERE began.app_id = k.app_id AND began.collaborator_id = k.collaborator_id
      AND began.started_at = k.since_at AND told.edge = 'start'
    LIMIT 1
) t ON true
LEFT JOIN inventory_person actor ON actor.id = t.actor_id
"""
_OPEN = """
(SELECT k.*, k.role <> 'owner' AS after_owner, {name} AS sort_name, '' AS now_role
FROM inventory_collaboration k {tables}
WHERE {held} AND {where}
ORDER BY k.role <> 'owner' {way}, sort_name {way}, k.id {way} LIMIT %(limit)s)"""
# OFFSET 0 keeps the database from walking through everything that ever ended.
_PAST = """
(SELECT k.*, true AS after_owner, a.name AS sort_name, coalesce((
    SELECT now.role FROM inventory_collaboration now
    WHERE now.person_id = ANY(%(people)s) AND now.app_id = k.app_id AND {held}
    ORDER BY now.role <> 'owner', now.id LIMIT 1), '') AS now_role
FROM (
    SELECT * FROM inventory_collaboration k
    WHERE k.person_id = ANY(%(people)s) AND {over} OFFSET 0
) k JOIN inventory_app a ON a.id = k.app_id
WHERE {where}
  AND NOT EXISTS (
    SELECT FROM inventory_collaboration next
    WHERE next.app_id = k.app_id AND next.collaborator_id = k.collaborator_id
      AND next.person_id = k.person_id AND next.started_at = k.ended_at)
ORDER BY k.ended_at DESC, k.id DESC LIMIT {past})"""
# Those that the next reading has and the last had not, where nothing of theirs was there before.
_BEGUN = """
(SELECT k.*, true AS after_owner, {name} AS sort_name, '' AS now_role
FROM inventory_collaboration k {tables}
WHERE {begun} AND {where}
  AND NOT EXISTS (
    SELECT FROM inventory_collaboration earlier
    WHERE earlier.app_id = k.app_id AND earlier.collaborator_id = k.collaborator_id
      AND earlier.person_id = k.person_id AND earlier.ended_at = k.started_at)
ORDER BY k.started_at, k.id LIMIT {past})"""
_BEYOND = "(k.role <> 'owner', {name}, k.id) {sign} (%(at_owner)s, %(at_name)s, %(at_id)s)"
_OWN = 34  # columns of an Access that are not `more`


def people_of(
    app: UUID,
    *,
    roles: Sequence[str] = (),
    two_factor: Sequence[str] = (),
    statuses: Sequence[str] = (),
    after: str | None = None,
    before: str | None = None,
    more: More | None = None,
    size: int = SIZE,
    at: datetime | None = None,
) -> Found:
    """The people on an app, its owner first; and as of `at`, who may have been on it already.

    That somebody may see the app is known before.
    """
    value = "p.two_factor" if at is None else asof.two_factor_of("p.id", "instant")
    asked = (
        (roles, "k.role = ANY(%(roles)s)"),
        (two_factor, f"{value} = ANY(%(two_factor)s)"),
        (statuses, "k.status = ANY(%(statuses)s)"),
    )
    where = ["k.app_id = %(app)s", *(sql for values, sql in asked if values)]
    values = {
        "app": app,
        "roles": list(roles),
        "two_factor": list(two_factor),
        "statuses": list(statuses),
    }
    return _read(
        "lower(coalesce(nullif(p.username, ''), p.email))",
        "JOIN inventory_person p ON p.id = k.person_id",
        where,
        values,
        (after, before),
        more or More(),
        size,
        at=at,
    )


def apps_of(
    people: Sequence[UUID],
    user: "User",
    *,
    after: str | None = None,
    before: str | None = None,
    size: int = SIZE,
    at: datetime | None = None,
) -> Found:
    """Where a person is, those they own first; and where they were last, newest first.

    As of `at` also where they may have been already. `people` are the ids that the person has had
    here (see `Person.merged_into`).
    """
    where = ["k.person_id = ANY(%(people)s)"]
    if not user.sees_everything:
        where.append(f"a.{'project_id' if at is None else 'now_in'} = ANY(%(visible)s)")
    apps = "inventory_app" if at is None else asof.apps("instant")
    return _read(
        "a.name",
        f"JOIN {apps} a ON a.id = k.app_id",
        where,
        {"people": list(people), "visible": list(user.projects)},
        (after, before),
        More(),
        size,
        past=_past(where, at),
        at=at,
    )


def _past(where: list[str], at: datetime | None) -> str:
    over = "k.ended_at IS NOT NULL" if at is None else "k.ended_at <= %(instant)s"
    held = "now.ended_at IS NULL" if at is None else asof.believed("now", "instant")
    if at is not None:
        where = [fragment.replace("a.now_in", "a.project_id") for fragment in where]
    return _PAST.format(where=" AND ".join(where), past=PAST, over=over, held=held)


def _read(
    name: str,
    tables: str,
    where: list[str],
    values: dict[str, Any],
    cursor_texts: tuple[str | None, str | None],
    more: More,
    size: int,
    past: str = "",
    at: datetime | None = None,
) -> Found:
    after, before = cursor_texts
    start = cursors.decode(after, _CURSOR)
    backwards = start is None and (start := cursors.decode(before, _CURSOR)) is not None
    begun = (
        ""
        if at is None
        else _BEGUN.format(
            name=name,
            tables=tables,
            begun=asof.may_have_begun("k", "instant"),
            where=" AND ".join(where),
            past=PAST,
        )
    )
    if start is not None:
        where = [*where, _BEYOND.format(name=name, sign="<" if backwards else ">")]
    pages = _OPEN.format(
        name=name,
        tables=tables,
        held="k.ended_at IS NULL" if at is None else asof.believed("k", "instant"),
        where=" AND ".join(where),
        way="DESC" if backwards else "ASC",
    )
    sql = _ROWS.format(
        pages=" UNION ALL ".join(filter(None, (pages, past, begun))),
        columns="".join(f", {column}" for column in more.columns),
        join=more.join,
        **(_NOW if at is None else _THEN),
    )
    place = dict(zip(("at_owner", "at_name", "at_id"), start or (), strict=False))
    with prepared() as cursor:
        cursor.execute(limited(sql, size + 1), {**values, **place, "instant": at})
        rows = [Access._make((*row[:_OWN], row[_OWN:])) for row in cursor.fetchall()]
    held = [row for row in rows if _is_held(row, at)]
    over = [row for row in rows if row.ended_at is not None and _is_over(row.ended_at, at)]
    return Found(
        _cut(held, size, backwards=backwards, is_first=start is None),
        sorted(over, key=_when_it_ended, reverse=True),
        [row for row in rows if at is not None and row.started_at > at],
    )


# What was called otherwise, and how it was read around an instant.
_NOW = {
    "missing_at": "k.missing_at",
    "two_factor": "p.two_factor",
    "around": "NULL::timestamptz, NULL::timestamptz, false, false",
    "apps": "inventory_app",
    "readings": "",
}
_THEN = {
    "missing_at": "NULL::timestamptz",
    "two_factor": asof.two_factor_of("p.id", "instant"),
    "around": "around.last, around.next, around.is_inside, around.is_stale",
    "apps": asof.apps_ever("instant"),
    "readings": f"CROSS JOIN LATERAL {asof.readings('a', 'instant')} around",
}


def _is_held(row: Access, at: datetime | None) -> bool:
    if at is None:
        return row.ended_at is None
    return row.started_at <= at and (row.ended_at is None or row.ended_at > at)


def _is_over(ended_at: datetime, at: datetime | None) -> bool:
    return at is None or ended_at <= at


def _when_it_ended(row: Access) -> tuple[datetime | None, int]:
    return row.ended_at, row.collaboration_id


def _cut(rows: list[Access], size: int, *, backwards: bool, is_first: bool) -> Page:
    """The page out of one row more than it has, in the order that it is shown in."""
    rows = sorted(rows, key=_place, reverse=backwards)
    beyond = len(rows) > size
    rows = rows[:size][::-1] if backwards else rows[:size]
    if not rows:
        return Page()
    return Page(
        rows,
        after=_cursor(rows[-1]) if beyond or backwards else None,
        before=_cursor(rows[0]) if (beyond if backwards else not is_first) else None,
    )


def _place(row: Access) -> tuple[bool, str, int]:
    return row.after_owner, row.sort_name, row.collaboration_id


def _cursor(row: Access) -> str:
    return cursors.encode(_place(row))
