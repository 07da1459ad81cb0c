"""Strings into values. A token goes in and never comes out again, not even after a mistake."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from governance.connections import actions

_WRITE_ONLY = forms.PasswordInput(
    attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"},
    render_value=False,
)


class TokenForm(forms.Form):
    """An API token of Scalingo's, as it was copied."""

    token = forms.CharField(
        label=_("API token"),
        max_length=400,
        widget=_WRITE_ONLY,
        help_text=_(
            "Made on Scalingo's dashboard, under Account, API tokens. It is sealed when you send"
            " it; nobody can read it here again."
        ),
        error_messages={"max_length": _("A Scalingo API token is shorter than this.")},
    )

    def clean_token(self) -> str:
        try:
            return actions.clean_token(self.cleaned_data["token"])
        except actions.NotAToken as error:
            raise ValidationError(str(error)) from None


class AddForm(TokenForm):
    """A new connection."""

    field_order = ["name", "token"]

    name = forms.CharField(
        label=_("Name"),
        max_length=actions.LONGEST_NAME,
        help_text=_("What this account is called here, such as the team that owns it."),
    )
