"""The difference between what was observed of some apps and what was known, and its writing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from governance.audit.actions import record_many
from governance.sync.apply.attribution import Cause, write_attributions
from governance.sync.apply.people import make_people, rename_people
from governance.sync.apply.platform_events import entries_of
from governance.sync.fencing import Fence

# How many apps share a transaction: one each costs 16 times as much, and very many at once would
# hold what readers wait for.
APPS_PER_BATCH = 200


@dataclass(frozen=True, slots=True)
class Batch:
    """What was observed of one app: its digest, and when it had been read before.

    `previous` is None at the first reading of all: nothing can then be said to have changed.
    """

    app_id: UUID
    digest: bytes | None
    previous: datetime | None


@dataclass(frozen=True, slots=True)
class AppChange:
    """One difference. `collaboration_id` is the row that ends; None when somebody is new."""

    what: str  # "new", "changed" or "ended"
    app_id: UUID
    collaborator_id: str
    collaboration_id: int | None
    person_id: UUID  # who it is now; for an end, who it was
    old_person_id: UUID | None
    role: str
    old_role: str | None
    status: str
    old_status: str | None
    email: str
    username: str
    previous: datetime | None
    missing_after: datetime | None = None
    missing_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class End:
    """A collaboration that an observation no longer has, until the run has seen its scopes."""

    change: AppChange
    seen_at: datetime  # of the observation without it
    fence: Fence
    # The app's digest once all of its ends are written.
    digest: bytes | None = field(default=None, compare=False)


_TABLES = """
CREATE TEMP TABLE IF NOT EXISTS seen (
    app_id uuid NOT NULL, collaborator_id text NOT NULL, kind text NOT NULL, key text NOT NULL,
    email text NOT NULL, username text NOT NULL, role text NOT NULL, status text NOT NULL,
    status_said text NOT NULL, two_factor text NOT NULL, person_id uuid
);
CREATE TEMP TABLE IF NOT EXISTS batch (app_id uuid NOT NULL, digest bytea, previous timestamptz);
CREATE TEMP TABLE IF NOT EXISTS diff (
    what text NOT NULL, app_id uuid NOT NULL, collaborator_id text NOT NULL,
    collaboration_id bigint, person_id uuid, old_person_id uuid, role text, old_role text,
    status text, status_said text, old_status text, email text, username text,
    previous timestamptz, since_after timestamptz, since_at timestamptz,
    missing_after timestamptz, missing_at timestamptz
);
TRUNCATE seen, batch, diff;
"""

# Owners have rows of ours, which come from the listing of apps; all others from collaborators'.
_DIFF = """
INSERT INTO diff
SELECT CASE WHEN c.id IS NULL THEN 'new' WHEN s.person_id IS NULL THEN 'ended' ELSE 'changed' END,
       b.app_id, COALESCE(s.collaborator_id, c.collaborator_id), c.id,
       COALESCE(s.person_id, c.person_id), c.person_id, COALESCE(s.role, c.role), c.role,
       COALESCE(s.status, c.status), s.status_said, c.status, COALESCE(s.email, ''),
       COALESCE(s.username, ''), b.previous,
       CASE WHEN c.id IS NULL OR (c.collaborator_id = 'owner' AND c.person_id <> s.person_id)
            THEN b.previous ELSE c.since_after END,
       CASE WHEN c.id IS NULL OR (c.collaborator_id = 'owner' AND c.person_id <> s.person_id)
            THEN NULL ELSE c.since_at END,
       c.missing_after, c.missing_at
  FROM (SELECT o.* FROM inventory_collaboration o JOIN batch ON batch.app_id = o.app_id
         WHERE o.ended_at IS NULL AND (o.collaborator_id = 'owner') = %(owners)s) c
  FULL JOIN seen s ON s.app_id = c.app_id AND s.collaborator_id = c.collaborator_id
  JOIN batch b ON b.app_id = COALESCE(s.app_id, c.app_id)
 WHERE c.id IS NULL OR s.person_id IS NULL
    OR (c.person_id, c.role, c.status, c.status_said)
       IS DISTINCT FROM (s.person_id, s.role, s.status, s.status_said)
