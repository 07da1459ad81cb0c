"""Every row recomputed, and those that disagree told apart.

`stream` goes through the log in windows; where one disagrees, the rows of it are recomputed one by
one in the database, and those that disagree are fetched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.db import connection

from governance.audit.verify import stream

GENESIS = bytes(32)
# Places per statement: far below any statement timeout, and sorted in memory.
PIECE = 5_000
# So many rows that disagree are told apart; a log with more was replaced, not edited.
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Head:
    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """A row that disagrees with itself, with the one before it or with its personal part.

    `sequence` is its place in the table, `before` the place of the row before it. `stated` and
    `previous` are what its line says, None unless the line is whole, agrees with every other column
    and has its own hash: then the row is *sound*, and what is wrong is its place or a neighbour.
    """

    sequence: int
    before: int
    hash: bytes
    stated: int | None
    previous: bytes | None
    personal_agrees: bool

    @property
    def sound(self) -> bool:
        return self.stated is not None

    @property
    def identity(self) -> int:
        """Which event this is: what its line says, or its place where that cannot be believed."""
        return self.sequence if self.stated is None else self.stated


@dataclass(slots=True)
class Found:
    """The rows that disagree, in the order of their places.

    `checked` rows were recomputed, those after `start`; `last` is the highest place among them and
    `tip` the hash there. `duplicates` are places that hold more than one row.
    """

    start: int = 0
    rows: list[Row] = field(default_factory=list)
    checked: int = 0
    last: int = 0
    tip: bytes = GENESIS
    duplicates: tuple[int, ...] = ()
    too_many: bool = False


def head() -> Head | None:
    """Where the chain ends, as its lock row says; None if that row is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sequence, hash FROM audit_head WHERE id = 1")
        row = cursor.fetchone()
    return Head(row[0], bytes(row[1])) if row else None


def rows(head: Head | None, *, after: Head | None = None, columns: bool = True) -> Found:
    """Recompute every row up to `head`, and fetch whatever lies where no event can be.

    `after`: only what follows that event, whose hash is believed. Without `columns` a row whose
    line is right is right, whatever its columns say. Rows past the head of this
    instant are read together with it, in one statement, so that events appended meanwhile are not
    taken for inserted ones.
    """
    found = Found()
    if after:
        found.start = found.last = after.sequence
        found.tip = after.hash
    until = head.sequence if head else _highest()
    while not found.too_many and found.last < until:
        span = (found.last + 1, min(found.last + stream.WINDOW * stream.WINDOWS, until))
        if not _stream(found, *span, columns=columns) and not _recompute(found, until, span[1]):
            break
    _add(found, _select(_OUTSIDE, {"most": MOST + 1}))
    found.rows.sort(key=lambda row: row.sequence)
    found.duplicates = _duplicates(found)
    return found


def _stream(found: Found, first: int, last: int, *, columns: bool) -> bool:
    """Go through a span in windows, up to the first that disagrees; whether all of it agrees."""
    agrees = True
    for window in stream.windows(first, last, columns=columns):
        tip = window.tip(found.tip, columns=columns) if agrees else None
        if tip is None:
            agrees = False  # and go on reading: the answer must be taken to its end
            continue
        found.checked += window.count
        found.last += window.size
        found.tip = tip
    return agrees


def _recompute(found: Found, until: int, last: int) -> bool:
    """Recompute what is left of a span row by row; whether there was anything."""
    begun = found.last
    while not found.too_many and found.last < last and _recompute_piece(found, until):
        pass
    return found.last > begun


_COLUMNS = """
       sequence, before_sequence, coalesce(line, '') AS line, coalesce(hash, '') AS hash,
       coalesce(head, '') AS head, coalesce(tail, '') AS tail, in_time, personal_agrees
"""

# Instants outside of the years of four digits could be written like one inside.
_RECOMPUTED = """
SELECT linked.*,
       convert_to(line, 'UTF8') AS bytes,
       audit_before(actor_id, actor_kind, app_id, commitment) AS head,
       audit_after(kind, audit_instant(occurred_at), person_id, source, target_id, target_kind,
                   coalesce(before_hash, ''), audit_instant(recorded_at), sequence) AS tail,
       (occurred_at BETWEEN '0001-01-02' AND '9999-12-30'
        AND recorded_at BETWEEN '0001-01-02' AND '9999-12-30') IS TRUE AS in_time,
       commitment IS NULL OR EXISTS (
           SELECT FROM audit_personal AS personal
           WHERE personal.sequence = linked.sequence
             AND (personal.fields IS NULL
                  OR sha256(personal.salt || convert_to(personal.fields, 'UTF8')) = commitment)
       ) AS personal_agrees
FROM linked
"""

