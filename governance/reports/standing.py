"""What a report rests on: which apps were expected, which were read, how old that is.

An app counts as read at an instant where the inventory knows what was there (`asof.Knowledge`):
inside an unbroken run of readings, or so shortly after the last that nothing is in doubt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.inventory.queries import asof
from governance.reports.registers.base import Asked, Reader


@dataclass(frozen=True, slots=True)
class InRegion:
    """Apps of one region: expected, read and not; `as_of` is the oldest reading it rests on."""

    region: str
    expected: int
    read: int
    as_of: datetime | None

    @property
    def failed(self) -> int:
        return self.expected - self.read


@dataclass(frozen=True, slots=True)
class Standing:
    """Coverage at the instant of a report, region by region."""

    regions: Sequence[InRegion]

    @property
    def expected(self) -> int:
        return sum(region.expected for region in self.regions)

    @property
    def read(self) -> int:
        return sum(region.read for region in self.regions)

    @property
    def failed(self) -> int:
        return self.expected - self.read

    @property
    def is_complete(self) -> bool:
        """Whether something was read, and nothing of it failed."""
        return self.expected > 0 and self.failed == 0

    def why_partial(self) -> list[str]:
        if not self.expected:
            return [_("No app was known at that time: nothing had been read.")]
        if not self.failed:
            return []
        return [
            ngettext(
                "%(failed)d of %(expected)d apps was not read around that time (%(regions)s).",
                "%(failed)d of %(expected)d apps were not read around that time (%(regions)s).",
                self.failed,
            )
            % {
                "failed": self.failed,
                "expected": self.expected,
                "regions": ", ".join(
                    f"{one.region} {one.failed}" for one in self.regions if one.failed
                ),
            }
        ]


def known_sql(around: str = "around", at: str = "at") -> str:
    """The word of `asof.Readings.knowledge` for a row of `readings_sql`; `silence` is a value."""
    return f"""CASE
        WHEN {around}.last IS NULL THEN 'unknown'
        WHEN {around}.is_inside THEN 'known'
        WHEN {around}.next IS NULL THEN CASE
            WHEN {around}.is_stale OR %({at})s - {around}.last > %(silence)s THEN 'unknown'
            ELSE 'known' END
        WHEN {around}.next - {around}.last > %(silence)s THEN 'not_read_between'
        ELSE 'known' END"""


def as_of_sql(around: str = "around", at: str = "at") -> str:
    """Until when it is known what was on the app: inside of unbroken readings, the instant."""
    return f"CASE WHEN {around}.is_inside THEN %({at})s ELSE {around}.last END"


def apps_sql(asked: Asked) -> str:
    """The apps that were there and may be seen, as a table to put in a FROM."""
    # Who may see an app is decided by the project it is in today.
    seen = "project_id" if asked.is_now else "now_in"
    conditions = [
        *(["a.gone_at IS NULL"] if asked.is_now else []),
        *([] if asked.everything else [f"a.{seen} = ANY(%(projects)s::uuid[])"]),
    ]
    table = "inventory_app" if asked.is_now else asof.apps()
    return f"(SELECT a.* FROM {table} a WHERE {' AND '.join(conditions) or 'true'})"  # noqa: S608


def readings_sql(app: str, asked: Asked) -> str:
    """A LATERAL subquery with last, next, is_inside and is_stale of the app `app`."""
    if not asked.is_now:
        return asof.readings(app)
    # The latest run says all: what came after it failed, or there was nothing.
    return f"""(
        SELECT now_run.until AS last, NULL::timestamptz AS next, false AS is_inside,
            {app}.stale_since IS NOT NULL OR now_scope.stale_since IS NOT NULL AS is_stale
        FROM (VALUES (1)) one
        LEFT JOIN inventory_scope now_scope ON now_scope.id = {app}.scope_id
        LEFT JOIN inventory_coverage now_run ON now_run.scope_id = now_scope.id AND now_run.latest
        )"""  # noqa: S608


def standing(asked: Asked, reader: Reader) -> Standing:
    """Coverage at `asked.at`, over the apps that whoever asks may see."""
    sql = f"""
        SELECT r.name, count(*), count(*) FILTER (WHERE found.known = 'known'), min(found.as_of)
        FROM (
            SELECT a.region_id, {as_of_sql()} AS as_of, {known_sql()} AS known
            FROM {apps_sql(asked)} a CROSS JOIN LATERAL {readings_sql("a", asked)} around
        ) found
        JOIN inventory_region r ON r.id = found.region_id GROUP BY r.name ORDER BY r.name
    """  # noqa: S608  Constants of code; values are parameters.
    return Standing([InRegion(*row) for row in reader.rows(sql, values(asked))])


def values(asked: Asked) -> Mapping[str, Any]:
    """The parameters of every statement here."""
    return {
        **asked.values,
        "silence": asof.silence(),
        "company_domains": sorted(settings.COMPANY_DOMAINS),
    }