"""

_READ = """
SELECT d.what, d.app_id, d.collaborator_id, d.collaboration_id, d.person_id, d.old_person_id,
       d.role, d.old_role, d.status, d.old_status,
       COALESCE(NULLIF(d.email, ''), p.email), COALESCE(NULLIF(d.username, ''), p.username),
       d.previous, d.missing_after, d.missing_at
  FROM diff d JOIN inventory_person p ON p.id = d.person_id
 WHERE d.previous IS NOT NULL OR d.what <> 'new'
 ORDER BY d.app_id, d.collaborator_id
"""


def find_changes(
    batches: Sequence[Batch],
    rows: Iterable[tuple[UUID, tuple[str, ...]]],
    *,
    owners: bool = False,
    at: datetime,
) -> list[AppChange]:
    """Compare `rows` (by app, as `rows.seen` makes them) with what is open; return what differs.

    The difference stays in temporary tables of this database connection for `write_changes`, so
    that Scalingo can be asked in between, outside any transaction, who did it. Whoever is new at
    an app's first reading is no change and is not returned.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        with cursor.copy("COPY batch FROM STDIN") as copy:
            for one in batches:
                copy.write_row((one.app_id, one.digest, one.previous))
        with cursor.copy(
            "COPY seen (app_id, collaborator_id, kind, key, email, username, role, status,"
            " status_said, two_factor) FROM STDIN"
        ) as copy:
            for app_id, row in rows:
                copy.write_row((app_id, *row))
        cursor.execute("ANALYZE seen; ANALYZE batch")
        make_people(cursor, at)
        cursor.execute(_DIFF, {"owners": owners})
        cursor.execute(_READ)
        return [AppChange(*row) for row in cursor.fetchall()]


_CLOSE = """
UPDATE inventory_collaboration c
   SET ended_after = GREATEST(c.started_at, d.previous),
       ended_at = GREATEST(c.started_at + interval '1 microsecond', %(at)s)
  FROM diff d WHERE d.what = 'changed' AND c.id = d.collaboration_id
"""

_OPEN = """
INSERT INTO inventory_collaboration
       (app_id, person_id, collaborator_id, role, status, status_said,
        since_after, since_at, started_after, started_at)
SELECT app_id, person_id, collaborator_id, role, status, COALESCE(status_said, ''),
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
UPDATE inventory_person p SET merged_into_id = moved.person_id, changed_at = %(at)s
  FROM moved WHERE p.id = moved.old_person_id
"""

_SEEN_AGAIN = """
UPDATE inventory_collaboration c SET missing_after = NULL, missing_at = NULL
  FROM seen s
 WHERE c.missing_at IS NOT NULL AND c.ended_at IS NULL
   AND c.app_id = s.app_id AND c.collaborator_id = s.collaborator_id
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

# Stands for a person's rows that moved: they are touched, so that "last change" is true.
_TOUCH = """
UPDATE inventory_person p SET changed_at = %(at)s
 WHERE p.id IN (SELECT person_id FROM diff WHERE what <> 'ended' AND previous IS NOT NULL)
"""

Causes = Mapping[tuple[UUID, str], Cause]
NO_CAUSES: Causes = {}


def write_changes(
    changes: Sequence[AppChange],
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
        cursor.execute(_TOUCH, now)
        if also:
            also(cursor)
        told = [change for change in changes if change.what != "ended"]
        write_attributions(
            cursor,
            [
                (opened[key], "start", causes[key])
                for change in told
                if (key := _key(change)) in causes
            ],
        )
        record_many(entries_of(told, causes, at=at))
        cursor.execute("SELECT app_id, digest FROM batch")
        digests = dict(cursor.fetchall())
    return [
        End(change=change, seen_at=at, fence=fence, digest=digests.get(change.app_id))
        for change in changes
        if change.what == "ended"
    ]


def _key(change: AppChange) -> tuple[UUID, str]:
    return change.app_id, change.collaborator_id
