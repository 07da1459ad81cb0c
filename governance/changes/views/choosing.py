"""The apps to choose from, and which ones a form chose."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from governance.accounts.models import User
from governance.inventory.models import App

# Apps that are shown to choose from; the rest is found by searching.
SHOWN = 200
LONGEST = 100  # of what is searched for


@dataclass(frozen=True, slots=True)
class Group:
    """A project with those of its apps that are shown. `id` is None for apps without one."""

    id: UUID | None
    name: str
    region: str
    total: int  # apps that it has in all
    apps: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What there is to choose from: `found` of `total` apps match, of which SHOWN are in groups."""

    groups: list[Group]
    text: str
    total: int
    is_cut: bool
    picked: frozenset[UUID]
    picked_projects: frozenset[UUID]


def choice(user: User, text: str, *, apps: list[UUID], projects: list[UUID]) -> Choice:
    """Apps whose name or project's name contains `text`; those picked already always.

    Two queries.
    """
    text = " ".join(text.replace("\0", "").split())[:LONGEST]
    numbers: dict[UUID | None, int] = {
        row["project_id"]: row["n"]
        for row in _listed(user).order_by().values("project_id").annotate(n=Count("pk"))
    }
    already = Q(pk__in=apps) | Q(project_id__in=projects)
    wanted = Q(name__icontains=text) | Q(project__name__icontains=text) | already
    first = Case(
        When(already, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    rows: list[Any] = list(
        _listed(user)
        .filter(wanted if text else Q())
        .alias(picked_first=first)
        .order_by("picked_first", "project__name", "name", "pk")
        .values("pk", "name", "kind", "project_id", "project__name", "region__name")[: SHOWN + 1]
    )
    rows_shown = sorted(
        rows[:SHOWN],
        key=lambda row: (
            row["project__name"] is None,
            row["project__name"] or "",
            str(row["project_id"]),
            row["name"],
        ),
    )
    return Choice(
        groups=[
            _group(list(found), numbers)
            for _, found in groupby(rows_shown, lambda row: row["project_id"])
        ],
        text=text,
        total=sum(numbers.values()),
        is_cut=len(rows) > SHOWN,
        picked=frozenset(apps),
        picked_projects=frozenset(projects),
    )


def _group(rows: list[dict[str, Any]], numbers: dict[UUID | None, int]) -> Group:
    first = rows[0]
    return Group(
        id=first["project_id"],
        name=first["project__name"] or "",
        region=first["region__name"],
        total=numbers.get(first["project_id"], len(rows)),
        apps=rows,
    )


def chosen(user: User, data: dict[str, Any]) -> list[UUID]:
    """The ids of the apps that a valid `AskForm` means, by name. What is gone is left out."""
    apps = _listed(user)
    if not data["everything"]:
        apps = apps.filter(Q(pk__in=data["app"]) | Q(project_id__in=data["project"]))
    return list(apps.order_by("name", "region__name", "pk").values_list("pk", flat=True))


def _listed(user: User) -> "QuerySet[App]":
    return App.objects.visible_to(user).listed()
