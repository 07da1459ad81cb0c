"""What a report is narrowed to: the filters of the pages, under the same names, read from anywhere.

A page's address can be handed to the report of the same thing as it stands. A value that is not
known, and a filter that the report does not have, are left out and said, never silently.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Choices, Exists, OuterRef
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.accounts.models import User
from governance.audit.events import Source
from governance.audit.sentences import SENTENCES
from governance.changes.models import Batch, Purpose
from governance.changes.models import State as ChangeState
from governance.facts.models import AppClass, Employment, PersonKind
from governance.inventory.models import Project, Region, Role, Status, TwoFactor
from governance.reports.two_factor import asked as two_factor

Words = str | Promise
Options = tuple[tuple[str, Words], ...]
LONGEST = 100
_MOST_VALUES = 100
# What addresses hold beside filters: of no meaning to a report.
_NO_FILTERS = {
    "at", "since", "until", "sort", "after", "before", "open", "shut", "show", "hide", "in", "from",
    "collaborators", "csrfmiddlewaretoken", "format", "formats", "bom", "semicolon", "reports",
    "every", "recipients",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter. Without `options` it takes any text, as it stands."""

    name: str
    label: str
    any_: str
    options: tuple[tuple[str, str], ...] | None = None

    def word(self, value: str) -> str:
        return dict(self.options or ()).get(value, value)


@dataclass(slots=True)
class Narrowed:
    """The filters that a report has, those in force, and sentences about what was left out."""

    filters: Sequence[Filter]
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def read(
    names: Sequence[str], given: Mapping[str, Sequence[str]], user: User, report: str = ""
) -> Narrowed:
    """What `given` narrows to by the filters `names`. Raises nothing, whatever stands there."""
    found = Narrowed(filters_of(names, user, report))
    known = {one.name: one for one in found.filters}
    for name, values in given.items():
        said = _texts(values)
        if name in _NO_FILTERS or not said:
            continue
        if name not in known:
            found.ignored.append(
                _("This report cannot be narrowed by “%(filter)s”, so it holds all of them.")
                % {"filter": name[:LONGEST]}
            )
            continue
        _take(found, known[name], said)
    return found


def _take(found: Narrowed, one: Filter, said: list[str]) -> None:
    if one.options is None:
        found.values[one.name] = (said[-1],)
        return
    words = [word.strip() for value in said for word in value.split(",")][:_MOST_VALUES]
    known = dict(one.options)
    taken = tuple(dict.fromkeys(word for word in words if word in known))
    if taken:
        found.values[one.name] = taken
    for word in words:
        if word and word not in known:
            found.ignored.append(
                _("%(filter)s: “%(value)s” is not known, so it is left out.")
                % {"filter": one.label, "value": word[:LONGEST]}
            )


def _texts(values: Sequence[str]) -> list[str]:
    said = (" ".join(value.replace("\0", "").split())[:LONGEST] for value in values)
    return [value for value in said if value]


def filters_of(names: Sequence[str], user: User, report: str = "") -> list[Filter]:
    """The filters with their options, as far as `user` may see what they name."""
    found = []
    for name in names:
        make = _OF_ONE.get((report, name)) or _FILTERS.get(name)
        found.append(make(user) if make else _unknown(name))
    return found


# --- each of them ---------------------------------------------------------------------------------

Make = Callable[[User], Filter]


def _unknown(name: str) -> Filter:
    return Filter(name, name.replace("-", " ").capitalize(), "")


def _text(name: str, label: Promise) -> Make:
    return lambda user: Filter(name, str(label), "")


def _of(name: str, label: Words, any_: Words, choices: type[Choices] | Options) -> Make:
    def make(user: User) -> Filter:
        pairs = choices if isinstance(choices, tuple) else choices.choices
        options = tuple((str(value), str(word)) for value, word in pairs)
        return Filter(name, str(label), str(any_), options)

    return make


def _project(user: User) -> Filter:
    rows = Project.objects.select_related("region").order_by("name", "pk")
    seen = rows if user.sees_everything else rows.filter(pk__in=user.projects)
    several = Region.objects.count() > 1
    options = tuple(
        (str(one.pk), f"{one.name} · {one.region.name}" if several else one.name) for one in seen
    )
    return Filter("project", _("Project"), _("Any project"), options)


def _region(user: User) -> Filter:
    names = Region.objects.order_by("name").values_list("name", flat=True)
    return Filter("region", _("Region"), _("Any region"), tuple((one, one) for one in names))


