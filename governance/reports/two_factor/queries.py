"""A page of the 2FA report with its numbers: two queries, whatever the number of people.

Some more where something has moved since anybody looked. Who sees everything is answered from the
counters, where they have caught up; everybody else, and every instant of the past, from the same
SQL over the inventory.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from governance.accounts.models import User
from governance.core import cursor
from governance.core.cursor import Slice
from governance.inventory.queries.asof import Around, Moment, around, silence
from governance.inventory.queries.prepared import prepared
from governance.reports.two_factor import counters, standings
from governance.reports.two_factor.asked import Asked

SIZE = 50


@dataclass(frozen=True, slots=True)
class Share:
    """Some people by their 2FA. `people` is always the three together."""

    on: int = 0
    off: int = 0
    unknown: int = 0

    @property
    def people(self) -> int:
        return self.on + self.off + self.unknown


@dataclass(frozen=True, slots=True)
class Numbers:
    """The three denominators, and what they are made of.

    `known`: who accepted an invitation and whose 2FA is known. `accepted`: all who accepted one.
    `everyone`: with those who only own apps, are only invited, or whose account is deleted.
    """

    known: Share
    accepted: Share
    everyone: Share
    belongs: Mapping[str, int]
    off_sensitive: int  # off, with a full role on an app in production or with health data
    attested: int  # of the unknown: owners of whom somebody says that it is on
    excepted: int  # of those without: with an exception in force
    shown: int


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the report."""

    person_id: UUID
    belongs: str
    two_factor: str
    since: datetime
    risk: int
    apps: int
    full_role: int
    limited: int
    owned: int
    pending: int
    production: int
    health_data: int
    sensitive: int
    email: str
    username: str
    kind: str | None
    employment: str | None
    changed_at: datetime | None  # None: never seen to change
    ended_after: datetime | None  # of the 2FA in force: its end, where it has one by now
    ended_at: datetime | None
    exception_until: datetime | None
    exception_by: str | None
    attested_until: datetime | None
    attested_by: str | None
    reminders: int
    reminded_at: datetime | None
    scopes: Sequence[UUID] | None  # where their apps were read; for the past alone

    @property
    def display_name(self) -> str:
        return self.username or self.email


@dataclass(frozen=True, slots=True)
class Page:
    slice: Slice[Row]
    numbers: Numbers
    around: Around


_COUNTED = """
WITH standing AS NOT MATERIALIZED (SELECT * FROM two_factor_standing),
tallies AS NOT MATERIALIZED (
    SELECT belongs, two_factor, risk, people FROM two_factor_tally WHERE people > 0)
"""
_LIVE = """
WITH standing AS MATERIALIZED ({standings}),
tallies AS MATERIALIZED (
    SELECT belongs, two_factor, risk, count(*) AS people FROM standing GROUP BY 1, 2, 3)
"""
_HOLDS = """{row}.said_at <= %(at)s AND {row}.until >= %(at)s
    AND ({row}.ended_at IS NULL OR {row}.ended_at > %(at)s)"""
_NUMBERS = """
SELECT (SELECT coalesce(json_agg(json_build_array(belongs, two_factor, risk, people)), '[]')::text
        FROM tallies),
    (SELECT count(DISTINCT a.person_id) FROM facts_ownerattestation a
     JOIN standing s ON s.person_id = a.person_id
     WHERE s.two_factor = 'unknown' AND {attestation_holds}),
    (SELECT count(DISTINCT x.person_id) FROM facts_twofactorexception x
     JOIN standing s ON s.person_id = x.person_id
     WHERE s.two_factor <> 'on' AND {exception_holds}),
    ({shown}), {around}, EXISTS (SELECT FROM two_factor_moved)
"""
_SHOWN_TALLIED = "SELECT coalesce(sum(s.people), 0) FROM tallies s WHERE {condition}"
_SHOWN = "SELECT count(*) FROM {source} WHERE {condition}"
_SOURCE = """standing s JOIN inventory_person p ON p.id = s.person_id
    LEFT JOIN facts_personfact person_fact
        ON person_fact.person_id = s.person_id AND person_fact.current"""
