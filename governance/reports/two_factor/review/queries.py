"""Reviews: which is open, when the next one is due, and one of them with its decisions."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, Min, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from governance.inventory.models import Region
from governance.reports.two_factor.models import Decision, Review, Reviewed


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be reviewed next: an open review, or the day on which one should begin.

    `at` is None while nothing was read: then there is nothing to review. `is_first` says that
    there never was a review.
    """

    open: Review | None
    at: datetime | None
    is_overdue: bool
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One person of a review, with the decision that holds and those before it."""

    reviewed: Reviewed
    decision: Decision | None
    earlier: list[Decision]


def next_due(now: datetime) -> Due:
    """One query; two while there never was a review."""
    newest = list(Review.objects.order_by("-as_of")[:2])
    undone = next((one for one in newest if not one.is_signed), None)
    if undone is not None:
        return Due(undone, undone.due_at, undone.due_at < now)
    signed = next(iter(newest), None)
    began = signed.as_of if signed else _first_reading()
    if began is None:
        return Due(None, None, is_overdue=False, is_first=True)
    at = months_later(began, settings.TWO_FACTOR_REVIEW_MONTHS)
    return Due(None, at, at < now, is_first=signed is None)


def _first_reading() -> datetime | None:
    """When Scalingo first told us anything: a region is the first that is written of it."""
    found: datetime | None = Region.objects.aggregate(at=Min("first_seen_at"))["at"]
    return found


def months_later(at: datetime, months: int) -> datetime:
    """The same day so many months on, or the last of that month."""
    local = timezone.localtime(at)
    year, month = divmod(local.month - 1 + months, 12)
    for day in range(local.day, 27, -1):
        try:
            return local.replace(year=local.year + year, month=month + 1, day=day)
        except ValueError:
            continue
    return local.replace(year=local.year + year, month=month + 1)


def reviews() -> "QuerySet[Review]":
    """All of them, newest first, with `decided`: how many of their people are decided."""
    decided = Exists(Decision.objects.filter(reviewed=OuterRef("people__pk")))
    return (
        Review.objects.select_related("started_by", "signed_by")
        .annotate(decided=Count("people", filter=Q(decided)))
        .order_by("-as_of")
    )


def lines(review: Review) -> list[Line]:
    """Everybody of a review, riskiest first. Two queries."""
    decisions = Decision.objects.select_related("by").order_by("-pk")
    people = review.people.prefetch_related(Prefetch("decisions", decisions))
    return [_line(one) for one in people]


def _line(one: Reviewed) -> Line:
    found = list(one.decisions.all())
    return Line(one, found[0] if found else None, found[1:])


def holding(review_id: UUID) -> list[Decision]:
    """The decision that holds of each who has one."""
    return list(
        Decision.objects.filter(reviewed__review=review_id)
        .select_related("reviewed", "by")
        .order_by("reviewed_id", "-pk")
        .distinct("reviewed_id")
    )


def naming(people: Collection[UUID]) -> "QuerySet[Reviewed]":
    """The rows of reviews, signed or not, that still say the name or address of one of these."""
    return Reviewed.objects.filter(person_id__in=people).exclude(email="", username="")


def outcome(found: list[Line]) -> Counter[str]:
    """How many were decided how, and how many not yet (`undecided`)."""
    return Counter(line.decision.what if line.decision else "undecided" for line in found)
