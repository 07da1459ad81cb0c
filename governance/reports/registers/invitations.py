"""Invitations that nobody has accepted, the oldest first."""

from django.utils.translation import gettext_lazy as _

from governance.inventory.queries import asof
from governance.reports import standing
from governance.reports.registers import _doubts, _people, _places
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
from governance.reports.registers.movers import seconds

_SINCE = "coalesce(told.happened_at, k.since_at)"
_COLUMNS: tuple[Column, ...] = (
    *_places.PLACE,
    *(column for column in _people.PERSON if column.name not in ("username",)),
    Column("collaborator_id", "text", "k.collaborator_id", _("Id of the access"), printed=False),
    Column("role", "text", "k.role", _("Role"), ours=True),
    Column("invited_at", "instant", _SINCE, _("Invited")),
    Column(
        "invited_at_source",
        "text",
        "CASE WHEN told.happened_at IS NOT NULL THEN 'event'"
        " WHEN k.since_after IS NULL THEN 'first reading' ELSE 'reading' END",
        _("As known by"),
        ours=True,
        printed=False,
    ),
    Column(
        "age_days",
        "integer",
        f"CASE WHEN {_SINCE} <= %(at)s THEN {seconds(_SINCE, '%(at)s')} / 86400 END",
        _("Days"),
    ),
    Column(
        "invited_by",
        "text",
        "CASE told.source WHEN 'ours' THEN giver.email"
        " WHEN 'event' THEN coalesce(nullif(actor.email, ''), told.actor_name) END",
        _("Invited by"),
    ),
    Column("reason", "text", "batch.reason", _("Reason"), printed=False),
    _doubts.COUNTED,
    _doubts.KNOWN,
)
_SOURCE = """
place JOIN inventory_collaboration k
    ON k.app_id = place.id AND k.status = 'pending' AND {holds}
JOIN inventory_person p ON p.id = k.person_id
{people}
LEFT JOIN inventory_collaboration began ON began.app_id = k.app_id
    AND began.collaborator_id = k.collaborator_id AND began.started_at = k.since_at
LEFT JOIN inventory_attribution told ON told.collaboration_id = began.id AND told.edge = 'start'
LEFT JOIN inventory_person actor ON actor.id = told.actor_id
LEFT JOIN changes_change ours ON ours.id = told.change_id
LEFT JOIN changes_batch batch ON batch.id = ours.batch_id
LEFT JOIN accounts_user giver ON giver.id = batch.decided_by_id
WHERE {where}"""
_NARROWED = {**_people.NARROWED, "role": "k.role = ANY(%(only_role)s)"}


def _statement(asked: Asked) -> Statement:
    where = [sql for name, sql in _NARROWED.items() if asked.filters.get(name)]
    source = _SOURCE.format(
        holds=_doubts.holds(asked),
        people=_people.JOINS,
        where=" AND ".join(where) or "true",
    )
    return Statement(
        source,
        standing.values(asked),
        f"{_SINCE}, place.region, place.name, p.email, k.id",
        before=f"WITH {_places.place(asked)}",
    )


_PENDING = """
SELECT count(*) FROM {apps} a
JOIN inventory_collaboration k ON k.app_id = a.id AND k.status = 'pending' AND {holds}
"""
_AGES = """
{before} SELECT count(*) FILTER (WHERE found.counts AND found.age < 7 * 86400),
    count(*) FILTER (WHERE found.counts AND found.age BETWEEN 7 * 86400 AND 30 * 86400 - 1),
    count(*) FILTER (WHERE found.counts AND found.age >= 30 * 86400),
    count(*) FILTER (WHERE found.counts), count(*)
FROM (SELECT {age} AS age, {counts} AS counts FROM {source}) found
"""
_WORDS = {
    "pending": _("pending"),
    "under_7_days": _("younger than 7 days"),
    "under_30_days": _("7 to 29 days"),
    "older": _("30 days and older"),
    "may_have_been": _doubts.MAY_HAVE_BEEN,
    "rows": _("rows counted"),
}


def _totals(asked: Asked, reader: Reader) -> Totals:
    """By age with every join of the rows, in all without them; ages are of what is shown."""
    statement = _statement(asked)
    ages = _AGES.format(
        before=statement.before,
        age=seconds(_SINCE, "%(at)s"),
        counts=_doubts.COUNTED.sql,
        source=statement.source,
    )
    young, middle, old, pending, rows = reader.row(ages, statement.values)
    figures = {"under_7_days": young, "under_30_days": middle, "older": old}
    equations = [Equation("pending", tuple(map(Term, figures)), narrowed=True)]
    if not asked.filters:
        holds = asof.Moment(asked.at, asked.is_now).holds("k")
        sql = _PENDING.format(apps=standing.apps_sql(asked), holds=holds)
        pending = rows = reader.row(sql, statement.values)[0]
    if not asked.filters and not asked.is_now:
        found = _doubts.doubts(asked, reader, "k.status = 'pending'").may_have_been
        figures["may_have_been"], rows = found, pending + found
        equations.append(Equation("rows", (Term("pending"), Term("may_have_been"))))
    return Totals({"pending": pending, **figures, "rows": rows}, _WORDS, tuple(equations))


INVITATIONS = Report(
    name="invitations",
    title=_("Invitations by age"),
    sentence=_("Who was invited to an app and has not accepted, since when and by whom."),
    columns=_COLUMNS,
    statement=_statement,
    totals=_totals,
    known_limits=(
        _("Whether an invitation was opened is not known, nor when it will lapse."),
        _("2FA of somebody invited is not known until they accept."),
    ),
    incomplete=_doubts.why,
    filters=("q", *_places.FILTERS, "role", "employment"),
    sort=_("the oldest first"),
)
