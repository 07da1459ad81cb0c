"""What changed, newest first, with who did it: of one person, or of one app.

A change is an edge of a row: somebody came, went, accepted, got another role. What was there at
the first reading is listed as that, not as a change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models

from governance.core import cursor as cursors
from governance.inventory.queries.prepared import limited, prepared

if TYPE_CHECKING:
    from governance.accounts.models import User

SIZE = 30


@dataclass(frozen=True, slots=True)
class Change:
    """One change. It happened after `after` (None: before we looked) and by `at`.

    `kind` is start or end of a collaboration, two_factor, or app (its name or project).
    `was_…` is what a start continues: None where somebody is new on the app. `still_role` is, of
    an end, as what the person was on the app all the same; empty where they were not.
    """

    kind: str
    at: datetime
    after: datetime | None
    id: int
    app_id: UUID | None
    app: str
    person_id: UUID | None
    person: str
    role: str
    status: str
    still_role: str
    was_role: str | None
    was_status: str | None
    was_person_id: UUID | None
    was_person: str
    was_value: str | None  # 2FA, or the name of an app
    value: str
    was_project: str | None
    project: str | None
    source: str
    happened_at: datetime | None
    actor_id: UUID | None
    actor: str


@dataclass(slots=True)
class Page:
    """Changes, newest first, and the cursors of the pages beside them."""

    rows: list[Change] = field(default_factory=list)
    after: str | None = None
    before: str | None = None

    @property
    def is_whole(self) -> bool:
        return self.after is None and self.before is None


_CURSOR: "list[models.Field[Any, Any]]" = [
    models.DateTimeField(),
    models.CharField(),
    models.BigIntegerField(),
]
# Each leg is cut before it is described; the legs together are cut once more.
_STARTS = """
(SELECT 'start' AS kind, k.started_at AS at, k.started_after AS after, k.id
FROM inventory_collaboration k WHERE {where} {beyond} ORDER BY k.started_at {way}, k.id {way}
LIMIT %(limit)s)"""
# A row that the next one continues did not end, except that an owner who is followed by another
# has left. OFFSET 0 keeps the database from walking through everything that ever ended.
_ENDS = """
(SELECT 'end' AS kind, k.ended_at AS at, k.ended_after AS after, k.id
FROM (
    SELECT * FROM inventory_collaboration k WHERE {where} AND k.ended_at IS NOT NULL OFFSET 0
) k WHERE true {beyond}
  AND NOT EXISTS (
    SELECT FROM inventory_collaboration next
    WHERE next.app_id = k.app_id AND next.collaborator_id = k.collaborator_id
      AND next.started_at = k.ended_at AND {continued})
ORDER BY k.ended_at {way}, k.id {way} LIMIT %(limit)s)"""
_TWO_FACTOR = """
(SELECT 'two_factor' AS kind, k.started_at AS at, k.started_after AS after, k.id
FROM inventory_twofactorperiod k WHERE {where} {beyond}
ORDER BY k.started_at {way}, k.id {way} LIMIT %(limit)s)"""
_APP = """
(SELECT 'app' AS kind, k.started_at AS at, k.started_after AS after, k.id
FROM inventory_appperiod k WHERE k.app_id = %(app)s {beyond}
ORDER BY k.started_at {way}, k.id {way} LIMIT %(limit)s)"""

_DESCRIBED = """
SELECT e.kind, e.at, e.after, e.id, a.id, coalesce(a.name, ''), p.id,
    coalesce(nullif(p.username, ''), p.email, ''), coalesce(k.role, ''), coalesce(k.status, ''),
    coalesce(still.role, ''), was.role, was.status, was.person_id,
    coalesce(nullif(w.username, ''), w.email, ''),
    coalesce(was_two.value, was_named.name), coalesce(two.value, named.name, ''),
    was_project.name, project.name,
    coalesce(t.source, ''), t.happened_at, t.actor_id,
    coalesce(nullif(actor.username, ''), actor.email, t.actor_name, '')
