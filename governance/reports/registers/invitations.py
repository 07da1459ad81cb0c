"""Invitations that nobody has accepted, the oldest first."""

from django.utils.translation import gettext_lazy as _

from governance.inventory.queries import asof
from governance.reports import standing
from governance.reports.registers import _people, _places
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
    Column("age_days", "integer", f"{seconds(_SINCE, '%(at)s')} / 86400", _("Days")),
    Column(
        "invited_by",
        "text",
        "CASE told.source WHEN 'ours' THEN giver.email"
        " WHEN 'event' THEN coalesce(nullif(actor.email, ''), told.actor_name) END",
        _("Invited by"),
    ),
    Column("reason", "text", "batch.reason", _("Reason"), printed=False),
    Column(
        "known",
        "text",
        f"CASE WHEN {asof.doubted('k')} THEN 'unknown' ELSE place.known END",
        _("Known"),
        ours=True,
    ),
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
        holds=asof.Moment(asked.at, asked.is_now).holds("k"),
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
{before} SELECT count(*) FILTER (WHERE found.age < 7 * 86400),
    count(*) FILTER (WHERE found.age BETWEEN 7 * 86400 AND 30 * 86400 - 1),
    count(*) FILTER (WHERE found.age >= 30 * 86400), count(*)
FROM (SELECT {age} AS age FROM {source}) found
"""
_WORDS = {
    "pending": _("pending"),
    "under_7_days": _("younger than 7 days"),
    "under_30_days": _("7 to 29 days"),
    "older": _("30 days and older"),
    "rows": _("rows counted"),
}


def _totals(asked: Asked, reader: Reader) -> Totals:
    """By age with every join of the rows, in all without them; ages are of what is shown."""
    holds = asof.Moment(asked.at, asked.is_now).holds("k")
    statement = _statement(asked)
    young, middle, old, rows = reader.row(
        _AGES.format(
            before=statement.before, age=seconds(_SINCE, "%(at)s"), source=statement.source
        ),
        statement.values,
    )
    pending = rows
    if not asked.filters:
        sql = _PENDING.format(apps=standing.apps_sql(asked), holds=holds)
        pending = reader.row(sql, statement.values)[0]
    return Totals(
        {
            "pending": pending,
            "under_7_days": young,
            "under_30_days": middle,
            "older": old,
            "rows": pending,
        },
        _WORDS,
        (Equation("pending", tuple(map(Term, ("under_7_days", "under_30_days", "older")))),),
    )


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
    filters=("q", *_places.FILTERS, "role", "employment"),
    sort=_("the oldest first"),
)
