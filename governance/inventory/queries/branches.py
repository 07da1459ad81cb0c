"""The people of the apps that are open in the tree: a page for each, all in one query."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models

from governance.core import cursor as cursors
from governance.inventory.queries.asof import may_have_ended, two_factor_of
from governance.inventory.queries.prepared import limited, prepared
from governance.inventory.queries.tree import Head
from governance.inventory.queries.wanted import MATCHES, Wanted, people_conditions, values_of

SIZE = 20
_CURSOR: "list[models.Field[Any, Any]]" = [
    models.BooleanField(),
    models.CharField(),
    models.BigIntegerField(),
]


class Leaf(NamedTuple):
    """One person on one app. `sort_name` is what the people of an app are in order of."""

    app_id: UUID
    collaboration_id: int
    person_id: UUID
    username: str
    email: str
    two_factor: str
    role: str
    status: str
    status_said: str
    since_after: datetime | None
    since_at: datetime
    missing_at: datetime | None
    unsure: bool  # as of an instant: it ended between the readings around it
    is_owner: bool
    sort_name: str
    more: tuple[Any, ...]

    @property
    def name(self) -> str:
        return self.username or self.email


@dataclass(frozen=True, slots=True)
class More:
    """Columns about a person `p` that a floor above knows: constants of code, as SQL."""

    columns: tuple[str, ...] = ()
    join: str = ""


@dataclass(slots=True)
class Branch:
    """A page of the people of one app, its owner first; the cursor of the next page, if any."""

    leaves: list[Leaf] = field(default_factory=list)
    after: str | None = None
    is_first: bool = True


_NAME = "lower(coalesce(nullif(p.username, ''), p.email))"
_BEYOND = """(opened.app_id <> %(within)s
    OR (k.role <> 'owner', {name}, k.id) > (%(at_owner)s, %(at_name)s, %(at_id)s))"""
_LEAVES = """
SELECT page.* FROM unnest(%(apps)s::uuid[], %(named)s::bool[]) opened(app_id, named)
CROSS JOIN LATERAL (
    SELECT k.app_id, k.id, p.id AS person_id, p.username, p.email, {two_factor}, k.role, k.status,
        k.status_said, k.since_after, k.since_at, {missing_at}, {unsure},
        k.role = 'owner' AS is_owner, {name} AS sort_name{columns}
    FROM inventory_collaboration k JOIN inventory_person p ON p.id = k.person_id {join}
    WHERE k.app_id = opened.app_id AND {held} AND {where}
    ORDER BY k.role <> 'owner', sort_name, k.id LIMIT %(limit)s
) page
"""
_OWN = 15  # columns of a Leaf that are not `more`


def branches(
    heads: Sequence[Head],
    wanted: Wanted,
    *,
    within: UUID | None = None,
    after: str | None = None,
    more: More | None = None,
    size: int = SIZE,
) -> dict[UUID, Branch]:
    """The people of the apps in `heads`, by app.

    They take heads, not ids: whoever has a head may see its people. `after` is a cursor inside the
    app `within`; the others, and a cursor that is none, show their first page.
    """
    if not heads:
        return {}
    start = cursors.decode(after, _CURSOR) if within else None
    with prepared() as cursor:
        cursor.execute(
            limited(_sql(wanted, more or More(), start), size + 1),
            {
                **values_of(wanted),
                "apps": [head.id for head in heads],
                "named": [head.named for head in heads],
                "within": within,
                **dict(zip(("at_owner", "at_name", "at_id"), start or (), strict=False)),
            },
        )
        rows = cursor.fetchall()
    found = {head.id: Branch() for head in heads}
    for row in rows:
        found[row[0]].leaves.append(Leaf._make((*row[:_OWN], row[_OWN:])))
    for app, branch in found.items():
        branch.is_first = start is None or app != within
        if len(branch.leaves) > size:
            branch.leaves.pop()
            branch.after = _cursor(branch.leaves[-1])
    return found


def _cursor(leaf: Leaf) -> str:
    return cursors.encode([not leaf.is_owner, leaf.sort_name, leaf.collaboration_id])


def _sql(wanted: Wanted, more: More, start: Sequence[Any] | None) -> str:
    where = [*people_conditions(wanted)]
    if wanted.text:
        where.append(f"(opened.named OR {MATCHES})")
    if start is not None:
        where.append(_BEYOND.format(name=_NAME))
    is_now = wanted.at is None
    return _LEAVES.format(
        name=_NAME,
        two_factor="p.two_factor" if is_now else two_factor_of("p.id", "instant"),
        missing_at="k.missing_at" if is_now else "NULL::timestamptz",
        unsure="false" if is_now else may_have_ended("k", "instant"),
        held=wanted.holds("k"),
        columns="".join(f", {column}" for column in more.columns),
        join=more.join,
        where=" AND ".join(where) or "true",
    )
