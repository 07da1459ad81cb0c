"""A page of duties with its numbers: three queries, whatever their number."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from governance.accounts.models import User
from governance.core.cursor import Slice, paginate
from governance.rotations import words
from governance.rotations.filters import Asked
from governance.rotations.models import UNDONE, Duty, Evidence, Secret

_CHANGES = [Evidence.What.CHANGED, Evidence.What.REMOVED]


@dataclass(frozen=True, slots=True)
class Listed:
    """One duty in a list, with what is known of it in words."""

    duty: Duty
    known: str
    due: str
    overdue: bool
    changed: int  # variables of it that were seen changed since
    variables: int
    needs_support: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Duties that were asked for, and how many there are of each kind that one may see."""

    rows: list[Listed]
    slice: Slice[Any]
    shown: int
    all: int
    open: int
    offered: int
    closed: int
    overdue: int
    owners: list[User]


def read_page(
    user: User,
    asked: Asked,
    *,
    at: datetime,
    after: str | None = None,
    before: str | None = None,
    size: int = 50,
) -> Page:
    """The duties that `asked` narrows to, by due date; counted over all that `user` may see."""
    seen = Duty.objects.visible_to(user)
    meant = _meant(asked, at)
    order = ("-due_at", "-id") if asked.sort == "-due" else ("due_at", "id")
    found = paginate(with_counts(seen.filter(meant)), *order, after=after, before=before, size=size)
    # Counted together, so that the numbers are of one moment.
    numbers: Mapping[str, int] = seen.aggregate(
        all=Count("pk"),
        shown=Count("pk", filter=meant),
        open=Count("pk", filter=Q(state="open")),
        offered=Count("pk", filter=Q(state="offered")),
        closed=Count("pk", filter=Q(state="closed")),
        overdue=Count("pk", filter=Q(state__in=UNDONE, due_at__lt=at)),
    )
    owners = User.objects.filter(Exists(seen.filter(owner=OuterRef("pk")))).order_by("name", "pk")
    rows = [listed(duty, at) for duty in found.rows]
    return Page(rows=rows, slice=found, owners=list(owners), **numbers)


def with_counts(duties: "QuerySet[Duty]") -> "QuerySet[Any]":
    """Each duty with its app, people and owner, and how much of it there is."""
    of_duty = Secret.objects.filter(duty=OuterRef("pk")).order_by()
    variables = of_duty.filter(kind=Secret.Kind.VARIABLE)
    changed = Evidence.objects.filter(
        duty=OuterRef("duty"), variable=OuterRef("name"), what__in=_CHANGES
    )
    found: QuerySet[Any] = duties.select_related(
        "app__project", "person", "owner", "closed_by"
    ).annotate(
        variables=_count(variables),
        users=_count(of_duty.filter(kind=Secret.Kind.DATABASE_USER)),
        changed=_count(variables.filter(Exists(changed))),
        needs_support=Exists(of_duty.filter(needs_support=True)),
    )
    return found


def _count(rows: "QuerySet[Any]") -> Coalesce:
    counted = rows.values("duty").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def listed(duty: Any, at: datetime) -> Listed:
    """A duty of `with_counts` as a row."""
    return Listed(
        duty=duty,
        known=words.known(duty, variables=duty.variables, users=duty.users),
        due=words.due(duty, at),
        overdue=duty.is_overdue(at),
        changed=duty.changed,
        variables=duty.variables,
        needs_support=duty.needs_support,
    )


def _meant(asked: Asked, at: datetime) -> Q:
    meant = Q()
    if asked.text:
        meant &= (
            Q(app__name__icontains=asked.text)
            | Q(person__username__icontains=asked.text)
            | Q(person__email__icontains=asked.text)
        )
    if asked.state in {"open", "offered", "closed"}:
        meant &= Q(state=asked.state)
    elif not asked.state:
        meant &= Q(state__in=UNDONE)
    for name, value in (("app", asked.app), ("person", asked.person), ("owner", asked.owner)):
        if value:
            meant &= Q(**{name: value})
    if asked.nobodys:
        meant &= Q(owner=None)
    if asked.overdue:
        meant &= Q(state__in=UNDONE, due_at__lt=at)
    return meant
