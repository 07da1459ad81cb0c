"""The difference between two instants: joined, left, role, 2FA, owner, renamed; and who did it.

The rows are those of the page (`reports/difference`).
"""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from governance.reports import standing
from governance.reports.difference import sql
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

_WAS = """CASE d.what WHEN 'owner' THEN d.was_person WHEN 'status' THEN d.was_status
    WHEN 'joined' THEN NULL WHEN 'left' THEN d.was_role WHEN 'role' THEN d.was_role
    ELSE d.was_value END"""
_IS = """CASE d.what WHEN 'owner' THEN d.person WHEN 'status' THEN d.status
    WHEN 'left' THEN NULL WHEN 'joined' THEN d.role WHEN 'role' THEN d.role ELSE d.value END"""
_COLUMNS = (
    Column("difference", "text", "d.what", _("What is otherwise"), ours=True),
    Column("region", "text", "d.region", _("Region"), ours=True, printed=False),
    Column("project", "text", "d.project", _("Project"), printed=False),
    Column("resource_id", "text", "d.scalingo_id", _("Id of the app"), printed=False),
    Column("resource_name", "text", "d.app", _("App")),
    Column("email", "text", "d.email", _("E-mail")),
    Column("username", "text", "d.person", _("Name"), printed=False),
    Column("was", "text", _WAS, _("Before")),
    Column("is", "text", _IS, _("After")),
    Column("status", "text", "d.status", _("Status"), ours=True, printed=False),
    Column("not_before", "instant", "d.not_before", _("Not before"), printed=False),
    Column("seen_at", "instant", "d.seen_at", _("Seen")),
    Column("happened_at", "instant", "d.happened_at", _("As Scalingo's log says"), printed=False),
    Column("done_by", "text", "d.done_by", _("Who did it"), ours=True),
    Column("actor", "text", "nullif(d.actor, '')", _("Name of who did it")),
    Column("known_since", "text", "known.known_since", _("Known at the first"), ours=True),
    Column("known_until", "text", "known.known_until", _("Known at the second"), ours=True),
    Column("last_read_since", "instant", "before.last", _("Last read, first"), printed=False),
    Column("next_read_since", "instant", "before.next", _("Next read, first"), printed=False),
    Column("last_read_until", "instant", "around.last", _("Last read, second"), printed=False),
    Column("next_read_until", "instant", "around.next", _("Next read, second"), printed=False),
)


def _statement(asked: Asked) -> Statement:
    return Statement(
        f"difference d {sql.KNOWN} WHERE {sql.where(asked.filters)}",
        standing.values(asked),
        "d.seen_at, d.what, d.id",
        before=f"WITH {sql.tables(asked.filters)}",
    )


# The populations are counted from the periods alone, the rows from the difference without what is
# said beside it.
_COUNTS = """
WITH {tables} SELECT {population}, {since}, count(*) FILTER (WHERE what = 'joined'),
    count(*) FILTER (WHERE what = 'left') FROM difference
"""
_ROWS = "WITH {tables} SELECT count(*) FROM difference WHERE {where}"
_OF_ROWS = ("q", "difference", "by")
_WORDS = {
    "population": _("accesses at the second instant"),
    "population_since": _("accesses at the first"),
    "joined": _("joined"),
    "left": _("left"),
    "rows": _("rows counted"),
}
_BALANCE = Equation("population", (Term("population_since"), Term("joined"), Term("left", -1)))


def _totals(asked: Asked, reader: Reader) -> Totals:
    values = standing.values(asked)
    of_apps = [name for name in asked.filters if name not in _OF_ROWS]
    counts = _COUNTS.format(
        tables=sql.tables(of_apps), population=sql.POPULATION, since=sql.POPULATION_SINCE
    )
    names = ("population", "population_since", "joined", "left")
    figures = dict(zip(names, reader.row(counts, values), strict=True))
    rows = _ROWS.format(tables=sql.tables(asked.filters), where=sql.where(asked.filters))
    figures["rows"] = reader.row(rows, values)[0]
    return Totals(figures, _WORDS, (replace(_BALANCE, narrowed=bool(of_apps)),))


REPORT = Report(
    name="difference",
    title=_("Difference between two instants"),
    sentence=_("Who joined, who left and what else is otherwise, and who did it."),
    columns=_COLUMNS,
    statement=_statement,
    totals=_totals,
    known_limits=(
        _("Whoever came and went between the two instants is not in it."),
        _("Scalingo does not say who renamed an app or moved it: such rows are unexplained."),
        _("Names and addresses of people are those read last."),
    ),
    filters=sql.FILTERS,
    sort=_("when it was seen"),
    speaks_of_a_period=True,
    incomplete=standing.why_partial_since,
)
