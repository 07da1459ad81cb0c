"""Weeks, months and quarters of the installation's zone: when they end, what they are called."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from governance.reports.models import Every


def end_of(every: Every, at: datetime) -> datetime:
    """The first instant after the week, month or quarter that `at` is in.

    Weeks begin on Monday. An instant at which one begins is in that one.
    """
    return _midnight(_next(every, _first(every, timezone.localdate(at))))


def start_of(every: Every, over: datetime) -> datetime:
    """The first instant of the one that is over at `over`."""
    return _midnight(_first(every, timezone.localdate(over) - timedelta(days=1)))


def name_of(every: Every, over: datetime) -> str:
    """What the one over at `over` is called: "2026, quarter 1", "2026-03", "2026, week 9"."""
    day = timezone.localdate(over) - timedelta(days=1)
    if every == Every.WEEK:
        year, week, _day = day.isocalendar()
        return _("%(year)d, week %(n)d") % {"year": year, "n": week}
    if every == Every.MONTH:
        return f"{day:%Y-%m}"
    return _("%(year)d, quarter %(n)d") % {"year": day.year, "n": (day.month + 2) // 3}


def _first(every: Every, day: date) -> date:
    if every == Every.WEEK:
        return day - timedelta(days=day.weekday())
    month = day.month if every == Every.MONTH else day.month - (day.month - 1) % 3
    return day.replace(month=month, day=1)


def _next(every: Every, first: date) -> date:
    if every == Every.WEEK:
        return first + timedelta(days=7)
    months = 1 if every == Every.MONTH else 3
    year, month = divmod(first.month - 1 + months, 12)
    return date(first.year + year, month + 1, 1)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
