"""People as registers write them: their columns, and the joins that those speak of."""

from django.utils.translation import gettext_lazy as _

from governance.inventory.queries import asof
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


def two_factor(asked: Asked) -> tuple[str, str]:
    """The join and the SQL of the 2FA of `p` at the instant; nothing known is unknown."""
    if asked.is_now:
        return "", "p.two_factor"
    then = asof.believed("two_fa")
    return (
        f" LEFT JOIN inventory_twofactorperiod two_fa ON two_fa.person_id = p.id AND {then}",
        "coalesce(two_fa.value, 'unknown')",
    )
