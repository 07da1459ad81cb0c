"""Joiners, movers and leavers between two instants, with how long each step took.

A row is an edge of the history: somebody came, accepted, got another role, or left. Those who came
less those who left are the difference of the two populations, which are counted by themselves.
"""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from governance.reports import standing
from governance.reports.registers import _people, access
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

# A row that another continues is one change and no end; but an owner who is followed by another
# has left, and the other has joined.
_EDGES = """
edge AS MATERIALIZED (
    SELECT k.id, 'start' AS edge, k.started_at AS at, k.started_after AS after,
        earlier.role AS role_before, earlier.status AS status_before,
        CASE WHEN earlier.id IS NULL AND k.started_after IS NULL THEN 'first read'
            WHEN earlier.id IS NULL THEN 'joined'
            WHEN earlier.status = 'pending' AND k.status = 'accepted' THEN 'accepted'
            WHEN k.status = 'deleted' AND earlier.status <> 'deleted' THEN 'account deleted'
            WHEN earlier.role <> k.role THEN 'role' ELSE 'other' END AS what
    FROM inventory_collaboration k
    JOIN inventory_app a ON a.id = k.app_id
    LEFT JOIN inventory_collaboration earlier ON earlier.app_id = k.app_id
        AND earlier.collaborator_id = k.collaborator_id AND earlier.ended_at = k.started_at
        AND (earlier.person_id = k.person_id OR k.collaborator_id <> 'owner')
    WHERE k.started_at > %(since)s AND k.started_at <= %(at)s
        AND (%(everything)s OR a.project_id = ANY(%(projects)s::uuid[]))
    UNION ALL
    SELECT k.id, 'end', k.ended_at, k.ended_after, k.role, k.status, 'left'
    FROM inventory_collaboration k
    JOIN inventory_app a ON a.id = k.app_id
    WHERE k.ended_at > %(since)s AND k.ended_at <= %(at)s
        AND (%(everything)s OR a.project_id = ANY(%(projects)s::uuid[]))
        AND NOT EXISTS (
            SELECT FROM inventory_collaboration next WHERE next.app_id = k.app_id
                AND next.collaborator_id = k.collaborator_id AND next.started_at = k.ended_at
                AND (next.person_id = k.person_id OR k.collaborator_id <> 'owner'))
)"""
_SOURCE = """
edge JOIN inventory_collaboration k ON k.id = edge.id
JOIN inventory_app a ON a.id = k.app_id
JOIN inventory_region r ON r.id = a.region_id
LEFT JOIN inventory_project g ON g.id = a.project_id
JOIN inventory_person p ON p.id = k.person_id
{people}
LEFT JOIN inventory_attribution told ON told.collaboration_id = k.id AND told.edge = edge.edge
LEFT JOIN inventory_person actor ON actor.id = told.actor_id
LEFT JOIN changes_change ours ON ours.id = told.change_id
LEFT JOIN changes_batch batch ON batch.id = ours.batch_id
LEFT JOIN accounts_user decider ON decider.id = batch.decided_by_id
LEFT JOIN rotations_duty duty ON duty.collaboration_id = k.id AND edge.edge = 'end'
    AND duty.opened_at <= %(at)s
LEFT JOIN inventory_collaboration began ON edge.what = 'accepted' AND began.app_id = k.app_id
    AND began.collaborator_id = k.collaborator_id AND began.started_at = k.since_at
LEFT JOIN inventory_attribution invited
    ON invited.collaboration_id = began.id AND invited.edge = 'start'
WHERE {where}"""

_HAPPENED = "coalesce(told.happened_at, edge.at)"
_INVITED = "CASE WHEN edge.what = 'accepted' THEN coalesce(invited.happened_at, k.since_at) END"
_TOLD = "CASE WHEN ours.told_at <= %(at)s THEN ours.told_at END"
_VERIFIED = "CASE WHEN ours.ended_at <= %(at)s THEN ours.verified_at END"
_CLOSED = "CASE WHEN duty.closed_at <= %(at)s THEN duty.closed_at END"


def seconds(begun: str, ended: str) -> str:
    """Whole seconds between two instants, None where one is not known."""
    return f"floor(extract(epoch FROM ({ended}) - ({begun})))::bigint"