FROM (SELECT * FROM ({legs}) legs ORDER BY at {way}, kind {way}, id {way} LIMIT %(limit)s) e
LEFT JOIN inventory_collaboration k ON k.id = e.id AND e.kind IN ('start', 'end')
LEFT JOIN inventory_twofactorperiod two ON two.id = e.id AND e.kind = 'two_factor'
LEFT JOIN inventory_appperiod named ON named.id = e.id AND e.kind = 'app'
LEFT JOIN LATERAL (
    SELECT earlier.role, earlier.status, earlier.person_id FROM inventory_collaboration earlier
    WHERE e.kind = 'start' AND earlier.app_id = k.app_id
      AND earlier.collaborator_id = k.collaborator_id AND earlier.ended_at = k.started_at LIMIT 1
) was ON true
LEFT JOIN LATERAL (
    SELECT other.role FROM inventory_collaboration other
    WHERE e.kind = 'end' AND other.person_id = k.person_id AND other.app_id = k.app_id
      AND other.id <> k.id AND other.started_at <= k.ended_at
      AND (other.ended_at IS NULL OR other.ended_at > k.ended_at)
    ORDER BY other.role <> 'owner', other.id LIMIT 1
) still ON true
LEFT JOIN LATERAL (
    SELECT earlier.value FROM inventory_twofactorperiod earlier
    WHERE earlier.person_id = two.person_id AND earlier.ended_at = two.started_at LIMIT 1
) was_two ON true
LEFT JOIN LATERAL (
    SELECT earlier.name, earlier.project_id FROM inventory_appperiod earlier
    WHERE earlier.app_id = named.app_id AND earlier.ended_at = named.started_at LIMIT 1
) was_named ON true
LEFT JOIN inventory_project project ON project.id = named.project_id
LEFT JOIN inventory_project was_project ON was_project.id = was_named.project_id
LEFT JOIN inventory_app a ON a.id = coalesce(k.app_id, named.app_id)
LEFT JOIN inventory_person p ON p.id = coalesce(k.person_id, two.person_id)
LEFT JOIN inventory_person w ON w.id = was.person_id
LEFT JOIN inventory_attribution t ON t.collaboration_id = k.id AND t.edge = e.kind
LEFT JOIN inventory_person actor ON actor.id = t.actor_id
ORDER BY e.at {way}, e.kind {way}, e.id {way}
"""


def changes_of_person(
    people: Sequence[UUID],
    user: "User",
    *,
    after: str | None = None,
    before: str | None = None,
    size: int = SIZE,
    at: datetime | None = None,
) -> Page:
    """What happened to a person, on the apps that `user` may see, and to their 2FA; until `at`.

    `people` are the ids that the person has had here (see `Person.merged_into`).
    """
    seen = "" if user.sees_everything else _ON_VISIBLE_APPS
    # An owner who is followed by another has left; an invited address that became somebody has not.
    continued = "(next.person_id = k.person_id OR k.collaborator_id <> 'owner')"
    values: dict[str, Any] = {"visible": list(user.projects)}
    legs = []
    for number, person in enumerate(people):
        # A leg for each id: only of one at a time does an index have the newest at its end.
        values[f"person{number}"] = person
        where = f"k.person_id = %(person{number})s"
        legs += [_Leg(_STARTS, where + seen), _Leg(_ENDS, where + seen), _Leg(_TWO_FACTOR, where)]
    return _read(legs, continued, values, (after, before), size, at)


def changes_of_app(
    app: UUID,
    *,
    after: str | None = None,
    before: str | None = None,
    size: int = SIZE,
    at: datetime | None = None,
) -> Page:
    """What happened on an app, until `at`. That somebody may see it is known before."""
    where = "k.app_id = %(app)s"
    legs = [_Leg(sql, where) for sql in (_STARTS, _ENDS, _APP)]
    return _read(legs, "true", {"app": app}, (after, before), size, at)


@dataclass(frozen=True, slots=True)
class _Leg:
    """One kind of change, and of whom."""

    sql: str
    where: str


_ON_VISIBLE_APPS = """
    AND k.app_id IN (SELECT id FROM inventory_app WHERE project_id = ANY(%(visible)s))"""
_UNTIL = " AND k.{edge} <= %(until)s"
_BEYOND = """
    AND k.{edge} {sign}= %(at)s
    AND (k.{edge}, '{kind}', k.id) {sign} (%(at)s, %(at_kind)s, %(at_id)s)"""


def _read(
    legs: Sequence[_Leg],
    continued: str,
    values: dict[str, Any],
    cursor_texts: tuple[str | None, str | None],
    size: int,
    until: datetime | None,
) -> Page:
    after, before = cursor_texts
    start = cursors.decode(after, _CURSOR)
    backwards = start is None and (start := cursors.decode(before, _CURSOR)) is not None
    way = "ASC" if backwards else "DESC"
    parts = [
        leg.sql.format(
            where=leg.where,
            continued=continued,
            way=way,
            beyond=(_beyond(leg.sql, backwards=backwards) if start is not None else "")
            + (_UNTIL.format(edge=_edge(leg.sql)) if until is not None else ""),
        )
        for leg in legs
    ]
    sql = _DESCRIBED.format(legs=" UNION ALL ".join(parts), way=way)
    at = dict(zip(("at", "at_kind", "at_id"), start or (), strict=False))
    with prepared() as cursor:
        cursor.execute(limited(sql, size + 1), {**values, **at, "until": until})
        rows = [Change(*row) for row in cursor.fetchall()]
    return _cut(rows, size, backwards=backwards, is_first=start is None)


def _beyond(leg: str, *, backwards: bool) -> str:
    return _BEYOND.format(edge=_edge(leg), kind=_kind(leg), sign=">" if backwards else "<")


def _edge(leg: str) -> str:
    return "ended_at" if _kind(leg) == "end" else "started_at"


def _kind(leg: str) -> str:
    return leg.split("'")[1]


def _cut(rows: list[Change], size: int, *, backwards: bool, is_first: bool) -> Page:
    """The page out of one row more than it has, newest first."""
    beyond = len(rows) > size
    rows = rows[:size][::-1] if backwards else rows[:size]
    if not rows:
        return Page()
    return Page(
        rows,
        after=_cursor(rows[-1]) if beyond or backwards else None,
        before=_cursor(rows[0]) if (beyond if backwards else not is_first) else None,
    )


def _cursor(row: Change) -> str:
    return cursors.encode([row.at, row.kind, row.id])
