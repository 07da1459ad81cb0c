"""Write the difference between what was observed of some apps and what was open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from governance.audit.actions import record_many
from governance.sync.apply.attribution import Cause, write_attributions
from governance.sync.apply.compare import AppChange, Difference
from governance.sync.apply.people import rename_people, touch, write_two_factor
from governance.sync.apply.platform_events import entries_of
from governance.sync.fencing import Fence


@dataclass(frozen=True, slots=True)
class End:
    """A collaboration that an observation no longer has, until the run has seen its scopes."""

    change: AppChange
    seen_at: datetime  # of the observation without it
    fence: Fence
    # The app's digest once all of its ends are written.
    digest: bytes | None = None


_CLOSE = """
UPDATE inventory_collaboration c
   SET ended_after = GREATEST(c.started_at, d.previous),
       ended_at = GREATEST(c.started_at + interval '1 microsecond', %(at)s),
       missing_after = NULL, missing_at = NULL
  FROM diff d WHERE d.what = 'changed' AND c.id = d.collaboration_id
"""

_OPEN = """
INSERT INTO inventory_collaboration
       (app_id, person_id, collaborator_id, role, status, status_said, digest,
        since_after, since_at, started_after, started_at)
SELECT app_id, person_id, collaborator_id, role, status, COALESCE(status_said, ''), digest,
       since_after, COALESCE(since_at, %(at)s), previous, %(at)s
  FROM diff WHERE what <> 'ended'
"""

# Opened rows are found again by their app and id: at most one is open.
_OPENED = """
SELECT c.id, c.app_id, c.collaborator_id
  FROM diff d JOIN inventory_collaboration c
    ON c.app_id = d.app_id AND c.collaborator_id = d.collaborator_id AND c.ended_at IS NULL
 WHERE d.what <> 'ended' AND d.previous IS NOT NULL
"""

# The invited address whose last collaboration became somebody's leads to that person from now on.
_MERGE = """
WITH moved AS (
    SELECT DISTINCT ON (d.old_person_id) d.old_person_id, d.person_id
      FROM diff d JOIN inventory_person p ON p.id = d.old_person_id
     WHERE d.what = 'changed' AND d.old_person_id <> d.person_id AND d.collaborator_id <> 'owner'
       AND EXISTS (SELECT 1 FROM inventory_identity i WHERE i.person_id = p.id
                      AND i.kind = 'email' AND i.ended_at IS NULL)
       AND NOT EXISTS (SELECT 1 FROM inventory_collaboration c
                        WHERE c.person_id = p.id AND c.ended_at IS NULL)
     ORDER BY d.old_person_id, d.app_id
), ended AS (
    UPDATE inventory_identity i SET ended_at = %(at)s
      FROM moved WHERE i.person_id = moved.old_person_id AND i.ended_at IS NULL
)
UPDATE inventory_person p SET merged_into_id = moved.person_id
  FROM moved WHERE p.id = moved.old_person_id
"""

# Rows that differ in what is no period: a name, 2FA; or that are there again.
_SEEN_AGAIN = """
UPDATE inventory_collaboration c
   SET digest = s.digest, missing_after = NULL, missing_at = NULL
  FROM seen s
 WHERE c.ended_at IS NULL AND c.app_id = s.app_id AND c.collaborator_id = s.collaborator_id
   AND (c.missing_at IS NOT NULL OR c.digest IS DISTINCT FROM s.digest)
"""

# An app with staged ends keeps its old digest until they are written: it is looked at again.
_DIGEST = """
UPDATE inventory_app a
   SET digest = CASE WHEN EXISTS (SELECT 1 FROM diff d WHERE d.app_id = a.id AND d.what = 'ended')
                     THEN a.digest ELSE b.digest END,
       changed_at = CASE WHEN EXISTS (SELECT 1 FROM diff d WHERE d.app_id = a.id)
                         THEN %(at)s ELSE a.changed_at END,
       stale_since = NULL, stale_reason = '', scope_id = COALESCE(%(scope)s, a.scope_id)
  FROM batch b WHERE a.id = b.app_id AND b.digest IS NOT NULL
"""

Causes = Mapping[tuple[UUID, str], Cause]
NO_CAUSES: Causes = {}


def write_changes(
    found: Difference,
    *,
    fence: Fence,
    scope_id: UUID | None,
    at: datetime,
    causes: Causes = NO_CAUSES,
    also: Callable[[CursorWrapper], None] | None = None,
) -> list[End]:
    """Write the difference that `find_changes` left, in one transaction. Returns the staged ends.

    Raises `Fenced` when a newer observation of this scope was applied meanwhile; nothing is
    written then. `also` runs inside the transaction, before the audit events.
    """
    now = {"at": at, "scope": scope_id}
    changes = found.changes
    with transaction.atomic(), connection.cursor() as cursor:
        fence.enforce(cursor)
        rename_people(cursor, at)
        cursor.execute(_CLOSE, now)
        cursor.execute(_OPEN, now)
        cursor.execute(_OPENED)
        opened = {(app_id, said): pk for pk, app_id, said in cursor.fetchall()}
        cursor.execute(_MERGE, now)
        cursor.execute(_SEEN_AGAIN)
        cursor.execute(_DIGEST, now)
        events = write_two_factor(cursor, found.two_factor, at=at)
        if also:
            also(cursor)
        told = [change for change in changes if change.what != "ended"]
        touch(cursor, {change.person_id for change in told}, at=at)
        write_attributions(
            cursor,
            [
                (opened[key], "start", causes[key])
                for change in told
                if (key := _key(change)) in causes
            ],
        )
        record_many([*entries_of(told, causes, at=at), *events])
        digests = _digests(cursor) if len(told) < len(changes) else {}
    return [
        End(change=change, seen_at=at, fence=fence, digest=digests.get(change.app_id))
        for change in changes
        if change.what == "ended"
    ]


def _digests(cursor: CursorWrapper) -> dict[UUID, bytes]:
    cursor.execute("SELECT app_id, digest FROM batch")
    return dict(cursor.fetchall())


def _key(change: AppChange) -> tuple[UUID, str]:
    return change.app_id, change.collaborator_id
