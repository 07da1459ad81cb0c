"""The log streamed out of the database and hashed here, a window of rows at a time.

The hashes are computed by this process, not by the server that is being checked; the server only
writes each row's columns as the text that they should be in its line, which is compared here. A
window in which anything disagrees is looked at again, row by row: `scan`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from django.db import connection

# Rows that come as one; a line may be long, where many events are erased at once.
WINDOW = 500
# Windows per statement: far below any statement timeout.
WINDOWS = 40

# What stands in a line before the data, after it, and after the hash of the line before. Where a
# column is null that must not be, it becomes null and is not in the window: the counts differ.
_TEXTS = """
SELECT sequence, line, hash,
       '{"event":{"actor_id":'
       || coalesce('"' || actor_id::text || '","actor_kind":"', 'null,"actor_kind":"')
       || actor_kind
       || coalesce('","app_id":"' || app_id::text || '","commitment":',
                   '","app_id":null,"commitment":')
       || coalesce('"' || encode(commitment, 'hex') || '","data":', 'null,"data":') AS head,
       ',"kind":"' || kind
       || '","occurred_at":"' || to_char(occurred_at AT TIME ZONE 'UTC',
                                         'YYYY-MM-DD"T"HH24:MI:SS.US')
       || coalesce('Z","person_id":"' || person_id::text || '","source":"',
                   'Z","person_id":null,"source":"')
       || source
       || coalesce('","target_id":"' || target_id::text || '","target_kind":"',
                   '","target_id":null,"target_kind":"')
       || target_kind || '","version":1},"previous":"' AS middle,
       '","recorded_at":"' || to_char(recorded_at AT TIME ZONE 'UTC',
                                      'YYYY-MM-DD"T"HH24:MI:SS.US')
       || 'Z","sequence":' || sequence || '}' AS tail,
       (occurred_at BETWEEN '0001-01-02' AND '9999-12-30'
        AND recorded_at BETWEEN '0001-01-02' AND '9999-12-30') IS TRUE
       AND (commitment IS NULL OR EXISTS (
           SELECT FROM audit_personal AS personal
           WHERE personal.sequence = event.sequence
             AND (personal.fields IS NULL
                  OR sha256(personal.salt || convert_to(personal.fields, 'UTF8')) = commitment)
       )) AS agrees
FROM audit_event AS event
"""
_WINDOWS = """
COPY (
    SELECT spanned.* FROM generate_series(%(first)s::bigint, %(last)s, %(window)s) AS start
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, string_agg(line, E'\\n'), string_agg(hash, '') {texts}
        FROM (
            {rows} WHERE sequence BETWEEN start AND least(start + %(window)s - 1, %(last)s)
            ORDER BY sequence
        ) AS texts
    ) AS spanned
) TO STDOUT (FORMAT binary)
"""
_WITH_COLUMNS = _WINDOWS.format(
    rows=_TEXTS,
    texts=", string_agg(head, E'\\n'), string_agg(middle, E'\\n'), string_agg(tail, E'\\n'),"
    " bool_and(agrees)",
)
_CHAIN = _WINDOWS.format(rows="SELECT sequence, line, hash FROM audit_event", texts="")
_TYPES = ["int8", "bytea", "bytea", "bytea", "bytea", "bytea", "bool"]
_PREVIOUS = b'"previous":"'
# What stands in every line between the hash of the one before and its own number.
_AFTER_PREVIOUS = len('","recorded_at":"2026-03-02T09:30:00.000000Z","sequence":')


@dataclass(frozen=True, slots=True)
class Window:
    """The rows of `size` places from `first` on; None where there are none, or none that is whole.

    `heads`, `middles`, `tails` and `agrees` are those of the columns, where they were asked for.
    """

    first: int
    size: int
    count: int
    lines: bytes | None
    hashes: bytes | None
    heads: bytes | None = None
    middles: bytes | None = None
    tails: bytes | None = None
    agrees: bool | None = None

    def tip(self, previous: bytes, *, columns: bool) -> bytes | None:
        """The hash of its last line, when all rows are there and each is what the one after it
        names, the first with `previous` before it, and says what all its columns say; None when
        anything disagrees."""
        lines = _split(self.lines)
        if not self.count == self.size == len(lines):
            return None
        digests = b"".join([sha256(line).digest() for line in lines])
        named = (previous + digests).hex().encode()
        if digests != self.hashes:
            return None
        agrees = self._columns_agree(lines, named) if columns else self._follows(lines, named)
        return digests[-32:] if agrees else None

    def _follows(self, lines: list[bytes], named: bytes) -> bool:
        """Whether each line names the hash before it: `named`, in order; and the last has its
        number. The chain holds the numbers in between: each was hashed with its line."""
        first, last = b"%d}" % self.first, b"%d}" % (self.first + self.size - 1)
        if not lines[-1].endswith(b'"sequence":' + last):
            return False
        if len(first) == len(last):
            start = -_AFTER_PREVIOUS - len(last) - 64
            hashes = [line[start : start + 64] for line in lines]
        else:
            hashes = [line[line.rfind(_PREVIOUS) + len(_PREVIOUS) :][:64] for line in lines]
        return b"".join(hashes) == named[:-64]

    def _columns_agree(self, lines: list[bytes], named: bytes) -> bool:
        before = [named[start : start + 64] for start in range(0, len(named) - 64, 64)]
        texts = (_split(self.heads), before, _split(self.middles), _split(self.tails))
        if not self.agrees or any(len(each) != self.count for each in texts):
            return False
        for line, head, hash_, middle, tail in zip(lines, *texts, strict=True):
            if not (line.startswith(head) and line.endswith(middle + hash_ + tail)):
                return False
        return True


def windows(first: int, last: int, *, columns: bool) -> Iterator[Window]:
    """The rows from place `first` to `last`, window by window, empty ones too."""
    reach = {"first": first, "last": last, "window": WINDOW}
    statement = _WITH_COLUMNS if columns else _CHAIN
    with connection.cursor() as cursor, cursor.copy(statement, reach) as copy:
        copy.set_types(_TYPES if columns else _TYPES[:3])
        # The rows first: they must be read to their end.
        for row, place in zip(copy.rows(), range(first, last + 1, WINDOW), strict=True):
            yield Window(place, min(WINDOW, last - place + 1), *row)


def _split(joined: bytes | None) -> list[bytes]:
    return [] if joined is None else joined.split(b"\n")
