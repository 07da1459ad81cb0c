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
_WINDOWS = f"""
COPY (
    SELECT spanned.* FROM generate_series(%(first)s::bigint, %(last)s, %(window)s) AS start
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, string_agg(line, E'\\n'), string_agg(hash, ''),
               string_agg(head, E'\\n'), string_agg(middle, E'\\n'), string_agg(tail, E'\\n'),
               bool_and(agrees)
        FROM (
            {_TEXTS} WHERE sequence BETWEEN start AND least(start + %(window)s - 1, %(last)s)
            ORDER BY sequence
        ) AS texts
    ) AS spanned
) TO STDOUT (FORMAT binary)
"""  # noqa: S608  Put together from the constants above.
_TYPES = ["int8", "bytea", "bytea", "bytea", "bytea", "bytea", "bool"]


@dataclass(frozen=True, slots=True)
class Window:
    """The rows of `size` places in a row; None where there are none, or none that is whole."""

    size: int
    count: int
    lines: bytes | None
    hashes: bytes | None
    heads: bytes | None
    middles: bytes | None
    tails: bytes | None
    agrees: bool | None

    def tip(self, previous: bytes) -> bytes | None:
        """The hash of its last line, when all rows are there and each agrees with all its columns
        and with the line before, the first with `previous`; None when anything does not."""
        if self.count != self.size or not self.agrees:
            return None
        lines = _split(self.lines)
        digests = b"".join([sha256(line).digest() for line in lines])
        if digests != self.hashes or len(lines) != self.count:
            return None
        named = (previous + digests).hex().encode()
        before = [named[start : start + 64] for start in range(0, len(named) - 64, 64)]
        texts = (_split(self.heads), before, _split(self.middles), _split(self.tails))
        if any(len(each) != self.count for each in texts):
            return None
        for line, head, hash_, middle, tail in zip(lines, *texts, strict=True):
            if not (line.startswith(head) and line.endswith(middle + hash_ + tail)):
                return None
        return digests[-32:]


def windows(first: int, last: int) -> Iterator[Window]:
    """The rows from place `first` to `last`, window by window, empty ones too."""
    reach = {"first": first, "last": last, "window": WINDOW}
    with connection.cursor() as cursor, cursor.copy(_WINDOWS, reach) as copy:
        copy.set_types(_TYPES)
        # The rows first: they must be read to their end.
        for row, place in zip(copy.rows(), range(first, last + 1, WINDOW), strict=True):
            yield Window(min(WINDOW, last - place + 1), *row)


def _split(joined: bytes | None) -> list[bytes]:
    return [] if joined is None else joined.split(b"\n")
