"""People as registers write them: their columns, and the joins that those speak of."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from governance.inventory.queries import asof
from governance.reports.formats.neutral import neutral_sql
from governance.reports.registers.base import Asked, Column

PERSON: tuple[Column, ...] = (
    Column(
        "person_key",
        "text",
        "coalesce(known_as.value, lower(p.email))",
        _("Key of the person"),
        printed=False,
    ),
    Column("email", "text", "p.email", _("E-mail")),
    Column("username", "text", "p.username", _("Username")),
    Column(
        "account_type",
        "text",
        "coalesce(person_fact.kind, 'unknown')",
        _("Kind of account"),
        ours=True,
        printed=False,
    ),
    Column(
        "internal_or_external",
        "text",
        "coalesce(person_fact.employment, 'unknown')",
        _("Internal or external"),
        ours=True,
        printed=False,
    ),
    Column("employer", "text", "coalesce(person_fact.employer, '')", _("Employer"), printed=False),
)
# A person is known by one id of Scalingo's; were it several, a row must not come twice.
JOINS = """
LEFT JOIN (
    SELECT person_id, min(value) AS value FROM inventory_identity
    WHERE kind = 'user_id' AND ended_at IS NULL GROUP BY person_id
) known_as ON known_as.person_id = p.id
LEFT JOIN facts_personfact person_fact ON person_fact.person_id = p.id AND person_fact.current
"""
NARROWED = {
    "q": "EXISTS (SELECT FROM unnest(%(only_q)s::text[]) word"
    " WHERE strpos(lower(p.username || ' ' || p.email), lower(word)) > 0)",
    "employment": "coalesce(person_fact.employment, 'unknown') = ANY(%(only_employment)s)",
}


# The same looked at once for each person, for reports with many rows of each.
_WHO = """
who AS MATERIALIZED (
    SELECT p.id, p.email, p.username, {two_factor} AS two_factor, {columns},
        row_number() OVER (ORDER BY p.email, p.id) AS number
    FROM inventory_person p {joins}{join}
)"""
_KEPT = tuple(column for column in PERSON if column.name not in ("email", "username"))
WHO = tuple(
    replace(
        column,
        sql=f"p.{column.name}",
        safe="" if column.ours else f"p.safe_{column.name}",
    )
    for column in PERSON
)
WHO_NARROWED = {
    "q": NARROWED["q"],
    "employment": "p.internal_or_external = ANY(%(only_employment)s)",
    "account": "p.account_type = ANY(%(only_account)s)",
    "two-factor": "p.two_factor = ANY(%(only_two_factor)s)",
}


def who(asked: Asked) -> str:
    """The common table `who`, to be joined as `p`; `WHO` are its columns."""
    join, value = two_factor(asked)
    kept = [f"{column.sql} AS {column.name}" for column in _KEPT]
    safe = [
        f"{neutral_sql(column.sql)} AS safe_{column.name}" for column in PERSON if not column.ours
    ]
    return _WHO.format(
        two_factor=value,
        columns=", ".join([*kept, *safe]),
        joins=JOINS,
        join=join,
    )


def two_factor(asked: Asked) -> tuple[str, str]:
    """The join and the SQL of the 2FA of `p` at the instant; nothing known is unknown."""
    if asked.is_now:
        return "", "p.two_factor"
    then = asof.believed("two_fa")
    return (
        f" LEFT JOIN inventory_twofactorperiod two_fa ON two_fa.person_id = p.id AND {then}",
        "coalesce(two_fa.value, 'unknown')",
    )
