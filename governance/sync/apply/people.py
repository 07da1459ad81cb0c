"""People as Scalingo names them: found by their keys, made when new, kept with their history."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from governance.audit.actions import record_many
from governance.audit.events import Entry, Source
from governance.inventory.models import TwoFactor
from governance.sync.fencing import Fence

# Everyone in `incoming` who is nobody yet becomes a person with one key. Committed before
# their collaborations: a person without a collaboration shows nowhere.
_MAKE_PEOPLE = """
WITH missing AS (
    SELECT DISTINCT ON (s.kind, s.key)
           gen_random_uuid() AS id, s.kind, s.key, s.email, s.username,
           COALESCE(NULLIF(s.two_factor, ''), 'unknown') AS two_factor
      FROM incoming s
     WHERE s.what = 'row' AND NOT EXISTS (
           SELECT 1 FROM inventory_identity i
            WHERE i.kind = s.kind AND i.value = s.key AND i.ended_at IS NULL
              AND i.kind IN ('user_id', 'email'))
     ORDER BY s.kind, s.key, s.app_id
), people AS (
    INSERT INTO inventory_person
           (id, email, username, two_factor, two_factor_read_at, first_seen_at)
    SELECT id, email, username, two_factor,
           CASE WHEN two_factor <> 'unknown' THEN %(at)s::timestamptz END, %(at)s
      FROM missing
), changes AS (
    INSERT INTO inventory_lastchange (person_id, at) SELECT id, %(at)s FROM missing
), periods AS (
    INSERT INTO inventory_twofactorperiod (person_id, value, started_at)
    SELECT id, two_factor, %(at)s FROM missing
)
INSERT INTO inventory_identity (person_id, kind, value, started_at)
SELECT id, kind, key, %(at)s FROM missing
UNION ALL
SELECT id, 'contact', email, %(at)s FROM missing WHERE kind = 'user_id' AND email <> ''
UNION ALL
SELECT id, 'username', username, %(at)s FROM missing WHERE kind = 'user_id' AND username <> ''
"""

# Who is called otherwise than we know. Rows of one body may differ: the last app's row counts.
_RENAMED = """
CREATE TEMP TABLE renamed ON COMMIT DROP AS
SELECT DISTINCT ON (s.person_id) s.person_id, s.email, s.username,
       p.email AS old_email, p.username AS old_username
  FROM diff s JOIN inventory_person p ON p.id = s.person_id
 WHERE (s.email <> '' AND s.email <> p.email)
    OR (s.username <> '' AND s.username <> p.username)
 ORDER BY s.person_id, s.app_id DESC, s.collaborator_id
"""

_CLOSE_NAMES = """
UPDATE inventory_identity i SET ended_at = %(at)s
  FROM renamed r
 WHERE i.person_id = r.person_id AND i.ended_at IS NULL
   AND ((i.kind = 'contact' AND r.email <> '' AND lower(i.value) <> lower(r.email))
     OR (i.kind = 'username' AND r.username <> '' AND i.value <> r.username))
"""

_OPEN_NAMES = """
INSERT INTO inventory_identity (person_id, kind, value, started_at)
SELECT r.person_id, 'contact', r.email, %(at)s FROM renamed r
 WHERE r.email <> '' AND NOT EXISTS (
       SELECT 1 FROM inventory_identity i
        WHERE i.person_id = r.person_id AND i.ended_at IS NULL
          AND i.kind IN ('contact', 'email') AND lower(i.value) = lower(r.email))
UNION ALL
SELECT r.person_id, 'username', r.username, %(at)s FROM renamed r
 WHERE r.username <> '' AND r.username <> r.old_username
"""

_RENAME = """
UPDATE inventory_person p
   SET email = CASE WHEN r.email <> '' THEN r.email ELSE p.email END,
       username = CASE WHEN r.username <> '' THEN r.username ELSE p.username END
  FROM renamed r WHERE p.id = r.person_id
"""


def make_people(cursor: CursorWrapper, at: datetime) -> None:
    """Make a person of everyone in `incoming` who is not one yet."""
    cursor.execute(_MAKE_PEOPLE, {"at": at})


_TOUCH = """
INSERT INTO inventory_lastchange (person_id, at)
SELECT DISTINCT person_id, %(at)s::timestamptz FROM unnest(%(people)s::uuid[]) AS t(person_id)
ON CONFLICT (person_id) DO UPDATE SET at = GREATEST(inventory_lastchange.at, EXCLUDED.at)
"""


def touch(cursor: CursorWrapper, people: Collection[UUID], *, at: datetime) -> None:
    """Note that something of these people changed."""
    if people:
        cursor.execute(_TOUCH, {"people": list(people), "at": at})


def rename_people(cursor: CursorWrapper, at: datetime) -> None:
    """Keep the address and the username that were read last. Call it inside a transaction."""
    cursor.execute(_RENAMED)
    for statement in (_CLOSE_NAMES, _OPEN_NAMES, _RENAME):
        cursor.execute(statement, {"at": at})
    cursor.execute("SELECT person_id FROM renamed")
    touch(cursor, [row[0] for row in cursor.fetchall()], at=at)
    cursor.execute("DROP TABLE renamed")


_KNOWN = """
SELECT i.value, p.id, p.two_factor
  FROM inventory_identity i JOIN inventory_person p ON p.id = i.person_id
 WHERE i.kind = 'user_id' AND i.ended_at IS NULL AND i.value = ANY(%s)
   AND (p.two_factor_read_at IS NULL OR p.two_factor_read_at <= %s)
