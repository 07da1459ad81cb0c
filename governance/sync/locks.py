"""One sync at a time, over all processes: a lock that the database gives back when we die.

It is held on a connection of its own, straight to the server: a pooler between us and the
database could hand the lock to somebody else.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

_KEY = 0x5C_A1_1A_60  # any number that nothing else of ours locks


@contextmanager
def only_one() -> Iterator[bool]:
    """Whether we are the one that may sync; while the block lasts, nobody else is."""
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    own.settings_dict = {
        **own.settings_dict,
        "OPTIONS": {k: v for k, v in own.settings_dict["OPTIONS"].items() if k != "pool"},
    }
    try:
        with own.cursor() as cursor:
            cursor.execute("SET idle_session_timeout = 0")
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_KEY])
            ours = bool(cursor.fetchone()[0])
            try:
                yield ours
            finally:
                # Closing alone would give it back a moment later, and a run right behind this one
                # would find it taken.
                if ours:
                    with suppress(DatabaseError):
                        cursor.execute("SELECT pg_advisory_unlock(%s)", [_KEY])
    finally:
        own.close()
