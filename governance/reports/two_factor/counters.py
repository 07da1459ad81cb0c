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

_TAKE = """
WITH taken AS (DELETE FROM two_factor_moved RETURNING person_id, app_id)
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
    """Look again at whatever moved; whether the counters speak of now.

    False while another one is at it: ask the inventory itself then.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM two_factor_moved)")
        if not cursor.fetchone()[0]:
            return True
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(_TAKE)
        people, apps = cursor.fetchone()
        _look_again(cursor, people, apps)
    return True


def _look_again(cursor: CursorWrapper, people: list[UUID], apps: list[UUID]) -> None:
    """In a later statement than the one that took them: it sees at least what that one saw."""
    found = set(people)
    if apps:
        cursor.execute(_OF_APPS, {"apps": apps})
        found |= {row[0] for row in cursor.fetchall()}
    if found:
        cursor.execute(_WRITE, {"people": list(found), "everything": True, "projects": []})
