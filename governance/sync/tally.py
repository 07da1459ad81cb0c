"""What a run leaves behind, in numbers: how much is known, and how much of it was read."""

from uuid import UUID

from django.db import connection

_TOTALS = """
SELECT (SELECT count(*) FROM inventory_app WHERE gone_at IS NULL),
       (SELECT count(DISTINCT person_id) FROM inventory_collaboration WHERE ended_at IS NULL),
       (SELECT count(*) FROM inventory_collaboration WHERE ended_at IS NULL)
"""

_COVERAGE = """
SELECT count(*),
       count(*) FILTER (WHERE s.stale_since IS NULL AND s.retired_at IS NULL
                          AND a.stale_since IS NULL AND a.suspect_since IS NULL
                          AND c.id IS NOT NULL)
  FROM inventory_app a
  LEFT JOIN inventory_scope s ON s.id = a.scope_id
  LEFT JOIN inventory_coverage c ON c.scope_id = s.id AND c.latest
 WHERE a.gone_at IS NULL
   AND (%(connection)s::uuid IS NULL OR s.connection_id = %(connection)s)
"""


def totals() -> dict[str, int]:
    """How many apps, people and collaborations are known now, owners included."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS)
        apps, people, collaborations = cursor.fetchone()
    return {"apps": apps, "people": people, "collaborations": collaborations}


def coverage(*, connection_id: UUID | None = None) -> dict[str, int]:
    """Of how many apps the collaborators are expected, freshly read, and not.

    With `connection_id`, of those alone that this connection reads.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COVERAGE, {"connection": connection_id})
        expected, read = cursor.fetchone()
    return {"expected": expected, "read": read, "failed": expected - read}
