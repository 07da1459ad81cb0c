"""What people said, as columns and conditions for lists of people and of apps."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet

from governance.facts.models import Employment, PersonFact, PersonKind
from governance.inventory.queries.branches import More

if TYPE_CHECKING:
    from governance.inventory.models import App, Person

# For the branches of the tree: kind and employment of each person.
OF_LEAVES = More(
    columns=("f.kind", "f.employment"),
    join="LEFT JOIN facts_personfact f ON f.person_id = p.id AND f.current",
)


def with_facts(people: "QuerySet[Person]") -> "QuerySet[Any]":
    """Each person with `fact_kind`, `fact_employment` and `fact_employer`; None where not said."""
    return people.annotate(
        fact=FilteredRelation("facts", condition=Q(facts__current=True)),
        fact_kind=F("fact__kind"),
        fact_employment=F("fact__employment"),
        fact_employer=F("fact__employer"),
    )


def with_authors(rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """Each person or app that has a `fact`, with `fact_id`, `fact_said_at` and `fact_said_by`."""
    found: QuerySet[Any] = rows.annotate(
        fact_id=F("fact__id"),
        fact_said_at=F("fact__said_at"),
        fact_said_by=F("fact__said_by__name"),
    )
    return found


def apps_with_facts(apps: "QuerySet[App]") -> "QuerySet[Any]":
    """Each app with `fact_class` and `fact_team`; None where not said."""
    return apps.annotate(
        fact=FilteredRelation("facts", condition=Q(facts__current=True)),
        fact_class=F("fact__app_class"),
        fact_team=F("fact__team"),
    )


def is_external(
    email: str, said: str | None, domains: Collection[str] | None = None
) -> bool | None:
    """Whether somebody is from outside: as said, else by the domain of their address.

    None when nobody said and the installation names no domains of its own.
    """
    if said in {Employment.INTERNAL, Employment.EXTERNAL}:
        return said == Employment.EXTERNAL
    domains = settings.COMPANY_DOMAINS if domains is None else domains
    if not domains:
        return None
    return email.rpartition("@")[2].lower() not in domains


def external_sql(said: str, email: str) -> str:
    """The same as SQL, of the SQL of what was said and of an address; null where it is not known.

    `company_domains` is a parameter.
    """
    return (
        f"CASE WHEN {said} IN ('internal', 'external') THEN {said} = 'external'"
        " WHEN cardinality(%(company_domains)s::text[]) > 0"
        f" THEN reverse(split_part(reverse(lower({email})), '@', 1))"
        " <> ALL(%(company_domains)s::text[]) END"
    )


def external() -> Q:
    """The people for whom `is_external` is true."""
    said = _said(employment=Employment.EXTERNAL)
    if not settings.COMPANY_DOMAINS:
        return Q(said)
    return Q(said) | (~Q(_said(employment__in=_SAID)) & ~_of_the_company())


def internal() -> Q:
    """The people for whom `is_external` is false. Those of whom nothing is known are in neither."""
    said = _said(employment=Employment.INTERNAL)
    if not settings.COMPANY_DOMAINS:
        return Q(said)
    return Q(said) | (~Q(_said(employment__in=_SAID)) & _of_the_company())


def of_kind(kind: PersonKind) -> Q:
    """The people of whom somebody said that they are this."""
    return Q(_said(kind=kind))


_SAID = (Employment.INTERNAL, Employment.EXTERNAL)


def _said(**what: Any) -> Exists:
    return Exists(PersonFact.objects.filter(person=OuterRef("pk"), current=True, **what))


def _of_the_company() -> Q:
    found = Q()
    for domain in sorted(settings.COMPANY_DOMAINS):
        found |= Q(email__iendswith=f"@{domain}")
    return found
