"""Instants in addresses and on the command line: `2026-03-14`, `2026-03-14T10:00`, `…+01:00`."""

import re
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format

_EARLIEST = 1970  # nothing here is older, and some zones cannot count further back
_END = time(23, 59, 59, 999999)
# An unescaped plus sign in an address arrives as a space.
_PLUS_LOST = re.compile(r"(T\S+) (\d\d:?\d\d)$")


def read(text: str) -> datetime | None:
    """The instant that `text` names; None when it is none.

    A bare date is the end of that day; a time without an offset is one, both in `TIME_ZONE`.
    """
    text = _PLUS_LOST.sub(r"\1+\2", text.strip())
    try:
        day = parse_date(text)
        found = datetime.combine(day, _END) if day else parse_datetime(text)
        if found is None or not _EARLIEST <= found.year < 9999:
            return None
        return timezone.make_aware(found) if timezone.is_naive(found) else found
    except (ValueError, OverflowError):
        return None


def is_date(text: str) -> bool:
    """Whether `text` names a day, not a moment of it."""
    try:
        return parse_date(text.strip()) is not None
    except ValueError:
        return False


def is_date_of(text: str, now: datetime) -> bool:
    """Whether `text` names the day that `now` is in."""
    return text.strip() == timezone.localdate(now).isoformat()


def latest_day(now: datetime) -> date:
    """The last day whose end has come."""
    return timezone.localdate(now) - timedelta(days=1)


def words(at: datetime) -> str:
    """The instant as a sentence says it, in `TIME_ZONE`: 14 March 2026, 23:59."""
    return date_format(timezone.localtime(at), "j F Y, H:i")
