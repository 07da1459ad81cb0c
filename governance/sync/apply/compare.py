"""The difference between what was observed of some apps and what is open."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from governance.sync.apply.people import TwoFactorChange, make_people, two_factor_seen

# How many apps share a transaction, and how many rows of theirs that differ: one app each costs 16
# times as much; very many at once would fill the memory, and hold what others wait for.
APPS_PER_BATCH = 1000
ROWS_PER_BATCH = 2_000


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
    """All that differs in one batch.

    `new` and `again` say whether the temporary tables hold rows to open, and rows whose period
    goes on although something of them differs; `renamed`, people who are called otherwise.
    """

    changes: list[AppChange]
    two_factor: list[TwoFactorChange]
    new: bool = False
    again: bool = False
    renamed: bool = False
    digests: Mapping[UUID, bytes | None] = field(default_factory=dict)


# What was observed: the apps, with the digest of all of their rows; the rows that differ; and who
# is absent. Two tables, since emptying one costs as much as a thousand rows in it.
_TABLES = """
CREATE TEMP TABLE IF NOT EXISTS incoming (
    what text NOT NULL, app_id uuid NOT NULL, collaborator_id text, kind text, key text,
    email text, username text, role text, status text, status_said text, two_factor text,
    digest bytea, previous timestamptz
);
CREATE TEMP TABLE IF NOT EXISTS diff (
    what text NOT NULL, app_id uuid NOT NULL, collaborator_id text NOT NULL,
    collaboration_id bigint, person_id uuid, old_person_id uuid, role text, old_role text,
    status text, status_said text, old_status text, email text, known_email text, username text,
    known_username text, kind text, two_factor text, known_two_factor text, digest bytea,
    previous timestamptz, since_after timestamptz, since_at timestamptz,
    missing_after timestamptz, missing_at timestamptz
);
TRUNCATE incoming, diff;
"""

_NO_ROW = (None,) * 9

# A membership goes on while its person accepts, or changes role; another owner is another one.
_DIFF = """
INSERT INTO diff
SELECT CASE WHEN c.id IS NULL THEN 'new'
            WHEN (c.person_id, c.role, c.status, c.status_said)
                 IS DISTINCT FROM (i.person_id, s.role, s.status, s.status_said) THEN 'changed'
            ELSE 'same' END,
       s.app_id, s.collaborator_id, c.id, i.person_id, c.person_id, s.role, c.role,
       s.status, s.status_said, c.status, s.email, p.email, s.username, p.username,
       s.kind, s.two_factor, p.two_factor, s.digest, s.previous,
       CASE WHEN c.id IS NULL OR (c.collaborator_id = 'owner' AND c.person_id <> i.person_id)
            THEN s.previous ELSE c.since_after END,
       CASE WHEN c.id IS NULL OR (c.collaborator_id = 'owner' AND c.person_id <> i.person_id)
            THEN NULL ELSE c.since_at END,
       c.missing_after, c.missing_at
  FROM incoming s
  JOIN inventory_identity i
    ON i.kind = s.kind AND i.value = s.key AND i.ended_at IS NULL
   AND i.kind IN ('user_id', 'email')
  JOIN inventory_person p ON p.id = i.person_id
  LEFT JOIN inventory_collaboration c
    ON c.app_id = s.app_id AND c.collaborator_id = s.collaborator_id AND c.ended_at IS NULL
 WHERE s.what = 'row'
UNION ALL
SELECT 'ended', c.app_id, c.collaborator_id, c.id, c.person_id, c.person_id, c.role, c.role,
       c.status, '', c.status, '', p.email, '', p.username,
       '', '', p.two_factor, NULL, s.previous,
       c.since_after, c.since_at, c.missing_after, c.missing_at
  FROM incoming s
  JOIN inventory_collaboration c
    ON c.app_id = s.app_id AND c.collaborator_id = s.collaborator_id AND c.ended_at IS NULL
  JOIN inventory_person p ON p.id = c.person_id
 WHERE s.what = 'absent'
"""

_READ = """
SELECT what, app_id, collaborator_id, collaboration_id, person_id, old_person_id,
       role, old_role, status, old_status,
       COALESCE(NULLIF(email, ''), known_email), COALESCE(NULLIF(username, ''), known_username),
       previous, missing_after, missing_at
  FROM diff
 WHERE what IN ('changed', 'ended') OR (what = 'new' AND previous IS NOT NULL)
 ORDER BY app_id, collaborator_id
