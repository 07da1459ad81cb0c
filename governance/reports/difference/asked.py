"""What the address of the page asks for: two instants, and filters."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.accounts.models import User
from governance.core import instants
from governance.reports import asking
from governance.reports.asking import Narrowed
from governance.reports.registers.base import Asked

USUAL = timedelta(days=30)
NAME = "difference"
_FILTERS = ("q", "app", "difference", "by")


class InstantField(forms.Field):
    """A day, whose end is meant, or a moment of it; not in the future."""

    def __init__(self, *, label: str | Promise) -> None:
        super().__init__(label=label, required=False)  # type: ignore[arg-type]

    def to_python(self, value: str | None) -> datetime | None:
        if not value or not value.strip():
            return None
        found = instants.read(value)
        if found is None:
            raise forms.ValidationError(_("This is no date. One looks like 2026-03-14."))
        return found


class Between(forms.Form):
    """From one instant to a later one; the later is now where nothing else is said."""

    since = InstantField(label=gettext_lazy("From"))
    until = InstantField(label=gettext_lazy("To"))

    def __init__(self, data: QueryDict, *, now: datetime) -> None:
        super().__init__(data, auto_id="%s")
        self._now = now

    def clean(self) -> None:
        for name in ("since", "until"):
            found = self.cleaned_data.get(name)
            if found and found > self._now:
                self.add_error(name, self._to_come(name))
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since >= until:
            self.add_error("until", _("The period ends before it begins."))

    def shown(self) -> "list[tuple[forms.BoundField, str, str]]":
        """Each field, the kind of its element, and what stands in it: a moment is no day."""
        given = [(field, str(self.data.get(field.name, ""))) for field in self]
        return [
            (field, "date" if not text or instants.is_date(text) else "text", text)
            for field, text in given
        ]

    def _to_come(self, name: str) -> str:
        if instants.is_date_of(str(self.data.get(name)), self._now):
            return _("This day is not over yet.")
        return _("This day is still to come.")


@dataclass(slots=True)
class Difference:
    """What is asked for, and the words of it for the form."""

    form: Between
    narrowed: Narrowed
    asked: Asked
    project: UUID | None = None
    ignored: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether it can be answered: both instants are some, in their order."""
        return not self.form.errors

    def without_project(self) -> None:
        """Leave out a project that does not exist, or not for everybody."""
        values = {name: value for name, value in self.asked.filters.items() if name != "project"}
        self.asked, self.project = replace(self.asked, filters=values), None
        self.ignored.append(_("Project: this one is not known, so the list is shown without it."))


def read(get: QueryDict, user: User, now: datetime) -> Difference:
    """What `get` asks for, over what `user` may see. Raises nothing, whatever stands there."""
    form = Between(get, now=now)
    form.is_valid()
    until = form.cleaned_data.get("until")
    since = form.cleaned_data.get("since") or (until or now) - USUAL
    given = {name: values for name, values in get.lists() if name in _FILTERS}
    narrowed = asking.read(_FILTERS, given, user)
    filters = dict(narrowed.values)
    project, ignored = _project(get)
    if project:
        filters["project"] = (str(project),)
    asked = Asked(
        report=NAME,
        at=until or now,
        is_now=until is None,
        everything=user.sees_everything,
        projects=tuple(user.projects),
        since=since,
        filters=filters,
    )
    return Difference(form, narrowed, asked, project, [*narrowed.ignored, *ignored])


def _project(get: QueryDict) -> tuple[UUID | None, list[str]]:
    said = get.get("project", "").replace("\0", "").strip()
    if not said:
        return None, []
    try:
        return UUID(said), []
    except ValueError:
        words = _("Project: “%(value)s” is not known, so the list is shown without it.")
        return None, [words % {"value": said[: asking.LONGEST]}]


def shown(asked: Asked) -> tuple[str, str]:
    """The two instants as the page says them."""
    since = asked.since or asked.at
    return instants.words(since), (
        _("now") if asked.is_now else instants.words(timezone.localtime(asked.at))
    )
