"""The difference between two instants, as common tables.

A row is net: whoever came and went between the two is in neither. An access is one collaborator of
Scalingo's on one app, so a role that changed is no leaving and no joining, while somebody who was
removed and invited again has left and joined. Each row counts by what was believed at the two
instants (`asof.believed`); whether that is known is said beside it.

Parameters: since, at, everything, projects, silence; and `only_…` for each filter in force.
"""

from collections.abc import Collection

from governance.inventory.queries import asof
from governance.reports.standing import known_sql

_ACCESS = """
    SELECT CASE WHEN was.id IS NULL THEN 'joined'
            WHEN k.collaborator_id = 'owner' AND was.person_id <> k.person_id THEN 'owner'
            WHEN was.role <> k.role THEN 'role' ELSE 'status' END AS what,
        coalesce(began.started_at, k.started_at) AS seen_at,
        CASE WHEN began.id IS NULL THEN k.started_after ELSE began.started_after END AS not_before,
        k.app_id, k.person_id, was.person_id AS was_person_id, was.role AS was_role, k.role,
        was.status AS was_status, k.status, NULL::text AS was_value, NULL::text AS value,
        coalesce(began.id, k.id) AS edge_of, 'start' AS edge, k.id,
        CASE WHEN was.id IS NULL
            THEN coalesce(began.started_after, k.started_after, '-infinity') < %(since)s
            ELSE {was_unsure} END AS unsure_since,
        {unsure} AS unsure_until
    FROM inventory_collaboration k
    LEFT JOIN LATERAL (
        SELECT * FROM inventory_collaboration w
        WHERE w.app_id = k.app_id AND w.collaborator_id = k.collaborator_id AND {was}
        ORDER BY w.started_at DESC LIMIT 1
    ) was ON true
    LEFT JOIN LATERAL (
        SELECT * FROM inventory_collaboration b
        WHERE was.id IS NULL AND b.app_id = k.app_id AND b.collaborator_id = k.collaborator_id
          AND b.started_at = k.since_at LIMIT 1
    ) began ON true
    WHERE k.started_at > %(since)s AND {there}
      AND (was.id IS NULL OR was.role <> k.role OR was.status <> k.status
        OR was.person_id <> k.person_id)"""
_LEFT = """
    SELECT 'left', last.ended_at, last.ended_after, k.app_id, k.person_id, NULL::uuid, k.role,
        last.role, k.status, last.status, NULL, NULL, last.id, 'end', k.id, {unsure},
        EXISTS (SELECT FROM inventory_collaboration again
            WHERE again.app_id = k.app_id AND again.collaborator_id = k.collaborator_id
              AND {begun})
    FROM inventory_collaboration k
    CROSS JOIN LATERAL (
        SELECT * FROM inventory_collaboration l
        WHERE l.app_id = k.app_id AND l.collaborator_id = k.collaborator_id
          AND l.ended_at <= %(at)s
        ORDER BY l.ended_at DESC LIMIT 1
    ) last
    WHERE k.ended_at > %(since)s AND k.ended_at <= %(at)s AND k.started_at <= %(since)s
      AND NOT EXISTS (
        SELECT FROM inventory_collaboration still
        WHERE still.app_id = k.app_id AND still.collaborator_id = k.collaborator_id AND {there})"""
_TWO_FACTOR = """
    SELECT 'two_factor', k.started_at, k.started_after, NULL::uuid, k.person_id, NULL::uuid,
        NULL, NULL, NULL, NULL, was.value, k.value, NULL::bigint, NULL, k.id, {was_unsure}, {unsure}
    FROM inventory_twofactorperiod k
    JOIN LATERAL (
        SELECT * FROM inventory_twofactorperiod w
        WHERE w.person_id = k.person_id AND {was} ORDER BY w.started_at DESC LIMIT 1
    ) was ON was.value <> k.value
    WHERE k.started_at > %(since)s AND {there}"""
_NAMES = """
    SELECT changed.what, k.started_at, k.started_after, k.app_id, NULL::uuid, NULL::uuid,
        NULL, NULL, NULL, NULL, changed.was, changed.now, NULL::bigint, NULL, k.id, {was_unsure},
        {unsure}
    FROM inventory_appperiod k
    JOIN LATERAL (
        SELECT w.*, g.name AS project FROM inventory_appperiod w
        LEFT JOIN inventory_project g ON g.id = w.project_id
        WHERE w.app_id = k.app_id AND {was} ORDER BY w.started_at DESC LIMIT 1
    ) was ON true
    LEFT JOIN inventory_project project ON project.id = k.project_id
    CROSS JOIN LATERAL (VALUES
        ('renamed', was.name, k.name, was.name <> k.name),
        ('moved', was.project, project.name, was.project_id IS DISTINCT FROM k.project_id)
    ) changed(what, was, now, is_so)
    WHERE k.started_at > %(since)s AND {there} AND changed.is_so"""

