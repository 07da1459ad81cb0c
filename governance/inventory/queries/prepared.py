"""Statements that the database plans once per connection, not once per page.

Django sends text with the values inside, which is planned anew each time; for the few long
statements behind the pages people open most, planning costs as much as running them. Here the
values travel beside the text, and a connection that has sent a text three times keeps its plan.
A pooler between us and the database must know prepared statements (PgBouncer does since 1.21).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper

THRESHOLD = 3


def limited(sql: str, most: int) -> str:
    """`sql` with its `%(limit)s` written out.

    Of a limit that travels beside the text, the database supposes a tenth of the table; the plan
    for that looks dearer than one for the number itself, and every page would be planned anew.
    """
    return sql.replace("%(limit)s", str(most))


@contextmanager
def prepared() -> Iterator[CursorWrapper]:
    """A cursor like `connection.cursor()`: seen by query counts, raising Django's errors."""
    connection.ensure_connection()
    own: Any = connection.connection
    if own.prepare_threshold is None:
        own.prepare_threshold = THRESHOLD
    inner = psycopg.Cursor(own)
    inner.format = psycopg.pq.Format.BINARY  # moments and numbers need no parsing then
    with connection._prepare_cursor(inner) as cursor:  # type: ignore[attr-defined]
        yield cursor
