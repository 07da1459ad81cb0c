"""How many of some apps were read, and as of when: what every list and export of now rests on."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery

from governance.inventory.models import App, Coverage


@dataclass(frozen=True, slots=True)
class Read:
    """The apps of one region: how many there are, and how many were read by a reading that no
    failed one followed. `as_of` is that of the oldest of their readings; None if none ever was.
    """

    region: str
    expected: int
    read: int
    as_of: datetime | None

    @property
    def failed(self) -> int:
        return self.expected - self.read


def read_of(apps: QuerySet[App]) -> list[Read]:
    """By region. One query."""
    until = Coverage.objects.filter(scope=OuterRef("scope"), latest=True).values("until")
    believed = Q(stale_since=None, scope__stale_since=None, suspect_since=None, until__isnull=False)
    rows = (
        apps.alias(until=Subquery(until[:1]))
        .order_by("region__name")
        .values("region__name")
        .annotate(expected=Count("pk"), read=Count("pk", filter=believed), as_of=Min("until"))
    )
    return [Read(row["region__name"], row["expected"], row["read"], row["as_of"]) for row in rows]
