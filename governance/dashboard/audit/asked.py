"""What the address of the page asks for: filters with known values, names, and a period."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.accounts.models import User
from governance.audit.events import Source
from governance.audit.queries import Where
from governance.audit.sentences import SENTENCES
from governance.changes import queries as changes
from governance.core import filters
from governance.core.filters import Choice, Chosen
from governance.dashboard import lists
from governance.inventory.models import App, Person
from governance.inventory.queries import people as inventory
from governance.inventory.words import Pieces, containing

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from governance.changes.models import Change

# So many may be meant by one name; more, and nobody in particular is.
MOST = 50
# What the first word of a kind speaks of.
_GROUPS = {
    "user": gettext_lazy("People who sign in here"),
    "connection": gettext_lazy("Connections"),
    "sync": gettext_lazy("Syncs"),
    "platform": gettext_lazy("Seen on Scalingo"),
    "change": gettext_lazy("Changes asked for here"),
    "access": gettext_lazy("Access read out"),
    "two_factor": gettext_lazy("Two-factor authentication"),
    "rotation": gettext_lazy("Rotations"),
    "report": gettext_lazy("Reports"),
    "fact": gettext_lazy("Descriptions"),
    "settings": gettext_lazy("Settings"),
    "audit": gettext_lazy("The audit log itself"),
    "personal": gettext_lazy("Erasures"),
}


class Period(forms.Form):
    """From one day to another, both included, in the installation's zone; either may be open."""

    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput({"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("To"), required=False, widget=forms.DateInput({"type": "date"})
    )

    def __init__(self, data: QueryDict, *, today: date) -> None:
        super().__init__(data, auto_id="%s")
        self._today = today

    def clean_since(self) -> date | None:
        since: date | None = self.cleaned_data["since"]
        if since and since > self._today:
            raise forms.ValidationError(_("This day is still to come."))
        return since

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", _("The period ends before it begins."))

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """The first instant of it, and the first after it. Open, where it is not valid."""
        if not self.is_valid():
            return None, None
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        return _midnight(since), _midnight(until + timedelta(days=1)) if until else None


@dataclass(slots=True)
class Asked:
    """What is asked for, and the words of it for the form and the chips."""

    where: Where
    chosen: Chosen
    period: Period
    names: dict[str, str] = field(default_factory=dict)

    def chips(self, get: QueryDict) -> list[filters.Chip]:
        labels = {"person": _("Person"), "app": _("App"), "actor": _("Done by")}
        extra = {
            name: _("%(filter)s: %(value)s") % {"filter": labels[name], "value": words}
            for name, words in self.names.items()
        }
        if self.period.is_valid():
            for name in ("since", "until"):
                day = self.period.cleaned_data[name]
                if day:
                    label = self.period.fields[name].label
                    extra[name] = f"{label} {day.isoformat()}"
        return filters.chips(get, self.chosen, extra)


def read(get: QueryDict, user: User, now: datetime) -> Asked:
    """What `get` asks for, over what `user` may see. Raises nothing, whatever stands there."""
    chosen = filters.read(get, choices())
    period = Period(get, today=timezone.localdate(now))
    since, until = period.bounds()
    names: dict[str, str] = {}

    def found(name: str, label: str, look_up: Any) -> tuple[UUID, ...] | None:
        text = filters.text_of(get.get(name, ""))
        if not text:
            return None
        ids, words = look_up(user, text)
        if not ids:
            chosen.ignore(label, text)
            return None
        if len(ids) > MOST:
            chosen.ignored.append(
                _("%(filter)s: more than %(n)d match “%(value)s”, so the list is shown without it.")
                % {"filter": label, "n": MOST, "value": text}
            )
            return None
        names[name] = words
        return tuple(ids)

    people, theirs = _invited_alone(user, filters.text_of(get.get("person", "")), names)
    if not theirs:
        people = found("person", _("Person"), _people)
        people, theirs = _all_of(people) if people else (people, ())
    where = Where(
        within=None if user.sees_everything else _seen(user),
        people=people,
        theirs=theirs,
        apps=found("app", _("App"), _apps),
        actors=found("actor", _("Done by"), _actors),
        kinds=_kinds(chosen.of("kind")) or None,
        sources=chosen.of("source") or None,
        since=since,
        until=until,
    )
    return Asked(where, chosen, period, names)


@lists.per_language
def choices() -> list[Choice]:
    return [
        Choice("kind", _("Kind"), _("Any kind"), tuple(_kind_options())),
        Choice("source", _("Source"), _("Any source"), filters.words(Source)),
    ]


def _kind_options() -> list[tuple[str, str]]:
    """Each group as a whole, then the kinds in it by their sentence without its names."""
    groups: dict[str, list[str]] = defaultdict(list)
    for kind in SENTENCES:
        groups[kind.partition(".")[0]].append(kind)
    found = []
    for group, kinds in groups.items():
        found.append((group, str(_GROUPS.get(group, group))))
        found += [(kind, f"· {_without_names(str(SENTENCES[kind]))}") for kind in kinds]
    return found


def _without_names(sentence: str) -> str:
    return sentence.format_map(defaultdict(lambda: "…")).removesuffix(".")


def _kinds(chosen: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(kind for kind in SENTENCES if kind in chosen or kind.partition(".")[0] in chosen)


# --- names ----------------------------------------------------------------------------------------


def _seen(user: User) -> tuple[UUID, ...]:
    return tuple(App.objects.visible_to(user).values_list("pk", flat=True))


def _people(user: User, text: str) -> tuple[list[UUID], str]:
    return _looked_up(Person.objects.visible_to(user), inventory.matching, text)


def _all_of(people: tuple[UUID, ...]) -> tuple[tuple[UUID, ...], tuple[UUID, ...]]:
    """Every id of these people, and the changes and batches of which they are or were a part."""
    same = inventory.all_ids_of(people)
    return tuple(same), _things(changes.about(same, inventory.addresses_of(same)))


def _invited_alone(
    user: User, text: str, names: dict[str, str]
) -> tuple[tuple[UUID, ...] | None, tuple[UUID, ...]]:
    """Nobody, and what was decided about `text`: an address by which nobody is known (yet)."""
    if "@" not in text or inventory.matching(Person.objects.visible_to(user), text).exists():
        return None, ()
    things = _things(changes.about((), [text]).visible_to(user))
    if things:
        names["person"] = text
    return (), things


def _things(about: "QuerySet[Change]") -> tuple[UUID, ...]:
    return tuple({one for pair in about.values_list("pk", "batch_id") for one in pair})


def _apps(user: User, text: str) -> tuple[list[UUID], str]:
    def matching(apps: "QuerySet[App]", text: str) -> "QuerySet[App]":
        return apps.alias(text=Lower("name"), pieces=Pieces(F("name"))).filter(containing(text))

    return _looked_up(App.objects.visible_to(user), matching, text)


def _actors(user: User, text: str) -> tuple[list[UUID], str]:
    """Those who sign in here, and people of Scalingo, by the same name."""

    def matching(users: "QuerySet[User]", text: str) -> "QuerySet[User]":
        return users.filter(Q(name__icontains=text) | Q(email__icontains=text))

    here, name = _looked_up(User.objects.all(), matching, text)
    there, other = _looked_up(Person.objects.visible_to(user), inventory.matching, text)
    return here + there, (other if there and not here else name)


def _looked_up(rows: Any, matching: Any, text: str) -> tuple[list[UUID], str]:
    """The ids that `text` means, itself an id or a part of a name; and what to call it."""
    identity = filters.uuid_of(text)
    found = list((rows.filter(pk=identity) if identity else matching(rows, text))[: MOST + 1])
    return [row.pk for row in found], str(found[0]) if len(found) == 1 else text


def _midnight(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None
