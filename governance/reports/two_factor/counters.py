"""Keep the standings and tallies equal to the inventory, by looking again at what moved alone.

Whatever moves a person leaves a row in `Moved` in its own transaction (triggers, see the
migrations), so it is seen here together with what it is about, never before. Only one catches up
at a time. Nobody who writes the inventory waits for it.
"""

from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from governance.inventory.queries.asof import Moment
from governance.reports.two_factor import standings

# Nobody else uses this number: "2fa" in ASCII.
_LOCK = 0x326661
_ANY = Moment(datetime.min.replace(tzinfo=UTC))  # that of now speaks of no instant

# As many as a page may wait for; a worker goes on.
AT_ONCE = 2000
_TAKE = """
WITH taken AS (
    DELETE FROM two_factor_moved
    WHERE id IN (SELECT id FROM two_factor_moved ORDER BY id LIMIT %s)
    RETURNING person_id, app_id)
SELECT coalesce(array_agg(DISTINCT person_id) FILTER (WHERE person_id IS NOT NULL), '{}'),
       coalesce(array_agg(DISTINCT app_id) FILTER (WHERE app_id IS NOT NULL), '{}')
FROM taken
"""
_OF_APPS = """
SELECT DISTINCT person_id FROM inventory_collaboration
WHERE app_id = ANY(%(apps)s::uuid[]) AND ended_at IS NULL
"""
_WRITE = f"""
WITH fresh AS MATERIALIZED ({standings.of(_ANY, some=True)}),
before AS MATERIALIZED (
    SELECT belongs, two_factor, risk FROM two_factor_standing
    WHERE person_id = ANY(%(people)s::uuid[])
), gone AS (
    DELETE FROM two_factor_standing kept
    WHERE kept.person_id = ANY(%(people)s::uuid[])
      AND NOT EXISTS (SELECT FROM fresh WHERE fresh.person_id = kept.person_id)
), written AS (
    INSERT INTO two_factor_standing AS kept ({standings.COLUMNS})
    SELECT {standings.COLUMNS} FROM fresh
    ON CONFLICT (person_id) DO UPDATE SET
        (belongs, two_factor, since, risk, apps, full_role, limited, owned, pending, production,
         health_data, sensitive)
        = (EXCLUDED.belongs, EXCLUDED.two_factor, EXCLUDED.since, EXCLUDED.risk, EXCLUDED.apps,
           EXCLUDED.full_role, EXCLUDED.limited, EXCLUDED.owned, EXCLUDED.pending,
           EXCLUDED.production, EXCLUDED.health_data, EXCLUDED.sensitive)
    WHERE kept.* IS DISTINCT FROM EXCLUDED.*
), difference AS (
    SELECT belongs, two_factor, risk, sum(n)::int AS people FROM (
        SELECT belongs, two_factor, risk, count(*) AS n FROM fresh GROUP BY 1, 2, 3
        UNION ALL
        SELECT belongs, two_factor, risk, -count(*) FROM before GROUP BY 1, 2, 3
    ) counted GROUP BY 1, 2, 3 HAVING sum(n) <> 0
)
INSERT INTO two_factor_tally AS kept (belongs, two_factor, risk, people)
SELECT belongs, two_factor, risk, people FROM difference
ON CONFLICT (belongs, two_factor, risk) DO UPDATE SET people = kept.people + EXCLUDED.people
"""  # noqa: S608  Constants of code.


def catch_up() -> bool:
    """Look again at what moved, at most at `AT_ONCE`; whether the counters speak of now.

    False while another one is at it, and while more is left: ask the inventory itself then.
    """
    if not _anything_moved():
        return True
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(_TAKE, [AT_ONCE])
        people, apps = cursor.fetchone()
        _look_again(cursor, people, apps)
    return not _anything_moved()


def catch_up_with_all(most: int = 10_000) -> bool:
    """Piece by piece, each its own transaction, until nothing is left; as `catch_up`."""
    for _piece in range(most):
        if catch_up():
            return True
        if _is_locked():
            return False
    return False


def _anything_moved() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM two_factor_moved)")
        found: bool = cursor.fetchone()[0]
    return found


def _is_locked() -> bool:
    """Whether another one is catching up."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT NOT pg_try_advisory_xact_lock(%s)", [_LOCK])
        found: bool = cursor.fetchone()[0]
    return found


def _look_again(cursor: CursorWrapper, people: list[UUID], apps: list[UUID]) -> None:
    """In a later statement than the one that took them: it sees at least what that one saw."""
    found = set(people)
    if apps:
        cursor.execute(_OF_APPS, {"apps": apps})
        found |= {row[0] for row in cursor.fetchall()}
    if found:
        cursor.execute(_WRITE, {"people": list(found), "everything": True, "projects": []})