"""

# What there is to write beside the changes: most batches have little of it.
_WHAT_ELSE = """
SELECT COALESCE(bool_or(what = 'new'), false), COALESCE(bool_or(what = 'same'), false),
       COALESCE(bool_or((email <> '' AND email <> known_email)
                        OR (username <> '' AND username <> known_username)), false)
  FROM diff
"""

# Who is known by an account stays so when a row leaves the account out.
_KEEP_ACCOUNTS = """
UPDATE incoming s SET kind = 'user_id', key = i.value
  FROM inventory_collaboration c JOIN inventory_identity i
    ON i.person_id = c.person_id AND i.kind = 'user_id' AND i.ended_at IS NULL
 WHERE s.what = 'row' AND s.kind = 'email' AND s.status <> 'pending' AND c.ended_at IS NULL
   AND s.app_id = c.app_id AND s.collaborator_id = c.collaborator_id
"""

_OPEN_ROWS = """
SELECT app_id, array_agg(collaborator_id),
       array_agg(CASE WHEN missing_at IS NULL THEN digest END)
  FROM inventory_collaboration
 WHERE ended_at IS NULL AND collaborator_id <> 'owner' AND app_id = ANY(%s)
 GROUP BY app_id
"""


class OpenRows:
    """Who is open on some apps, owners left out, asked for a thousand apps at a time.

    `app_ids` are best in the order in which they will be asked for: an app is forgotten with the
    asking.
    """

    def __init__(self, app_ids: Iterable[UUID]) -> None:
        self._ahead = iter(app_ids)
        self._known: dict[UUID, dict[str, bytes | None]] = {}

    def of(self, app_id: UUID) -> dict[str, bytes | None]:
        """The row's digest by collaborator id.

        A row that was missing at an earlier reading has none, so that it differs and is looked at.
        """
        while app_id not in self._known:
            self._ask([next(self._ahead), *islice(self._ahead, APPS_PER_BATCH - 1)])
        return self._known.pop(app_id)

    def _ask(self, app_ids: list[UUID]) -> None:
        self._known |= {app_id: {} for app_id in app_ids}
        with connection.cursor() as cursor:
            cursor.execute(_OPEN_ROWS, [app_ids])
            for app_id, ids, digests in cursor:
                self._known[app_id] = dict(zip(ids, digests, strict=True))


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
    with transaction.atomic(), connection.cursor() as cursor:
        # 1. What was observed.
        cursor.execute(_TABLES)
        nameless = _copy(cursor, batches, rows, absent)
        # How much there is of what: a plan for a handful takes minutes for ten thousand.
        cursor.execute("ANALYZE incoming (what, app_id, kind, key)")
        if nameless:
            cursor.execute(_KEEP_ACCOUNTS)
        # 2. Everybody in it is somebody.
        make_people(cursor, at)
        # 3. What of it differs from what is open.
        cursor.execute(_DIFF)
        cursor.execute(_READ)
        changes = [AppChange(*row) for row in cursor.fetchall()]
        cursor.execute(_WHAT_ELSE)
        new, again, renamed = cursor.fetchone()
        return Difference(
            changes,
            two_factor_seen(cursor),
            new=new,
            again=again,
            renamed=renamed,
            digests={one.app_id: one.digest for one in batches},
        )


def _copy(
    cursor: CursorWrapper,
    batches: Sequence[Batch],
    rows: Iterable[tuple[UUID, tuple[str, ...], bytes | None]],
    absent: Collection[tuple[UUID, str]],
) -> bool:
    """Fill `incoming`. Whether somebody who accepted comes without an account."""
    previous = {one.app_id: one.previous for one in batches}
    nameless = False
    with cursor.copy("COPY incoming FROM STDIN") as copy:
        for one in batches:
            copy.write_row(("app", one.app_id, *_NO_ROW, one.digest, one.previous))
        for app_id, row, digest in rows:
            copy.write_row(("row", app_id, *row, digest, previous[app_id]))
            nameless = nameless or (row[1] == "email" and row[6] != "pending")
        for app_id, said in absent:
            copy.write_row(("absent", app_id, said, *_NO_ROW[1:], None, previous[app_id]))
    return nameless
