"""The SQL of who stands how: one row per person with access, now or at an instant.

The same text makes the counters, answers those who see some apps alone, and answers `at`: so what
they say cannot differ. Parameters: everything, projects, and `at` where it is not now; `people`
where only some are asked for.
"""

from governance.inventory.queries.asof import Moment, two_factor_of

COLUMNS = (
    "person_id, belongs, two_factor, since, risk, apps, full_role, limited, owned, pending,"
    " production, health_data, sensitive"
)

_FULL = "k.status = 'accepted' AND k.role IN ('owner', 'collaborator')"
# `OFFSET 0` keeps the one look-up per person from being pulled up into the grouping.
_STANDINGS = """
SELECT reach.person_id, reach.belongs, tfa.two_factor,
    coalesce(tfa.since, person.first_seen_at) AS since,
    (CASE tfa.two_factor
        WHEN 'on' THEN 8
        WHEN 'off' THEN CASE WHEN reach.sensitive > 0 THEN 1 WHEN reach.full_role > 0 THEN 2
                             ELSE 3 END
        ELSE CASE WHEN reach.sensitive > 0 THEN 4 WHEN reach.full_role > 0 THEN 5
                  WHEN reach.belongs <> 'pending' THEN 6 ELSE 7 END
    END)::smallint AS risk,
    reach.apps, reach.full_role, reach.limited, reach.owned, reach.pending, reach.production,
    reach.health_data, reach.sensitive
FROM (
    SELECT k.person_id,
        CASE WHEN bool_or(k.status = 'accepted' AND k.role <> 'owner') THEN 'accepted'
             WHEN bool_or(k.role = 'owner') THEN 'owner'
             WHEN bool_or(k.status = 'pending') THEN 'pending'
             WHEN bool_or(k.status = 'deleted') THEN 'deleted'
             ELSE 'unknown' END AS belongs,
        count(*)::int AS apps,
        (count(*) FILTER (WHERE {full}))::int AS full_role,
        (count(*) FILTER (WHERE k.status = 'accepted' AND k.role = 'limited'))::int AS limited,
        (count(*) FILTER (WHERE k.role = 'owner'))::int AS owned,
        (count(*) FILTER (WHERE k.status = 'pending'))::int AS pending,
        (count(*) FILTER (WHERE class.app_class = 'production'))::int AS production,
        (count(*) FILTER (WHERE app.health_data))::int AS health_data,
        (count(*) FILTER (WHERE {full}
            AND (class.app_class = 'production' OR app.health_data)))::int AS sensitive
    FROM inventory_collaboration k
    JOIN inventory_app app ON app.id = k.app_id
    {class_then}
    WHERE {there} AND (%(everything)s OR app.project_id = ANY(%(projects)s::uuid[])){some}
    GROUP BY k.person_id
) reach
JOIN inventory_person person ON person.id = reach.person_id
{two_factor_then}
"""
_CLASS_NOW = "LEFT JOIN facts_appfact class ON class.app_id = k.app_id AND class.current"
_CLASS_AT = """LEFT JOIN LATERAL (
        SELECT fact.app_class FROM facts_appfact fact
        WHERE fact.app_id = k.app_id AND fact.said_at <= %(at)s
        ORDER BY fact.id DESC LIMIT 1) class ON true"""
_TFA_NOW = """CROSS JOIN LATERAL (
    SELECT CASE WHEN person.two_factor IN ('on', 'off') THEN person.two_factor ELSE 'unknown' END
            AS two_factor,
        (SELECT started_at FROM inventory_twofactorperiod
         WHERE person_id = person.id AND ended_at IS NULL) AS since) tfa"""
_TFA_AT = """CROSS JOIN LATERAL (
    SELECT {value} AS two_factor, (
        SELECT started_at FROM inventory_twofactorperiod
        WHERE person_id = person.id AND started_at <= %(at)s
            AND (ended_at IS NULL OR ended_at > %(at)s)
        ORDER BY started_at DESC LIMIT 1) AS since) tfa"""


def of(moment: Moment, *, some: bool = False) -> str:
    """The rows as a SELECT. `some` asks for the persons of the parameter `people` alone."""
    now = moment.is_now
    return _STANDINGS.format(
        full=_FULL,
        class_then=_CLASS_NOW if now else _CLASS_AT,
        there=moment.holds("k"),
        two_factor_then=_TFA_NOW if now else _TFA_AT.format(value=two_factor_of("person.id")),
        some=" AND k.person_id = ANY(%(people)s::uuid[])" if some else "",
    )
