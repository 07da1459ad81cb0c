"""Who may do what on which app: by app, by person, and those who may do everything.

Three reports over the same rows, a person on an app each, owners included.
"""

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from governance.facts.queries import external_sql
from governance.inventory.queries import asof
from governance.reports import standing
from governance.reports.registers import _doubts, _people, _places, _two_factor
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

_PRIVILEGED = "k.role IN ('owner', 'collaborator')"
_ACCESS: tuple[Column, ...] = (
    Column("collaborator_id", "text", "k.collaborator_id", _("Id of the access"), printed=False),
    Column("role", "text", "k.role", _("Role"), ours=True),
    Column("privileged", "boolean", f"({_PRIVILEGED})", _("Privileged"), printed=False),
    Column("status", "text", "k.status", _("Status"), ours=True),
    Column(
        "is_scm_linker",
        "boolean",
        "CASE WHEN place.scm_read_at IS NOT NULL"
        " THEN coalesce(place.scm_linker_id = p.id, false) END",
        _("Links the repository"),
        printed=False,
    ),
    *_two_factor.COLUMNS,
    Column("access_since", "instant", "coalesce(told.happened_at, k.since_at)", _("Since")),
    Column(
        "access_since_source",
        "text",
        "CASE WHEN told.happened_at IS NOT NULL THEN 'event'"
        " WHEN k.since_after IS NULL THEN 'first reading' ELSE 'reading' END",
        _("Since, as known by"),
        ours=True,
        printed=False,
    ),
    Column(
        "granted_by",
        "text",
        "CASE told.source WHEN 'ours' THEN giver.email"
        " WHEN 'event' THEN coalesce(nullif(actor.email, ''), told.actor_name) END",
        _("Given by"),
        printed=False,
    ),
    Column("grant_reason", "text", "batch.reason", _("Reason"), printed=False),
    _doubts.COUNTED,
    _doubts.KNOWN,
    Column("data_as_of", "instant", "place.as_of", _("Data as of"), printed=False),
)
_SOURCE = """
place JOIN inventory_collaboration k ON k.app_id = place.id AND {holds}
JOIN who p ON p.id = k.person_id{two_factor}
LEFT JOIN inventory_collaboration began ON began.app_id = k.app_id
    AND began.collaborator_id = k.collaborator_id AND began.started_at = k.since_at
LEFT JOIN inventory_attribution told ON told.collaboration_id = began.id AND told.edge = 'start'
LEFT JOIN inventory_person actor ON actor.id = told.actor_id
LEFT JOIN changes_change ours ON ours.id = told.change_id
LEFT JOIN changes_batch batch ON batch.id = ours.batch_id
LEFT JOIN accounts_user giver ON giver.id = batch.decided_by_id
WHERE {where}"""
_NARROWED = {
    **_people.WHO_NARROWED,
    "role": "k.role = ANY(%(only_role)s)",
    "status": "k.status = ANY(%(only_status)s)",
    "external": f"CASE {external_sql('p.internal_or_external', 'p.email')}"
    " WHEN true THEN 'yes' WHEN false THEN 'no' END = ANY(%(only_external)s)",
}
# As the tree of apps searches: people and apps.
_OF_APPS = {
    **_NARROWED,
    "q": "EXISTS (SELECT FROM unnest(%(only_q)s::text[]) word"
    " WHERE strpos(lower(p.username || ' ' || p.email), lower(word)) > 0"
    " OR strpos(lower(place.name), lower(word)) > 0)",
}
_OF_PEOPLE = ("role", "status", "two-factor", "employment", "account", "external")
FILTERS = ("q", *_places.FILTERS, *_OF_PEOPLE)


def _where(asked: Asked, only: str) -> str:
    narrowed = _OF_APPS if asked.report == BY_APP.name else _NARROWED
    found = [sql for name, sql in narrowed.items() if asked.filters.get(name)]
    return " AND ".join([only, *found])


def _before(asked: Asked) -> str:
    return f"WITH {_places.place(asked)}, {_people.who(asked)}, {_two_factor.before()}"


def _statement(only: str, order: str) -> Callable[[Asked], Statement]:
    def statement(asked: Asked) -> Statement:
        source = _SOURCE.format(
            holds=_doubts.holds(asked),
            two_factor=_two_factor.joins(asked),
            where=_where(asked, only),
        )
        return Statement(source, standing.values(asked), order, before=_before(asked))

    return statement


# --- control totals -------------------------------------------------------------------------------

# Counted without any of the joins of the rows: one that lost or doubled a row would not balance.
_POPULATION = """
SELECT count(*), count(*) FILTER (WHERE k.role = 'owner'),
    count(*) FILTER (WHERE k.role <> 'owner' AND k.status = 'accepted'),
    count(*) FILTER (WHERE k.role <> 'owner' AND k.status = 'pending'),
    count(*) FILTER (WHERE k.role <> 'owner' AND k.status = 'deleted'),
    count(*) FILTER (WHERE k.role <> 'owner' AND k.status = 'unknown'),
    count(*) FILTER (WHERE k.role = 'collaborator'), count(*) FILTER (WHERE k.role = 'limited'),
    count(*) FILTER (WHERE k.role = 'unknown')
FROM {apps} a JOIN inventory_collaboration k ON k.app_id = a.id AND {holds}
"""
_NAMES = (
    "population",
    "owners",
    "accepted",
    "pending",
    "ghosts",
    "status_unknown",
    "full",
    "limited",
    "role_unknown",
)
WORDS = {
    "population": _("population"),
    "owners": _("owners"),
    "accepted": _("accepted"),
    "pending": _("pending"),
    "ghosts": _("accounts deleted"),
    "status_unknown": _("status unknown"),
    "full": _("collaborators"),
    "limited": _("limited collaborators"),
    "role_unknown": _("role unknown"),
    "privileged": _("privileged"),
    "may_have_been": _doubts.MAY_HAVE_BEEN,
    "rows": _("rows counted"),
}
BY_STATUS = Equation(
    "population",
    tuple(map(Term, ("owners", "accepted", "pending", "ghosts", "status_unknown"))),
)
BY_ROLE = Equation("population", tuple(map(Term, ("owners", "full", "limited", "role_unknown"))))