_ROWS = """
, shown AS (
    SELECT s.*, p.email, p.username, person_fact.kind, person_fact.employment
    FROM {source} WHERE {condition}{beyond} ORDER BY {order} LIMIT %(limit)s
)
SELECT s.person_id, s.belongs, s.two_factor, s.since, s.risk, s.apps, s.full_role, s.limited,
    s.owned, s.pending, s.production, s.health_data, s.sensitive, s.email, s.username, s.kind,
    s.employment, CASE WHEN earlier.there THEN s.since END, period.ended_after, period.ended_at,
    x.until, approver.name, a.until, vouching.name, reminders.times, reminders.latest, {scopes}
FROM shown s
LEFT JOIN LATERAL (
    SELECT ended_after, ended_at FROM inventory_twofactorperiod
    WHERE person_id = s.person_id AND started_at = s.since
    ORDER BY ended_at DESC NULLS FIRST LIMIT 1) period ON true
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM inventory_twofactorperiod
        WHERE person_id = s.person_id AND started_at < s.since) AS there) earlier
LEFT JOIN LATERAL (
    SELECT x.until, x.said_by_id FROM facts_twofactorexception x
    WHERE x.person_id = s.person_id AND {exception_holds} ORDER BY x.said_at DESC LIMIT 1
) x ON true
LEFT JOIN accounts_user approver ON approver.id = x.said_by_id
LEFT JOIN LATERAL (
    SELECT a.until, a.said_by_id FROM facts_ownerattestation a
    WHERE a.person_id = s.person_id AND {attestation_holds} ORDER BY a.said_at DESC LIMIT 1
) a ON true
LEFT JOIN accounts_user vouching ON vouching.id = a.said_by_id
CROSS JOIN LATERAL (
    SELECT count(*) AS times, max(r.at) AS latest FROM two_factor_reminder r
    WHERE r.person_id = s.person_id AND r.at <= %(at)s
) reminders
ORDER BY {order}
"""
_SCOPES = """(
    SELECT array_agg(DISTINCT app.scope_id) FROM inventory_collaboration k
    JOIN inventory_app app ON app.id = k.app_id
    WHERE k.person_id = s.person_id AND app.scope_id IS NOT NULL AND {there}
        AND (%(everything)s OR app.project_id = ANY(%(projects)s::uuid[])))"""

_FIELDS: Mapping[str, "models.Field[Any, Any]"] = {
    "risk": models.SmallIntegerField(),
    "since": models.DateTimeField(),
    "person_id": models.UUIDField(),
}
_KEYS = {
    "risk": ("risk", "since", "person_id"),
    "since": ("since", "person_id"),
    "-since": ("since", "person_id"),
}


def source(user: User, moment: Moment, *, counted: bool | None = None) -> str:
    """The common tables `standing` and `tallies` for `user`; `counted` says which."""
    if counted is None:
        counted = _may_be_counted(user, moment) and counters.catch_up()
    return _COUNTED if counted else _LIVE.format(standings=standings.of(moment))


def _may_be_counted(user: User, moment: Moment) -> bool:
    return moment.is_now and user.sees_everything


def _ask(tables: str, asked: Asked, values: dict[str, Any]) -> Any:
    """The row of `_NUMBERS`."""
    with prepared() as opened:
        opened.execute(tables + _numbers_sql(asked), values)
        return opened.fetchone()


def scope(user: User) -> dict[str, Any]:
    """The parameters that bound what `user` sees."""
    return {
        "everything": user.sees_everything,
        "projects": list(user.projects),
        "visible": list(user.projects),
        "silence": silence(),
    }


def read_page(
    user: User,
    asked: Asked,
    *,
    after: str | None = None,
    before: str | None = None,
    size: int = SIZE,
    counted: bool | None = None,
) -> Page:
    """The people that `asked` narrows to, riskiest first; counted over all that `user` may see."""
    values = {**scope(user), **asked.parameters}
    if counted is None and _may_be_counted(user, asked.moment):
        # Mostly nothing has moved since somebody looked: then the counters answer at once.
        tables, found = _COUNTED, _ask(_COUNTED, asked, values)
        if found[5]:
            tables = source(user, asked.moment)
            found = _ask(tables, asked, values)
    else:
        tables = source(user, asked.moment, counted=counted)
        found = _ask(tables, asked, values)
    numbers = _numbers(json.loads(found[0]), *found[1:4])
    rows = _read_rows(tables, asked, values, after, before, size)
    return Page(rows, numbers, Around.of(found[4]) if asked.is_past else Around())


