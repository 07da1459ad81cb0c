"""The numbers of the overview, over what one person may see, in one query."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.inventory.queries.people import ages


@dataclass(frozen=True, slots=True)
class Reach:
    """How far our reading goes in one region of one connection."""

    connection: str
    region: str
    apps: int
    read: int
    until: datetime | None  # the oldest of its readings; None while never read
    stale_since: datetime | None
    stale_detail: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Who has access today. People count once, whatever the number of their apps."""

    apps: int
    databases: int
    regions: int
    people: int
    two_factor_on: int
    two_factor_off: int
    two_factor_unknown: int
    privileged: int  # owner or full collaborator of at least one app, invitation accepted
    privileged_off: int  # of those: without 2FA
    pending: int  # invitations: a person invited to three apps counts three times
    pending_people: int
    pending_week: int  # of the invitations: at most a week old
    pending_week_people: int
    pending_month: int  # older than a week, at most a month
    pending_month_people: int
    pending_old: int  # older than a month
    pending_old_people: int
    pending_oldest_at: datetime | None
    reaches: list[Reach]

    @property
    def pending_ages(self) -> list[tuple[str, str, int, int]]:
        """The filter of each age on the list of people, its words, invitations and people."""
        return [
            ("week", _("up to a week"), self.pending_week, self.pending_week_people),
            ("month", _("up to a month"), self.pending_month, self.pending_month_people),
            ("older", _("longer"), self.pending_old, self.pending_old_people),
        ]


_QUERY = """
WITH seen AS (
    SELECT id, kind, region_id, scope_id, stale_since FROM inventory_app
    WHERE gone_at IS NULL AND (%(everything)s OR project_id = ANY(%(projects)s::uuid[]))
), live AS (
    SELECT person_id, role, status, since_at FROM inventory_collaboration
    WHERE ended_at IS NULL AND (%(everything)s OR app_id IN (SELECT id FROM seen))
), people AS (
    SELECT person.id, person.two_factor, access.privileged
    FROM (
        SELECT person_id,
               bool_or(status = 'accepted' AND role IN ('owner', 'collaborator')) AS privileged
        FROM live GROUP BY person_id
    ) access JOIN inventory_person person ON person.id = access.person_id
), by_person AS (
    SELECT count(*) AS people,
           count(*) FILTER (WHERE two_factor = 'on') AS two_factor_on,
           count(*) FILTER (WHERE two_factor = 'off') AS two_factor_off,
           count(*) FILTER (WHERE two_factor NOT IN ('on', 'off')) AS two_factor_unknown,
           count(*) FILTER (WHERE privileged) AS privileged,
           count(*) FILTER (WHERE privileged AND two_factor = 'off') AS privileged_off
    FROM people
), invited AS (
    SELECT count(*), count(DISTINCT person_id),
           count(*) FILTER (WHERE age = 'week'),
           count(DISTINCT person_id) FILTER (WHERE age = 'week'),
           count(*) FILTER (WHERE age = 'month'),
           count(DISTINCT person_id) FILTER (WHERE age = 'month'),
           count(*) FILTER (WHERE age = 'older'),
           count(DISTINCT person_id) FILTER (WHERE age = 'older'),
           min(since_at)
    FROM (
        SELECT person_id, since_at, CASE WHEN since_at > %(week)s THEN 'week'
            WHEN since_at > %(month)s THEN 'month' ELSE 'older' END AS age
        FROM live WHERE status = 'pending'
    ) pending
), by_app AS (
    SELECT count(*) FILTER (WHERE kind = 'app') AS apps,
           count(*) FILTER (WHERE kind = 'database') AS databases,
           count(DISTINCT region_id) AS regions
    FROM seen
), by_scope AS (
    SELECT scope_id, region_id, count(*) AS apps,
           count(*) FILTER (WHERE stale_since IS NULL) AS believed
    FROM seen GROUP BY scope_id, region_id
), reached AS (
    SELECT coalesce(connections.name, '') AS connection, region.name AS region,
           sum(by_scope.apps) AS apps,
           coalesce(sum(by_scope.believed) FILTER (
               WHERE coverage.until IS NOT NULL AND scope.stale_since IS NULL), 0) AS read,
           min(coverage.until) AS until, min(scope.stale_since) AS stale_since,
           coalesce(max(scope.stale_detail), '') AS stale_detail
    FROM by_scope
    JOIN inventory_region region ON region.id = by_scope.region_id
    LEFT JOIN inventory_scope scope ON scope.id = by_scope.scope_id
    LEFT JOIN inventory_coverage coverage ON coverage.scope_id = scope.id AND coverage.latest
    LEFT JOIN connections_connection connections ON connections.id = scope.connection_id
    GROUP BY 1, 2 ORDER BY 1, 2
)
SELECT by_app.*, by_person.*, invited.*,
       (SELECT coalesce(json_agg(reached), '[]') FROM reached)
FROM by_app, by_person, invited
"""


def read_figures(user: User, *, at: datetime) -> Figures:
    """What `user` may see, as known at `at`, which is now: ages of invitations count from it."""
    week, month = ages(at)
    with connection.cursor() as cursor:
        cursor.execute(
            _QUERY,
            {
                "everything": user.sees_everything,
                "projects": list[UUID](user.projects),
                "week": week,
                "month": month,
            },
        )
        row = list(cursor.fetchone())
    row[-1] = [_reach(**reach) for reach in row[-1]]
    return Figures(*row)


def _reach(until: str | None, stale_since: str | None, **rest: object) -> Reach:
    return Reach(until=_moment(until), stale_since=_moment(stale_since), **rest)  # type: ignore[arg-type]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
