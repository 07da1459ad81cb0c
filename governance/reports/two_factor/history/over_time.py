"""The past year of 2FA: week by week how many had it, month by month how much lay open.

Nothing is drawn or counted where nothing was read: a week without any reading has no numbers, and
what is open ends with the last reading.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection
from django.utils import timezone

from governance.accounts.models import User

WEEKS, MONTHS = 52, 12
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """People with access at one instant. Without any reading in the week before: no numbers."""

    at: datetime
    is_read: bool
    on: int = 0
    off: int = 0
    unknown: int = 0

    @property
    def people(self) -> int:
        return self.on + self.off + self.unknown


@dataclass(frozen=True, slots=True)
class Month:
    """How much lay open in a month: days in which somebody without 2FA could reach an app."""

    since: datetime
    is_read: bool
    is_over: bool
    days: int  # of each person on each app, rounded at the end
    people: int
    apps: int


@dataclass(frozen=True, slots=True)
class Turning:
    """How long people took to turn 2FA on, of those who did within the past year.

    `median` is in days, None where nobody did. `unsaid` are those who lacked it when we first
    looked: since when, nobody knows, so they are not among `people`.
    """

    median: float | None
    people: int
    unsaid: int


_SEEN = """(%(everything)s OR app_id IN (
    SELECT id FROM inventory_app WHERE project_id = ANY(%(projects)s::uuid[])))"""
# Readings of collaborators, in places where somebody sees an app.
_READ = """
SELECT coverage.since, coverage.until FROM inventory_coverage coverage
JOIN inventory_scope place ON place.id = coverage.scope_id
WHERE place.kind IN ('collaborators', 'app') AND coverage.until > %(start)s
  AND coverage.since <= %(end)s
  AND (%(everything)s OR EXISTS (SELECT FROM inventory_app app WHERE app.scope_id = place.id
                                   AND app.project_id = ANY(%(projects)s::uuid[])))
"""
# A person's collaborations that touch or overlap are one span of access. Each fact is a step up in
# the week where it begins and a step down where it ends; fifty-two sums then cost nothing.
_TREND = f"""
WITH ordered AS (
    SELECT person_id, started_at, coalesce(ended_at, 'infinity') AS ended_at,
           max(coalesce(ended_at, 'infinity')) OVER earlier AS reached
    FROM inventory_collaboration WHERE {_SEEN}
    WINDOW earlier AS (PARTITION BY person_id ORDER BY started_at, ended_at
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), numbered AS (
    SELECT *, count(*) FILTER (WHERE reached IS NULL OR reached < started_at)
               OVER (PARTITION BY person_id ORDER BY started_at, ended_at) AS span
    FROM ordered
), spans AS (
    SELECT person_id, min(started_at) AS since, max(ended_at) AS until
    FROM numbered GROUP BY person_id, span
), facts AS (
    SELECT 'people' AS fact, since, until FROM spans
    UNION ALL
    SELECT period.value, greatest(spans.since, period.started_at),
           least(spans.until, coalesce(period.ended_at, 'infinity'))
    FROM spans JOIN inventory_twofactorperiod period USING (person_id)
    WHERE period.value IN ('on', 'off') AND period.started_at < spans.until
      AND coalesce(period.ended_at, 'infinity') > spans.since
), steps AS (
    SELECT fact, since AS at, 1 AS step FROM facts
    UNION ALL SELECT fact, until, -1 FROM facts WHERE until < 'infinity'
)
SELECT fact, greatest(0, ceil(extract(epoch FROM at - %(start)s) / %(week)s))::int AS week,
       sum(step)::int
FROM steps WHERE at <= %(end)s GROUP BY 1, 2
"""  # noqa: S608  Constants of code.
# Of who is on one app twice, the time counts once: spans of one person and app are joined.
_EXPOSURE = f"""
WITH pieces AS (
    SELECT off.person_id, k.app_id, greatest(off.started_at, k.started_at) AS since,
           least(coalesce(off.ended_at, 'infinity'), coalesce(k.ended_at, 'infinity'),
                 %(last)s) AS until
    FROM inventory_twofactorperiod off
    JOIN inventory_collaboration k ON k.person_id = off.person_id AND k.status = 'accepted'
    WHERE off.value = 'off' AND coalesce(off.ended_at, 'infinity') > %(start)s
      AND coalesce(k.ended_at, 'infinity') > %(start)s AND {_SEEN}
), spans AS (
    SELECT person_id, app_id, unnest(range_agg(tstzrange(since, until))) AS span
    FROM pieces WHERE since < until GROUP BY 1, 2
), months AS (
    SELECT number, since, until
    FROM unnest(%(since)s::timestamptz[], %(until)s::timestamptz[])
        WITH ORDINALITY month(since, until, number)
)
SELECT months.number,
    round(coalesce(sum(extract(epoch FROM least(upper(span), months.until)
        - greatest(lower(span), months.since))) FILTER (WHERE span IS NOT NULL), 0)
        / 86400)::bigint,
    count(DISTINCT person_id), count(DISTINCT app_id)
FROM months LEFT JOIN spans ON lower(span) < months.until AND upper(span) > months.since
GROUP BY 1 ORDER BY 1
"""  # noqa: S608  Constants of code.
_TURNING = f"""
WITH turned AS (
    SELECT off.ended_at - off.started_at AS took,
        NOT EXISTS (SELECT FROM inventory_twofactorperiod before
                    WHERE before.person_id = off.person_id AND before.started_at < off.started_at)
        AND EXISTS (SELECT FROM inventory_collaboration
                    WHERE person_id = off.person_id AND started_after IS NULL
                      AND started_at <= off.started_at) AS unsaid
    FROM inventory_twofactorperiod off
    JOIN inventory_twofactorperiod next
        ON next.person_id = off.person_id AND next.started_at = off.ended_at AND next.value = 'on'
    WHERE off.value = 'off' AND off.ended_at > %(start)s AND off.ended_at <= %(end)s
      AND EXISTS (SELECT FROM inventory_collaboration WHERE person_id = off.person_id AND {_SEEN})
)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM took))
           FILTER (WHERE NOT unsaid) / 86400,
       count(*) FILTER (WHERE NOT unsaid), count(*) FILTER (WHERE unsaid)
