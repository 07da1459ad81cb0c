"""What was read: each scope of each connection and region, how many apps of it, and how fresh."""

from django.utils.translation import gettext_lazy as _

from governance.reports import standing
from governance.reports.registers.base import (
    Asked,
    Column,
    Equation,
    Reader,
    Report,
    Statement,
    Term,
    Totals,
)

_SOURCE = f"""{standing.SCOPES}
LEFT JOIN inventory_app a ON s.app_scalingo_id <> '' AND a.region_id = s.region_id
    AND a.scalingo_id = s.app_scalingo_id
LEFT JOIN (
    SELECT scope_id, count(*) AS expected, count(*) FILTER (WHERE known = 'known') AS read
    FROM counted GROUP BY scope_id
) apps ON apps.scope_id = s.id
WHERE {standing.IS_SCOPE_THEN}{{where}}"""  # noqa: S608  Constants of code.
_COUNTED = """
counted AS MATERIALIZED (
    SELECT a.scope_id, around.last, {known} AS known
    FROM {apps} a CROSS JOIN LATERAL {readings} around
)"""
_LAST = "least(run.until, %(at)s)"
_COLUMNS: tuple[Column, ...] = (
    Column("connection", "text", "coalesce(c.name, '')", _("Connection")),
    Column("account_id", "text", "coalesce(c.account_id, '')", _("Account"), printed=False),
    Column("region", "text", "r.name", _("Region"), ours=True),
    Column("scope", "text", "s.kind", _("What was read"), ours=True),
    Column(
        "resource_id", "text", "nullif(s.app_scalingo_id, '')", _("Id of the app"), printed=False
    ),
    Column("resource_name", "text", "a.name", _("App")),
    Column("apps_expected", "integer", "coalesce(apps.expected, 0)", _("Apps expected")),
    Column("apps_read", "integer", "coalesce(apps.read, 0)", _("Read")),
    Column(
        "apps_failed",
        "integer",
        "coalesce(apps.expected, 0) - coalesce(apps.read, 0)",
        _("Not read"),
    ),
    Column("read_unbroken_since", "instant", "run.since", _("Unbroken since"), printed=False),
    Column("last_read_at", "instant", _LAST, _("Last read")),
    Column(
        "next_read_at",
        "instant",
        "CASE WHEN run.until < %(at)s OR run.until IS NULL THEN later.since END",
        _("Read again"),
        printed=False,
    ),
    Column("not_read_since", "instant", standing.FAILING_SINCE, _("Not read since")),
    Column(
        "why",
        "text",
        "CASE WHEN s.stale_since <= %(at)s AND later.since IS NULL THEN s.stale_reason END",
        _("Why"),
        ours=True,
    ),
)


def _statement(asked: Asked) -> Statement:
    where = " AND r.name = ANY(%(only_region)s)" if asked.filters.get("region") else ""
    return Statement(
        _SOURCE.format(where=where),
        standing.values(asked),
        "coalesce(c.name, ''), r.name, s.kind, a.name, s.id",
        before=f"WITH {_counted(asked)}",
    )


def _counted(asked: Asked) -> str:
    return _COUNTED.format(
        known=standing.known_sql(),
        apps=standing.apps_sql(asked),
        readings=standing.readings_sql("a", asked),
    )


_APPS = """
WITH {counted} SELECT count(*), count(*) FILTER (WHERE known = 'known'),
    count(*) FILTER (WHERE known <> 'known'), count(*) FILTER (WHERE scope_id IS NULL)
FROM counted"""
_SCOPES = """
{before} SELECT count(*), coalesce(sum(apps.expected), 0)::bigint FROM {source}"""
_WORDS = {
    "apps": _("apps"),
    "read": _("read"),
    "failed": _("not read"),
    "in_scopes": _("apps of the scopes below"),
    "in_no_scope": _("apps that nothing reads"),
    "rows": _("rows counted"),
}


def _totals(asked: Asked, reader: Reader) -> Totals:
    statement = _statement(asked)
    apps, read, failed, alone = reader.row(_APPS.format(counted=_counted(asked)), statement.values)
    rows, of_scopes = reader.row(
        _SCOPES.format(before=statement.before, source=statement.source), statement.values
    )
    figures = {
        "apps": apps,
        "read": read,
        "failed": failed,
        "in_scopes": of_scopes,
        "in_no_scope": alone,
        "rows": rows,
    }
    equations = [Equation("apps", (Term("read"), Term("failed")))]
    if not asked.filters:
        equations.append(Equation("apps", (Term("in_scopes"), Term("in_no_scope"))))
    return Totals(figures, _WORDS, tuple(equations))


COVERAGE = Report(
    name="coverage",
    title=_("Coverage"),
    sentence=_(
        "What was read around an instant, by connection, region and scope, what failed, and since"
        " when."
    ),
    columns=_COLUMNS,
    statement=_statement,
    totals=_totals,
    known_limits=(
        _("Which scope an app is read in is known of today alone."),
        _("Why a reading failed is kept until it succeeds again."),
    ),
    filters=("region",),
    sort=_("connection, region, what was read, app"),
    needs_everything=True,
)
