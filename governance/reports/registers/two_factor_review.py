"""Reviews of 2FA as a register: one row per person and review, with the decision that held."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

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
from governance.reports.two_factor.models import Decision

_VALUES = ("on", "off", "unknown")
# As a review froze them: of who accepted, Scalingo tells it of the known.
_FROZEN_NUMBERS = (
    ("known", "on", _("Accepted, 2FA known: on")),
    ("known", "off", _("Accepted, 2FA known: off")),
    ("accepted", "on", _("All accepted: on")),
    ("accepted", "off", _("All accepted: off")),
    ("accepted", "unknown", _("All accepted: unknown")),
    ("everyone", "on", _("Everyone: on")),
    ("everyone", "off", _("Everyone: off")),
    ("everyone", "unknown", _("Everyone: unknown")),
)


def _number(of: str, value: str) -> str:
    return f"(review.numbers -> '{of}' ->> {_VALUES.index(value)})::int"


_SIGNED = "CASE WHEN review.signed_at <= %(at)s THEN {value} END"
# By the time of the report; what an old review has not kept is not known.
_FOLLOWED = _SIGNED.format(
    value="""CASE
        WHEN held.what NOT IN ('remind', 'except') THEN 'left to a change'
        WHEN review.nothing_followed ? one.number::text THEN 'nothing'
        WHEN held.what = 'except' THEN CASE WHEN granted.there THEN 'exception granted'
            ELSE 'not known' END
        WHEN mail.settled_at <= %(at)s AND mail.state = 'sent' THEN 'reminder sent'
        WHEN mail.settled_at <= %(at)s AND mail.state = 'lost' THEN 'reminder lost'
        WHEN mail.created_at IS NOT NULL THEN 'reminder promised'
        ELSE 'not known' END"""
)
_COLUMNS: tuple[Column, ...] = (
    Column("review_id", "text", "review.id::text", _("Review"), ours=True, printed=False),
    Column("as_of", "instant", "review.as_of", _("As of")),
    Column("due_at", "instant", "review.due_at", _("Due"), printed=False),
    Column(
        "started_by",
        "text",
        "coalesce(starter.email, 'schedule')",
        _("Started by"),
        printed=False,
    ),
    Column("signed_by", "text", _SIGNED.format(value="signer.email"), _("Signed off by")),
    Column("signed_at", "instant", _SIGNED.format(value="review.signed_at"), _("Signed off")),
    Column(
        "statement", "text", _SIGNED.format(value="review.statement"), _("Statement"), printed=False
    ),
    Column("row_no", "integer", "one.number", _("Row")),
    Column("person_id", "text", "one.person_id::text", _("Person"), ours=True, printed=False),
    Column("email", "text", "one.email", _("E-mail")),
    Column("username", "text", "one.username", _("Username"), printed=False),
    Column("belongs", "text", "one.belongs", _("Belongs"), ours=True, printed=False),
    Column("risk", "integer", "one.risk::int", _("Risk"), printed=False),
    Column("first_seen_without_2fa", "instant", "one.since", _("Without since"), printed=False),
    Column("days_without_2fa", "integer", "one.days", _("Days without")),
    Column("apps_total", "integer", "one.apps", _("Apps"), printed=False),
    Column("apps_full_role", "integer", "one.full_role", _("With a full role"), printed=False),
    Column("apps_prod", "integer", "one.production", _("In production"), printed=False),
    Column("apps_hds", "integer", "one.health_data", _("With health data"), printed=False),
    Column("owner_of", "integer", "one.owned", _("Owner of"), printed=False),
    Column("reminders_before", "integer", "one.reminders", _("Reminders before"), printed=False),
    Column(
        "excepted_before_until",
        "instant",
        "one.exception_until",
        _("Excepted before, until"),
        printed=False,
    ),
    Column("decision", "text", "coalesce(held.what, 'not_decided')", _("Decision"), ours=True),
    Column("justification", "text", "held.note", _("Reason")),
    Column("exception_until", "instant", "held.until", _("Exception until"), printed=False),
    Column("decided_by", "text", "decider.email", _("Decided by")),
    Column("followed", "text", _FOLLOWED, _("What followed"), ours=True),
    Column(
        "nothing_followed_because",
        "text",
        _SIGNED.format(value="review.nothing_followed ->> one.number::text"),
        _("Why nothing followed"),
        printed=False,
    ),
    Column("reviewer_id", "text", "decider.id::text", _("Reviewer"), ours=True, printed=False),
    Column("reviewer_name", "text", "decider.name", _("Name of the reviewer"), printed=False),
    # Nobody else may decide.
    Column(
        "reviewer_basis",
        "text",
        "CASE WHEN decider.id IS NOT NULL THEN 'admin' END",
        _("Decided as"),
        ours=True,
        printed=False,
    ),
    Column("decided_at", "instant", "held.at", _("Decided")),
    Column("changed_from", "text", "held.earlier", _("Decided before"), ours=True, printed=False),
    Column(
        "self_review",
        "boolean",
        "coalesce(lower(decider.email) = lower(one.email), false)",
        _("About themselves"),
        printed=False,
    ),
    *(
        Column(f"{of}_{value}", "integer", _number(of, value), label, printed=False)
        for of, value, label in _FROZEN_NUMBERS
    ),
)
_SOURCE = """
two_factor_reviewed one
JOIN two_factor_review review ON review.id = one.review_id
LEFT JOIN accounts_user starter ON starter.id = review.started_by_id
LEFT JOIN accounts_user signer ON signer.id = review.signed_by_id
LEFT JOIN LATERAL (
    SELECT d.what, d.note, d.until, d.at, d.by_id, (
        SELECT string_agg(old.what, ', ' ORDER BY old.id) FROM two_factor_decision old
        WHERE old.reviewed_id = one.id AND old.id < d.id) AS earlier
    FROM two_factor_decision d WHERE d.reviewed_id = one.id AND d.at <= %(at)s
    ORDER BY d.id DESC LIMIT 1
) held ON true
LEFT JOIN accounts_user decider ON decider.id = held.by_id
LEFT JOIN LATERAL (
    SELECT delivery.state, delivery.settled_at, delivery.created_at FROM two_factor_reminder r
    JOIN notifications_delivery delivery ON delivery.id = r.delivery_id
    WHERE r.person_id = one.person_id AND r.at = review.signed_at LIMIT 1
) mail ON true
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM facts_twofactorexception x
        WHERE x.person_id = one.person_id AND x.said_at = review.signed_at) AS there
) granted
WHERE review.as_of <= %(at)s AND (%(since)s::timestamptz IS NULL OR review.as_of > %(since)s)"""


def _statement(asked: Asked) -> Statement:
    return Statement(_SOURCE, asked.values, "review.as_of, review.id, one.number")


_DECISIONS = (*Decision.What.values, "not_decided")
# What the reviews said when they began, not the rows there are.
_FROZEN = """
SELECT coalesce(sum(rows), 0)::int, count(*)::int,
    (count(*) FILTER (WHERE signed_at <= %(at)s))::int,
    (count(*) FILTER (WHERE signed_at IS NULL OR signed_at > %(at)s))::int
