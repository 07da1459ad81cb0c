"""Strings into values."""

from collections.abc import Iterable

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from governance.accounts.models import User


class NoteForm(forms.Form):
    """What was done, or why it need not be; kept with the duty and in the audit log."""

    note = forms.CharField(
        label=_("Note"),
        min_length=5,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What was changed and what was not, and why. Never a password or a key."),
    )

    def clean_note(self) -> str:
        note = " ".join(self.cleaned_data["note"].split())
        if len(note) < 5:
            raise ValidationError(_("Say a little more."))
        return note


class OwnerForm(forms.Form):
    """Whose duty it is."""

    owner = forms.ChoiceField(label=_("Owner"), required=False)

    def __init__(self, *args: object, people: Iterable[User], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        field = self.fields["owner"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  As declared above.
        field.choices = [("", _("Nobody yet")), *((str(one.pk), str(one)) for one in people)]