_DIFFERENCE = """
apps AS MATERIALIZED (
    SELECT a.*, g.name AS project, r.name AS region FROM {apps_ever} a
    JOIN inventory_region r ON r.id = a.region_id
    LEFT JOIN inventory_project g ON g.id = a.project_id
    WHERE {seen}{of_apps}
), otherwise AS ({legs}
), difference AS (
    SELECT o.*, a.name AS app, a.project, a.region, a.scalingo_id,
        coalesce(nullif(p.username, ''), p.email, '') AS person, coalesce(p.email, '') AS email,
        coalesce(nullif(w.username, ''), w.email, '') AS was_person,
        CASE WHEN told.source = 'ours' THEN 'ours'
            WHEN told.source = 'event' AND coalesce(actor.email, told.actor_name, '') <> ''
                THEN 'named'
            WHEN o.what = 'two_factor' OR (o.was_status = 'pending' AND o.status = 'accepted'
                AND o.edge = 'start') THEN 'themself'
            ELSE 'unexplained' END AS done_by,
        CASE WHEN told.source = 'ours' THEN coalesce(decider.name, '')
            ELSE coalesce(nullif(actor.username, ''), actor.email, told.actor_name, '') END
            AS actor,
        told.happened_at
    FROM otherwise o
    LEFT JOIN apps a ON a.id = o.app_id
    LEFT JOIN inventory_person p ON p.id = o.person_id
    LEFT JOIN inventory_person w ON w.id = o.was_person_id
    LEFT JOIN inventory_attribution told
        ON told.collaboration_id = o.edge_of AND told.edge = o.edge
    LEFT JOIN inventory_person actor ON actor.id = told.actor_id
    LEFT JOIN changes_change ours ON ours.id = told.change_id
    LEFT JOIN changes_batch batch ON batch.id = ours.batch_id
    LEFT JOIN accounts_user decider ON decider.id = batch.decided_by_id
    WHERE CASE WHEN o.app_id IS NULL THEN {of_person} ELSE a.id IS NOT NULL END{narrowed}
)"""
# A person without an app: of those on an app that may be seen, and that was asked for.
_ON_AN_APP = """EXISTS (
    SELECT FROM inventory_collaboration held JOIN apps ON apps.id = held.app_id
    WHERE held.person_id = o.person_id AND ({there} OR {was}))"""
_CONTAINED = (
    "EXISTS (SELECT FROM unnest(%(only_{0})s::text[]) t WHERE strpos(lower({1}), lower(t)) > 0)"
)
_OF_APPS = {
    "app": _CONTAINED.format("app", "a.name"),
    "project": "a.project_id = ANY(%(only_project)s::uuid[])",
    "region": "r.name = ANY(%(only_region)s)",
}
_OF_ROWS = {
    "q": _CONTAINED.format("q", "concat_ws(' ', p.username, p.email, w.username, w.email)"),
    "difference": "o.what = ANY(%(only_difference)s)",
}
_OF_AUTHORS = "done_by = ANY(%(only_by)s)"
FILTERS = ("q", *_OF_APPS, "difference", "by")
_SEEN = "(%(everything)s OR a.now_in = ANY(%(projects)s::uuid[]))"


def tables(filters: Collection[str]) -> str:
    """The common tables `apps` and `difference`, narrowed by what `filters` names.

    By who did it only `where` narrows: that is known of the rows alone.
    """
    legs = (
        _ACCESS.format(
            was=asof.believed("w", "since"),
            there=asof.believed("k"),
            was_unsure=asof.may_have_ended("was", "since"),
            unsure=asof.may_have_ended("k"),
        ),
        _LEFT.format(
            there=asof.believed("still"),
            unsure=asof.may_have_ended("k", "since"),
            begun=asof.may_have_begun("again"),
        ),
        *(
            sql.format(
                was=asof.believed("w", "since"),
                there=asof.believed("k"),
                was_unsure=asof.may_have_ended("was", "since"),
                unsure=asof.may_have_ended("k"),
            )
            for sql in (_TWO_FACTOR, _NAMES)
        ),
    )
    return _DIFFERENCE.format(
        apps_ever=asof.apps_ever(),
        seen=_SEEN,
        of_apps=_and(_OF_APPS, filters),
        legs="\n    UNION ALL".join(legs),
        of_person=_ON_AN_APP.format(
            there=asof.believed("held"), was=asof.believed("held", "since")
        ),
        narrowed=_and(_OF_ROWS, filters),
    )


def where(filters: Collection[str]) -> str:
    """What a row of `difference` must be, beside what its tables are narrowed to."""
    return _OF_AUTHORS if "by" in filters else "true"


def _and(known: dict[str, str], filters: Collection[str]) -> str:
    return "".join(f" AND {sql}" for name, sql in known.items() if name in filters)


# How far the two instants are known of a row `d`: by its own edges, and by the readings of its
# app; of a person's 2FA, by those of an app that they were on.
_KNOWN = """
LEFT JOIN LATERAL (
    SELECT held.app_id FROM inventory_collaboration held
    WHERE d.app_id IS NULL AND held.person_id = d.person_id AND {there} LIMIT 1
) on_app ON true
LEFT JOIN inventory_app read_app ON read_app.id = coalesce(d.app_id, on_app.app_id)
CROSS JOIN LATERAL {readings_since} before
CROSS JOIN LATERAL {readings} around
CROSS JOIN LATERAL (SELECT
    CASE WHEN d.unsure_since THEN 'unknown' ELSE {known_since} END AS known_since,
    CASE WHEN d.unsure_until THEN 'unknown' ELSE {known} END AS known_until
) known
"""
KNOWN = _KNOWN.format(
    there=asof.believed("held"),
    # Who joined was not in the reading after the first instant, nor perhaps was the app.
    readings_since=asof.readings(
        "read_app", "since", but="d.what = 'joined' AND NOT d.unsure_since"
    ),
    readings=asof.readings("read_app"),
    known_since=known_sql("before", "since"),
    known=known_sql("around"),
)

_POPULATION = """(SELECT count(*) FROM inventory_collaboration k
    JOIN apps ON apps.id = k.app_id WHERE {held})"""
# What is counted beside the rows, from the periods alone.
POPULATION = _POPULATION.format(held=asof.believed("k"))
POPULATION_SINCE = _POPULATION.format(held=asof.believed("k", "since"))