FROM two_factor_review
WHERE as_of <= %(at)s AND (%(since)s::timestamptz IS NULL OR as_of > %(since)s)"""


# Of each review: its numbers, and how many people it holds.
_OF_EACH = f"""
SELECT to_char(review.as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    {", ".join(_number(of, value) for of, value, _label in _FROZEN_NUMBERS)},
    (SELECT count(*)::int FROM two_factor_reviewed one WHERE one.review_id = review.id)
FROM two_factor_review review
WHERE as_of <= %(at)s AND (%(since)s::timestamptz IS NULL OR as_of > %(since)s)
ORDER BY review.as_of, review.id"""  # noqa: S608  Constants of code; values are parameters.


def _denominators(
    number: int, row: tuple[Any, ...]
) -> tuple[dict[str, int], dict[str, Words], list[Equation]]:
    """The three of one review. Each adds up, and each to another: the known are the accepted
    without the unknown, and those off the people of the review."""
    as_of, *counts, people = row
    frozen = dict(zip(((of, value) for of, value, _label in _FROZEN_NUMBERS), counts, strict=True))

    def name(of: str) -> str:
        return f"review_{number}_{of}"

    figures = {name(f"{of}_{value}"): count for (of, value), count in frozen.items()}
    figures |= {
        name(of): sum(count for (one, _value), count in frozen.items() if one == of)
        for of in ("known", "accepted", "everyone")
    }
    figures[name("people")] = people
    words: dict[str, Words] = {name(f"{of}_{value}"): value for of, value in frozen}
    words |= {
        name("known"): _("review as of %(at)s: accepted, 2FA known") % {"at": as_of},
        name("accepted"): _("review as of %(at)s: all accepted") % {"at": as_of},
        name("everyone"): _("review as of %(at)s: everyone") % {"at": as_of},
        name("people"): _("off (its rows)"),
    }
    return (
        figures,
        words,
        [
            _equation(name, "known", "accepted_on", "accepted_off"),
            _equation(name, "accepted", "known_on", "known_off", "accepted_unknown"),
            _equation(name, "everyone", "everyone_on", "people", "everyone_unknown"),
        ],
    )


_EFFECTS = {
    "reminders_promised": "LIKE 'reminder %%'",
    "exceptions_granted": "= 'exception granted'",
    "nothing": "= 'nothing'",
    "not_known": "= 'not known'",
}


def _effects(asked: Asked, reader: Reader) -> dict[str, int]:
    """What followed from the decisions that have an effect; these are counted by themselves."""
    counted = ", ".join(
        f"(count(*) FILTER (WHERE {_FOLLOWED} {words}))::int" for words in _EFFECTS.values()
    )
    found = reader.row(f"SELECT {counted} FROM {_SOURCE}", asked.values)  # noqa: S608
    return {
        "effects": reader.row(_WITH_EFFECT, asked.values)[0],
        **dict(zip(_EFFECTS, found, strict=True)),
    }


_WITH_EFFECT = """
SELECT count(*)::int FROM (
    SELECT DISTINCT ON (d.reviewed_id) d.what FROM two_factor_decision d
    JOIN two_factor_reviewed one ON one.id = d.reviewed_id
    JOIN two_factor_review review ON review.id = one.review_id
    WHERE review.signed_at <= %(at)s AND review.as_of <= %(at)s AND d.at <= %(at)s
        AND (%(since)s::timestamptz IS NULL OR review.as_of > %(since)s)
    ORDER BY d.reviewed_id, d.id DESC
) held WHERE held.what IN ('remind', 'except')"""


def _equation(name: Callable[[str], str], whole: str, *parts: str) -> Equation:
    return Equation(name(whole), tuple(Term(name(part)) for part in parts))


def _totals(asked: Asked, reader: Reader) -> Totals:
    """People = decided in each way + not decided; reviews = signed + open; and of each review the
    three denominators that it froze."""
    decided = ", ".join(
        f"count(*) FILTER (WHERE coalesce(held.what, 'not_decided') = '{name}')"
        for name in _DECISIONS
    )
    people, reviews, signed, is_open = reader.row(_FROZEN, asked.values)
    counts = reader.row(f"SELECT {decided} FROM {_SOURCE}", asked.values)  # noqa: S608
    figures = {
        **_effects(asked, reader),
        "people": people,
        "reviews": reviews,
        "signed": signed,
        "open": is_open,
        **dict(zip(_DECISIONS, counts, strict=True)),
        "rows": people,
    }
    words: dict[str, Words] = {
        "people": _("people"),
        "reviews": _("reviews"),
        "signed": _("signed off"),
        "open": _("open"),
        "rows": _("rows counted"),
        "not_decided": _("not decided"),
        "effects": _("signed decisions to remind or to except"),
        "reminders_promised": _("reminders promised"),
        "exceptions_granted": _("exceptions granted"),
        "nothing": _("nothing followed"),
        "not_known": _("not known"),
        **{one.value: one.label for one in Decision.What},
    }
    equations = [
        Equation("people", tuple(map(Term, _DECISIONS))),
        Equation("reviews", (Term("signed"), Term("open"))),
        Equation("effects", tuple(map(Term, _EFFECTS))),
    ]
    for number, row in enumerate(reader.rows(_OF_EACH, asked.values), start=1):
        of_it, said, added = _denominators(number, row)
        figures |= of_it
        words |= said
        equations += added
    return Totals(figures, words, tuple(equations))


REPORT = Report(
    name="two-factor-review",
    title=_("Reviews of 2FA"),
    sentence=_("Who lacked 2FA at each review, what was decided about them, and who signed it."),
    columns=_COLUMNS,
    statement=_statement,
    totals=_totals,
    known_limits=(
        _("A review holds who was known to be without 2FA; who was unknown is in its numbers."),
        _("To step down and to be removed are decisions: the register of changes says what came."),
        _("A review that is not signed off is shown as open."),
    ),
    sort=_("review, and risk"),
    rests_on_readings=False,
    needs_everything=True,
)
