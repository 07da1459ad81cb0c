"""Duties on the pages of an app and of a person: a column of the query that these make anyway."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, IntegerField, OuterRef, Value, When
from django.db.models.functions import Coalesce, JSONObject, NullIf

from governance.accounts.models import User
from governance.rotations import words
from governance.rotations.models import UNDONE, Duty, State

MOST = 5


@dataclass(frozen=True, slots=True)
class Beside:
    """One duty, named by its other side: the person on an app's page, the app on a person's."""

    duty: Duty
    name: str
    due: str
    overdue: bool


def of_app(user: User) -> ArraySubquery:
    """The first duties of each app, what is not closed first. For `beside`."""
    name = Coalesce(NullIf(F("person__username"), Value("")), F("person__email"))
    return _first(Duty.objects.visible_to(user).filter(app=OuterRef("pk")), name)


def of_person(user: User) -> ArraySubquery:
    """The first duties about each person, on apps that `user` may see."""
    return _first(Duty.objects.visible_to(user).filter(person=OuterRef("pk")), F("app__name"))


def _first(duties: Any, name: Any) -> ArraySubquery:
    undone_first = Case(
        When(state__in=UNDONE, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    ordered = duties.order_by(undone_first, "due_at", "pk")
    columns = {column: column for column in ("id", "state", "knowledge", "due_at", "closed_by_id")}
    return ArraySubquery(ordered.values(one=JSONObject(name=name, **columns))[: MOST + 1])


def beside(rows: Iterable[Mapping[str, Any]], now: datetime) -> list[Beside]:
    """What `of_app` or `of_person` gave, in words."""
    return [_beside(row, now) for row in rows]


def _beside(row: Mapping[str, Any], now: datetime) -> Beside:
    duty = Duty(
        pk=UUID(row["id"]),
        state=State(row["state"]),
        knowledge=row["knowledge"],
        due_at=datetime.fromisoformat(row["due_at"]),
        closed_by_id=row["closed_by_id"] and UUID(row["closed_by_id"]),
    )
    return Beside(duty, row["name"], words.due(duty, now), duty.is_overdue(now))
