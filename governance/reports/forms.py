"""Strings into values: when a report is of, as what it is written, to whom it is mailed."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.accounts.models import User
from governance.core import instants
from governance.reports import making
from governance.reports.asked import takes_since
from governance.reports.models import Every, Format
from governance.reports.naming import PACK
from governance.reports.registers import REPORTS

DIFFERENCE = "difference"


class Instant(forms.CharField):
    """A day, or a moment of one. A day means its end; with `starts`, its start."""

    def __init__(self, *, starts: bool = False, **options: Any) -> None:
        super().__init__(required=False, max_length=40, **options)
        self._starts = starts

    def clean(self, value: Any) -> datetime | None:
        text: str = super().clean(value)
        if not text:
            return None
        at = instants.read(text)
        if at is None:
            raise ValidationError(_("“%(value)s” is no date.") % {"value": text})
        if self._starts and instants.is_date(text):
            day = timezone.localtime(at).date()
            return timezone.make_aware(datetime.combine(day, time.min))
        return at

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        """For days a field for days; a moment within a day does not fit into that."""
        bound = super().get_bound_field(form, field_name)
        text = bound.data or ""
        self.widget.input_type = "date" if not text or instants.is_date(text) else "text"
        return bound


class AskForm(forms.Form):
    """What of a report is the same for all of them; its filters are read by `asking`."""

    since = Instant(
        label=gettext_lazy("From"),
        help_text=gettext_lazy("The first day of the time that it is about."),
        starts=True,
    )
    at = Instant(
        label=gettext_lazy("As of"),
        help_text=gettext_lazy("The end of this day. Empty: now."),
    )
    format = forms.ChoiceField(label=gettext_lazy("Format"), required=False)
    bom = forms.BooleanField(
        label=gettext_lazy("CSV with a byte order mark, for Excel"), required=False
    )
    semicolon = forms.BooleanField(label=gettext_lazy("CSV with ; between cells"), required=False)
    reports = forms.MultipleChoiceField(
        label=gettext_lazy("Reports in the pack"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    formats = forms.MultipleChoiceField(
        label=gettext_lazy("Each of them as"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: Mapping[str, Any], *, report: str, now: datetime) -> None:
        super().__init__(data)
        self._report, self._now = report, now
        self._field("format").choices = formats()
        self._field("reports").choices = [(one.name, str(one.title)) for one in REPORTS.values()]
        self._field("formats").choices = formats()
        self._field("formats").help_text = _(
            "A report with more rows than a format holds (PDF: %(most)s) is left out in it; the"
            " pack says so."
        ) % {"most": f"{making.FORMATS['pdf'].most_rows:,}"}
        for name in self._without():
            del self.fields[name]
        if report == DIFFERENCE:
            # Between two instants, each the end of its day, as its page has it.
            self.fields["since"] = Instant(
                label=_("From"), help_text=_("The end of this day: what is otherwise since then.")
            )

    def _without(self) -> list[str]:
        if self._report == PACK:
            return ["format"]
        of_a_pack = ["reports", "formats"]
        return of_a_pack if takes_since(self._report) else [*of_a_pack, "since"]

    def _field(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  As declared above.
        return field

    def clean_format(self) -> str:
        return self.cleaned_data["format"] or str(Format.CSV)

    def clean_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["at"]
        if at and at > self._now:
            ends = at - self._now < timedelta(days=1) and instants.is_date(self.data["at"])
            raise ValidationError(
                _("This day is not over yet. Leave the field empty for what is so now.")
                if ends
                else _("This day is still to come.")
            )
        return at

    def clean_since(self) -> datetime | None:
        since: datetime | None = self.cleaned_data["since"]
        if since and since > self._now:
            raise ValidationError(_("This day is still to come."))
        return since

    def clean(self) -> None:
        found = self.cleaned_data
        since, at = found.get("since"), found.get("at")
        if since and since > (at or self._now):
            self.add_error("at", _("The time ends before it begins."))

    def ask(self) -> None:
        """What must be there once it is asked for, and need not before."""
        chosen = self.chosen
        if not chosen:
            self.add_error("reports", _("Choose at least one report."))
        if self._report == PACK and not self.cleaned_data.get("formats"):
            self.add_error("formats", _("Choose at least one format."))
        of_a_period = [REPORTS[name] for name in chosen if REPORTS[name].speaks_of_a_period]
        if of_a_period and not self.cleaned_data.get("since") and "since" not in self.errors:
            self.add_error(
                "since",
                _("“%(report)s” is about a time: say from which day.")
                % {"report": of_a_period[0].title},
            )

    @property
    def chosen(self) -> list[str]:
        """The names of the reports that are asked for."""
        found: list[str] = self.cleaned_data.get("reports", [self._report])
        return found

    @property
    def kept_format(self) -> str:
        """What the file will be."""
        return str(Format.ZIP if self._report == PACK else self.cleaned_data["format"])

    @property
    def options(self) -> dict[str, bool]:
        """How a CSV is written; nothing where there is none."""
        written = self.cleaned_data.get("formats", [self.cleaned_data.get("format")])
        if Format.CSV not in written:
            return {}
        return {name: True for name in ("bom", "semicolon") if self.cleaned_data[name]}


class MailForm(forms.Form):
    """How often, and to whom. Those who may not export cannot be chosen."""

    every = forms.ChoiceField(label=gettext_lazy("How often"), choices=Every, required=True)
    recipients = forms.MultipleChoiceField(
        label=gettext_lazy("To"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Those who may export, and see all of it."),
        error_messages={"required": gettext_lazy("Choose somebody to mail it to.")},
    )

    def __init__(self, data: Mapping[str, Any] | None, *, people: Iterable[User]) -> None:
        super().__init__(data)
        field = self.fields["recipients"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  As declared above.
        field.choices = [(str(one.pk), f"{one} · {one.email}") for one in people]


def formats() -> list[tuple[str, str]]:
    """The formats that a report can be written as."""
    return [(name, str(Format(name).label)) for name in making.FORMATS if name in Format.values]
