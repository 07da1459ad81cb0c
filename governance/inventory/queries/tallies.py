"""How many, by role, by status and by 2FA: what a collapsed row answers without being opened.

The roles share out everybody who is on an app now, owners and invited people included, so they
add up to `people`. The others say how many of these: pending, deleted, without 2FA.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Func, IntegerField, OuterRef, Q, QuerySet, Subquery

from governance.inventory.models import Collaboration, Role, Status, TwoFactor
from governance.inventory.queries.asof import two_factor_at


@dataclass(frozen=True, slots=True)
class Tally:
    """Open collaborations, counted: of one app they are people, of one person apps."""

    all: int = 0
    owner: int = 0
    full: int = 0
    limited: int = 0
    role_unknown: int = 0
    pending: int = 0
    deleted: int = 0
    without_two_factor: int = 0
    two_factor_unknown: int = 0

    CONDITIONS: ClassVar[dict[str, Q]] = {
        "all": Q(),
        "owner": Q(role=Role.OWNER),
        "full": Q(role=Role.COLLABORATOR),
        "limited": Q(role=Role.LIMITED),
        "role_unknown": Q(role=Role.UNKNOWN),
        "pending": Q(status=Status.PENDING),
        "deleted": Q(status=Status.DELETED),
    }
    ABOUT_PEOPLE: ClassVar[dict[str, Q]] = {
        "without_two_factor": Q(person__two_factor=TwoFactor.OFF),
        "two_factor_unknown": Q(person__two_factor=TwoFactor.UNKNOWN),
    }


class _Row(Func):
    """Several numbers as one column, since a subquery may give one."""

    template = "ARRAY[%(expressions)s]"
    output_field = ArrayField(IntegerField())
    contains_aggregate = True


def tally(
    collaborations: "QuerySet[Collaboration]",
    of: str,
    *,
    about_people: bool = False,
    at: datetime | None = None,
) -> Subquery:
    """The numbers of a `Tally` for the row around it, whose collaborations `of` points to.

    Read them with `Tally(*row.tally)`; None where there is no collaboration at all. The counts of
    2FA stay 0 unless `about_people`; they are of `at`, where there is one.
    """
    conditions = Tally.CONDITIONS | (_about_people(at) if about_people else {})
    if at is not None and about_people:
        collaborations = collaborations.alias(two_factor_then=two_factor_at(at, of="person"))
    counted = collaborations.filter(**{of: OuterRef("pk")}).order_by().values(of)
    return Subquery(
        counted.annotate(numbers=_Row(*_counts(conditions))).values("numbers"),
        output_field=ArrayField(IntegerField()),
    )


def _about_people(at: datetime | None) -> dict[str, Q]:
    if at is None:
        return Tally.ABOUT_PEOPLE
    return {
        "without_two_factor": Q(two_factor_then=TwoFactor.OFF),
        "two_factor_unknown": Q(two_factor_then=TwoFactor.UNKNOWN),
    }


def _counts(conditions: dict[str, Q]) -> list[Count]:
    return [Count("pk", filter=condition or None) for condition in conditions.values()]
