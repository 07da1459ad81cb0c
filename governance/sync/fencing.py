"""Refuse to write what was observed before the last observation that was written, or that agreed.

A paused worker can outlive its lock; a number per observation cannot be outlived. An observation
that found everything as it was writes nothing but its coverage: it is told by its time.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper


class Fenced(Exception):
    """A newer observation of this scope has been applied meanwhile."""


_ENFORCE = """
UPDATE inventory_scope s SET applied = %(number)s
 WHERE id = %(scope)s AND applied <= %(number)s
   AND NOT EXISTS (SELECT 1 FROM inventory_coverage c
                    WHERE c.scope_id = s.id AND c.latest AND c.until > %(at)s)
"""


@dataclass(frozen=True, slots=True)
class Fence:
    """The number that an observation of `scope_id`, made `at`, drew before it was asked for."""

    scope_id: UUID
    number: int
    at: datetime

    def enforce(self, cursor: CursorWrapper) -> None:
        """Lock the scope and note our number. Raises `Fenced` when a newer one stands there."""
        cursor.execute(_ENFORCE, {"number": self.number, "scope": self.scope_id, "at": self.at})
        if cursor.rowcount == 0:
            raise too_late(self)


def too_late(fence: Fence) -> Fenced:
    """The refusal of what came with `fence`."""
    return Fenced(f"observation {fence.number} of scope {fence.scope_id} came too late")


def next_number() -> int:
    """A number greater than any drawn before. Draw it before sending the request."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('sync_observation')")
        return int(cursor.fetchone()[0])
