"""How many a list shows and of how many, with what it can be narrowed to.

At most one query. Whether anything happened since the last count is decided inside of it: only then
does the database count again (see `newest.py`), and otherwise it reads a table of one page.
"""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from governance.inventory.queries import asof
from governance.inventory.queries.asof import Around
from governance.inventory.queries.newest import NEWEST, memory
from governance.inventory.queries.prepared import prepared

if TYPE_CHECKING:
    from governance.accounts.models import User


@dataclass(frozen=True, slots=True)
class Project:
    """A project that can be chosen. Two of a name stand in two regions."""

    id: UUID
    name: str
    region: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list is narrowed to, as an address says: it may not exist, or not for everybody."""

    app: str = ""
    project: UUID | None = None
    region: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Everything that one person may see of a list. The same object until something happens."""

    all: int
    projects: tuple[Project, ...]
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers and names over what one person may see."""

    whole: Whole
    shown: int
    project: Project | None  # of the place, also where there are too many to choose from
    app_exists: bool  # of the place
    region_exists: bool
    around: Around = field(default_factory=Around)  # of the instant, where there is one

    @property
    def all(self) -> int:
        return self.whole.all


@dataclass(frozen=True, slots=True)
class Counted:
    """Two statements that count, what is shown and everything, and their parameters by name."""

    shown: str
    all: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer of the database, and what it rests on."""

    newest: str = ""
    answer: Any = None


# What is asked of the whole list, and of what is shown: each only where it has moved.
_TOTALS = """
WITH newest AS MATERIALIZED (SELECT {newest} AS words)
SELECT words, CASE WHEN words <> %(kept_whole)s THEN json_build_object(
    'all', ({all}),
    'projects', (
        SELECT coalesce(json_agg(json_build_array(id, name, region)), '[]') FROM (
            SELECT g.id, g.name, r.name AS region
            FROM inventory_project g JOIN inventory_region r ON r.id = g.region_id
            WHERE EXISTS (SELECT FROM {apps} a WHERE a.project_id = g.id AND {visible})
            ORDER BY g.name, r.name LIMIT 100
        ) projects),
    'regions', (
        SELECT coalesce(json_agg(name), '[]') FROM (
            SELECT r.name FROM inventory_region r
            WHERE EXISTS (SELECT FROM {apps} a WHERE a.region_id = r.id AND {visible})
            ORDER BY r.name
        ) regions)
)::text END, CASE WHEN words <> %(kept_shown)s THEN json_build_object(
    'shown', ({shown}),
    'project', (
        SELECT json_build_array(g.id, g.name, r.name)
        FROM inventory_project g JOIN inventory_region r ON r.id = g.region_id
        WHERE g.id = %(place_project)s::uuid
          AND EXISTS (SELECT FROM {apps} a WHERE a.project_id = g.id AND {visible})),
    'app_exists', EXISTS (
        SELECT FROM {apps} a WHERE a.name = %(place_app)s AND {visible}),
    'region_exists', EXISTS (
        SELECT FROM inventory_region r WHERE r.name = %(place_region)s
          AND EXISTS (SELECT FROM {apps} a WHERE a.region_id = r.id AND {visible}))
)::text END{around}
FROM newest
"""


def totals(
    user: "User",
    whole: str,
    question: Hashable,
    compose: Callable[[], Counted],
    *,
    place: Place | None = None,
    at: datetime | None = None,
    newest: str = "",
) -> Totals:
    """How many, for `user`, in one query: now, or as of `at`, with the readings around it.

    Without a query where `newest`, which somebody read a moment ago, says that nothing has happened
    since it was counted.

    `whole` names the list and `question` what of it is shown; whose it is is added here.
    `compose` is asked once for what to count.
    """
    place = place or Place()
    scope = None if user.sees_everything else tuple(user.projects)
    whole_key, key = (whole, scope, at), (whole, question, scope, place, at)
    statement = memory.recall((key, "statement")) or _compose(user, compose(), place, at)
    kept_whole: _Kept = memory.recall(whole_key) or _Kept()
    kept_shown: _Kept = memory.recall(key) or _Kept()
    if newest and newest == kept_whole.newest == kept_shown.newest:
        return _totals(kept_whole, kept_shown)
    sql, values = statement
    with prepared() as cursor:
        cursor.execute(
            sql, {**values, "kept_whole": kept_whole.newest, "kept_shown": kept_shown.newest}
        )
        newest, of_whole, of_shown, *around = cursor.fetchone()
    memory.keep((key, "statement"), statement)
    if of_whole is not None:
        kept_whole = _Kept(newest, _whole(json.loads(of_whole)))
        memory.keep(whole_key, kept_whole)
    if of_shown is not None:
        kept_shown = _Kept(newest, json.loads(of_shown))
        memory.keep(key, kept_shown)
    return _totals(kept_whole, kept_shown, Around.of(around[0]) if around else None)


def _totals(whole: _Kept, kept: _Kept, around: Around | None = None) -> Totals:
    shown = kept.answer
    return Totals(
        whole.answer,
        shown=shown["shown"],
        project=_project(shown["project"]) if shown["project"] else None,
        app_exists=shown["app_exists"],
        region_exists=shown["region_exists"],
        around=around or Around(),
    )


def counting(rows: "QuerySet[Any, Any]", prefix: str) -> tuple[str, dict[str, Any]]:
    """SQL that counts `rows`, with its parameters by names that start with `prefix`."""
    try:
        sql, values = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "SELECT 0", {}
    names = [f"{prefix}{place}" for place in range(len(values))]
    named = sql.replace("%%", "%%%%") % tuple(f"%({name})s" for name in names)
    return _COUNT.format(named), dict(zip(names, values, strict=True))


_COUNT = "SELECT count(*) FROM ({}) counted"


def _visible(user: "User", at: datetime | None) -> str:
    """Which apps `a` the user may see: SQL for all, or for some, so that each has its own plan.

    Who may see an app of the past is decided by the project that it is in today.
    """
    project = "now_in" if at else "project_id"
    mine = "true" if user.sees_everything else f"a.{project} = ANY(%(visible)s::uuid[])"
    return mine if at else f"a.gone_at IS NULL AND {mine}"


def _compose(
    user: "User", counted: Counted, place: Place, at: datetime | None
) -> tuple[str, dict[str, Any]]:
    sql = _TOTALS.format(
        newest=NEWEST,
        shown=counted.shown,
        all=counted.all,
        visible=_visible(user, at),
        apps=asof.apps("instant") if at else "inventory_app",
        around=f", {asof.around('instant')}" if at else "",
    )
    return sql, {
        **counted.values,
        "everything": user.sees_everything,
        "visible": list(user.projects),
        "place_app": place.app,
        "place_project": place.project,
        "place_region": place.region,
        "instant": at,
        "silence": asof.silence(),
    }


def _whole(found: dict[str, Any]) -> Whole:
    return Whole(
        all=found["all"],
        projects=tuple(_project(row) for row in found["projects"]),
        regions=tuple(found["regions"]),
    )


def _project(row: list[str]) -> Project:
    id_, name, region = row
    return Project(UUID(id_), name, region)
