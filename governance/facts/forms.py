"""What somebody says about a person or an app, from strings into values."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from governance.facts.models import AppClass, Employment, PersonKind


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


class AppForm(_Described):
    app_class = forms.ChoiceField(label=_("Class"), choices=AppClass.choices)
    team = forms.CharField(label=_("Team"), max_length=120, required=False, validators=[visible])
