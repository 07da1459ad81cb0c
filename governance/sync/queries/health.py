"""How healthy reading is: the past 30 days, each scope's freshness, and apps in doubt."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.inventory.models import Scope

DAYS = 30
# Apps in doubt that are named on the page; the others are counted.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Day:
    """The runs of one day in the installation's time zone."""

    day: date
    complete: int
    partial: int
    failed: int

    @property
    def runs(self) -> int:
        return self.complete + self.partial + self.failed

    @property
    def tone(self) -> str:
        """`ok` when all were complete, `bad` when none was, `warn` between, `none` without any."""
        if not self.runs:
            return "none"
        if self.complete == self.runs:
            return "ok"
        return "bad" if self.failed == self.runs else "warn"


@dataclass(frozen=True, slots=True)
class Reading:
    """What requests of one kind read in one region of one connection."""

    connection: str
    region: str
    kind: str
    scopes: int
    stale: int
    unread: int
    until: datetime | None  # the oldest of their readings
    since: datetime | None  # how long they have been read without a gap
    stale_since: datetime | None
    detail: str
    one_by_one_since: datetime | None

    @property
    def what(self) -> str:
        return str(Scope.Kind(self.kind).label)


# In the order in which they are read.
KINDS = (Scope.Kind.APPS, Scope.Kind.COLLABORATORS, Scope.Kind.APP, Scope.Kind.DATABASES)


@dataclass(frozen=True, slots=True)
class Place:
    """One region of one connection, with what is read there: one for each of `KINDS`, or None."""

    connection: str
    region: str
    readings: list[Reading | None]

    @property
    def since(self) -> datetime | None:
        """Since when all of it has been read without a gap; None while something is unread."""
        there = [reading.since for reading in self.readings if reading]
        return max((since for since in there if since), default=None) if all(there) else None


@dataclass(frozen=True, slots=True)
class Doubt:
    """An app that keeps what was known of it, because a reading could not be believed."""

    app_id: UUID
    app: str
    since: datetime
    reason: str

    @property
    def sentence(self) -> str:
        """What it means, in words."""
        known = {
            "not_listed": _(
                "Scalingo no longer lists it. It is gone when Scalingo has said three times over"
                " a day that there is no such app."
            ),
            "read_otherwise": _("It is read in another way now, and was not yet read so."),
            "missing": _(
                "Somebody was missing in one reading. A second reading, or a person, decides."
            ),
            "not_understood": _("Its rows could not be understood, so they were left out."),
        }
        return known.get(self.reason, _("Its rows could not be believed, so it stays as it was."))


@dataclass(frozen=True, slots=True)
class Health:
    """All of it, over what one person may see."""

    days: list[Day]
    places: list[Place]
    doubts: list[Doubt]
    doubtful: int  # how many apps are in doubt, those not in `doubts` included


_QUERY = """
WITH seen AS (
    SELECT id, name, scope_id, stale_since, stale_reason, suspect_since FROM inventory_app
    WHERE gone_at IS NULL AND (%(everything)s OR project_id = ANY(%(projects)s::uuid[]))
), mine AS (
    SELECT DISTINCT scope.connection_id, scope.region_id
    FROM inventory_scope scope WHERE scope.id IN (SELECT scope_id FROM seen)
), missing AS (
    SELECT app_id, min(missing_at) AS since FROM inventory_collaboration
    WHERE missing_at IS NOT NULL AND ended_at IS NULL GROUP BY app_id
), doubts AS (
    SELECT id AS app_id, name AS app, coalesce(stale_since, suspect_since, missing.since) AS since,
           CASE WHEN stale_since IS NOT NULL THEN stale_reason
                WHEN suspect_since IS NOT NULL THEN 'not_listed' ELSE 'missing' END AS reason
    FROM seen LEFT JOIN missing ON missing.app_id = seen.id
    WHERE stale_since IS NOT NULL OR suspect_since IS NOT NULL OR missing.since IS NOT NULL
), readings AS (
    SELECT coalesce(connections.name, '') AS connection, region.name AS region, scope.kind,
           count(*) AS scopes, count(scope.stale_since) AS stale,
           count(*) FILTER (WHERE coverage.until IS NULL) AS unread,
           min(coverage.until) AS until, max(coverage.since) AS since,
           min(scope.stale_since) AS stale_since, coalesce(max(scope.stale_detail), '') AS detail,
           min(scope.one_by_one_since) AS one_by_one_since
    FROM inventory_scope scope
    JOIN inventory_region region ON region.id = scope.region_id
    LEFT JOIN inventory_coverage coverage ON coverage.scope_id = scope.id AND coverage.latest
    LEFT JOIN connections_connection connections ON connections.id = scope.connection_id
    WHERE scope.retired_at IS NULL AND (
        %(everything)s
        OR scope.id IN (SELECT scope_id FROM seen)
        OR (scope.kind IN ('apps', 'databases')
            AND (scope.connection_id, scope.region_id) IN (SELECT * FROM mine)))
    GROUP BY 1, 2, 3
), days AS (
    SELECT (requested_at AT TIME ZONE %(zone)s)::date AS day,
           count(*) FILTER (WHERE state = 'complete') AS complete,
           count(*) FILTER (WHERE state = 'partial') AS partial,
           count(*) FILTER (WHERE state = 'failed') AS failed
    FROM sync_run
    WHERE requested_at >= %(start)s AND state IN ('complete', 'partial', 'failed')
      AND trigger <> 'change'
    GROUP BY 1
)
SELECT (SELECT coalesce(json_agg(days), '[]') FROM days),
       (SELECT coalesce(json_agg(readings ORDER BY connection, region), '[]') FROM readings),
       (SELECT coalesce(json_agg(named), '[]') FROM (
            SELECT * FROM doubts ORDER BY since, app LIMIT %(named)s) named),
       (SELECT count(*) FROM doubts)
"""


def read_health(user: User, *, at: datetime) -> Health:
    """What `user` may see of it, the last 30 days up to `at` included, in one query."""
    today = timezone.localdate(at)
    first = today - timedelta(days=DAYS - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            _QUERY,
            {
                "everything": user.sees_everything,
                "projects": list(user.projects),
                "zone": timezone.get_current_timezone_name(),
                "start": at - timedelta(days=DAYS),
                "named": NAMED,
            },
        )
        days, readings, doubts, doubtful = cursor.fetchone()
    by_day = {row.pop("day"): row for row in days}
    nothing = {"complete": 0, "partial": 0, "failed": 0}
    month = [first + timedelta(days=number) for number in range(DAYS)]
    return Health(
        days=[Day(day=day, **by_day.get(day.isoformat(), nothing)) for day in month],
        places=_places([_reading(row) for row in readings]),
        doubts=[
            Doubt(
                UUID(row["app_id"]),
                row["app"],
                datetime.fromisoformat(row["since"]),
                row["reason"],
            )
            for row in doubts
        ],
        doubtful=doubtful,
    )


def _places(readings: list[Reading]) -> list[Place]:
    found: dict[tuple[str, str], dict[str, Reading]] = {}
    for reading in readings:
        found.setdefault((reading.connection, reading.region), {})[reading.kind] = reading
    return [
        Place(connection, region, [by_kind.get(kind) for kind in KINDS])
        for (connection, region), by_kind in found.items()
    ]


def _reading(row: dict[str, Any]) -> Reading:
    for name in ("until", "since", "stale_since", "one_by_one_since"):
        row[name] = datetime.fromisoformat(row[name]) if row[name] else None
    return Reading(**row)
