"""The 2FA report as a register: one row per person with access, whatever is known of them."""

from django.utils.translation import gettext_lazy as _

from governance.inventory.queries import asof
from governance.inventory.queries.asof import Moment
from governance.reports import standing
from governance.reports.registers import _doubts
from governance.reports.registers._people import JOINS, PERSON
from governance.reports.registers._people import NARROWED as OF_PEOPLE
from governance.reports.registers.base import (
    Asked,
    Column,
    Equation,
    Reader,
    Report,
    Statement,
    Term,
    Totals,
    Words,
)
from governance.reports.two_factor import standings
from governance.reports.two_factor.asked import CONDITIONS
from governance.reports.two_factor.models import Belongs

_BY_NAME = {column.name: column for column in PERSON}
_OFF = "s.two_factor = 'off'"
_COLUMNS: tuple[Column, ...] = (
    _BY_NAME["email"],
    _BY_NAME["username"],
    _BY_NAME["person_key"],
    _BY_NAME["account_type"],
    _BY_NAME["internal_or_external"],
    Column("tfa_status", "text", "s.two_factor", _("2FA"), ours=True),
    Column(
        "first_seen_without_2fa",
        "instant",
        f"CASE WHEN {_OFF} THEN s.since END",
        _("First seen without"),
    ),
    Column(
        "days_without_2fa",
        "integer",
        f"CASE WHEN {_OFF} THEN greatest(0, floor(extract(epoch FROM %(at)s - s.since)"
        " / 86400))::int END",
        _("Days without"),
    ),
    Column(
        "last_changed_at",
        "instant",
        "CASE WHEN earlier.there THEN s.since END",
        _("2FA last changed"),
        printed=False,
    ),
    Column("apps_total", "integer", "s.apps", _("Apps")),
    Column("apps_full_role", "integer", "s.full_role", _("With a full role")),
    Column("apps_hds", "integer", "s.health_data", _("With health data")),
    Column("apps_prod", "integer", "s.production", _("In production")),
    Column("owner_of", "integer", "s.owned", _("Owner of"), printed=False),
    Column("exception_id", "text", "x.id::text", _("Exception"), ours=True, printed=False),
    Column("exception_expires", "instant", "x.until", _("Exception until")),
    Column("reminders_sent", "integer", "reminders.times", _("Reminders"), printed=False),
    Column("last_reminder_at", "instant", "reminders.latest", _("Last reminder"), printed=False),
    Column("attested_by", "text", "vouching.email", _("Attested by"), printed=False),
    Column("attested_at", "instant", "attested.said_at", _("Attested"), printed=False),
    Column("attestation_evidence", "text", "attested.evidence", _("Evidence"), printed=False),
    Column("attestation_expires", "instant", "attested.until", _("Attested until"), printed=False),
    # What the denominators are added up from: without it nobody could count them again.
    Column("belongs", "text", "s.belongs", _("Belongs"), ours=True),
    Column(
        "known",
        "text",
        "CASE WHEN period.ended_at > %(at)s"
        " AND coalesce(period.ended_after, '-infinity') < %(at)s THEN 'unknown'"
        " ELSE coalesce(read_in.known, 'known') END",
        _("Known"),
        ours=True,
    ),
)
# As the page has it: how the places were read where the apps of a person are. One that had not been
# read yet says nothing.
_PLACES_READ = """
place_read AS MATERIALIZED (
    SELECT scope.id AS scope_id, {known} AS known
    FROM inventory_scope scope CROSS JOIN LATERAL (
        SELECT run.*, run.next IS NULL AND coalesce(scope.stale_since < %(at)s, false) AS is_stale
        FROM {readings} run) around
    WHERE around.last IS NOT NULL
)"""
_WORST = ("unknown", "not_read_between", "known")
_HOLDS = """{row}.said_at <= %(at)s AND {row}.until >= %(at)s
    AND ({row}.ended_at IS NULL OR {row}.ended_at > %(at)s)"""
_SOURCE = """
({standings}) s
JOIN inventory_person p ON p.id = s.person_id
{people}
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM inventory_twofactorperiod period
        WHERE period.person_id = s.person_id AND period.started_at < s.since) AS there) earlier
LEFT JOIN LATERAL (
    SELECT x.id, x.until FROM facts_twofactorexception x
    WHERE x.person_id = s.person_id AND {exception_holds} ORDER BY x.said_at DESC LIMIT 1
) x ON true
LEFT JOIN LATERAL (
    SELECT a.said_at, a.until, a.evidence, a.said_by_id FROM facts_ownerattestation a
    WHERE a.person_id = s.person_id AND s.two_factor = 'unknown' AND {attestation_holds}
    ORDER BY a.said_at DESC LIMIT 1
) attested ON true
LEFT JOIN accounts_user vouching ON vouching.id = attested.said_by_id
LEFT JOIN LATERAL (
    SELECT period.ended_after, period.ended_at FROM inventory_twofactorperiod period
    WHERE period.person_id = s.person_id AND period.started_at = s.since
    ORDER BY period.ended_at DESC NULLS FIRST LIMIT 1
) period ON true
LEFT JOIN LATERAL (
    SELECT place_read.known FROM inventory_collaboration k
    JOIN inventory_app app ON app.id = k.app_id
    JOIN place_read ON place_read.scope_id = app.scope_id
    WHERE k.person_id = s.person_id AND {there}
        AND (%(everything)s OR app.project_id = ANY(%(projects)s::uuid[]))
    ORDER BY array_position(ARRAY[{worst}], place_read.known) LIMIT 1
) read_in ON true
CROSS JOIN LATERAL (
    SELECT count(*)::int AS times, max(r.at) AS latest FROM two_factor_reminder r
    WHERE r.person_id = s.person_id AND r.at <= %(at)s
) reminders
WHERE {where}"""
# Those that are the page's; a name is searched for as in the other registers.
_OF_PAGE = ("two-factor", "reach", "on", "belongs", "exception", "external")