FROM turned
"""  # noqa: S608  Constants of code.


def read_trend(user: User, *, at: datetime) -> list[Week]:
    """Each of the past 52 weeks up to `at`, oldest first, from the first that was read on."""
    start = at - WEEKS * _WEEK
    values = {**_scope(user), "start": start, "end": at, "week": _WEEK.total_seconds()}
    steps = Counter({(fact, week): step for fact, week, step in _rows(_TREND, values)})
    read = _weeks_read(_rows(_READ, {**values, "start": start - _WEEK}), start)
    return _accumulate(steps, read, start) if read else []


def _weeks_read(readings: list[tuple[Any, ...]], start: datetime) -> set[int]:
    """The weeks in which there was any reading; a week is the seven days before its instant."""
    found = set()
    for number in range(WEEKS + 1):
        until = start + number * _WEEK
        if any(first <= until and last > until - _WEEK for first, last in readings):
            found.add(number)
    return found


def _accumulate(steps: "Counter[tuple[str, int]]", read: set[int], start: datetime) -> list[Week]:
    level: Counter[str] = Counter()
    weeks = []
    for number in range(WEEKS + 1):
        for fact in ("people", "on", "off"):
            level[fact] += steps[fact, number]
        at = start + number * _WEEK
        if number not in read:
            weeks.append(Week(at, is_read=False))
            continue
        unknown = level["people"] - level["on"] - level["off"]
        weeks.append(Week(at, is_read=True, on=level["on"], off=level["off"], unknown=unknown))
    return weeks[min(read) :]


def read_exposure(user: User, *, at: datetime) -> list[Month]:
    """Each of the past twelve months, the running one last."""
    months = _months(at)
    start = months[0][0]
    values = {**_scope(user), "start": start, "end": at}
    readings = _rows(_READ, values)
    last = max((until for _since, until in readings), default=start)
    rows = _rows(
        _EXPOSURE,
        {
            **values,
            "last": min(last, at),
            "since": [since for since, _until in months],
            "until": [until for _since, until in months],
        },
    )
    return [
        Month(
            since,
            any(first < until and final >= since for first, final in readings),
            until <= at,
            *row[1:],
        )
        for (since, until), row in zip(months, rows, strict=True)
    ]


def read_turning(user: User, *, at: datetime) -> Turning:
    """Of those who turned it on within the past year."""
    values = {**_scope(user), "start": at - WEEKS * _WEEK, "end": at}
    median, people, unsaid = _rows(_TURNING, values)[0]
    return Turning(None if median is None else float(median), people, unsaid)


def _months(at: datetime) -> list[tuple[datetime, datetime]]:
    """The beginning and the end of each, in the installation's zone."""
    local = timezone.localtime(at)
    firsts = []
    for back in range(MONTHS - 1, -2, -1):
        year, month = divmod(local.year * 12 + local.month - 1 - back, 12)
        firsts.append(timezone.make_aware(datetime(year, month + 1, 1)))  # noqa: DTZ001
    return list(pairwise(firsts))


def _scope(user: User) -> dict[str, Any]:
    return {"everything": user.sees_everything, "projects": list(user.projects)}


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
