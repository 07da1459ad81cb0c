"""Strings into values."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from governance.facts.forms import LONGEST, end_of, visible
from governance.reports.two_factor.models import Decision

_WHY = {
    Decision.What.EXCEPT: _("Please say why they may go without it."),
    Decision.What.STEP_DOWN: _("Please say why they are to step down."),
    Decision.What.REMOVE: _("Please say why they are to be removed."),
}


class DecisionForm(forms.Form):
    """What is decided about one person, why unless they are reminded, and an exception's end."""

    what = forms.ChoiceField(label=_("Decision"), choices=Decision.What.choices)
    note = forms.CharField(label=_("Reason"), required=False, max_length=500, validators=[visible])
    until = forms.DateField(
        label=_("Exception until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, today: date, **options: Any) -> None:
        super().__init__(*args, **options)
        self.today = today

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        day: date | None = found.get("until")
        found["until"] = None
        if self.errors:
            return found
        what = found["what"]
        if what != Decision.What.REMIND and len(found.get("note", "")) < 5:
            self.add_error("note", _WHY[what])
        if what == Decision.What.EXCEPT:
            found["until"] = self._end(day)
        return found

    def _end(self, day: date | None) -> datetime | None:
        if day is None:
            self.add_error("until", _("Please say until when."))
        elif not timedelta(0) <= day - self.today <= LONGEST:
            self.add_error("until", _("Please choose a day within the next year."))
        else:
            return end_of(day)
        return None


class SignOffForm(forms.Form):
    statement = forms.CharField(
        label=_("Statement"),
        min_length=5,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What you looked at, and that the decisions above are the company's."),
    )

    def clean_statement(self) -> str:
        statement = " ".join(self.cleaned_data["statement"].split())
        if len(statement) < 5:
            raise ValidationError(_("Say a little more."))
        return statement
