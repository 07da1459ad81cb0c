"""The audit log as a table. What proves it is the export of the log itself."""

from django.utils.translation import gettext_lazy as _

from governance.audit.events import Source
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

_COLUMNS: tuple[Column, ...] = (
    Column("sequence", "integer", "e.sequence", _("Number")),
    Column("occurred_at", "instant", "e.occurred_at", _("When")),
    Column("recorded_at", "instant", "e.recorded_at", _("Recorded"), printed=False),
    Column("kind", "text", "e.kind", _("What"), ours=True),
    Column("source", "text", "e.source", _("From"), ours=True),
    Column("actor_kind", "text", "e.actor_kind", _("Kind of actor"), ours=True, printed=False),
    Column("actor_id", "text", "e.actor_id::text", _("Id of the actor"), ours=True, printed=False),
    Column(
        "actor",
        "text",
        "coalesce(who.email, nullif(actor.username, ''), actor.email)",
        _("Who"),
    ),
    Column("target_kind", "text", "e.target_kind", _("Kind of target"), ours=True, printed=False),
    Column("target_id", "text", "e.target_id::text", _("Id"), ours=True, printed=False),
    Column("app_id", "text", "e.app_id::text", _("Id of the app"), ours=True, printed=False),
    Column("app", "text", "a.name", _("App")),
    Column(
        "person_id", "text", "e.person_id::text", _("Id of the person"), ours=True, printed=False
    ),
    Column("person", "text", "p.email", _("Person")),
    Column(
        "data", "text", "(e.line::jsonb -> 'event' -> 'data')::text", _("Details"), printed=False
    ),
    Column("names_then", "text", "kept.fields", _("Names as they were then"), printed=False),
    Column(
        "names_erased",
        "boolean",
        "kept.sequence IS NOT NULL AND kept.fields IS NULL",
        _("Names erased"),
        printed=False,
    ),
    Column("hash", "text", "encode(e.hash, 'hex')", _("Hash"), ours=True, printed=False),
)
_SOURCE = """
audit_event e
LEFT JOIN audit_personal kept ON kept.sequence = e.sequence
LEFT JOIN accounts_user who ON who.id = e.actor_id
LEFT JOIN inventory_person actor ON actor.id = e.actor_id
LEFT JOIN inventory_app a ON a.id = e.app_id
LEFT JOIN inventory_person p ON p.id = e.person_id
WHERE {where}"""
_SEEN = (
    "e.occurred_at <= %(at)s AND (%(since)s::timestamptz IS NULL OR e.occurred_at > %(since)s)"
    " AND (%(everything)s OR e.app_id IN ("
    "SELECT id FROM inventory_app WHERE project_id = ANY(%(projects)s::uuid[])))"
)
# A part of a name, or an id: the log's page is reached by either.
_WORD = (
    "EXISTS (SELECT FROM unnest(%(only_{name})s::text[]) word"
    " WHERE {id}::text = lower(word) OR strpos(lower({named}), lower(word)) > 0)"
)
_PERSON = _WORD.format(name="person", id="e.person_id", named="p.username || ' ' || p.email")
# Decided before anybody was known by the address: their events name nobody.
_THEIR_CHANGES = (
    "SELECT unnest(ARRAY[c.id, c.batch_id]) FROM changes_change c"  # noqa: S608  Constants of code.
    " LEFT JOIN inventory_person q ON q.id = c.person_id WHERE "
    + _WORD.format(
        name="person",
        id="c.person_id",
        named="coalesce(q.username || ' ' || q.email, c.address)",
    )
)
_NARROWED = {
    "person": f"({_PERSON} OR e.target_id IN ({_THEIR_CHANGES}))",
    "actor": _WORD.format(
        name="actor",
        id="e.actor_id",
        named="concat_ws(' ', who.name, who.email, actor.username, actor.email)",
    ),
    "app": _WORD.format(name="app", id="e.app_id", named="a.name"),
    "kind": "e.kind = ANY(%(only_kind)s)",
    "source": "e.source = ANY(%(only_source)s)",
}


def _statement(asked: Asked) -> Statement:
    where = [_SEEN, *(sql for name, sql in _NARROWED.items() if asked.filters.get(name))]
    return Statement(_SOURCE.format(where=" AND ".join(where)), asked.values, "e.sequence")


_SOURCES = tuple(Source.values)
_COUNTED = f"""
SELECT count(*), {", ".join(f"count(*) FILTER (WHERE e.source = '{one}')" for one in _SOURCES)}
FROM audit_event e WHERE {_SEEN}
"""  # noqa: S608  Constants of code.
# Numbers have no gaps: the events by then are as many as the head of the chain says.
_HEAD = "SELECT head.sequence FROM audit_head head"
_LATER = "SELECT count(*) FROM audit_event e WHERE NOT ({seen})"
_WORDS = {
    "events": _("events"),
    "head": _("length of the log"),
    "elsewhere": _("events outside of the period"),
    "rows": _("rows counted"),
    **{source.value: source.label for source in Source},
}


def _totals(asked: Asked, reader: Reader) -> Totals:
    statement = _statement(asked)
    whole, *sources = reader.row(_COUNTED, statement.values)
    rows = whole
    if asked.filters:
        rows = reader.row(f"SELECT count(*) FROM {statement.source}", statement.values)[0]  # noqa: S608
    figures = {"events": whole, **dict(zip(_SOURCES, sources, strict=True)), "rows": rows}
    equations = [Equation("events", tuple(map(Term, _SOURCES)))]
    if asked.everything:
        figures["head"] = reader.row(_HEAD, {})[0]
        figures["elsewhere"] = reader.row(_LATER.format(seen=_SEEN), statement.values)[0]
        equations.append(Equation("head", (Term("events"), Term("elsewhere"))))
    return Totals(figures, _WORDS, tuple(equations))


AUDIT = Report(
    name="audit",
    title=_("Audit log"),
    sentence=_("Who did what, when: every event, with its place in the chain."),
    columns=_COLUMNS,
    statement=_statement,
    totals=_totals,
    known_limits=(
        _("A table proves nothing of the chain: the export of the log itself does."),
        _("Names are those of today, beside those kept then; erased ones are gone from both."),
    ),
    filters=tuple(_NARROWED),
    sort=_("in the order of the log"),
    rests_on_readings=False,
)
