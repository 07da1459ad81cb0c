"""What the list of duties is narrowed to, as its address says; what is not known is said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from governance.core.filters import not_known, text_of, uuid_of
from governance.rotations.models import State

NOBODY = "nobody"
STATES: Mapping[str, str | Promise] = {
    **{str(state.value): state.label for state in State},
    "all": gettext_lazy("Open and closed"),
}
SORTS = ("due", "-due")


@dataclass(slots=True)
class Asked:
    """The filters in force. Without a state: what is not closed."""

    text: str = ""  # part of the name of an app, or of the name or address of a person
    state: str = ""
    app: UUID | None = None
    person: UUID | None = None
    owner: UUID | None = None
    nobodys: bool = False
    overdue: bool = False
    sort: str = "due"
    ignored: list[str] = field(default_factory=list)

    @property
    def is_narrowed(self) -> bool:
        return any(
            (self.text, self.state, self.app, self.person, self.owner, self.nobodys, self.overdue)
        )


def read(get: QueryDict) -> Asked:
    """What `get` asks for. Raises nothing, whatever stands there."""
    asked = Asked(text=text_of(get.get("q", "")))
    for name, (label, take) in _FILTERS.items():
        value = text_of(get.get(name, ""))
        if value and not take(asked, value):
            asked.ignored.append(not_known(str(label), value))
    return asked


def _state(asked: Asked, value: str) -> bool:
    if value in STATES:
        asked.state = value
    return value in STATES


def _overdue(asked: Asked, value: str) -> bool:
    asked.overdue = value == "yes"
    return asked.overdue


def _sort(asked: Asked, value: str) -> bool:
    if value in SORTS:
        asked.sort = value
    return value in SORTS


def _owner(asked: Asked, value: str) -> bool:
    asked.nobodys = value == NOBODY
    return asked.nobodys or _id_of("owner")(asked, value)


def _id_of(name: str) -> Callable[[Asked, str], bool]:
    def take(asked: Asked, value: str) -> bool:
        found = uuid_of(value)
        setattr(asked, name, found)
        return found is not None

    return take


_FILTERS: Mapping[str, tuple[Promise, Callable[[Asked, str], bool]]] = {
    "state": (gettext_lazy("State"), _state),
    "app": (gettext_lazy("App"), _id_of("app")),
    "person": (gettext_lazy("Person"), _id_of("person")),
    "owner": (gettext_lazy("Owner"), _owner),
    "overdue": (gettext_lazy("Overdue"), _overdue),
    "sort": (gettext_lazy("Order"), _sort),
}
