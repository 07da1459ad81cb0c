"""Write the difference between what was observed of some apps and what was open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from governance.audit.actions import record_many
from governance.inventory.models import Role
from governance.sync.apply.attribution import Cause, write_attributions
from governance.sync.apply.compare import AppChange, Difference
from governance.sync.apply.people import rename_people, write_two_factor
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

# What follows a period begins where that one ended, a moment later where the clock stood still.
# Gives those that a cause may be written for.
_OPEN = """
WITH opened AS (
    INSERT INTO inventory_collaboration
           (app_id, person_id, collaborator_id, role, status, status_said, digest,
            since_after, since_at, started_after, started_at)
    SELECT d.app_id, d.person_id, d.collaborator_id, d.role, d.status,
           COALESCE(d.status_said, ''), d.digest, d.since_after, COALESCE(d.since_at, %(at)s),
           d.previous, COALESCE(closed.ended_at, %(at)s)
      FROM diff d
      LEFT JOIN inventory_collaboration closed
             ON d.what = 'changed' AND closed.id = d.collaboration_id
     WHERE d.what IN ('new', 'changed')
    RETURNING id, app_id, collaborator_id, started_after
)
SELECT id, app_id, collaborator_id FROM opened WHERE started_after IS NOT NULL
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
   SET digest = d.digest, missing_after = NULL, missing_at = NULL
  FROM diff d
 WHERE d.what = 'same' AND c.id = d.collaboration_id
   AND (c.missing_at IS NOT NULL OR c.digest IS DISTINCT FROM d.digest)
"""

# An app with staged ends keeps its old digest until they are written: it is looked at again. It
# keeps the time of its last reading until this one counts, as in a scope never read whole before.
_DIGEST = """
UPDATE inventory_app a
   SET digest = CASE WHEN d.ends THEN a.digest ELSE b.digest END,
       changed_at = CASE WHEN d.app_id IS NOT NULL THEN %(at)s ELSE a.changed_at END,
       stale_since = CASE WHEN d.ends OR NOT k.known THEN a.stale_since END,
       stale_reason = CASE WHEN d.ends OR NOT k.known THEN a.stale_reason ELSE '' END,
       scope_id = COALESCE(%(scope)s, a.scope_id)
  FROM incoming b
  LEFT JOIN (SELECT app_id, bool_or(what = 'ended') AS ends FROM diff
              WHERE what <> 'same' GROUP BY app_id) d ON d.app_id = b.app_id
 CROSS JOIN (SELECT EXISTS (SELECT 1 FROM inventory_coverage
                             WHERE scope_id = %(scope)s) AS known) k
 WHERE b.what = 'app' AND a.id = b.app_id AND b.digest IS NOT NULL
"""

# Something of these people changed; whoever is new at an app's first reading was there before.
_TOUCH = """
INSERT INTO inventory_lastchange (person_id, at)
SELECT DISTINCT person_id, %(at)s::timestamptz FROM diff
 WHERE what = 'changed' OR (what = 'new' AND previous IS NOT NULL)
ON CONFLICT (person_id) DO UPDATE SET at = GREATEST(inventory_lastchange.at, EXCLUDED.at)
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
    told = [change for change in found.changes if change.what != "ended"]
    with transaction.atomic(), connection.cursor() as cursor:
        # 1. Nobody newer has been here.
        fence.enforce(cursor)
        # 2. The rows, and who they are.
        opened = _write_rows(cursor, found, at)
        # 3. The apps: what they looked like, and when they changed.
        if any(found.digests.values()):
            cursor.execute(_DIGEST, {"at": at, "scope": scope_id})
        events = write_two_factor(cursor, found.two_factor, at=at)
        if also:
            also(cursor)
        # 4. What is told of it.
        if told:
            cursor.execute(_TOUCH, {"at": at})
        write_attributions(
            cursor,
            [
                (opened[key], "start", causes[key])
                for change in told
                if (key := _key(change)) in causes
            ],
        )
        record_many([*entries_of(told, causes, at=at), *events])
    return [
        End(change=change, seen_at=at, fence=fence, digest=found.digests.get(change.app_id))
        for change in found.changes
        if change.what == "ended"
    ]


def _write_rows(
    cursor: CursorWrapper, found: Difference, at: datetime
) -> dict[tuple[UUID, str], int]:
    """Names and periods. Returns the opened rows that are a change, by app and collaborator id."""
    changed = [change for change in found.changes if change.what == "changed"]
    opened: dict[tuple[UUID, str], int] = {}
    if found.renamed:
        rename_people(cursor, at)
    if changed:
        cursor.execute(_CLOSE, {"at": at})
    if found.new or changed:
        cursor.execute(_OPEN, {"at": at})
        opened = {(app_id, said): pk for pk, app_id, said in cursor.fetchall()}
    if any(_is_somebody_else(change) for change in changed):
        cursor.execute(_MERGE, {"at": at})
    if found.again:
        cursor.execute(_SEEN_AGAIN)
    return opened


def _is_somebody_else(change: AppChange) -> bool:
    return change.person_id != change.old_person_id and change.role != Role.OWNER


def _key(change: AppChange) -> tuple[UUID, str]:
    return change.app_id, change.collaborator_id
