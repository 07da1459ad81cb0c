"""What the log is asked: a page of it, newest first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from governance.audit.models import Event, Personal
from governance.core import cursor
from governance.core.cursor import Slice


@dataclass(frozen=True, slots=True)
class Where:
    """What a page of the log is narrowed to; None leaves a filter out, an empty one fits nothing.

    `within` are the apps that the reader may see; None is everything. `theirs` are things that
    concern `people` although not every event of them says so: changes decided before anybody was
    known by their address. The period is from `since` on and before `until`, by when things
    happened.
    """

    within: Collection[UUID] | None = None
    people: Collection[UUID] | None = None
    theirs: Collection[UUID] = ()
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
        legs = [_legs("leading", column, kind, f"{conditions} {order}")]
        if name == "people" and where.theirs:
            values["theirs"] = list(set(where.theirs))
            others = "(person_id IS NULL OR person_id <> ALL(%(leading)s))"  # those come already
            legs.append(_legs("theirs", "target_id", "uuid", f"{others} AND {conditions} {order}"))
        statement = f"{' UNION ALL '.join(legs)} {order}"
    return list(Event.objects.raw(_with_names(statement, turn), values))


def _legs(values: str, column: str, kind: str, rest: str) -> str:
    return (
        f"SELECT found.* FROM unnest(%({values})s::{kind}[]) AS leg (value)"  # noqa: S608
        f" CROSS JOIN LATERAL (SELECT * FROM audit_event WHERE {column} = leg.value"
        f" AND {rest}) AS found"
    )


def with_personal_part(ids: Collection[UUID]) -> QuerySet[Personal]:
    """The names and addresses that are kept of events about `ids`, as `erase_personal` has it."""
    about = Event.objects.filter(
        Q(actor_id__in=ids) | Q(target_id__in=ids) | Q(person_id__in=ids),
        commitment__isnull=False,
    )
    return Personal.objects.filter(sequence__in=about.values("sequence"), fields__isnull=False)


def _with_names(statement: str, turn: str) -> str:
    """`statement` with, beside each event, its personal part and whether that was erased."""
    return (
        "SELECT page.*, personal.fields AS names_then,"  # noqa: S608
        " personal.sequence IS NOT NULL AND personal.fields IS NULL AS was_erased"
        f" FROM ({statement}) AS page"
        " LEFT JOIN audit_personal AS personal ON personal.sequence = page.sequence"
        f" ORDER BY page.occurred_at {turn}, page.sequence {turn}"
    )


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