_COLUMNS: tuple[Column, ...] = (
    Column("what", "text", "edge.what", _("What"), ours=True),
    Column("seen_at", "instant", "edge.at", _("Seen")),
    Column("seen_after", "instant", "edge.after", _("Not yet so at"), printed=False),
    Column("happened_at", "instant", "told.happened_at", _("Happened")),
    Column("region", "text", "r.name", _("Region"), ours=True, printed=False),
    Column("project", "text", "g.name", _("Project"), printed=False),
    Column("resource_id", "text", "a.scalingo_id", _("Id of the app"), printed=False),
    Column("resource_name", "text", "a.name", _("App")),
    *(
        column if column.name == "email" else replace(column, printed=False)
        for column in _people.PERSON
    ),
    Column("collaborator_id", "text", "k.collaborator_id", _("Id of the access"), printed=False),
    Column("role_before", "text", "edge.role_before", _("Role before"), ours=True),
    Column(
        "role",
        "text",
        "CASE WHEN edge.edge = 'start' THEN k.role END",
        _("Role after"),
        ours=True,
    ),
    Column("status_before", "text", "edge.status_before", _("Before"), ours=True, printed=False),
    Column(
        "status",
        "text",
        "CASE WHEN edge.edge = 'start' THEN k.status END",
        _("Status after"),
        ours=True,
    ),
    Column("source", "text", "coalesce(told.source, 'unexplained')", _("Known from"), ours=True),
    Column(
        "done_by",
        "text",
        "CASE told.source WHEN 'ours' THEN decider.email"
        " WHEN 'event' THEN coalesce(nullif(actor.email, ''), told.actor_name) END",
        _("By"),
    ),
    Column("reason", "text", "batch.reason", _("Reason"), printed=False),
    Column("invited_at", "instant", _INVITED, _("Invited"), printed=False),
    Column(
        "invited_to_accepted_seconds",
        "integer",
        seconds(_INVITED, _HAPPENED),
        _("Seconds from the invitation to its acceptance"),
        span=_("Invited to accepted"),
    ),
    Column("asked_at", "instant", "batch.decided_at", _("Asked"), printed=False),
    Column("told_at", "instant", _TOLD, _("Told"), printed=False),
    Column("verified_at", "instant", _VERIFIED, _("Verified"), printed=False),
    Column(
        "asked_to_told_seconds",
        "integer",
        seconds("batch.decided_at", _TOLD),
        _("Seconds from being asked to being told"),
        span=_("Asked to told"),
    ),
    Column(
        "told_to_verified_seconds",
        "integer",
        seconds(_TOLD, _VERIFIED),
        _("Seconds from being told to being verified"),
        span=_("Told to verified"),
    ),
    Column(
        "left_to_gone_seconds",
        "integer",
        "CASE WHEN edge.what = 'left' AND told.happened_at IS NOT NULL THEN "
        f"{seconds('told.happened_at', 'edge.at')} END",
        _("Seconds from leaving to being read as gone"),
        span=_("Left to gone"),
    ),
    Column("rotation_due_at", "instant", "duty.due_at", _("Rotation due"), printed=False),
    Column("rotation_closed_at", "instant", _CLOSED, _("Rotated"), printed=False),
    Column(
        "left_to_rotated_seconds",
        "integer",
        seconds("duty.departed_at", _CLOSED),
        _("Seconds from leaving to rotation closed"),
        span=_("Left to rotated"),
    ),
)
_NARROWED = {
    **_people.NARROWED,
    "app": "a.name = ANY(%(only_app)s)",
    "project": "a.project_id = ANY(%(only_project)s::uuid[])",
    "region": "r.name = ANY(%(only_region)s)",
    "role": "k.role = ANY(%(only_role)s)",
}


def _statement(asked: Asked) -> Statement:
    where = [sql for name, sql in _NARROWED.items() if asked.filters.get(name)]
    source = _SOURCE.format(people=_people.JOINS, where=" AND ".join(where) or "true")
    return Statement(source, asked.values, "edge.at, edge.edge, edge.id", before=f"WITH {_EDGES}")


# --- control totals -------------------------------------------------------------------------------

_WHAT = ("joined", "first_read", "accepted", "role", "account_deleted", "other", "left")
_COUNTED = f"WITH {_EDGES} SELECT replace(what, ' ', '_'), count(*) FROM edge GROUP BY what"  # noqa: S608
_NARROWED_COUNT = f"WITH {_EDGES} SELECT count(*) FROM {{source}}"  # noqa: S608
_WORDS = {
    "population": _("population at the end"),
    "population_before": _("population at the beginning"),
    "joined": _("joined"),
    "first_read": _("there when first read"),
    "accepted": _("accepted"),
    "role": _("role changed"),
    "account_deleted": _("account deleted"),
    "other": _("otherwise changed"),
    "left": _("left"),
    "changes": _("rows of all kinds"),
    "rows": _("rows counted"),
}


def _totals(asked: Asked, reader: Reader) -> Totals:
    """The two populations are those of the access register at the two instants."""
    assert asked.since is not None, "making asks for it"  # noqa: S101
    before = replace(asked, at=asked.since, is_now=False, filters={})
    counted = dict(reader.rows(_COUNTED, asked.values))
    figures = {name: counted.get(name, 0) for name in _WHAT}
    figures["population"] = access.population(replace(asked, filters={}), reader)["population"]
    figures["population_before"] = access.population(before, reader)["population"]
    figures["changes"] = sum(counted.values())
    figures["rows"] = _rows(asked, reader) if asked.filters else figures["changes"]
    return Totals(
        figures,
        _WORDS,
        (
            Equation(
                "population",
                (Term("population_before"), Term("joined"), Term("first_read"), Term("left", -1)),
            ),
            Equation("changes", tuple(map(Term, _WHAT))),
        ),
    )


def _rows(asked: Asked, reader: Reader) -> int:
    found: int = reader.row(_NARROWED_COUNT.format(source=_statement(asked).source), asked.values)[
        0
    ]
    return found


MOVERS = Report(
    name="movers",
    title=_("Joiners, movers and leavers"),
    sentence=_(
        "Who came to an app, accepted, got another role or left between two instants,"
        " by whom, and how long each step took."
    ),
    columns=_COLUMNS,
    statement=_statement,
    totals=_totals,
    known_limits=(
        _("A change happened after the last reading without it and by the first with it."),
        _("Names of apps and people are those read last."),
        _("Who came and left again between two readings was never seen."),
    ),
    filters=("q", "app", "project", "region", "role", "employment"),
    sort=_("when it was seen"),
    speaks_of_a_period=True,
    incomplete=standing.why_partial_since,
)