def population(asked: Asked, reader: Reader) -> dict[str, int]:
    """How many accesses there were, by status and by role, over all that may be seen."""
    sql = _POPULATION.format(
        apps=standing.apps_sql(asked), holds=asof.Moment(asked.at, asked.is_now).holds("k")
    )
    return dict(zip(_NAMES, reader.row(sql, standing.values(asked)), strict=True))


_ROWS = """
{before} SELECT count(*) FROM place JOIN inventory_collaboration k
    ON k.app_id = place.id AND {holds}
JOIN who p ON p.id = k.person_id WHERE {where}
"""


def _rows(asked: Asked, reader: Reader, only: str) -> int:
    sql = _ROWS.format(before=_before(asked), holds=_doubts.holds(asked), where=_where(asked, only))
    found: int = reader.row(sql, standing.values(asked))[0]
    return found


def _totals(asked: Asked, reader: Reader) -> Totals:
    return _balanced(population(asked, reader), "population", asked, reader, "true")


def _privileged_totals(asked: Asked, reader: Reader) -> Totals:
    figures = population(asked, reader)
    figures["privileged"] = figures["owners"] + figures["full"]
    return _balanced(figures, "privileged", asked, reader, _PRIVILEGED)


def _balanced(
    figures: dict[str, int], whole: str, asked: Asked, reader: Reader, only: str
) -> Totals:
    """Of the past, rows are what was counted and, beside it, what may have been there already."""
    equations = [BY_STATUS, BY_ROLE]
    figures["rows"] = figures[whole]
    if not asked.is_now:
        figures["may_have_been"] = _doubts.doubts(asked, reader, only).may_have_been
        figures["rows"] += figures["may_have_been"]
    if asked.filters:
        figures["rows"] = _rows(asked, reader, only)
    elif not asked.is_now:
        equations.append(Equation("rows", (Term(whole), Term("may_have_been"))))
    return Totals(figures, WORDS, tuple(equations))


# --- the reports ----------------------------------------------------------------------------------

_LIMITS = (
    _(
        "Of the past: whoever the next reading has and the last had not is a row that is not in the"
        " population, and unknown."
    ),
    _("An owner's 2FA is unknown unless the owner's own account is read here."),
    _(
        "Names and addresses of people are those read last, also in a report about the past: those"
        " of before are kept, and not shown here."
    ),
    _("What an app and a person are to the company is what is said of them today."),
    _(
        "There are no columns for a name beside the username, an end date, a ticket, the last"
        " activity and from when on it would be known, what changed since the last review and"
        " findings: they are not known here."
    ),
    _("Who linked the repository is known of today alone."),
    _(
        "2FA was read when the listing of the app was; of an owner, when the owner's own account"
        " was read, or the listing of an app that they are a collaborator of."
    ),
)
_BY_APP = "place.number, k.role <> 'owner', p.number, k.id"
_BY_PERSON = "p.number, place.number, k.id"


def _number(order: str) -> Column:
    """By which a row is spoken of: its place in this file."""
    sql = f"row_number() OVER (ORDER BY {order})"
    return Column("row_no", "integer", sql, _("Row"), printed=False)


BY_APP = Report(
    name="access-by-app",
    title=_("Access register, by app"),
    sentence=_("Everybody on every app, with their role: for a given app, who may do what."),
    columns=(*_places.PLACE, *_people.WHO, *_ACCESS, _number(_BY_APP)),
    statement=_statement("true", _BY_APP),
    totals=_totals,
    known_limits=_LIMITS,
    incomplete=_doubts.why,
    filters=FILTERS,
    sort=_("region, app, the owner first, e-mail"),
)
BY_PERSON = Report(
    name="access-by-person",
    title=_("Access register, by person"),
    sentence=_("Every app of everybody, with their role: for a given person, what they may do."),
    columns=(*_people.WHO, *_places.PLACE, *_ACCESS, _number(_BY_PERSON)),
    statement=_statement("true", _BY_PERSON),
    totals=_totals,
    known_limits=_LIMITS,
    incomplete=_doubts.why,
    filters=FILTERS,
    sort=_("e-mail, region, app"),
)
PRIVILEGED = Report(
    name="privileged",
    title=_("Privileged access"),
    sentence=_("Owners and collaborators who may do everything on an app, invited ones too."),
    columns=(*_people.WHO, *_places.PLACE, *_ACCESS, _number(_BY_PERSON)),
    statement=_statement(_PRIVILEGED, _BY_PERSON),
    totals=_privileged_totals,
    known_limits=_LIMITS,
    incomplete=_doubts.why,
    filters=FILTERS,
    sort=_("e-mail, region, app"),
)