def read_people(user: User, moment: Moment, people: Iterable[UUID]) -> list[Row]:
    """The rows of some people, of those whom `user` may see; riskiest first."""
    asked = Asked(moment, values={"two-factor": ("all",)})
    tables = _LIVE.format(standings=standings.of(moment, some=True))
    values = {**scope(user), **asked.parameters, "people": list(people)}
    return _fetch(tables, asked, values, "", "s.risk, s.since, s.person_id", 10_000)


def read_lacking(user: User, moment: Moment, most: int) -> list[Row]:
    """Everybody without 2FA, off or unknown, riskiest first; at most `most`."""
    asked = Asked(moment)
    values = {**scope(user), **asked.parameters}
    return _fetch(source(user, moment), asked, values, "", "s.risk, s.since, s.person_id", most)


def _numbers_sql(asked: Asked) -> str:
    shown = _SHOWN_TALLIED if asked.is_tallied else _SHOWN
    return _NUMBERS.format(
        attestation_holds=_HOLDS.format(row="a"),
        exception_holds=_HOLDS.format(row="x"),
        shown=shown.format(source=_SOURCE, condition=asked.condition),
        around=around() if asked.is_past else "NULL",
    )


def _numbers(
    tallies: list[tuple[str, str, int, int]], attested: int, excepted: int, shown: int
) -> Numbers:
    def share(*, accepted: bool, known: bool) -> Share:
        counts = {"on": 0, "off": 0, "unknown": 0}
        for belongs, two_factor, _risk, people in tallies:
            if not accepted or belongs == "accepted":
                counts[two_factor] += people
        return Share(counts["on"], counts["off"], 0 if known else counts["unknown"])

    belonging: dict[str, int] = {}
    for belongs, _two_factor, _risk, people in tallies:
        belonging[belongs] = belonging.get(belongs, 0) + people
    return Numbers(
        known=share(accepted=True, known=True),
        accepted=share(accepted=True, known=False),
        everyone=share(accepted=False, known=False),
        belongs=belonging,
        off_sensitive=sum(people for *_, risk, people in tallies if risk == 1),
        attested=attested,
        excepted=excepted,
        shown=int(shown),
    )


def _read_rows(
    tables: str,
    asked: Asked,
    values: dict[str, Any],
    after: str | None,
    before: str | None,
    size: int,
) -> Slice[Row]:
    keys = _KEYS[asked.sort]
    fields = [_FIELDS[key] for key in keys]
    start = cursor.decode(after, fields)
    back = start is None and (start := cursor.decode(before, fields)) is not None
    falls = asked.sort.startswith("-") != back
    order = ", ".join(f"s.{key}{' DESC' if falls else ''}" for key in keys)
    beyond = ""
    if start is not None:
        names = [f"key{place}" for place in range(len(keys))]
        columns = ", ".join(f"s.{key}" for key in keys)
        marks = ", ".join(f"%({name})s" for name in names)
        beyond = f" AND ({columns}) {'<' if falls else '>'} ({marks})"
        values = {**values, **dict(zip(names, start, strict=True))}
    rows = _fetch(tables, asked, values, beyond, order, size + 1)
    more, rows = len(rows) > size, rows[:size]
    if back:
        rows.reverse()
    if not rows:
        return Slice(rows)
    return Slice(
        rows,
        after=_cursor(rows[-1], keys) if more or back else None,
        before=_cursor(rows[0], keys) if (more if back else start is not None) else None,
    )


def _cursor(row: Row, keys: Sequence[str]) -> str:
    return cursor.encode([getattr(row, key) for key in keys])


def _fetch(
    tables: str, asked: Asked, values: dict[str, Any], beyond: str, order: str, most: int
) -> list[Row]:
    sql = tables + _ROWS.format(
        source=_SOURCE,
        condition=asked.condition,
        beyond=beyond,
        order=order,
        attestation_holds=_HOLDS.format(row="a"),
        exception_holds=_HOLDS.format(row="x"),
        scopes=_SCOPES.format(there=asked.moment.holds("k")) if asked.is_past else "NULL",
    ).replace("%(limit)s", str(most))
    with prepared() as opened:
        opened.execute(sql, values)
        return [Row(*row) for row in opened.fetchall()]
