"""What happened to the rows that disagree.

Each row is one event, wherever it lies: a sound row the event that its line states, another the
event of its place. Two rows that are the same event: one was inserted. An event that no row is:
missing. A sound row that lies elsewhere: moved. A sound row whose line does not name the hash of
the event before it: that event was rewritten, hash and all.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.audit.verify.faults import Fault, FaultKind
from governance.audit.verify.scan import GENESIS, Found, Head, Row


def faults(found: Found, head: Head | None) -> Iterator[Fault]:
    """Every fault of the chain, in no order."""
    if found.too_many:
        yield _replaced(found)
        return
    chain = _Chain(found, head)
    yield from chain.inserted()
    yield from chain.edited()
    yield from chain.moved()
    yield from chain.missing()
    yield from chain.rewritten()
    yield from chain.head()


class _Chain:
    """The events that the rows are, once each event has the one row that is taken for it."""

    def __init__(self, found: Found, head: Head | None) -> None:
        self._found = found
        self._head = head
        self._end = head.sequence if head else found.last
        self._gaps = _gaps(found.rows)
        self._followed = {
            (row.stated - 1, row.previous) for row in found.rows if row.stated is not None
        }
        if head:
            self._followed.add((head.sequence, head.hash))
        self._disturbed = _disturbed_places(found.rows)
        self._of: dict[int, Row] = {}
        self._inserted = set(found.duplicates)
        self._left_over: list[Row] = []
        for row in found.rows:
            self._claim(row)

    def _claim(self, row: Row) -> None:
        """Take `row` for the event that it is, unless a better row is there or none can be."""
        event = row.identity
        if not 1 <= event <= self._end or (self._is_clean(event) and not self._displaces(row)):
            self._leave_over(row)
        elif event in self._of:
            better, worse = sorted([row, self._of[event]], key=self._trust, reverse=True)
            self._leave_over(worse)
            self._of[event] = better
        else:
            self._of[event] = row

    def _leave_over(self, row: Row) -> None:
        self._inserted.add(row.sequence)
        self._left_over.append(row)

    def _displaces(self, row: Row) -> bool:
        """Whether `row`, and not the one that lies there and agrees with those before it, is what
        the next event names."""
        event = row.identity
        lies_there = (event, _hash_at(event))
        if self._is_clean(event + 1) or lies_there in self._followed:
            return False
        if (event, row.hash) not in self._followed:
            return False
        self._disturbed.add(event)
        self._inserted.add(event)
        return True

    def _trust(self, row: Row) -> tuple[bool, bool, bool]:
        """Which of two rows for one event is the one that was recorded."""
        followed = (row.identity, row.hash) in self._followed
        return (row.sound, followed, row.sequence == row.stated)

    def _is_clean(self, place: int) -> bool:
        """Whether a row lies at `place` that agrees with everything."""
        if not 1 <= place <= self._found.last or place in self._disturbed:
            return False
        after = bisect_right(self._gaps, (place, self._found.last))
        return after == 0 or self._gaps[after - 1][1] < place

    def inserted(self) -> Iterator[Fault]:
        """Rows that are no event of their own; a copy says of which it is one."""
        copied = {row.sequence: row.identity for row in self._left_over if self._is_copy(row)}
        for place in self._inserted:
            if place in copied:
                words = _("The row at {place} is a second copy of event {n}.")
                kind = FaultKind.DUPLICATE
            else:
                words, kind = _("The row at {place} was never recorded here."), FaultKind.INSERTED
            said = words.format(place=place, n=copied.get(place, place))
            yield Fault(kind, place, place, said)

    def _is_copy(self, row: Row) -> bool:
        return row.sound and self._hash_of(row.identity) == row.hash

    def edited(self) -> Iterator[Fault]:
        for row in self._of.values():
            if not row.sound:
                yield _edited(row.sequence)

    def moved(self) -> Iterator[Fault]:
        for row in self._of.values():
            if row.sound and row.sequence != row.stated:
                words = _("The row at {place} was recorded as event {n}.")
                yield Fault(
                    FaultKind.REORDERED,
                    row.sequence,
                    row.sequence,
                    words.format(place=row.sequence, n=row.stated),
                )

    def missing(self) -> Iterator[Fault]:
        """Places without the event that belongs there, unless it lies elsewhere."""
        empty = self._gaps + [
            (row.sequence, row.sequence)
            for row in self._found.rows
            if 1 <= row.sequence <= self._end and not self._is_clean(row.sequence)
        ]
        if self._found.last < self._end:
            empty.append((self._found.last + 1, self._end))
        for first, last in _joined(_without(self._of, empty)):
            yield _cut_off(first, last) if last == self._end else _missing(first, last)

    def rewritten(self) -> Iterator[Fault]:
        """Events whose hash is not the one that the next event names."""
        for row in self._of.values():
            if row.stated is None:
                continue
            known = self._hash_of(row.stated - 1)
            if known is not None and known != row.previous:
                # Nothing stands before the first: there it is the first that was rewritten.
                yield _edited(max(row.stated - 1, 1))

    def head(self) -> Iterator[Fault]:
        """Whether the head is there, and points to the newest event."""
        if self._head is None:
            yield Fault(FaultKind.HEAD, 0, 0, _("The head of the chain is gone."))
            return
        known = self._hash_of(self._end)
        if known is not None and known != self._head.hash:
            words = _("The head does not point to event {n}: one of the two was edited.")
            yield Fault(FaultKind.HEAD, self._end, self._end, words.format(n=self._end))

    def _hash_of(self, event: int) -> bytes | None:
        """The hash of the row taken for `event`; None when there is none that can be believed."""
        if event == 0:
            return GENESIS
        if event in self._of:
            row = self._of[event]
            return row.hash if row.sound else None
        return _hash_at(event) if self._is_clean(event) else None


def _gaps(rows: list[Row]) -> list[tuple[int, int]]:
    """The places between two rows where no row lies, in order."""
    return [(row.before + 1, row.sequence - 1) for row in rows if row.sequence > row.before + 1]


def _disturbed_places(rows: list[Row]) -> set[int]:
    """The places of `rows`, but for those that a row which agrees shares with one of them."""
    here = Counter(row.sequence for row in rows)
    second = {row.sequence for row in rows if row.before == row.sequence}
    return {place for place, count in here.items() if count > 1 or place not in second}


def _without(events: dict[int, Row], empty: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The ranges of `empty` without `events`."""
    ordered = sorted(events)
    for first, last in empty:
        free = first
        for event in ordered[bisect_left(ordered, first) : bisect_right(ordered, last)]:
            if free < event:
                yield free, event - 1
            free = event + 1
        if free <= last:
            yield free, last


def _joined(ranges: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and joined[-1][1] + 1 >= first:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _edited(event: int) -> Fault:
    words = _("Event {n} is not what was recorded.")
    return Fault(FaultKind.EDITED, event, event, words.format(n=event))


def _missing(first: int, last: int) -> Fault:
    words = ngettext(
        "Event {first} is missing.", "Events {first} to {last} are missing.", last - first + 1
    )
    return Fault(FaultKind.MISSING, first, last, words.format(first=first, last=last))


def _cut_off(first: int, last: int) -> Fault:
    words = ngettext(
        "The newest event, {first}, was cut off.",
        "The newest events, {first} to {last}, were cut off.",
        last - first + 1,
    )
    return Fault(FaultKind.CUT_OFF, first, last, words.format(first=first, last=last))


def _replaced(found: Found) -> Fault:
    first = min(row.sequence for row in found.rows)
    words = _("From event {n} on so many rows disagree that the log was replaced or moved.")
    return Fault(FaultKind.EDITED, first, max(found.last, first), words.format(n=first))


def _hash_at(place: int) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM audit_event WHERE sequence = %s", [place])
        return bytes(cursor.fetchone()[0])