"""

_UNKNOWN = """
SELECT i.value
  FROM inventory_person p JOIN inventory_identity i ON i.person_id = p.id
 WHERE p.two_factor = 'unknown' AND i.kind = 'user_id' AND i.ended_at IS NULL
"""

# When it was still otherwise: at the last reading of an app that they were on then. What a reading
# said that did not have them says nothing of their 2FA.
_SEEN_OTHERWISE = """
SELECT person_id, known_two_factor, two_factor,
       max(previous) FILTER (WHERE old_person_id = person_id AND missing_at IS NULL)
  FROM diff
 WHERE kind = 'user_id' AND two_factor NOT IN ('', known_two_factor)
 GROUP BY person_id, known_two_factor, two_factor
"""

_CLOSE_PERIOD = """
WITH new AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(values)s::text[], %(previous)s::timestamptz[])
        AS t(person_id, value, previous)
), closed AS (
    UPDATE inventory_twofactorperiod p
       SET ended_after = GREATEST(p.started_at, new.previous),
           ended_at = GREATEST(p.started_at + interval '1 microsecond', %(at)s)
      FROM new WHERE p.person_id = new.person_id AND p.ended_at IS NULL
)
UPDATE inventory_person p
   SET two_factor = new.value, two_factor_read_at = %(at)s
  FROM new WHERE p.id = new.person_id
"""
_OPEN_PERIOD = """
INSERT INTO inventory_twofactorperiod (person_id, value, started_after, started_at)
SELECT t.person_id, t.value, (SELECT max(p.ended_after) FROM inventory_twofactorperiod p
                               WHERE p.person_id = t.person_id),
       GREATEST(%(at)s, (SELECT max(p.ended_at) FROM inventory_twofactorperiod p
                          WHERE p.person_id = t.person_id))
  FROM unnest(%(ids)s::uuid[], %(values)s::text[]) AS t(person_id, value)
"""


@dataclass(frozen=True, slots=True)
class TwoFactorChange:
    """One person's 2FA, as it was known and as it was read.

    `previous` is when it was last read as it was; None where only its first reading is known.
    """

    person_id: UUID
    before: str
    after: str
    previous: datetime | None = None


def two_factor_seen(cursor: CursorWrapper) -> list[TwoFactorChange]:
    """Whose 2FA is otherwise in `diff` than we know."""
    cursor.execute(_SEEN_OTHERWISE)
    return [TwoFactorChange(*row) for row in cursor.fetchall()]


def write_two_factor(
    cursor: CursorWrapper,
    changes: Sequence[TwoFactorChange],
    *,
    at: datetime,
) -> list[Entry]:
    """Write these inside a transaction; returns their events, for the end of it."""
    if not changes:
        return []
    new: dict[str, Any] = {
        "ids": [change.person_id for change in changes],
        "values": [change.after for change in changes],
        "previous": [change.previous for change in changes],
        "at": at,
    }
    cursor.execute(_CLOSE_PERIOD, new)
    cursor.execute(_OPEN_PERIOD, new)
    touch(cursor, {change.person_id for change in changes}, at=at)
    return [
        Entry(
            kind="platform.two_factor_changed",
            at=at,
            source=Source.PLATFORM,
            actor_kind="unknown",
            target_kind="inventory.person",
            target_id=change.person_id,
            person_id=change.person_id,
            data={"before": change.before, "after": change.after},
        )
        for change in changes
    ]


def apply_two_factor(
    values: Mapping[str, TwoFactor], *, at: datetime, fence: Fence | None = None
) -> int:
    """Write what is known of people's 2FA, by Scalingo user id. How many changed.

    Accounts that nobody is known by are left out, and so is what was read later than `at`. Raises
    `Fenced` when a newer observation of the scope was applied meanwhile.
    """
    if not values:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(values), at])
        changes = [
            TwoFactorChange(person_id, before, values[user_id].value)
            for user_id, person_id, before in cursor.fetchall()
            if before != values[user_id].value
        ]
        if changes:
            with transaction.atomic():
                if fence:
                    fence.enforce(cursor)
                record_many(write_two_factor(cursor, changes, at=at))
    return len(changes)


def unknown_accounts() -> set[str]:
    """The Scalingo user ids of everybody whose 2FA is not known."""
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN)
        return {row[0] for row in cursor.fetchall()}
