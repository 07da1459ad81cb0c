"""The difference between what was observed of some apps and what is open."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from governance.sync.apply.people import TwoFactorChange, make_people, two_factor_seen

# How many apps share a transaction: one each costs 16 times as much, and very many at once would
# hold what others wait for.
APPS_PER_BATCH = 1000


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
class Difference:
    """All that differs in one batch."""

    changes: list[AppChange]
    two_factor: list[TwoFactorChange]


_TABLES = """
CREATE TEMP TABLE IF NOT EXISTS incoming (
    app_id uuid NOT NULL, collaborator_id text NOT NULL, kind text NOT NULL, key text NOT NULL,
    email text NOT NULL, username text NOT NULL, role text NOT NULL, status text NOT NULL,
    status_said text NOT NULL, two_factor text NOT NULL, digest bytea
);
CREATE TEMP TABLE IF NOT EXISTS seen (LIKE incoming, person_id uuid NOT NULL);
CREATE TEMP TABLE IF NOT EXISTS absent (app_id uuid NOT NULL, collaborator_id text NOT NULL);
CREATE TEMP TABLE IF NOT EXISTS batch (
    app_id uuid PRIMARY KEY, digest bytea, previous timestamptz
);
CREATE TEMP TABLE IF NOT EXISTS diff (
    what text NOT NULL, app_id uuid NOT NULL, collaborator_id text NOT NULL,
    collaboration_id bigint, person_id uuid, old_person_id uuid, role text, old_role text,
    status text, status_said text, old_status text, email text, username text, digest bytea,
    previous timestamptz, since_after timestamptz, since_at timestamptz,
    missing_after timestamptz, missing_at timestamptz
);
CREATE INDEX IF NOT EXISTS diff_by_app ON diff (app_id);
TRUNCATE incoming, seen, absent, batch, diff;
"""

# A membership goes on while its person accepts, or changes role; another owner is another one.
_DIFF = """
INSERT INTO diff
SELECT CASE WHEN c.id IS NULL THEN 'new' ELSE 'changed' END,
       s.app_id, s.collaborator_id, c.id, s.person_id, c.person_id, s.role, c.role,
       s.status, s.status_said, c.status, s.email, s.username, s.digest, b.previous,
       CASE WHEN c.id IS NULL OR (c.collaborator_id = 'owner' AND c.person_id <> s.person_id)
            THEN b.previous ELSE c.since_after END,
       CASE WHEN c.id IS NULL OR (c.collaborator_id = 'owner' AND c.person_id <> s.person_id)
            THEN NULL ELSE c.since_at END,
       c.missing_after, c.missing_at
  FROM seen s
  JOIN batch b ON b.app_id = s.app_id
  LEFT JOIN inventory_collaboration c
    ON c.app_id = s.app_id AND c.collaborator_id = s.collaborator_id AND c.ended_at IS NULL
 WHERE c.id IS NULL
    OR (c.person_id, c.role, c.status, c.status_said)
       IS DISTINCT FROM (s.person_id, s.role, s.status, s.status_said)
UNION ALL
SELECT 'ended', c.app_id, c.collaborator_id, c.id, c.person_id, c.person_id, c.role, c.role,
       c.status, '', c.status, '', '', NULL, b.previous, c.since_after, c.since_at,
       c.missing_after, c.missing_at
  FROM absent a
  JOIN batch b ON b.app_id = a.app_id
  JOIN inventory_collaboration c
    ON c.app_id = a.app_id AND c.collaborator_id = a.collaborator_id AND c.ended_at IS NULL
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

# Who is known by an account stays so when a row leaves the account out.
_KEEP_ACCOUNTS = """
UPDATE incoming s SET kind = 'user_id', key = i.value
  FROM inventory_collaboration c JOIN inventory_identity i
    ON i.person_id = c.person_id AND i.kind = 'user_id' AND i.ended_at IS NULL
 WHERE s.kind = 'email' AND s.status <> 'pending' AND c.ended_at IS NULL
   AND s.app_id = c.app_id AND s.collaborator_id = c.collaborator_id
"""

_OPEN_ROWS = """
SELECT app_id, array_agg(collaborator_id),
       array_agg(CASE WHEN missing_at IS NULL THEN digest END)
  FROM inventory_collaboration
 WHERE ended_at IS NULL AND collaborator_id <> 'owner' AND app_id = ANY(%s)
 GROUP BY app_id
"""


def open_rows(app_ids: Sequence[UUID]) -> dict[UUID, dict[str, bytes | None]]:
    """Who is open on each of these apps, owners left out: the row's digest by collaborator id.

    A row that was missing at an earlier reading has none, so that it differs and is looked at.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_ROWS, [list(app_ids)])
        found = {app_id: dict(zip(ids, digests, strict=True)) for app_id, ids, digests in cursor}
    return {app_id: found.get(app_id, {}) for app_id in app_ids}


def find_changes(
    batches: Sequence[Batch],
    rows: Iterable[tuple[UUID, tuple[str, ...], bytes | None]],
    absent: Collection[tuple[UUID, str]] = (),
    *,
    at: datetime,
) -> Difference:
    """Compare `rows` with what is open, and find who is `absent`; return what differs.

    `rows` are those whose digest differs: app, the row as `rows.seen` makes it, its digest. The
    difference stays in temporary tables of this database connection for `write_changes`, so that
    Scalingo can be asked in between, outside any transaction, who did it. Whoever is new at an
    app's first reading is no change and is not returned.
    """
    nameless = False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TABLES)
        with cursor.copy("COPY batch FROM STDIN") as copy:
            for one in batches:
                copy.write_row((one.app_id, one.digest, one.previous))
        with cursor.copy("COPY incoming FROM STDIN") as copy:
            for app_id, row, digest in rows:
                copy.write_row((app_id, *row, digest))
                nameless = nameless or (row[1] == "email" and row[6] != "pending")
        with cursor.copy("COPY absent FROM STDIN") as copy:
            for pair in absent:
                copy.write_row(pair)
        cursor.execute("ANALYZE incoming; ANALYZE batch; ANALYZE absent")
        if nameless:
            cursor.execute(_KEEP_ACCOUNTS)
        make_people(cursor, at)
        cursor.execute("ANALYZE seen")
        cursor.execute(_DIFF)
        cursor.execute("ANALYZE diff")
        cursor.execute(_READ)
        changes = [AppChange(*row) for row in cursor.fetchall()]
        return Difference(changes, two_factor_seen(cursor))