# `IS TRUE`, because a column set to null must not hide its row.
_PIECE = f"""
WITH linked AS (
    SELECT *,
           lag(sequence, 1, %(after)s) OVER w AS before_sequence,
           lag(hash, 1, %(tip)s) OVER w AS before_hash,
           lead(sequence) OVER w IS NULL AS is_last,
           row_number() OVER w AS number
    FROM (
        SELECT * FROM audit_event WHERE sequence BETWEEN %(first)s AND %(last)s
    ) AS piece
    WINDOW w AS (ORDER BY sequence)
), compared AS (
    SELECT *, (
        sha256(bytes) = hash
        AND starts_with(line, head)
        -- As bytes: to count the characters of a line costs as much as its hash.
        AND substr(bytes, octet_length(bytes) - octet_length(tail) + 1) = convert_to(tail, 'UTF8')
        AND in_time
        AND personal_agrees
    ) IS TRUE AS agrees
    -- OFFSET 0: the expected texts are made once a row, not once for each use of them.
    FROM ({_RECOMPUTED} OFFSET 0) AS recomputed
)
SELECT {_COLUMNS}, agrees, is_last, number FROM compared
WHERE is_last OR NOT agrees ORDER BY sequence
"""  # noqa: S608  Put together from the constants above.

_NEXT = "SELECT min(sequence) AS first FROM audit_event WHERE sequence > %(after)s"

# In two halves: with an OR between them the whole log would be read.
_OUTSIDE = f"""
WITH outside AS (
    (SELECT * FROM audit_event WHERE sequence <= 0 ORDER BY sequence LIMIT %(most)s)
    UNION ALL
    (SELECT * FROM audit_event WHERE sequence > (SELECT sequence FROM audit_head WHERE id = 1)
     ORDER BY sequence LIMIT %(most)s)
), linked AS (
    SELECT *, sequence - 1 AS before_sequence, hash AS before_hash FROM outside
)
SELECT {_COLUMNS}, false AS agrees FROM ({_RECOMPUTED}) AS recomputed ORDER BY sequence
"""  # noqa: S608  Put together from the constants above.


def _recompute_piece(found: Found, until: int) -> bool:
    """Recompute the next rows; whether there were any."""
    first = next(_select(_NEXT, {"after": found.last}))["first"]
    if first is None or first > until:
        return False
    reach = {"first": first, "last": min(first + PIECE - 1, until)}
    last: dict[str, Any] = {}
    for last in _select(_PIECE, {**reach, "after": found.last, "tip": found.tip}):
        if not last["agrees"]:
            _add(found, [last])
    found.checked += last["number"]
    found.last, found.tip = last["sequence"], bytes(last["hash"])
    return True


def _add(found: Found, disagreeing: "Iterator[dict[str, Any]] | list[dict[str, Any]]") -> None:
    for row in disagreeing:
        if len(found.rows) >= MOST:
            found.too_many = True
            return
        found.rows.append(_row(row))


def _row(row: dict[str, Any]) -> Row:
    line, own = row["line"], bytes(row["hash"])
    stated = _stated(line, row["head"], row["tail"])
    if not row["in_time"] or sha256(line.encode()).digest() != own:
        stated = None
    return Row(
        sequence=row["sequence"],
        before=row["before_sequence"],
        hash=own,
        stated=stated[0] if stated else None,
        previous=stated[1] if stated else None,
        personal_agrees=bool(row["personal_agrees"]),
    )


def _stated(line: str, head: str, tail: str) -> tuple[int, bytes] | None:
    """The sequence and previous hash that `line` says; None unless all else is as the columns say.

    `head` and `tail` are what the columns put before and after the data; of the tail, the previous
    hash and the sequence are those of the place, and here those of the line are wanted.
    """
    if not head or not tail:
        return None
    start, _, end = tail.partition('"previous":"')
    recorded = end[end.index('"') : end.rindex(":") + 1]
    whole = (
        re.escape(head)
        + r"\{.*\}"
        + re.escape(start)
        + r'"previous":"([0-9a-f]{64})'
        + re.escape(recorded)
        + r"(-?\d{1,19})\}"
    )
    match = re.fullmatch(whole, line, re.DOTALL)
    return (int(match[2]), bytes.fromhex(match[1])) if match else None


def _duplicates(found: Found) -> tuple[int, ...]:
    """Places with more than one row; only the loss of the primary key makes them possible."""
    counted = _select(
        "SELECT count(*) AS n FROM audit_event WHERE sequence > %(start)s AND sequence <= %(last)s",
        {"start": found.start, "last": found.last},
    )
    if next(counted)["n"] == found.checked:
        return ()
    twice = _select(
        "SELECT sequence FROM audit_event WHERE sequence >= %(start)s"
        " GROUP BY sequence HAVING count(*) > 1 ORDER BY sequence LIMIT %(most)s",
        {"start": found.start, "most": MOST},
    )
    return tuple(row["sequence"] for row in twice)


def _highest() -> int:
    row = next(_select("SELECT coalesce(max(sequence), 0) AS last FROM audit_event", {}))
    return int(row["last"])


def _select(statement: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        fetched = cursor.fetchall()
    return (dict(zip(names, row, strict=True)) for row in fetched)