def _moment(asked: Asked) -> Moment:
    return Moment(asked.at, is_now=asked.is_now)


def _where(asked: Asked) -> str:
    found = [sql for name, sql in OF_PEOPLE.items() if asked.filters.get(name)]
    for name in _OF_PAGE:
        values = [value for value in asked.filters.get(name, ()) if value in CONDITIONS[name]]
        if values:
            found.append(
                "(" + " OR ".join(f"({CONDITIONS[name][value]})" for value in values) + ")"
            )
    return " AND ".join(found) or "true"


def _statement(asked: Asked) -> Statement:
    source = _SOURCE.format(
        standings=standings.of(_moment(asked)),
        people=JOINS,
        exception_holds=_HOLDS.format(row="x"),
        attestation_holds=_HOLDS.format(row="a"),
        there=_moment(asked).holds("k"),
        worst=", ".join(f"'{word}'" for word in _WORST),
        where=_where(asked),
    )
    places = _PLACES_READ.format(
        known=standing.known_sql(), readings=asof.readings_of_scope("scope")
    )
    return Statement(
        source, standing.values(asked), "s.risk, s.since, s.person_id", before=f"WITH {places}"
    )


_VALUES = ("on", "off", "unknown")
_KINDS = tuple(Belongs.values)
# Counted from the inventory itself, not from the rows.
_POPULATION = """
SELECT count(DISTINCT k.person_id) FROM inventory_collaboration k
JOIN inventory_app app ON app.id = k.app_id
WHERE {there} AND (%(everything)s OR app.project_id = ANY(%(projects)s::uuid[]))"""
_COUNTED = """
SELECT {kinds}, {accepted}, {everyone} FROM ({standings}) s"""


def _counted(asked: Asked) -> str:
    def each(condition: str) -> str:
        return f"count(*) FILTER (WHERE {condition})"

    accepted = "s.belongs = 'accepted' AND s.two_factor"
    return _COUNTED.format(
        kinds=", ".join(each(f"s.belongs = '{kind}'") for kind in _KINDS),
        accepted=", ".join(each(f"{accepted} = '{value}'") for value in _VALUES),
        everyone=", ".join(each(f"s.two_factor = '{value}'") for value in _VALUES),
        standings=standings.of(_moment(asked)),
    )


_NAMES = (
    *(f"belongs_{kind}" for kind in _KINDS),
    *(f"accepted_{value}" for value in _VALUES),
    *(f"everyone_{value}" for value in _VALUES),
)
_WORDS: dict[str, Words] = {
    "population": _("everyone"),
    "accepted_known": _("accepted with known 2FA"),
    "belongs_accepted": _("accepted"),
    "belongs_owner": _("owners alone"),
    "belongs_pending": _("invited alone"),
    "belongs_deleted": _("deleted accounts"),
    "belongs_unknown": _("status unknown"),
    **{f"accepted_{value}": value for value in _VALUES},
    **{f"everyone_{value}": value for value in _VALUES},
    "rows": _("rows counted"),
}


def _totals(asked: Asked, reader: Reader) -> Totals:
    """The three denominators, each as an equation."""
    statement = _statement(asked)
    there = _moment(asked).holds("k")
    whole = reader.row(_POPULATION.format(there=there), statement.values)[0]
    figures = {
        "population": whole,
        **dict(zip(_NAMES, reader.row(_counted(asked), statement.values), strict=True)),
    }
    figures["accepted_known"] = figures["belongs_accepted"] - figures["accepted_unknown"]
    rows = whole
    if asked.filters:
        sql = f"{statement.before} SELECT count(*) FROM {statement.source}"  # noqa: S608
        rows = reader.row(sql, statement.values)[0]
    return Totals(
        {**figures, "rows": rows},
        _WORDS,
        (
            Equation("accepted_known", (Term("accepted_on"), Term("accepted_off"))),
            Equation("belongs_accepted", tuple(Term(f"accepted_{one}") for one in _VALUES)),
            Equation("population", tuple(Term(f"everyone_{one}") for one in _VALUES)),
            Equation("population", tuple(Term(f"belongs_{one}") for one in _KINDS)),
        ),
    )


REPORT = Report(
    name="two-factor",
    title=_("Two-factor authentication"),
    sentence=_(
        "Everybody with access: 2FA on, off or unknown, since when, what they can reach, and what"
        " was done about it."
    ),
    columns=_COLUMNS,
    statement=_statement,
    totals=_totals,
    known_limits=(
        _("2FA at Scalingo is a code from an app (TOTP); it cannot be enforced there."),
        _(
            "Unknown: the invitation is pending, Scalingo did not say, or the person only owns"
            " apps. It is never counted as on or as off."
        ),
        _(
            "Scalingo tells the 2FA of an owner only to that owner's own account. Other owners are"
            " unknown, also where somebody attested them."
        ),
        _("Days without are counted from the first reading without 2FA."),
        _("Whether an app holds health data is what is known today, also as of the past."),
    ),
    incomplete=_doubts.why,
    filters=(*OF_PEOPLE, *_OF_PAGE),
    sort=_("risk: full roles on production or health data without 2FA first"),
)
