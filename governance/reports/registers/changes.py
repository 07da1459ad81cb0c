"""What we asked Scalingo to change, when it was told, and by which reading it is proved."""

from django.utils.translation import gettext_lazy as _

from governance.changes.models import State
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

# As it stood at the instant: what came later is not told.
_STATE = """CASE WHEN %(is_now)s OR c.ended_at <= %(at)s THEN c.state
    WHEN c.told_at <= %(at)s THEN 'told' WHEN c.tried_at <= %(at)s THEN 'telling'
    ELSE 'waiting' END"""
_TOLD = "CASE WHEN c.told_at <= %(at)s THEN c.told_at END"
_IS_OVER = "c.ended_at <= %(at)s"
_VERIFIED = f"CASE WHEN {_IS_OVER} THEN c.verified_at END"
_COLUMNS: tuple[Column, ...] = (
    Column("change_id", "text", "c.id::text", _("Id"), ours=True, printed=False),
    Column("kind", "text", "c.kind", _("What"), ours=True),
    Column("region", "text", "r.name", _("Region"), ours=True, printed=False),
    Column("project", "text", "g.name", _("Project"), printed=False),
    Column("resource_id", "text", "a.scalingo_id", _("Id of the app"), printed=False),
    Column("resource_name", "text", "a.name", _("App")),
    Column("email", "text", "c.email", _("E-mail")),
    Column("username", "text", "p.username", _("Username"), printed=False),
    Column("role_before", "text", "c.role_before", _("Role before"), ours=True, printed=False),
    Column("role", "text", "c.role", _("Role"), ours=True),
    Column("decided_by", "text", "decider.email", _("Decided by")),
    Column("decided_at", "instant", "b.decided_at", _("Decided")),
    Column("reason", "text", "b.reason", _("Reason"), printed=False),
    Column("purpose", "text", "b.purpose", _("Purpose"), ours=True, printed=False),
    Column("source", "text", "b.source", _("From"), ours=True, printed=False),
    Column("due_at", "instant", "c.due_at", _("Due"), printed=False),
    Column("state", "text", _STATE, _("State"), ours=True),
    Column("told_at", "instant", _TOLD, _("Told")),
    Column("verified_at", "instant", _VERIFIED, _("Verified")),
    Column(
        "verified_by_run",
        "text",
        f"CASE WHEN {_IS_OVER} THEN run.id::text END",
        _("Verified by the sync"),
        ours=True,
        printed=False,
    ),
    Column("tells", "integer", "c.tells", _("Times told"), printed=False),
    Column("why", "text", "c.code", _("Why it is so"), ours=True, printed=False),
    Column("scalingo_said", "text", "c.said", _("What Scalingo said"), printed=False),
    Column(
        "cancelled_by",
        "text",
        f"CASE WHEN {_IS_OVER} THEN canceller.email END",
        _("Cancelled by"),
        printed=False,
    ),
    Column(
        "ended_at",
        "instant",
        f"CASE WHEN {_IS_OVER} THEN c.ended_at END",
        _("Over"),
        printed=False,
    ),
    Column(
        "asked_to_told_seconds",
        "integer",
        seconds("b.decided_at", _TOLD),
        _("Seconds from being asked to being told"),
        printed=False,
    ),
    Column(
        "told_to_verified_seconds",
        "integer",
        seconds(_TOLD, _VERIFIED),
        _("Seconds from being told to being verified"),
        printed=False,
    ),
)
# One sync runs at a time: the one that was asked for last before a reading began has made it.
_SOURCE = """
changes_change c
JOIN changes_batch b ON b.id = c.batch_id
JOIN accounts_user decider ON decider.id = b.decided_by_id
JOIN inventory_app a ON a.id = c.app_id
JOIN inventory_region r ON r.id = a.region_id
LEFT JOIN inventory_project g ON g.id = a.project_id
LEFT JOIN inventory_person p ON p.id = c.person_id
LEFT JOIN accounts_user canceller ON canceller.id = c.cancelled_by_id
LEFT JOIN LATERAL (
    SELECT made.id FROM sync_run made
    WHERE made.requested_at <= c.verified_at AND made.started_at <= c.verified_at
      AND (made.finished_at IS NULL OR made.finished_at >= c.verified_at)
    ORDER BY made.requested_at DESC LIMIT 1
) run ON true
WHERE {where}"""
_SEEN = (
    "b.decided_at <= %(at)s AND (%(since)s::timestamptz IS NULL OR b.decided_at > %(since)s)"
    " AND (%(everything)s OR a.project_id = ANY(%(projects)s::uuid[]))"
)
_NARROWED = {
    "q": "EXISTS (SELECT FROM unnest(%(only_q)s::text[]) word"
    " WHERE strpos(lower(c.email || ' ' || coalesce(p.username, '')), lower(word)) > 0)",
    "app": "EXISTS (SELECT FROM unnest(%(only_app)s::text[]) word"
    " WHERE strpos(lower(a.name), lower(word)) > 0)",
    "project": "a.project_id = ANY(%(only_project)s::uuid[])",
    "region": "r.name = ANY(%(only_region)s)",
    "state": f"{_STATE} = ANY(%(only_state)s)",
    "purpose": "b.purpose = ANY(%(only_purpose)s)",
    "by": "b.decided_by_id = ANY(%(only_by)s::uuid[])",
}


def _statement(asked: Asked) -> Statement:
    where = [_SEEN, *(sql for name, sql in _NARROWED.items() if asked.filters.get(name))]
    values = {**asked.values, "is_now": asked.is_now}
    return Statement(
        _SOURCE.format(where=" AND ".join(where)), values, "b.decided_at, b.id, c.position, c.id"
    )


_STATES = tuple(State.values)
_COUNTED = f"""
SELECT count(*), {", ".join(f"count(*) FILTER (WHERE {_STATE} = '{name}')" for name in _STATES)}
FROM changes_change c JOIN changes_batch b ON b.id = c.batch_id
JOIN inventory_app a ON a.id = c.app_id WHERE {_SEEN}
"""  # noqa: S608  Constants of code.
_WORDS = {
    "changes": _("changes"),
    "rows": _("rows counted"),
    **{state.value: state.label for state in State},
}


def _totals(asked: Asked, reader: Reader) -> Totals:
    statement = _statement(asked)
    whole, *states = reader.row(_COUNTED, statement.values)
    rows = whole
    if asked.filters:
        rows = reader.row(f"SELECT count(*) FROM {statement.source}", statement.values)[0]  # noqa: S608
    figures = {"changes": whole, **dict(zip(_STATES, states, strict=True)), "rows": rows}
    return Totals(figures, _WORDS, (Equation("changes", tuple(map(Term, _STATES))),))


CHANGES = Report(
    name="changes",
    title=_("Changes, with their proof"),
    sentence=_(
        "What was decided here, when Scalingo was told, and which reading showed that it is so."
    ),
    columns=_COLUMNS,
    statement=_statement,
    totals=_totals,
    known_limits=(
        _("Told is what Scalingo answered; verified is that a reading begun later showed it."),
        _("Of the past: what came to an end later is shown as it stood, as far as times say."),
        _("Changes that were made on Scalingo itself are in the register of movers."),
    ),
    filters=tuple(_NARROWED),
    sort=_("when it was decided"),
    rests_on_readings=False,
)
