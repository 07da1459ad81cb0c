"""One state of the database, for everything that one report says.

A connection of its own, in one transaction that reads and sees nothing of what is written
meanwhile (REPEATABLE READ READ ONLY). Whoever stops reading, at any byte, releases it: the
statement is cancelled and the connection closed.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.types.json import JsonbLoader

# A long report to a slow reader is not a broken page; one that nobody reads ends all the same.
_LONGEST = "30min"
_IDLE = "10min"
_MEMORY = "64MB"
_CANCEL_SECONDS = 0.5
_AT_ONCE = 5_000
PIECE = 64 * 1024


class Snapshot:
    """The open snapshot. Everything read through it is of one instant, and JSON comes decoded."""

    def __init__(self, raw: "psycopg.Connection[Any]") -> None:
        self._raw = raw

    def row(self, sql: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The only row of `sql`."""
        found = self._execute(sql, values).fetchone()
        assert found is not None, "a total is one row"  # noqa: S101
        return found

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows of `sql`: for what is short."""
        return self._execute(sql, values).fetchall()

    def each(self, sql: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """The rows of `sql`, some thousands at a time."""
        with self._raw.cursor(name="report") as cursor:
            cursor.itersize = _AT_ONCE
            # Its values stand in the text, as Django's do: the plan is made for them.
            cursor.execute(self._bound(sql, values))
            yield from cursor

    def copy(self, sql: str, values: Mapping[str, Any]) -> Iterator[bytes]:
        """What `COPY … TO STDOUT` gives, a line at a time."""
        with psycopg.ClientCursor(self._raw) as cursor, cursor.copy(sql, values) as copy:
            yield from map(bytes, copy)

    def _execute(self, sql: str, values: Mapping[str, Any]) -> "psycopg.Cursor[tuple[Any, ...]]":
        return psycopg.ClientCursor(self._raw).execute(sql, values)

    def _bound(self, sql: str, values: Mapping[str, Any]) -> bytes:
        return psycopg.ClientCursor(self._raw).mogrify(sql, values).encode()


@contextlib.contextmanager
def snapshot() -> Iterator[Snapshot]:
    """A snapshot that lasts as long as the block. Raises what connecting raises."""
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    own.ensure_connection()
    raw: psycopg.Connection[Any] = own.connection
    # Django leaves JSON as text, which its model fields decode. There are none here.
    raw.adapters.register_loader("jsonb", JsonbLoader)
    try:
        raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        raw.execute(f"SET LOCAL statement_timeout = '{_LONGEST}'")
        raw.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE}'")
        # All rows are read, so a plan that has the first ones soon is of no use; they are joined
        # and put in order in memory.
        raw.execute("SET LOCAL cursor_tuple_fraction = 1")
        raw.execute(f"SET LOCAL work_mem = '{_MEMORY}'")
        yield Snapshot(raw)
        raw.execute("COMMIT")
    finally:
        _release(raw)
        own.close()


def _release(raw: "psycopg.Connection[Any]") -> None:
    """Stop what the server still does for us, if anything."""
    if raw.closed or raw.info.transaction_status != psycopg.pq.TransactionStatus.ACTIVE:
        return
    with contextlib.suppress(psycopg.Error):
        raw.cancel_safe(timeout=_CANCEL_SECONDS)
