"""Let the database find a few rows of large tables by their indexes, whatever it guesses.

Temporary tables have no statistics, and those of a table that just grew are old: the planner then
reads whole tables, or loops over them. A difference is small and every join here has its index.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper


@contextmanager
def by_index() -> Iterator[CursorWrapper]:
    """A transaction whose joins go by index, and its cursor."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
            " SET LOCAL enable_seqscan = off; SET LOCAL jit = off"
        )
        yield cursor
