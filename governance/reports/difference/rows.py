"""A page of the difference, newest first, and the totals beside it: one query each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models

from governance.core import cursor as cursors
from governance.inventory.queries.prepared import limited, prepared
from governance.reports import standing
from governance.reports.difference import sql
from governance.reports.registers.base import Asked

SIZE = 50
_OF_PEOPLE = frozenset({"q", "difference", "by"})


class Row(NamedTuple):
    """One difference. It was seen at `seen_at`, and was not so at `not_before` yet."""

    what: str
    seen_at: datetime
    not_before: datetime | None
    id: int
    app_id: UUID | None
    app: str | None
    project: str | None
    person_id: UUID | None
    person: str
    was_person: str
    was_role: str | None
    role: str | None
    was_status: str | None
    status: str | None
    was_value: str | None
    value: str | None
    done_by: str
    actor: str
    happened_at: datetime | None
    known_since: str
    known_until: str
    last_since: datetime | None
    next_since: datetime | None
    last_until: datetime | None
    next_until: datetime | None


@dataclass(slots=True)
class Page:
    """Rows, and the cursors of the pages beside them."""

    rows: list[Row] = field(default_factory=list)
    after: str | None = None
    before: str | None = None

    @property
    def is_whole(self) -> bool:
        return self.after is None and self.before is None


@dataclass(frozen=True, slots=True)
class Totals:
    """How many of each kind; and, where no filter is about people, the two populations."""

    kinds: Mapping[str, int]
    population: int | None
    population_since: int | None
    projects: tuple[tuple[str, str], ...]  # that the list can be narrowed to

    @property
    def all(self) -> int:
        return sum(self.kinds.values())

    @property
    def balances(self) -> bool:
        """Whether who joined less who left is the difference of the two populations."""
        if self.population is None or self.population_since is None:
            return True
        joined, left = self.kinds.get("joined", 0), self.kinds.get("left", 0)
        return joined - left == self.population - self.population_since


_TOTALS = """
WITH {tables}
SELECT (SELECT coalesce(json_object_agg(what, n), '{{}}')::text FROM (
        SELECT what, count(*) AS n FROM difference WHERE {where} GROUP BY what) kinds),
    {population}, {since},
    (SELECT coalesce(json_agg(json_build_array(id, name)), '[]')::text FROM (
        SELECT DISTINCT g.id, g.name FROM inventory_project g
        WHERE %(everything)s OR g.id = ANY(%(projects)s::uuid[])
        ORDER BY g.name LIMIT 200) projects)
"""
_ROWS = """
WITH {tables}
SELECT d.what, d.seen_at, d.not_before, d.id, d.app_id, d.app, d.project, d.person_id, d.person,
    d.was_person, d.was_role, d.role, d.was_status, d.status, d.was_value, d.value, d.done_by,
    d.actor, d.happened_at, known.known_since, known.known_until, before.last, before.next,
    around.last, around.next
FROM (
    SELECT * FROM difference WHERE {where} {beyond}
    ORDER BY seen_at {way}, what {way}, id {way} LIMIT %(limit)s
) d {known}
ORDER BY d.seen_at {way}, d.what {way}, d.id {way}
"""
_BEYOND = "AND (seen_at, what, id) {sign} (%(from_at)s, %(from_what)s, %(from_id)s)"
_CURSOR: "list[models.Field[Any, Any]]" = [
    models.DateTimeField(),
    models.CharField(),
    models.BigIntegerField(),
]


def totals(asked: Asked) -> Totals:
    """The counts over what `asked` narrows to, whatever kind of difference it names."""
    filters = [name for name in asked.filters if name != "difference"]
    # An invited address that became an account is two people to a filter, and one access.
    is_of_apps = not _OF_PEOPLE & set(filters)
    with prepared() as cursor:
        cursor.execute(
            _TOTALS.format(
                tables=sql.tables(filters),
                where=sql.where(filters),
                population=sql.POPULATION if is_of_apps else "NULL",
                since=sql.POPULATION_SINCE if is_of_apps else "NULL",
            ),
            standing.values(asked),
        )
        kinds, population, since, projects = cursor.fetchone()
    return Totals(
        json.loads(kinds),
        population,
        since,
        tuple((id_, name) for id_, name in json.loads(projects)),
    )


def page(
    asked: Asked, *, after: str | None = None, before: str | None = None, size: int = SIZE
) -> Page:
    """The rows that follow the cursor `after`, or precede `before`, newest first."""
    start = cursors.decode(after, _CURSOR)
    backwards = start is None and (start := cursors.decode(before, _CURSOR)) is not None
    statement = _ROWS.format(
        tables=sql.tables(asked.filters),
        where=sql.where(asked.filters),
        beyond=_BEYOND.format(sign=">" if backwards else "<") if start else "",
        way="ASC" if backwards else "DESC",
        known=sql.KNOWN,
    )
    place = dict(zip(("from_at", "from_what", "from_id"), start or (), strict=False))
    with prepared() as cursor:
        cursor.execute(limited(statement, size + 1), {**standing.values(asked), **place})
        found = [Row._make(row) for row in cursor.fetchall()]
    beyond = len(found) > size
    found = found[:size][::-1] if backwards else found[:size]
    if not found:
        return Page()
    return Page(
        found,
        after=_cursor(found[-1]) if beyond or backwards else None,
        before=_cursor(found[0]) if (beyond if backwards else start is not None) else None,
    )


def _cursor(row: Row) -> str:
    return cursors.encode([row.seen_at, row.what, row.id])