def _decider(user: User) -> Filter:
    """Everybody who decided a change that `user` may see, as the page of changes has them."""
    decided = Batch.objects.visible_to(user).filter(decided_by=OuterRef("pk"))
    found = User.objects.filter(Exists(decided)).order_by("name").values_list("pk", "name", "email")
    options = tuple((str(pk), name or email) for pk, name, email in found)
    return Filter("by", _("Decided by"), _("Decided by anybody"), options)


def _two_factor(name: str) -> Make:
    """A filter of the page of 2FA."""

    def make(user: User) -> Filter:
        options = tuple((value, str(word)) for value, word in two_factor.VALUES[name].items())
        return Filter(name, str(two_factor.LABELS[name]), str(two_factor.ANY[name]), options)

    return make


_YES_NO: tuple[tuple[str, Promise], ...] = (
    ("yes", gettext_lazy("Yes")),
    ("no", gettext_lazy("No")),
)
_APP_KINDS = (
    ("app", gettext_lazy("App")),
    ("review", gettext_lazy("Review app")),
    ("database", gettext_lazy("Dedicated database")),
)
DIFFERENCES: tuple[tuple[str, Promise], ...] = (
    ("joined", gettext_lazy("Joined")),
    ("left", gettext_lazy("Left")),
    ("role", gettext_lazy("Role")),
    ("status", gettext_lazy("Status")),
    ("two_factor", gettext_lazy("2FA")),
    ("owner", gettext_lazy("Owner")),
    ("renamed", gettext_lazy("Renamed")),
    ("moved", gettext_lazy("Moved")),
)
AUTHORS: tuple[tuple[str, Promise], ...] = (
    ("ours", gettext_lazy("Decided here")),
    ("named", gettext_lazy("Somebody named by Scalingo")),
    ("themself", gettext_lazy("The person themself")),
    ("unexplained", gettext_lazy("Unexplained")),
)
_FILTERS: Mapping[str, Make] = {
    "q": _text("q", gettext_lazy("Name or address")),
    "person": _text("person", gettext_lazy("Person")),
    "actor": _text("actor", gettext_lazy("Done by")),
    "app": _text("app", gettext_lazy("Name of an app")),
    "project": _project,
    "region": _region,
    "kind": _of("kind", gettext_lazy("Kind"), gettext_lazy("Any kind"), _APP_KINDS),
    "class": _of("class", gettext_lazy("Class"), gettext_lazy("Any class"), AppClass),
    "health-data": _of(
        "health-data",
        gettext_lazy("Health data"),
        gettext_lazy("Health data or not"),
        (*_YES_NO, ("unknown", gettext_lazy("Not known"))),
    ),
    "role": _of("role", gettext_lazy("Role"), gettext_lazy("Any role"), Role),
    "status": _of("status", gettext_lazy("Status"), gettext_lazy("Any status"), Status),
    "two-factor": _of("two-factor", gettext_lazy("2FA"), gettext_lazy("Any 2FA"), TwoFactor),
    "employment": _of(
        "employment",
        gettext_lazy("Internal or external, as was said"),
        gettext_lazy("Internal and external"),
        Employment,
    ),
    "external": _of(
        "external",
        gettext_lazy("External"),
        gettext_lazy("Internal and external"),
        (("yes", gettext_lazy("External")), ("no", gettext_lazy("Internal"))),
    ),
    "account": _of(
        "account", gettext_lazy("Kind of account"), gettext_lazy("Any kind of account"), PersonKind
    ),
    "state": _of("state", gettext_lazy("State"), gettext_lazy("Any state"), ChangeState),
    "purpose": _of("purpose", gettext_lazy("Kind"), gettext_lazy("Any kind"), Purpose),
    "difference": _of(
        "difference", gettext_lazy("What is otherwise"), gettext_lazy("Any kind"), DIFFERENCES
    ),
    "by": _of("by", gettext_lazy("Who did it"), gettext_lazy("Whoever did it"), AUTHORS),
    "source": _of("source", gettext_lazy("Source"), gettext_lazy("Any source"), Source),
    **{name: _two_factor(name) for name in ("reach", "on", "belongs", "exception")},
}
# Where the same name means something else.
_OF_ONE: Mapping[tuple[str, str], Make] = {
    ("access-by-app", "q"): _text("q", gettext_lazy("App, or name or address")),
    ("audit", "app"): _text("app", gettext_lazy("App")),
    ("changes", "app"): _text("app", gettext_lazy("App")),
    ("changes", "by"): _decider,
    ("audit", "kind"): _of(
        "kind",
        gettext_lazy("Kind"),
        gettext_lazy("Any kind"),
        tuple((kind, kind) for kind in SENTENCES),
    ),
    ("two-factor", "two-factor"): _two_factor("two-factor"),
}
