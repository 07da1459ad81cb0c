"""An inventory of any size, made by the database itself: the same at every run.

`fill` writes twenty collaborations per app, as many people as apps, and a history. Who is on what
follows a steep curve: a few people are on most apps, most people on a few, as in a company.
"""

from dataclasses import dataclass
from datetime import timedelta

APP_SIZE = 20  # collaborations of one app, its owner included

# A number from 0 to 1 that follows from its arguments alone.
_CHANCE = """
CREATE OR REPLACE FUNCTION pg_temp.chance(salt text, i bigint, j bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT (('x' || substr(md5(salt || ':' || i || ':' || j), 1, 8))::bit(32)::bigint) / 4294967296.0
$$
"""

_EMPTY = """
TRUNCATE sync_run, inventory_region, inventory_project, inventory_person, inventory_identity, inventory_app,
    inventory_twofactorperiod, inventory_appperiod, inventory_collaboration, inventory_attribution,
    inventory_scope, inventory_coverage, facts_appfact, facts_personfact CASCADE
"""

_STEPS = (
    """
    INSERT INTO inventory_region (id, name, display_name, first_seen_at)
    SELECT md5('region' || n)::uuid, name, name, %(now)s::timestamptz - interval '2 years'
    FROM unnest(ARRAY['osc-fr1', 'osc-secnum-fr1']) WITH ORDINALITY r(name, n)
    """,
    """
    INSERT INTO inventory_scope (id, connection_id, region_id, kind, app_scalingo_id, stale_reason,
        stale_detail, applied, doubted_app)
    SELECT md5('scope' || n || kind)::uuid, md5('connection')::uuid, md5('region' || n)::uuid, kind,
        '', '', '', 1, ''
    FROM generate_series(1, 2) n, unnest(ARRAY['apps', 'collaborators', 'databases']) kind
    """,
    """
    INSERT INTO inventory_coverage (scope_id, since, until, readings, digest, latest)
    SELECT id, %(now)s::timestamptz - interval '30 days',
        %(now)s::timestamptz - interval '4 minutes', 100, '\\x00', true
    FROM inventory_scope
    """,
    """
    INSERT INTO inventory_project (id, region_id, scalingo_id, name)
    SELECT md5('project' || n)::uuid, md5('region' || 1 + n %% 2)::uuid, 'prj-' || n,
        'project-' || lpad(n::text, 5, '0')
    FROM generate_series(1, greatest(%(apps)s / 20, 1)) n
    """,
    """
    INSERT INTO inventory_person (id, email, username, two_factor, two_factor_read_at,
        first_seen_at)
    SELECT md5('person' || n)::uuid,
        (ARRAY['ana','bruno','chloe','david','emma','farid','gael','hana','ines','jules'])[1 + n %% 10]
            || '.' || substr(md5('surname' || n), 1, 7) || '@'
            || CASE WHEN n %% 17 = 0 THEN 'agency.example' ELSE 'company.example' END,
        (ARRAY['Ana','Bruno','Chloé','David','Emma','Farid','Gaël','Hana','Inès','Jules'])[1 + n %% 10]
            || ' ' || initcap(substr(md5('surname' || n), 1, 7)),
        CASE WHEN n %% 10 = 0 THEN 'off' WHEN n %% 23 = 0 THEN 'unknown' ELSE 'on' END,
        %(now)s::timestamptz - interval '4 minutes',
        %(now)s::timestamptz - pg_temp.chance('seen', n, 0) * interval '700 days'
    FROM generate_series(1, %(people)s) n
    """,
    """
    INSERT INTO inventory_lastchange (person_id, at)
    SELECT md5('person' || n)::uuid,
        %(now)s::timestamptz - pg_temp.chance('changed', n, 0) * interval '100 days'
    FROM generate_series(1, %(people)s) n
    """,
    """
    INSERT INTO inventory_twofactorperiod (person_id, value, started_at)
    SELECT id, two_factor, first_seen_at FROM inventory_person
    """,
    """
    INSERT INTO inventory_app (id, region_id, scalingo_id, name, kind, parent_name, project_id,
        owner_id, health_data, scope_id, stale_reason, suspect_readings, first_seen_at, changed_at)
    SELECT md5('app' || n)::uuid, md5('region' || 1 + (1 + n / 20) %% 2)::uuid, md5('mongo' || n),
        (ARRAY['billing','web','api','worker','auth','mail','search','admin','stats','docs'])[1 + n %% 10]
            || '-' || lpad(n::text, 6, '0'),
        CASE WHEN n %% 29 = 0 THEN 'database' ELSE 'app' END,
        CASE WHEN n %% 31 = 0 THEN 'web-000001' ELSE '' END,
        CASE WHEN n %% 40 = 0 THEN NULL
             ELSE md5('project' || least(1 + n / 20, greatest(%(apps)s / 20, 1)))::uuid END,
        md5('person' || 1 + n %% 3)::uuid, n %% 50 = 0,
        md5('scope' || 1 + (1 + n / 20) %% 2 || 'collaborators')::uuid, '', 0,
        %(now)s::timestamptz - pg_temp.chance('app', n, 0) * interval '700 days',
        %(now)s::timestamptz - pg_temp.chance('appchanged', n, 0) * interval '100 days'
    FROM generate_series(1, %(apps)s) n
    """,
    """
    INSERT INTO inventory_appperiod (app_id, name, project_id, started_at)
    SELECT id, name, project_id, first_seen_at FROM inventory_app
    """,
    # The owner, then those whom twice as many draws as needed choose first.
    """
    INSERT INTO inventory_collaboration (app_id, person_id, collaborator_id, role, status,
        status_said, since_at, started_at)
    SELECT md5('app' || a)::uuid, md5('person' || 1 + a %% 3)::uuid, 'owner', 'owner', 'accepted', '',
        %(now)s::timestamptz - interval '700 days', %(now)s::timestamptz - interval '700 days'
    FROM generate_series(1, %(apps)s) a
    """,
    """
    INSERT INTO inventory_collaboration (app_id, person_id, collaborator_id, role, status,
        status_said, since_after, since_at, started_after, started_at)
    SELECT md5('app' || a)::uuid, md5('person' || person)::uuid, md5(a || 'on' || person),
        CASE WHEN place %% 3 = 0 THEN 'collaborator' ELSE 'limited' END,
        CASE WHEN pg_temp.chance('pending', a, place) < 0.06 THEN 'pending' ELSE 'accepted' END, '',
        at - interval '10 minutes', at, at - interval '10 minutes', at
    FROM (
        SELECT a, person, row_number() OVER (PARTITION BY a ORDER BY draw) AS place,
            %(now)s::timestamptz - pg_temp.chance('at', a, person) * interval '699 days' AS at
        FROM (
            SELECT a, 4 + floor(power(pg_temp.chance('draw', a, draw), 3) * (%(people)s - 3))::bigint
                AS person, min(draw) AS draw
            FROM generate_series(1, %(apps)s) a, generate_series(1, %(draws)s) draw
            GROUP BY 1, 2
        ) drawn
    ) placed
    WHERE place < %(size)s
    """,
    # A past: for one in five, a role that they had before and somebody who left.
    """
    INSERT INTO inventory_collaboration (app_id, person_id, collaborator_id, role, status,
        status_said, since_at, started_at, ended_after, ended_at)
    SELECT app_id, person_id, CASE WHEN id %% 2 = 0 THEN collaborator_id ELSE md5(collaborator_id) END,
        'limited', 'accepted', '', since_at - interval '30 days', since_at - interval '30 days',
        started_after, started_at
    FROM inventory_collaboration WHERE id %% 5 = 0 AND role <> 'owner'
    """,
    """
    INSERT INTO inventory_attribution (collaboration_id, edge, source, happened_at, event_id,
        actor_id, actor_name)
    SELECT id, 'start', CASE WHEN id %% 4 = 0 THEN 'unexplained' ELSE 'event' END,
        CASE WHEN id %% 4 <> 0 THEN started_at END, '',
        CASE WHEN id %% 4 <> 0 THEN md5('person1')::uuid END, ''
    FROM inventory_collaboration WHERE started_after IS NOT NULL
    """,
    "VACUUM ANALYZE",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. `collaborations` counts the open ones."""

    collaborations: int

    @property
    def apps(self) -> int:
        return self.collaborations // APP_SIZE

    @property
    def people(self) -> int:
        return max(self.apps, 40)


def fill(cursor, size: Size, now) -> None:
    """Empty the inventory and fill it to `size`, as if `now` were today. As the tables' owner."""
    cursor.execute("SET statement_timeout = 0")
    cursor.execute(_CHANCE)
    cursor.execute(_EMPTY)
    values = {
        "now": now,
        "apps": size.apps,
        "people": size.people,
        "size": APP_SIZE,
        "draws": 3 * APP_SIZE,
    }
    _ended_run(cursor, size, now)
    for step in _STEPS:
        cursor.execute(step, None if step.startswith("VACUUM") else values)


def _ended_run(cursor, size: Size, now) -> None:
    """The last sync, whose counts the frame of every page shows."""
    from django.db import connection

    from governance.sync.models import Run

    run = Run(
        trigger=Run.Trigger.SCHEDULE,
        state=Run.State.COMPLETE,
        requested_at=now - timedelta(minutes=4),
        finished_at=now - timedelta(minutes=3),
        coverage={"expected": size.apps, "read": size.apps, "failed": 0},
    )
    row = {
        field.column: field.get_db_prep_save(field.pre_save(run, add=True), connection)
        for field in Run._meta.concrete_fields
    }
    names = ", ".join(row)
    places = ", ".join(["%s"] * len(row))
    cursor.execute(f"INSERT INTO sync_run ({names}) VALUES ({places})", list(row.values()))
