"""Which apps a tree shows, and of which people: what is asked for, and its conditions in SQL.

Fragments of code alone; values are parameters.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from governance.inventory.queries.asof import apps, believed, silence, two_factor_of
from governance.inventory.words import SHORTEST, like

if TYPE_CHECKING:
    from governance.accounts.models import User


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


def app_conditions(user: "User", wanted: Wanted) -> list[str]:
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
        found.append(f"{two_factor_of_people(wanted)} = ANY(%(two_factor)s)")
    return found


def two_factor_of_people(wanted: Wanted) -> str:
    """SQL: the 2FA of a person `p`, now or then."""
    return "p.two_factor" if wanted.at is None else two_factor_of("p.id", "instant")


def app_table(wanted: Wanted) -> str:
    """SQL: the table of apps, as they are or as they were."""
    return "inventory_app" if wanted.at is None else apps("instant")


def parameters(user: "User", wanted: Wanted) -> dict[str, Any]:
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


def found_apps(wanted: Wanted) -> str:
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
        apps=app_table(wanted),
        held=wanted.holds("k"),
        pieces="" if is_short else _PERSON_PIECES,
        matches=MATCHES,
        people=people,
    )
