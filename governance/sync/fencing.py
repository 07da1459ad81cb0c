"""Refuse to write what was observed before the last observation that was written.

A paused worker can outlive its lock; a number per observation cannot be outlived.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper


class Fenced(Exception):
    """A newer observation of this scope has been applied meanwhile."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The number that an observation of `scope_id` drew before its request was sent."""

    scope_id: UUID
    number: int

    def enforce(self, cursor: CursorWrapper) -> None:
        """Lock the scope and note our number. Raises `Fenced` when a newer one stands there."""
        cursor.execute(
            "UPDATE inventory_scope SET applied = %s WHERE id = %s AND applied <= %s",
            [self.number, self.scope_id, self.number],
        )
        if cursor.rowcount == 0:
            raise Fenced(f"observation {self.number} of scope {self.scope_id} came too late")


def next_number() -> int:
    """A number greater than any drawn before. Draw it before sending the request."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('sync_observation')")
        return int(cursor.fetchone()[0])
