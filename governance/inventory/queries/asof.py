"""Who was where at an instant, and how far that is known.

A period has two-sided edges. At an instant it is *there*, or *may have ended* or *may have begun*:
the instant lies between two readings that differ. What is counted as being there is what the last
reading before the instant had: `started_at <= instant < ended_at`. An end that is the instant of
the next start of the same collaborator is one change, so exactly one row of the two counts.

The functions that give SQL take the alias of a row with edges (`inventory_collaboration`,
`inventory_appperiod`, `inventory_twofactorperiod`) and the name of the parameter that carries the
instant. They are fragments of code: values never go into them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import JSONField, OuterRef, QuerySet, Subquery, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from governance.inventory.models import (
    App,
    AppPeriod,
    Coverage,
    Scope,
    TwoFactor,
    TwoFactorPeriod,
)
from governance.inventory.queries.prepared import prepared

# --- pieces of SQL --------------------------------------------------------------------------------

_BELIEVED = (
    "({row}.started_at <= %({at})s AND ({row}.ended_at IS NULL OR {row}.ended_at > %({at})s))"
)
_THERE = (
    "({row}.started_at <= %({at})s AND ({row}.ended_at IS NULL OR {row}.ended_after >= %({at})s))"
)
_MAY_HAVE_ENDED = """({row}.started_at <= %({at})s AND {row}.ended_at > %({at})s
    AND coalesce({row}.ended_after, '-infinity') < %({at})s)"""
_MAY_HAVE_BEGUN = """({row}.started_at > %({at})s
    AND coalesce({row}.started_after, '-infinity') < %({at})s)"""
_DOUBTED = """({ended} OR ({row}.missing_at IS NOT NULL
    AND coalesce({row}.missing_after, '-infinity') < %({at})s))"""
_MAY_HAVE_JOINED = """({begun} AND NOT EXISTS (
    SELECT FROM inventory_collaboration earlier
    WHERE earlier.app_id = {row}.app_id AND earlier.collaborator_id = {row}.collaborator_id
      AND earlier.person_id = {row}.person_id AND earlier.ended_at = {row}.started_at))"""
_TWO_FACTOR = """coalesce((
    SELECT then_2fa.value FROM inventory_twofactorperiod then_2fa
    WHERE then_2fa.person_id = {person} AND {believed}
    ORDER BY then_2fa.started_at DESC LIMIT 1), 'unknown')"""
_APPS = """(
    SELECT app.id, then_app.name, then_app.project_id, app.project_id AS now_in, app.region_id,
        app.scalingo_id, app.kind, app.parent_name, app.health_data, app.scope_id,
        least(app.stale_since, app.suspect_since) AS stale_since, app.first_seen_at,
        then_app.started_at <= %({at})s AS was_there
    FROM inventory_appperiod then_app JOIN inventory_app app ON app.id = then_app.app_id
    WHERE {believed})"""
# A listing had not named it yet, and the next did. What was there when first read had no listing
# before: nothing was known of any app then.
_APPS_BEGUN = """({believed} OR ({begun} AND then_app.started_after IS NOT NULL
    AND NOT EXISTS (SELECT FROM inventory_appperiod earlier WHERE earlier.app_id = then_app.app_id
        AND earlier.ended_at = then_app.started_at)))"""


_APPS_EVER = """(
    SELECT app.id, coalesce(then_app.name, app.name) AS name,
        CASE WHEN then_app.id IS NULL THEN app.project_id ELSE then_app.project_id END
            AS project_id,
        app.project_id AS now_in, app.region_id, app.scalingo_id, app.kind, app.parent_name,
        app.health_data, app.scope_id, app.stale_since, app.gone_at, app.first_seen_at
    FROM inventory_app app LEFT JOIN inventory_appperiod then_app
        ON then_app.app_id = app.id AND {believed})"""


def believed(row: str, at: str = "at") -> str:
    """What lists and counts take as being there: the last reading before the instant had it."""
    return _BELIEVED.format(row=row, at=at)


def there(row: str, at: str = "at") -> str:
    """Surely there: the readings on both sides of the instant had it, or it never ended."""
    return _THERE.format(row=row, at=at)


def may_have_ended(row: str, at: str = "at") -> str:
    """The last reading before the instant had it, the next has not. It is believed there."""
    return _MAY_HAVE_ENDED.format(row=row, at=at)


def may_have_begun(row: str, at: str = "at") -> str:
    """The next reading after the instant has it, the last had not. It is not believed there."""
    return _MAY_HAVE_BEGUN.format(row=row, at=at)


def doubted(row: str, at: str = "at") -> str:
    """Believed there, and the next reading has it not: it ended, or its end waits for a person.

    For collaborations alone.
    """
    return _DOUBTED.format(ended=may_have_ended(row, at), row=row, at=at)


def may_have_joined(row: str, at: str = "at") -> str:
    """It may have begun, and nothing of theirs was there before. For collaborations alone."""
    return _MAY_HAVE_JOINED.format(begun=may_have_begun(row, at), row=row)


def two_factor_of(person: str, at: str = "at") -> str:
    """2FA of the person whose id the SQL `person` is, as believed at the instant; else unknown."""
    return _TWO_FACTOR.format(person=person, believed=believed("then_2fa", at))


def apps(at: str = "at", *, begun: bool = False) -> str:
    """A table in place of `inventory_app`: the apps that were there, as they were called.

    `name` and `project_id` are of the instant; `now_in` is the project of today, by which it is
    decided who may see the app. With `begun` also those that may have been there already, as they
    were called when they were first seen; `was_there` tells them apart.
    """
    there = believed("then_app", at)
    if begun:
        there = _APPS_BEGUN.format(believed=there, begun=may_have_begun("then_app", at))
    return _APPS.format(believed=there, at=at)


def apps_ever(at: str = "at") -> str:
    """The same, with those that were not there: as they are called today, or were last."""
    return _APPS_EVER.format(believed=believed("then_app", at))


def readings(app: str, at: str = "at", *, but: str = "false") -> str:
    """A LATERAL subquery with the columns of `Readings` for the row `app` of an app.

    Where the SQL `but` is true, of the place where it is read, whether or not it was in it yet.
    """
    floor = _FLOOR.format(app=app, but=but)
    runs = _RUNS.format(scope="read_in.id", floor=floor, at=at)
    return _READINGS.format(app=app, at=at, runs=runs)


_READINGS = """(
    SELECT CASE WHEN {app}.stale_since < %({at})s THEN least(max(run.last), {app}.stale_since)
            ELSE max(run.last) END AS last,
        CASE WHEN {app}.stale_since < %({at})s THEN NULL ELSE min(run.next) END AS next,
        coalesce(bool_or(run.is_inside), false)
            AND ({app}.stale_since < %({at})s) IS NOT TRUE AS is_inside,
        coalesce({app}.stale_since < %({at})s, false)
            OR coalesce(bool_or(read_in.stale_since < %({at})s OR read_in.retired_at < %({at})s)
                FILTER (WHERE read_in.id = {app}.scope_id), false) AS is_stale
    FROM inventory_scope read_in CROSS JOIN LATERAL {runs} run
    WHERE read_in.id = {app}.scope_id
        OR (read_in.kind = 'app' AND read_in.region_id = {app}.region_id
            AND read_in.app_scalingo_id = {app}.scalingo_id))"""
# A listing of an account's apps says nothing of an app before that account owned it.
_FLOOR = """(CASE WHEN {but} THEN timestamptz '-infinity'
    WHEN read_in.kind = 'app' THEN {app}.first_seen_at ELSE greatest(
    {app}.first_seen_at, (
        SELECT owned.started_at FROM inventory_collaboration owned
        WHERE owned.app_id = {app}.id AND owned.collaborator_id = 'owner'
          AND owned.ended_at IS NULL)) END)"""
# Runs of one scope follow each other, so the one that ends last before the instant and the one
# that ends first after it are all there is to look at: a step in an index each.
_RUNS = """(
    SELECT coalesce(CASE WHEN later.since <= %({at})s THEN later.since END, earlier.until) AS last,
        CASE WHEN later.since <= %({at})s THEN later.until ELSE later.since END AS next,
        coalesce(later.since <= %({at})s, false) AS is_inside
    FROM (VALUES (1)) one
    LEFT JOIN LATERAL (
        SELECT until FROM inventory_coverage
        WHERE scope_id = {scope} AND until < %({at})s AND until >= {floor}
        ORDER BY until DESC LIMIT 1
    ) earlier ON true
    LEFT JOIN LATERAL (
        SELECT greatest(since, {floor}) AS since, until FROM inventory_coverage
        WHERE scope_id = {scope} AND until >= %({at})s AND until >= {floor}
        ORDER BY until LIMIT 1
    ) later ON true)"""


def readings_of_scope(scope: str, at: str = "at") -> str:
    """The same for the row `scope` of a scope, but for `is_stale`."""
    return _RUNS.format(scope=f"{scope}.id", floor="timestamptz '-infinity'", at=at)


def around(at: str = "at") -> str:
    """A column with what `Around.of` takes: how the places where apps are read were read.

    Of the places of the apps that the parameters `everything` and `visible` (projects) speak of.
    `silence` is a parameter too.
    """
    runs = _RUNS.format(scope="read_in.id", floor="timestamptz '-infinity'", at=at)
    return _AROUND.format(at=at, runs=runs)


# A place that was not read yet has nothing to say of an instant before.
_AROUND = """(
    SELECT json_build_object('last', max(last), 'next', min(next), 'places', count(*),
        'doubts', coalesce(json_agg(json_build_array(id, last, next, next IS NULL))
            FILTER (WHERE NOT is_inside
                AND (late OR coalesce(next, %({at})s) - last > %(silence)s)), '[]'))::text
    FROM (
        SELECT read_in.id, run.*,
            run.next IS NULL AND coalesce(read_in.stale_since < %({at})s, false) AS late
        FROM inventory_scope read_in CROSS JOIN LATERAL {runs} run
        WHERE run.last IS NOT NULL AND EXISTS (
            SELECT FROM inventory_app a WHERE a.scope_id = read_in.id
              AND (%(everything)s OR a.project_id = ANY(%(visible)s::uuid[])))
    ) places)"""


# --- values ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """When a question is asked of: now, or an instant of the past."""

    at: datetime
    is_now: bool = True

    def holds(self, row: str, at: str = "at") -> str:
        """SQL: whether `row` counts as being there. For now it is what the indexes are made of."""
        return f"{row}.ended_at IS NULL" if self.is_now else believed(row, at)


class Knowledge(StrEnum):
    """How far something is known at an instant."""

    KNOWN = "known"
    NOT_READ_BETWEEN = "not_read_between"  # a long silence between two readings that agree
    UNKNOWN = "unknown"  # the readings differ, or there is none on one side


class Readings(NamedTuple):
    """The readings around an instant.

    Inside of an unbroken run they are its first and its last; else the last before the instant
    and the first after it, None where there is none. `is_stale`: what was tried since failed.
    """

    last: datetime | None
    next: datetime | None
    is_inside: bool
    is_stale: bool = False

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Readings":
        """What `readings_column` holds."""
        return cls(
            _instant(said["last"]), _instant(said["next"]), said["is_inside"], said["is_stale"]
        )

    def knowledge(self, at: datetime) -> Knowledge:
        """How far it is known, supposing that the readings on both sides agree."""
        if self.last is None:
            return Knowledge.UNKNOWN
        if self.is_inside:
            return Knowledge.KNOWN
        if self.next is None:
            late = self.is_stale or at - self.last > silence()
            return Knowledge.UNKNOWN if late else Knowledge.KNOWN
        long = self.next - self.last > silence()
        return Knowledge.NOT_READ_BETWEEN if long else Knowledge.KNOWN

    def knowledge_of(
        self, at: datetime, ended_after: datetime | None, ended_at: datetime | None
    ) -> Knowledge:
        """The same of a period that is believed there, by its end."""
        if ended_at is not None and (ended_after is None or ended_after < at):
            return Knowledge.UNKNOWN
        return self.knowledge(at)


NEVER = Readings(None, None, is_inside=False)


@dataclass(frozen=True, slots=True)
class Around:
    """How the places where apps are read were read around an instant.

    `last` is the latest reading before it and `next` the earliest after it, over all places; of
    an unbroken run its ends. `doubts` are the places that were not read around it.
    """

    last: datetime | None = None
    next: datetime | None = None
    places: int = 0
    doubts: Mapping[UUID, Readings] = field(default_factory=dict)

    @classmethod
    def of(cls, found: str) -> "Around":
        """What the column `around` holds."""
        said = json.loads(found)
        return cls(
            _instant(said["last"]),
            _instant(said["next"]),
            said["places"],
            {
                UUID(id_): Readings(_instant(last), _instant(next_), is_inside=False, is_stale=late)
                for id_, last, next_, late in said["doubts"]
            },
        )

    def worst(self, places: Iterable[UUID]) -> Readings | None:
        """The widest gap among those of `places` that are in doubt; None where none is."""
        found = [self.doubts[place] for place in places if place in self.doubts]
        if not found:
            return None
        nexts = [one.next for one in found]
        return Readings(
            min(one.last for one in found if one.last),
            None if None in nexts else max(one for one in nexts if one),
            is_inside=False,
            is_stale=any(one.is_stale for one in found),
        )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def silence() -> timedelta:
    """The longest time between two readings that leaves no doubt about what lay between."""
    every: timedelta = settings.SYNC_EVERY
    return Coverage.SILENCE * every


# --- questions ------------------------------------------------------------------------------------


def two_factor_at(at: datetime, of: str = "pk") -> Coalesce:
    """For a query of people (`of` points to the person): 2FA as believed at `at`; else unknown."""
    found = TwoFactorPeriod.objects.filter(person=OuterRef(of)).at(at).order_by("-started_at")
    return Coalesce(Subquery(found.values("value")[:1]), Value(TwoFactor.UNKNOWN.value))


def readings_column(at: datetime) -> RawSQL:
    """For a query of apps: the readings of each around `at`, as `Readings.of` takes them."""
    sql = _COLUMN.replace("%(at)s", "%s")
    values = (at,) * _COLUMN.count("%(at)s")
    return RawSQL(sql, values, output_field=JSONField())  # noqa: S611  fragments of code alone


def app_named_at(at: datetime) -> "QuerySet[AppPeriod]":
    """What each app that was there was called then, with its project then."""
    return AppPeriod.objects.at(at).select_related("project")


def readings_around(of: Scope | App, at: datetime) -> Readings:
    """The readings of a scope, or of wherever an app was read, around `at`."""
    if isinstance(of, App):
        return readings_of_apps([of.pk], at).get(of.pk, NEVER)
    with prepared() as cursor:
        cursor.execute(_OF_SCOPE, {"scope": of.pk, "at": at})
        return Readings._make(cursor.fetchone())


def readings_of_apps(apps: list[UUID], at: datetime) -> dict[UUID, Readings]:
    """The same for many apps, in one query."""
    with prepared() as cursor:
        cursor.execute(_OF_APPS, {"apps": apps, "at": at})
        rows: list[Any] = cursor.fetchall()
    return {app: Readings._make(found) for app, *found in rows}


_AS_JSON = "(SELECT to_jsonb(around) FROM {readings} around)"
_COLUMN = _AS_JSON.format(readings=readings("inventory_app"))
_OF_SCOPE = """
SELECT run.last, run.next, run.is_inside,
    coalesce(read_in.stale_since < %(at)s OR read_in.retired_at < %(at)s, false)
FROM inventory_scope read_in CROSS JOIN LATERAL {runs} run
WHERE read_in.id = %(scope)s
""".format(runs=_RUNS.format(scope="read_in.id", floor="timestamptz '-infinity'", at="at"))
_OF_APPS = """
SELECT app.id, around.last, around.next, around.is_inside, around.is_stale
FROM inventory_app app CROSS JOIN LATERAL {readings} around
WHERE app.id = ANY(%(apps)s::uuid[])
""".format(readings=readings("app"))
