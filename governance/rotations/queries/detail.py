"""One duty: the names that were read, what was seen of each since, and how far that was looked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject, NullIf

from governance.accounts.models import User
from governance.inventory.models import Collaboration, Status
from governance.rotations import words
from governance.rotations.evidence import Gap, gaps
from governance.rotations.models import Duty, Evidence, Secret


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a variable since the departure."""

    variable: str
    what: str
    at: datetime
    by: str  # empty where an add-on acted, or the event does not say


@dataclass(frozen=True, slots=True)
class Known:
    """One name that was read, and the last that was seen of it. `new`: added since."""

    name: str
    place: str
    needs_support: bool
    seen: Seen | None

    @property
    def is_changed(self) -> bool:
        return self.seen is not None and self.seen.what != Evidence.What.ADDED


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be read, since when and why."""

    sentence: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything that the page of one duty says."""

    duty: Any
    variables: list[Known]
    users: list[Known]
    add_ons: list[Known]
    others: list[Seen]  # of variables that are not among those read
    failures: list[Failure]
    missed: list[Gap]
    role_now: str  # of a period that is open now, if they are on the app again or still

    @property
    def changed(self) -> int:
        return sum(one.is_changed for one in self.variables)


def detail_rows(user: User) -> "QuerySet[Any]":
    """Duties that `user` may see, each with everything about itself, in one query."""
    now = Collaboration.objects.open().filter(
        app=OuterRef("app"), person=OuterRef("person"), status=Status.ACCEPTED
    )
    secrets = Secret.objects.filter(duty=OuterRef("pk")).order_by("kind", "place", "name")
    name = Coalesce(NullIf(F("actor__username"), Value("")), F("actor__email"), F("actor_name"))
    evidence = Evidence.objects.filter(duty=OuterRef("pk")).order_by("at", "pk")
    found: QuerySet[Any] = (
        Duty.objects.visible_to(user)
        .select_related("app__project", "app__region", "person", "owner", "closed_by")
        .annotate(
            role_now=Coalesce(Subquery(now.values("role")[:1]), Value("")),
            named=ArraySubquery(
                secrets.values(
                    one=JSONObject(kind="kind", place="place", name="name", support="needs_support")
                )
            ),
            shown=ArraySubquery(
                evidence.values(one=JSONObject(variable="variable", what="what", at="at", by=name))
            ),
        )
    )
    return found


def read_detail(duty: Any) -> Detail:
    """What is known of a duty of `detail_rows`."""
    seen = [_seen(one) for one in duty.shown]
    latest = {one.variable: one for one in seen}
    # A variable that was changed and is then added again was changed.
    latest |= {one.variable: one for one in seen if one.what != Evidence.What.ADDED}
    by_kind: dict[str, list[Known]] = {str(kind): [] for kind in Secret.Kind.values}
    for one in duty.named:
        is_variable = one["kind"] == Secret.Kind.VARIABLE
        found = latest.get(one["name"]) if is_variable else None
        by_kind[one["kind"]].append(Known(one["name"], one["place"], one["support"], found))
    names = {one.name for one in by_kind[Secret.Kind.VARIABLE]}
    return Detail(
        duty=duty,
        variables=by_kind[Secret.Kind.VARIABLE],
        users=by_kind[Secret.Kind.DATABASE_USER],
        add_ons=by_kind[Secret.Kind.ADD_ON],
        others=[one for one in latest.values() if one.variable not in names],
        failures=_failures(duty),
        missed=gaps(duty.events_missed),
        role_now=duty.role_now,
    )


def _seen(one: dict[str, str]) -> Seen:
    return Seen(one["variable"], one["what"], datetime.fromisoformat(one["at"]), one["by"] or "")


def _failures(duty: Duty) -> list[Failure]:
    found = []
    for what in ("names", "databases", "events"):
        since, said = getattr(duty, f"{what}_failing_since"), getattr(duty, f"{what}_said")
        if since:
            found.append(Failure(words.failing(what, said), since))
    return found
