"""Write the ends that the guard let pass; remember since when the others are missing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from governance.audit.actions import record_many
from governance.sync.apply.attribution import write_attributions
from governance.sync.apply.collaborations import NO_CAUSES, Causes, End
from governance.sync.apply.people import touch
from governance.sync.apply.platform_events import entries_of
from governance.sync.fencing import Fence

# The row was there at `previous` and not at the first reading that missed it, which may lie
# before the one that wrote its end.
_END = """
UPDATE inventory_collaboration c
   SET ended_after = GREATEST(c.started_at, CASE WHEN c.missing_at IS NULL THEN e.previous
                                                 ELSE c.missing_after END),
       ended_at = GREATEST(c.started_at + interval '1 microsecond',
                           COALESCE(c.missing_at, e.seen_at)),
       missing_after = NULL, missing_at = NULL
  FROM unnest(%(ids)s::bigint[], %(previous)s::timestamptz[], %(seen)s::timestamptz[])
       AS e(id, previous, seen_at)
 WHERE c.id = e.id AND c.ended_at IS NULL
RETURNING c.id
"""

_DIGESTS = """
UPDATE inventory_app a SET digest = COALESCE(e.digest, a.digest), changed_at = %(at)s
  FROM unnest(%(apps)s::uuid[], %(digests)s::bytea[]) AS e(id, digest) WHERE a.id = e.id;
"""

_MISSING = """
UPDATE inventory_collaboration c SET missing_after = e.previous, missing_at = e.seen_at
  FROM unnest(%(ids)s::bigint[], %(previous)s::timestamptz[], %(seen)s::timestamptz[])
       AS e(id, previous, seen_at)
 WHERE c.id = e.id AND c.ended_at IS NULL AND c.missing_at IS NULL
"""

_FORGET = """
UPDATE inventory_collaboration c SET missing_after = NULL, missing_at = NULL
 WHERE c.missing_at IS NOT NULL AND c.ended_at IS NULL AND c.app_id = ANY(%s)
"""


def _columns(ends: Sequence[End]) -> dict[str, Any]:
    return {
        "ids": [end.change.collaboration_id for end in ends],
        "previous": [end.change.previous for end in ends],
        "seen": [end.seen_at for end in ends],
    }


def write_ends(ends: Sequence[End], *, at: datetime, causes: Causes = NO_CAUSES) -> int:
    """End collaborations, in one transaction with their events. How many ended.

    All staged ends of an app come together: its digest is taken over, so that nothing of it is
    looked at again. Raises `Fenced` when a newer observation of one of their scopes was applied
    meanwhile.
    """
    if not ends:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        for fence in sorted({end.fence for end in ends}, key=lambda fence: fence.scope_id):
            fence.enforce(cursor)
        cursor.execute(_END, _columns(ends))
        ended = {row[0] for row in cursor.fetchall()}
        done = [end for end in ends if end.change.collaboration_id in ended]
        apps = {end.change.app_id: end.digest for end in ends}
        cursor.execute(
            _DIGESTS,
            {
                "at": at,
                "apps": list(apps),
                "digests": list(apps.values()),
            },
        )
        touch(cursor, {end.change.person_id for end in done}, at=at)
        write_attributions(
            cursor,
            [
                (end.change.collaboration_id, "end", causes[key])
                for end in done
                if (key := (end.change.app_id, end.change.collaborator_id)) in causes
                and end.change.collaboration_id is not None
            ],
        )
        record_many(entries_of((end.change for end in done), causes, at=at))
    return len(done)


def note_missing(ends: Sequence[End]) -> None:
    """Remember when these were first not there; their end waits."""
    if ends:
        with connection.cursor() as cursor:
            cursor.execute(_MISSING, _columns(ends))


def forget_missing(app_ids: Sequence[UUID], *, fence: Fence) -> None:
    """Everybody of these apps was there again before their end was written. Raises `Fenced`."""
    if app_ids:
        with transaction.atomic(), connection.cursor() as cursor:
            fence.enforce(cursor)
            cursor.execute(_FORGET, [list(app_ids)])
