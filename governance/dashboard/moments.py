"""Moments in a row of a table, made quickly: a page has hundreds of them."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from governance.core.templatetags.interface import ago


def moment(at: datetime, now: datetime) -> SafeString:
    """How long ago, with the exact time in the installation's zone on hover."""
    known = exact(at)
    words = _words(rounded(now - at), get_language())
    return mark_safe(  # noqa: S308  nothing here comes from outside
        f'<time datetime="{known}" title="{known}">{words}</time>'
    )


def cell(at: datetime, now: datetime, before: str = "") -> SafeString:
    """A cell of nothing but such a moment, with the exact time on hover: half as long as `moment`.

    `before` is a word of ours in front of it. The cell ends where the next one begins.
    """
    words = _words(rounded(now - at), get_language())
    return mark_safe(f'<td title="{exact(at)}">{before}{words}')  # noqa: S308  as above


def exact(at: datetime) -> str:
    """The moment in the installation's zone, with its offset: 2026-03-14 11:02:11+01:00."""
    return at.astimezone(timezone.get_current_timezone()).isoformat(" ", "seconds")


def rounded(age: timedelta) -> int:
    """Seconds, down to what `ago` tells apart, so that many moments share their words."""
    seconds = age.total_seconds()
    size = next((size for size in (86400, 3600, 60) if abs(seconds) >= size), 1)
    return int(seconds / size) * size


_ANY = datetime(2000, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def _words(seconds: int, language: str | None) -> str:
    return ago(_ANY, _ANY + timedelta(seconds=seconds))
