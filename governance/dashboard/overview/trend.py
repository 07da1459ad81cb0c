"""The past year, week by week: 2FA of everybody who had access, and who joined and left."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from governance.accounts.models import User

WEEKS = 52
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """People with access at one instant, and who came and went in the week before it."""

    at: datetime
    on: int
    off: int
    unknown: int
    joined: int
    left: int

    @property
    def people(self) -> int:
        return self.on + self.off + self.unknown


# A person's collaborations that touch or overlap are one span of access: `spans`. A span whose
# first row has nothing before it (`started_after` is null) was there when we first looked, so
# nobody joined. Each fact is counted as a step up in the week where it begins and a step down
# where it ends; 52 weeks of sums then cost nothing.
_QUERY = """
WITH ordered AS (
    SELECT person_id, started_at, started_after,
           coalesce(ended_at, 'infinity') AS ended_at,
           max(coalesce(ended_at, 'infinity')) OVER earlier AS reached
    FROM inventory_collaboration
    WHERE %(everything)s OR app_id IN (
        SELECT id FROM inventory_app WHERE project_id = ANY(%(projects)s::uuid[]))
    WINDOW earlier AS (PARTITION BY person_id ORDER BY started_at, ended_at
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), numbered AS (
    SELECT *, reached IS NULL OR reached < started_at AS begins,
           count(*) FILTER (WHERE reached IS NULL OR reached < started_at)
               OVER (PARTITION BY person_id ORDER BY started_at, ended_at) AS span
    FROM ordered
), spans AS (
    SELECT person_id, min(started_at) AS since, max(ended_at) AS until,
           bool_or(begins AND started_after IS NOT NULL) AS joined
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
    UNION ALL SELECT 'joined', since, 1 FROM spans WHERE joined AND since > %(start)s
    UNION ALL SELECT 'left', until, 1 FROM spans WHERE until < 'infinity' AND until > %(start)s
)
SELECT fact,
       greatest(0, ceil(extract(epoch FROM at - %(start)s) / %(week)s))::int AS week,
       sum(step)::int, min(at)
FROM steps WHERE at <= %(end)s GROUP BY 1, 2
"""


def read_trend(user: User, *, at: datetime) -> list[Week]:
    """One `Week` for each of the past 52 weeks up to `at`, oldest first.

    Starts with the first week in which anything was known: nothing was read before, so nothing is
    said of it. Empty when nothing is known at all.
    """
    start = at - WEEKS * _WEEK
    with connection.cursor() as cursor:
        cursor.execute(
            _QUERY,
            {
                "everything": user.sees_everything,
                "projects": list(user.projects),
                "start": start,
                "end": at,
                "week": _WEEK.total_seconds(),
            },
        )
        rows = cursor.fetchall()
    steps = Counter({(fact, week): step for fact, week, step, _ in rows})
    known = [week for fact, week, *_ in rows if fact == "people"]
    if not known:
        return []
    return _accumulate(steps, start, min(known))


def _accumulate(steps: Counter[tuple[str, int]], start: datetime, first: int) -> list[Week]:
    level: Counter[str] = Counter()
    weeks = []
    for number in range(first, WEEKS + 1):
        for fact in ("people", "on", "off"):
            level[fact] += steps[fact, number]
        weeks.append(
            Week(
                at=start + number * _WEEK,
                on=level["on"],
                off=level["off"],
                unknown=level["people"] - level["on"] - level["off"],
                joined=steps["joined", number],
                left=steps["left", number],
            )
        )
    return weeks
