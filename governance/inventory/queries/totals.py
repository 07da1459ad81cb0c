"""How many a list shows and of how many, with the projects and regions that it can be narrowed to.

One query, and the only one of a list whose price grows with the inventory: see `newest.py`.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

if TYPE_CHECKING:
    from governance.accounts.models import User


@dataclass(frozen=True, slots=True)
class Project:
    """A project that can be chosen. Two of a name stand in two regions."""

    id: UUID
    name: str
    region: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers over what one person may see."""

    shown: int
    all: int
    projects: tuple[Project, ...]
    regions: tuple[str, ...]
    project: Project | None = None  # that which was asked for, also beyond the first


_TOTALS = """
SELECT ({shown}), ({all}), (
    SELECT coalesce(json_agg(json_build_array(id, name, region)), '[]') FROM (
        SELECT g.id, g.name, r.name AS region
        FROM inventory_project g JOIN inventory_region r ON r.id = g.region_id
        WHERE EXISTS (
            SELECT FROM inventory_app a
            WHERE a.project_id = g.id AND a.gone_at IS NULL AND {visible})
        ORDER BY g.name, r.name LIMIT 500
    ) projects
), (
    SELECT coalesce(json_agg(name), '[]') FROM (
        SELECT r.name FROM inventory_region r
        WHERE EXISTS (
            SELECT FROM inventory_app a
            WHERE a.region_id = r.id AND a.gone_at IS NULL AND {visible})
        ORDER BY r.name
    ) regions
), (
    SELECT json_build_array(g.id, g.name, r.name)
    FROM inventory_project g JOIN inventory_region r ON r.id = g.region_id
    WHERE g.id = %(project)s AND EXISTS (
        SELECT FROM inventory_app a
        WHERE a.project_id = g.id AND a.gone_at IS NULL AND {visible})
)
"""


def totals(
    user: "User",
    shown: str,
    everything: str,
    values: dict[str, Any],
    *,
    project: UUID | None = None,
) -> Totals:
    """What the two statements count, in one query with what a list can be narrowed to."""
    visible = "true" if user.sees_everything else "a.project_id = ANY(%(visible)s::uuid[])"
    sql = _TOTALS.format(shown=shown, all=everything, visible=visible)
    with connection.cursor() as cursor:
        cursor.execute(sql, {**values, "visible": list(user.projects), "project": project})
        number, of, projects, regions, asked = cursor.fetchone()
    return Totals(
        number,
        of,
        tuple(_project(row) for row in _json(projects)),
        tuple(_json(regions)),
        _project(_json(asked)) if asked else None,
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


def _project(row: list[str]) -> Project:
    id_, name, region = row
    return Project(UUID(id_), name, region)


def _json(value: Any) -> list[Any]:
    found: list[Any] = json.loads(value) if isinstance(value, str) else value
    return found
