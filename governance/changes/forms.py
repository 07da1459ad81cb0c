"""What somebody wants to happen, from strings into values."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.changes import addresses
from governance.changes.permissions import Typed
from governance.inventory.models import Role

# A plan of more rows than this is made in parts: nobody reads it, and telling takes too long.
MOST_ROWS = 2000
# Further ahead a date is a slip of the finger.
MOST_AHEAD = timedelta(days=366)
_LONGEST_TEXT = 60_000

ROLES = (
    (
        Role.LIMITED.value,
        gettext_lazy("Limited collaborator"),
        gettext_lazy(
            "Restarts the app, deploys its default branch, reads logs and activity."
            " Sees the names of variables, not their values; no databases, no one-off containers."
        ),
    ),
    (
        Role.COLLABORATOR.value,
        gettext_lazy("Collaborator"),
        gettext_lazy(
            "Everything but deleting and renaming the app: reads and changes all variables,"
            " databases and add-ons, runs one-off containers, invites and removes others."
        ),
    ),
)


class Ids(forms.Field):
    """Several ids of one name; what is no id is left out."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[UUID]:
        found = []
        for one in value or ():
            try:
                found.append(UUID(str(one)))
            except ValueError:
                continue
        return list(dict.fromkeys(found))


class AskForm(forms.Form):
    """These people, these apps, this role. Whatever was typed is given back."""

    people = forms.CharField(
        label=gettext_lazy("People"),
        max_length=_LONGEST_TEXT,
        widget=forms.Textarea(
            attrs={"rows": 6, "spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
        ),
        help_text=gettext_lazy(
            "Addresses as you have them: one a line, with commas, or as Name <address>."
        ),
    )
    app = Ids(label=gettext_lazy("Apps"), required=False)
    project = Ids(label=gettext_lazy("Projects"), required=False)
    everything = forms.BooleanField(label=gettext_lazy("All apps"), required=False)
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[(value, label) for value, label, _help in ROLES],
        initial=Role.LIMITED.value,
        required=False,
    )

    def clean_people(self) -> list[addresses.Address]:
        found = addresses.read(self.cleaned_data["people"].replace("\0", ""))
        if not found:
            raise ValidationError(_("Give at least one address."))
        if len(found) > addresses.MOST:
            raise ValidationError(
                _("These are %(n)d addresses. Plan at most %(most)d at once.")
                % {"n": len(found), "most": addresses.MOST}
            )
        return found

    def clean_role(self) -> str:
        """Limited, where nothing is said."""
        return self.cleaned_data["role"] or Role.LIMITED.value

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not (found.get("app") or found.get("project") or found.get("everything")):
            self.add_error("app", _("Choose at least one app, project, or all."))
        return found

    def check_size(self, people: int, apps: int) -> bool:
        """Whether so many people on so many apps fit into one plan; says so where they do not."""
        if not apps:
            self.add_error("app", _("None of these apps is there any more. Choose others."))
        elif people * apps > MOST_ROWS:
            self.add_error(
                "app",
                _("%(people)d people on %(apps)d apps are %(n)d changes. Plan at most %(most)d.")
                % {"people": people, "apps": apps, "n": people * apps, "most": MOST_ROWS},
            )
        return not self.errors


class PlaceForm(forms.Form):
    """Why, what must be typed, and when."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=5,
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Stays with the changes and in the audit log: a ticket, a name."),
    )

    def __init__(
        self, data: Any = None, *, typed: Typed, at: datetime, may_wait: bool = False
    ) -> None:
        super().__init__(data)
        self._typed, self._at = typed, at
        if typed.text:
            self.fields["typed"] = forms.CharField(
                label=typed.check("").reason.rstrip("."), max_length=254, widget=_PLAIN
            )
        if may_wait:
            self.fields.update(_when())
        self.order_fields(["reason", "when", "day", "time", "typed"])

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if reason := self._typed.check(typed).reason:
            raise ValidationError(reason)
        return typed

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        found["not_before"] = None
        if found.get("when") == "later":
            self._set_time(found)
        elif found.get("day") or found.get("time"):
            # Whoever gave a time does not mean now.
            self.add_error("when", _("You gave a time. Choose it here, or leave it empty."))
        return found

    def _set_time(self, found: dict[str, Any]) -> None:
        for name in ("day", "time"):
            if not found.get(name) and name not in self.errors:
                self.add_error(name, _("Say when."))
        if self.errors.keys() & {"day", "time"}:
            return
        # Before it is converted: there is no zone in the year 1.
        today = timezone.localdate(self._at)
        if found["day"] < today:
            self.add_error("day", _("This is over already."))
            return
        if found["day"] - today > MOST_AHEAD:
            self.add_error("day", _("This is more than a year ahead."))
            return
        try:
            at = _in_zone(datetime.combine(found["day"], found["time"]))
        except _NoSuchTime:
            self.add_error("time", _("The clocks jump over this time on that day."))
            return
        if at <= self._at:
            self.add_error("time", _("This is over already."))
        found["not_before"] = at


_PLAIN = forms.TextInput(
    attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
)


class _Radios(forms.RadioSelect):
    """Several buttons with one name: what is wrong with them links to all of them together."""

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        return id_ if index is None else super().id_for_label(id_, index)


def _when() -> dict[str, forms.Field]:
    zone = timezone.get_current_timezone_name()
    return {
        "when": forms.ChoiceField(
            label=_("When"),
            choices=[("now", _("Now")), ("later", _("At a set time"))],
            initial="now",
            widget=_Radios,
            required=False,
            help_text=_(
                "A set time is in the zone %(zone)s. What they come to be on until then is not"
                " part of it."
            )
            % {"zone": zone},
        ),
        "day": forms.DateField(
            label=_("Day"), required=False, widget=forms.DateInput({"type": "date"})
        ),
        "time": forms.TimeField(
            label=_("Time"),
            required=False,
            widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        ),
    }


class _NoSuchTime(ValueError):
    """A time that the clocks jump over."""


def _in_zone(naive: datetime) -> datetime:
    """The instant in the installation's zone; the first of two. Raises `_NoSuchTime`."""
    at = timezone.make_aware(naive)
    told = at.astimezone(UTC)
    if told.astimezone(at.tzinfo).replace(tzinfo=None) != naive:
        raise _NoSuchTime
    return told


def pairs_of(values: Sequence[str]) -> list[tuple[UUID, UUID]]:
    """`person:app` as ids, each once; what is no such thing is left out."""
    found = []
    for value in values:
        person, _colon, app = value.partition(":")
        try:
            found.append((UUID(person), UUID(app)))
        except ValueError:
            continue
    return list(dict.fromkeys(found))
