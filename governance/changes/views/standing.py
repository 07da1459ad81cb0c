"""How a batch stands: how many of its changes are in which state, and what to call it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from governance.accounts.models import User
from governance.changes.models import Batch, Change, Kind, Purpose, State
from governance.changes.plans.making import pace
from governance.changes.queries import BADGES, Progress
from governance.core.templatetags.interface import badge

_DUE = {"state": State.WAITING, "held_back": False}


def numbers(prefix: str = "", within: Q | None = None) -> dict[str, Any]:
    """Aggregates over changes; `prefix` leads to them, `within` says which of them count."""

    def of(**also: Any) -> Q | None:
        found = Q(**{f"{prefix}{name}": value for name, value in also.items()})
        found = found & within if within is not None else found
        return found or None

    found = {
        "total": Count(f"{prefix}id", filter=of()),
        "people": Count(f"{prefix}address", filter=of(), distinct=True),
        "apps": Count(f"{prefix}app", filter=of(), distinct=True),
        "email": Min(f"{prefix}email", filter=of()),
        "username": Min(f"{prefix}person__username", filter=of()),
        "app_name": Min(f"{prefix}app__name", filter=of()),
        "kind": Min(f"{prefix}kind", filter=of()),
        "again": Count(f"{prefix}follows", filter=of()),
        "due": Count(f"{prefix}id", filter=of(**_DUE)),
        "due_at": Min(f"{prefix}due_at", filter=of(**_DUE)),
        **{state: Count(f"{prefix}id", filter=of(state=state)) for state in State.values},
    }
    # So that none is called as a field of the model is.
    return {f"{_OURS}{name}": value for name, value in found.items()}


_OURS = "its_"


@dataclass(frozen=True, slots=True)
class Standing:
    """One batch with its numbers, as `numbers` found them."""

    batch: Batch
    said: Mapping[str, Any]

    @classmethod
    def of(cls, batch: Batch, annotated: Mapping[str, Any]) -> Self:
        """From a row, or the attributes of an object, that has `numbers` among others."""
        said = {
            name.removeprefix(_OURS): value
            for name, value in annotated.items()
            if name.startswith(_OURS)
        }
        return cls(batch, said)

    @property
    def counts(self) -> dict[str, int]:
        """How many there are in each state, without the states that nothing is in."""
        return {state: self.said[state] for state in State.values if self.said[state]}

    @property
    def badges(self) -> list[Any]:
        """The states with their numbers, for a row."""
        return [
            badge(*BADGES[state], f"{n:,} {State(state).label.lower()}")
            for state, n in self.counts.items()
        ]

    @property
    def title(self) -> str:
        """What it is for: "Remove Ana from billing-api", "Invite 20 people to 5 apps"."""
        said, purpose = self.said, Purpose(self.batch.purpose)
        name = said["username"] or said["email"] or ""
        if purpose == Purpose.OFFBOARD and self.batch.person:
            return _("Offboard %(name)s") % {"name": self.batch.person.display_name}
        if said["people"] == 1 and said["apps"] == 1:
            if said["again"]:
                return _("Invite %(name)s to %(app)s again") % {
                    "name": name,
                    "app": said["app_name"],
                }
            return str(_ONE[Kind(said["kind"])]) % {"name": name, "app": said["app_name"]}
        one = said["people"] == 1
        people = name if one else _("%(n)s people") % {"n": f"{said['people']:,}"}
        apps = ngettext("%(n)s app", "%(n)s apps", said["apps"]) % {"n": f"{said['apps']:,}"}
        return str(_MANY[purpose]) % {"people": people, "apps": apps}

    def progress(self, *, at: datetime) -> Progress:
        """How far it is, with the honest time. One query while something waits to be told."""
        due, due_at = self.said["due"], self.said["due_at"]
        if not due:
            return Progress(self.counts, 0, None)
        ahead = (
            Change.objects.filter(state=State.WAITING, held_back=False, due_at__lte=due_at)
            .exclude(batch=self.batch)
            .count()
        )
        left = pace(due, ahead).seconds + max((due_at - at).total_seconds(), 0)
        return Progress(self.counts, round(left), due_at)


def within(user: User, prefix: str) -> Q | None:
    """Of which changes `user` may know; None for all."""
    if user.sees_everything:
        return None
    return Q(**{f"{prefix}app__project_id__in": user.projects})


_ONE = {
    Kind.INVITE: gettext_lazy("Invite %(name)s to %(app)s"),
    Kind.CHANGE_ROLE: gettext_lazy("Change the role of %(name)s on %(app)s"),
    Kind.REMOVE: gettext_lazy("Remove %(name)s from %(app)s"),
    Kind.CANCEL: gettext_lazy("Cancel the invitation of %(name)s to %(app)s"),
}
_MANY = {
    Purpose.INVITE: gettext_lazy("Invite %(people)s to %(apps)s"),
    Purpose.CHANGE_ROLE: gettext_lazy("Change the role of %(people)s on %(apps)s"),
    Purpose.REMOVE: gettext_lazy("Remove %(people)s from %(apps)s"),
    Purpose.INVITE_AGAIN: gettext_lazy("Invite %(people)s to %(apps)s again"),
    Purpose.OFFBOARD: gettext_lazy("Remove %(people)s from %(apps)s"),
    Purpose.FILE: gettext_lazy("Change %(people)s on %(apps)s, from a file"),
    Purpose.RETRY: gettext_lazy("Try again for %(people)s on %(apps)s"),
}
