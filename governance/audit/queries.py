"""What the log is asked: a page of it, newest first, and whether it can be believed."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from governance.audit.models import Event
from governance.core import cursor
from governance.core.cursor import Slice


@dataclass(frozen=True, slots=True)
class Where:
    """What a page of the log is narrowed to; None leaves a filter out, an empty one fits nothing.

    `within` are the apps that the reader may see; None is everything. The period is from `since` on
    and before `until`, by when things happened.
    """

    within: Collection[UUID] | None = None
    people: Collection[UUID] | None = None
    apps: Collection[UUID] | None = None
    actors: Collection[UUID] | None = None
    kinds: Collection[str] | None = None
    sources: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


# The column of each filter, its type, and which of them leads: the one that fits the fewest events.
_FILTERS = (
    ("people", "person_id", "uuid"),
    ("apps", "app_id", "uuid"),
    ("actors", "actor_id", "uuid"),
    ("within", "app_id", "uuid"),
    ("kinds", "kind", "text"),
    ("sources", "source", "text"),
)
_ORDER = ("occurred_at", "sequence")


def page(where: Where, *, after: str | None, before: str | None, size: int = 50) -> Slice[Event]:
    """The events that follow the cursor `after` or precede `before`, newest first.

    Each value of the leading filter is an index of its own to walk, from its newest end or from the
    cursor, for no more rows than a page has: the deepest page of a log of any size costs what the
    first does.
    """
    fields = [Event._meta.get_field(name) for name in _ORDER]
    start = cursor.decode(after, fields)  # type: ignore[arg-type]
    if start is not None:
        found = _walk(where, start, newer=False, size=size)
        return _slice(found, size, more_before=True)
    start = cursor.decode(before, fields)  # type: ignore[arg-type]
    if start is None:
        return _slice(_walk(where, None, newer=False, size=size), size, more_before=False)
    found = _walk(where, start, newer=True, size=size)
    if len(found) <= size:  # there is nothing newer: this is the first page
        return _slice(_walk(where, None, newer=False, size=size), size, more_before=False)
    kept = found[size - 1 :: -1]
    return Slice(kept, after=_cursor(kept[-1]), before=_cursor(kept[0]))


def _slice(found: list[Event], size: int, *, more_before: bool) -> Slice[Event]:
    kept = found[:size]
    return Slice(
        kept,
        after=_cursor(kept[-1]) if len(found) > size else None,
        before=_cursor(kept[0]) if kept and more_before else None,
    )


def _cursor(event: Event) -> str:
    return cursor.encode([event.occurred_at, event.sequence])


def _walk(where: Where, start: Sequence[Any] | None, *, newer: bool, size: int) -> list[Event]:
    """One row more than a page has, so that it shows whether there is another."""
    leading = next((one for one in _FILTERS if getattr(where, one[0]) is not None), None)
    conditions, values = _conditions(where, leading, start, newer=newer)
    turn = "ASC" if newer else "DESC"
    order = f"ORDER BY occurred_at {turn}, sequence {turn} LIMIT {size + 1}"
    if leading is None:
        statement = f"SELECT * FROM audit_event WHERE {conditions} {order}"  # noqa: S608
    else:
        name, column, kind = leading
        values["leading"] = list(set(getattr(where, name)))
        statement = (
            f"SELECT found.* FROM unnest(%(leading)s::{kind}[]) AS leg (value)"  # noqa: S608
            f" CROSS JOIN LATERAL (SELECT * FROM audit_event WHERE {column} = leg.value"
            f" AND {conditions} {order}) AS found {order}"
        )
    return list(Event.objects.raw(statement, values))


def _conditions(
    where: Where,
    leading: tuple[str, str, str] | None,
    start: Sequence[Any] | None,
    *,
    newer: bool,
) -> tuple[str, dict[str, Any]]:
    """Everything but the leading filter, from this module's own words, and the values for it."""
    parts, values = ["true"], dict[str, Any]()
    for one in _FILTERS:
        name, column, kind = one
        if one != leading and getattr(where, name) is not None:
            parts.append(f"{column} = ANY(%({name})s::{kind}[])")
            values[name] = list(getattr(where, name))
    if where.since is not None:
        parts.append("occurred_at >= %(since)s")
        values["since"] = where.since
    if where.until is not None:
        parts.append("occurred_at < %(until)s")
        values["until"] = where.until
    if start is not None:
        sign = ">" if newer else "<"
        parts.append(f"(occurred_at, sequence) {sign} (%(at)s, %(place)s)")
        values["at"], values["place"] = start
    return " AND ".join(parts), values


@dataclass(frozen=True, slots=True)
class Integrity:
    """What can truly be said of the log now.

    `whole_at` and `last` are of the newest check of all events, `checked_at` and `checked_last` of
    the newest of any kind. `signed_at` and `signed` are of the newest checkpoint; `outside_at` and
    `outside` of the newest of which a copy left the database, which is kept as `copies`.
    """

    events: int
    whole_at: datetime | None
    whole_last: int
    checked_at: datetime | None
    checked_last: int
    fault_count: int
    faults: list[dict[str, Any]]
    signed_at: datetime | None
    signed: int
    outside_at: datetime | None
    outside: int
    copies: list[str]

    @property
    def unwitnessed(self) -> int:
        """Events that could be cut off or rewritten unseen."""
        return max(0, self.events - self.outside)

    @property
    def unchecked(self) -> int:
        """Events that no check has recomputed yet."""
        return max(0, self.events - self.checked_last)


_INTEGRITY = """
SELECT coalesce((SELECT sequence FROM audit_head), 0),
       whole.at, coalesce(whole.last, 0), checked.at, coalesce(checked.last, 0),
       CASE WHEN whole.at > checked.at OR checked.fault_count = 0
            THEN coalesce(whole.fault_count, 0) ELSE checked.fault_count END,
       CASE WHEN whole.at > checked.at OR checked.fault_count = 0
            THEN coalesce(whole.faults, '[]') ELSE checked.faults END,
       signed.at, coalesce(signed.size, 0), outside.at, coalesce(outside.size, 0),
       coalesce(outside.kinds, '{}')
FROM (VALUES (1)) AS one (row)
LEFT JOIN LATERAL (
    SELECT * FROM audit_check WHERE first = 0 ORDER BY at DESC, id DESC LIMIT 1) AS whole ON true
LEFT JOIN LATERAL (
    SELECT * FROM audit_check ORDER BY at DESC, id DESC LIMIT 1) AS checked ON true
LEFT JOIN LATERAL (
    SELECT * FROM audit_checkpoint ORDER BY at DESC, id DESC LIMIT 1) AS signed ON true
LEFT JOIN LATERAL (
    SELECT checkpoint.at, checkpoint.size,
           (SELECT array_agg(kind ORDER BY kind) FROM audit_witness
            WHERE checkpoint_id = checkpoint.id) AS kinds
    FROM audit_checkpoint AS checkpoint
    WHERE EXISTS (SELECT FROM audit_witness WHERE checkpoint_id = checkpoint.id)
    ORDER BY checkpoint.size DESC, checkpoint.id DESC LIMIT 1) AS outside ON true
"""


def integrity() -> Integrity:
    """How the log stands, in one query that does not grow with it."""
    with connection.cursor() as asking:
        asking.execute(_INTEGRITY)
        row = list(asking.fetchone())
    row[6] = json.loads(row[6])  # Django leaves JSON to its own fields
    return Integrity(*row)
