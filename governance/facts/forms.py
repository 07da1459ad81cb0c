"""What somebody says about a person or an app, from strings into values."""

import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from governance.facts.models import AppClass, Employment, PersonKind

LONGEST = timedelta(days=366)  # of an attestation and of an exception: each is said anew in time


def visible(value: str) -> None:
    """Refuse what cannot be seen: control characters, and those that turn text around."""
    if any(unicodedata.category(character) in {"Cc", "Cf"} for character in value):
        raise ValidationError(_("Please leave out characters that cannot be seen."))


class _Described(forms.Form):
    """`instead_of` is the fact that was shown beside the form: see `facts.actions`."""

    instead_of = forms.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput
    )


class PersonForm(_Described):
    kind = forms.ChoiceField(label=_("Kind"), choices=PersonKind.choices)
    employment = forms.ChoiceField(
        label=_("Employment"),
        choices=Employment.choices,
        help_text=_("Where nothing is said, the domain of the address decides."),
    )
    employer = forms.CharField(
        label=_("Employer"),
        max_length=120,
        required=False,
        validators=[visible],
        help_text=_("The company that employs them, where it is not yours."),
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("employer") and found.get("employment") == Employment.INTERNAL:
            self.add_error(
                "employer", _("Somebody internal has no other employer. Leave this empty.")
            )
        return found


class NoteForm(forms.Form):
    """Something worth knowing about a person. It may have several lines."""

    note = forms.CharField(
        label=_("Add a note"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Everybody who sees this page reads it. It is kept until somebody erases it."),
    )

    def clean_note(self) -> str:
        text: str = "\n".join(self.cleaned_data["note"].splitlines())
        for line in text.split("\n"):
            visible(line)
        return text


class AppForm(_Described):
    app_class = forms.ChoiceField(label=_("Class"), choices=AppClass.choices)
    team = forms.CharField(label=_("Team"), max_length=120, required=False, validators=[visible])


class UntilForm(forms.Form):
    """What is said, and until the end of which day. `today` is today where the reader is."""

    until = forms.DateField(
        label=_("Until"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The end of that day; a year from now at most."),
    )

    def __init__(self, *args: Any, today: date, **options: Any) -> None:
        super().__init__(*args, **options)
        self.today = today

    def clean_until(self) -> datetime:
        day: date = self.cleaned_data["until"]
        if day < self.today:
            raise ValidationError(_("That day is over. Please choose a later one."))
        if day - self.today > LONGEST:
            raise ValidationError(_("That is more than a year away. Please choose an earlier day."))
        return end_of(day)


class AttestationForm(UntilForm):
    evidence = forms.CharField(
        label=_("What it rests on"),
        min_length=5,
        max_length=500,
        validators=[visible],
        help_text=_("For example: shown on a call, a screenshot in ticket 4711."),
    )
    field_order = ["evidence", "until"]


class ExceptionForm(UntilForm):
    reason = forms.CharField(
        label=_("Reason"),
        min_length=5,
        max_length=500,
        validators=[visible],
        help_text=_("Why not yet, and what protects the account meanwhile."),
    )
    field_order = ["reason", "until"]


def end_of(day: date) -> datetime:
    """The last moment of a day in the installation's zone."""
    return timezone.make_aware(datetime.combine(day, time.max))
