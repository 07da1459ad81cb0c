"""Apps as registers write them: a common table, `place`, with a row for each app of the instant."""

from django.utils.translation import gettext_lazy as _

from governance.inventory.queries import asof
from governance.reports import standing
from governance.reports.formats.neutral import neutral_sql
from governance.reports.registers.base import Asked, Column

# Where each is, whose, what for; and how far it is known what was on it. Each app's owner is a
# collaboration of its own, which a review app has too. Of the past also those that may have been
# there already.
_PLACE = """
place AS MATERIALIZED (
    SELECT a.id, a.scalingo_id, a.name, a.health_data, a.project_id, {was_there}, {scm}, {safe},
        row_number() OVER (ORDER BY r.name, a.name, a.id) AS number,
        CASE WHEN a.kind = 'app' AND a.parent_name <> '' THEN 'review app' ELSE a.kind END AS kind,
        r.name AS region, g.name AS project, owner.email AS owner,
        coalesce(fact.app_class, 'unknown') AS app_class, coalesce(fact.team, '') AS team,
        {as_of} AS as_of, {known} AS known
    FROM {apps} a
    JOIN inventory_region r ON r.id = a.region_id
    LEFT JOIN inventory_project g ON g.id = a.project_id
    LEFT JOIN inventory_collaboration owned
        ON owned.app_id = a.id AND owned.collaborator_id = 'owner' AND {holds}
    LEFT JOIN inventory_person owner ON owner.id = owned.person_id
    LEFT JOIN facts_appfact fact ON fact.app_id = a.id AND fact.current
    CROSS JOIN LATERAL {readings} around
    WHERE {where}
)"""

# Looked at once for each app, not for each of its people.
_SAFE = ", ".join(
    f"{neutral_sql(value)} AS safe_{name}"
    for name, value in (
        ("owner", "owner.email"),
        ("project", "g.name"),
        ("scalingo_id", "a.scalingo_id"),
        ("name", "a.name"),
    )
)

PLACE: tuple[Column, ...] = (
    Column("region", "text", "place.region", _("Region"), ours=True),
    Column(
        "owner_account",
        "text",
        "place.owner",
        _("Owner account"),
        printed=False,
        safe="place.safe_owner",
    ),
    Column("project", "text", "place.project", _("Project"), safe="place.safe_project"),
    Column("resource_type", "text", "place.kind", _("Kind"), ours=True, printed=False),
    Column(
        "resource_id",
        "text",
        "place.scalingo_id",
        _("Id of the app"),
        printed=False,
        safe="place.safe_scalingo_id",
    ),
    Column("resource_name", "text", "place.name", _("App"), safe="place.safe_name"),
    Column("resource_class", "text", "place.app_class", _("Class"), ours=True, printed=False),
    Column("hds_resource", "boolean", "place.health_data", _("Health data"), printed=False),
)

_NARROWED = {
    "app": "a.name = ANY(%(only_app)s)",
    "project": "a.project_id = ANY(%(only_project)s::uuid[])",
    "region": "r.name = ANY(%(only_region)s)",
    "kind": "CASE WHEN a.kind = 'app' AND a.parent_name <> '' THEN 'review' ELSE a.kind END"
    " = ANY(%(only_kind)s)",
    "class": "coalesce(fact.app_class, 'unknown') = ANY(%(only_class)s)",
    "health-data": "CASE a.health_data WHEN true THEN 'yes' WHEN false THEN 'no' ELSE 'unknown' END"
    " = ANY(%(only_health_data)s)",
}
FILTERS = tuple(_NARROWED)


def place(asked: Asked, *, narrowed: bool = True) -> str:
    """The common table, of the apps that may be seen; `narrowed` to those that were asked for."""
    moment = asof.Moment(asked.at, asked.is_now)
    where = [sql for name, sql in _NARROWED.items() if narrowed and asked.filters.get(name)]
    scm = "a.scm_linker_id, a.scm_read_at"
    return _PLACE.format(
        safe=_SAFE,
        apps=standing.apps_sql(asked, begun=True),
        was_there="true AS was_there" if asked.is_now else "a.was_there",
        scm=scm
        if asked.is_now
        else "NULL::uuid AS scm_linker_id, NULL::timestamptz AS scm_read_at",
        known=standing.known_sql(),
        as_of=standing.as_of_sql(),
        readings=standing.readings_sql("a", asked),
        holds=moment.holds("owned"),
        where=" AND ".join(where) or "true",
    )
