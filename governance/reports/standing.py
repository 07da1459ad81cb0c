"""What a report rests on: which apps were expected, which were read, how old that is.

An app counts as read at an instant where the inventory knows what was there (`asof.Knowledge`):
inside an unbroken run of readings, or so shortly after the last that nothing is in doubt.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.inventory.models import Scope
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
class NotRead:
    """What of an account and a region had not been read around the instant; `since` when.

    `kinds` are those of `Scope`. Without a name of the connection for whoever may see some projects
    alone.
    """

    region: str
    connection: str
    since: datetime
    kinds: Sequence[str]

    def __str__(self) -> str:
        return _("%(what)s of %(connection)s in %(region)s: not read since %(since)s.") % {
            "what": ", ".join(str(Scope.Kind(kind).label) for kind in self.kinds),
            "connection": self.connection or _("a connection"),
            "region": self.region,
            "since": f"{self.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """Coverage at the instant of a report, region by region; and what could hide more from it.

    Apps that are known are counted. What a listing that was not read would have told is not among
    them: a new app, or a whole account.
    """

    regions: Sequence[InRegion]
    not_read: Sequence[NotRead] = ()
    # The same by the connection that reads the apps; none for what nothing reads any more.
    connections: Sequence[tuple[str, InRegion]] = ()

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
        return not self.why_partial()

    def why_partial(self) -> list[str]:
        """Sentences; none where everything was read."""
        return [*self._of_apps(), *map(str, self.not_read)]

    def _of_apps(self) -> list[str]:
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


def apps_sql(asked: Asked, *, begun: bool = False) -> str:
    """The apps that were there and may be seen, as a table to put in a FROM.

    Of the past, with `begun`, also those that may have been there already (`was_there` is false).
    """
    # Who may see an app is decided by the project it is in today.
    seen = "project_id" if asked.is_now else "now_in"
    conditions = [
        *(["a.gone_at IS NULL"] if asked.is_now else []),
        *([] if asked.everything else [f"a.{seen} = ANY(%(projects)s::uuid[])"]),
    ]
    table = "inventory_app" if asked.is_now else asof.apps(begun=begun)
    return f"(SELECT a.* FROM {table} a WHERE {' AND '.join(conditions) or 'true'})"  # noqa: S608


def readings_sql(app: str, asked: Asked) -> str:
    """A LATERAL subquery with last, next, is_inside and is_stale of the app `app`."""
    if not asked.is_now:
        return asof.readings(app)
    # The latest run says all: what came after it failed, or there was nothing.
    return f"""(
        SELECT now_run.until AS last, NULL::timestamptz AS next, false AS is_inside,
            {app}.stale_since IS NOT NULL OR {app}.suspect_since IS NOT NULL
                OR now_scope.stale_since IS NOT NULL AS is_stale
        FROM (VALUES (1)) one
        LEFT JOIN inventory_scope now_scope ON now_scope.id = {app}.scope_id
        LEFT JOIN inventory_coverage now_run ON now_run.scope_id = now_scope.id AND now_run.latest
        )"""  # noqa: S608


def standing(asked: Asked, reader: Reader) -> Standing:
    """Coverage at `asked.at`, over the apps that whoever asks may see, and over what lists them."""
    sql = f"""
        SELECT CASE WHEN %(everything)s THEN coalesce(c.name, '') ELSE '' END, r.name, count(*),
            count(*) FILTER (WHERE found.known = 'known'), min(found.as_of)
        FROM (
            SELECT a.region_id, a.scope_id, {as_of_sql()} AS as_of, {known_sql()} AS known
            FROM {apps_sql(asked)} a CROSS JOIN LATERAL {readings_sql("a", asked)} around
        ) found
        JOIN inventory_region r ON r.id = found.region_id
        LEFT JOIN inventory_scope s ON s.id = found.scope_id
        LEFT JOIN connections_connection c ON c.id = s.connection_id
        GROUP BY 1, 2 ORDER BY 2, 1
    """  # noqa: S608  Constants of code; values are parameters.
    connections = [(name, InRegion(*found)) for name, *found in reader.rows(sql, values(asked))]
    return Standing(
        _by_region(found for _name, found in connections),
        [NotRead(*row) for row in reader.rows(_NOT_READ, values(asked))],
        connections,
    )


def _by_region(found: Iterable[InRegion]) -> list[InRegion]:
    """Of each region the sums, and the oldest reading."""
    regions: dict[str, InRegion] = {}
    for one in found:
        sum_ = regions.get(one.region, InRegion(one.region, 0, 0, None))
        instants = [at for at in (sum_.as_of, one.as_of) if at]
        regions[one.region] = InRegion(
            one.region,
            sum_.expected + one.expected,
            sum_.read + one.read,
            min(instants, default=None),
        )
    return list(regions.values())


def why_partial_since(asked: Asked, reader: Reader) -> list[str]:
    """For `Report.incomplete` of what lies between two instants: the first was read, too."""
    if asked.since is None:
        return []
    before = replace(asked, at=asked.since, is_now=False)
    return [
        _("At the beginning: %(why)s") % {"why": why}
        for why in standing(before, reader).why_partial()
    ]


# Runs of one scope follow each other: the last that began by then, and the first after it.
SCOPES = """
inventory_scope s
JOIN inventory_region r ON r.id = s.region_id
LEFT JOIN connections_connection c ON c.id = s.connection_id
LEFT JOIN LATERAL (
    SELECT since, until, readings FROM inventory_coverage
    WHERE scope_id = s.id AND since <= %(at)s ORDER BY since DESC LIMIT 1
) run ON true
LEFT JOIN LATERAL (
    SELECT since FROM inventory_coverage
    WHERE scope_id = s.id AND since > %(at)s ORDER BY since LIMIT 1
) later ON true"""
# One that was read by then or had failed, and is not given up.
IS_SCOPE_THEN = """(run.since IS NOT NULL OR s.stale_since <= %(at)s)
    AND (s.retired_at IS NULL OR s.retired_at > %(at)s)"""
# Failing since: as the scope says today, where that had begun; else since the last reading, where
# none came soon enough after it.
FAILING_SINCE = """CASE WHEN s.stale_since <= %(at)s AND later.since IS NULL THEN s.stale_since
    WHEN run.until < %(at)s AND coalesce(later.since - run.until, %(at)s - run.until) > %(silence)s
    THEN run.until END"""
# What reads one app alone is left out: that app is counted. Projects are in one region each.
_NOT_READ = f"""
SELECT r.name, CASE WHEN %(everything)s THEN coalesce(c.name, '') ELSE '' END,
    {FAILING_SINCE} AS since, array_agg(s.kind ORDER BY s.kind)
FROM {SCOPES}
WHERE {IS_SCOPE_THEN} AND s.kind <> 'app' AND {FAILING_SINCE} IS NOT NULL
    AND (%(everything)s OR EXISTS (SELECT FROM inventory_project mine
        WHERE mine.region_id = r.id AND mine.id = ANY(%(projects)s::uuid[])))
GROUP BY r.name, 2, 3, s.connection_id ORDER BY 1, 2, 3, s.connection_id"""  # noqa: S608  Constants of code.


def values(asked: Asked) -> Mapping[str, Any]:
    """The parameters of every statement here."""
    return {
        **asked.values,
        "silence": asof.silence(),
        "company_domains": sorted(settings.COMPANY_DOMAINS),
    }
