"""What rows of people and of apps are made of."""

from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from governance.core.templatetags.interface import ago, badge
from governance.dashboard.moments import exact, moment, rounded
from governance.dashboard.templatetags import access
from governance.facts.models import PersonKind
from governance.facts.queries import is_external
from governance.inventory.models import App, Status


def person_url(id_: object) -> str:
    return f"{_prefix('dashboard:people')}{id_}/"


def app_url(id_: object) -> str:
    return f"{_prefix('dashboard:apps')}{id_}/"


@cache
def _prefix(name: str) -> str:
    """The address of a list, which those of its rows start with. `reverse` is slow in a loop."""
    return reverse(name)


def tag(text: str, title: str = "") -> SafeString:
    """A small label beside a name."""
    hint = format_html(' title="{}"', title) if title else ""
    return format_html(' <span class="tag"{}>{}</span>', hint, text)


def person_tags(email: str, kind: str | None, employment: str | None) -> SafeString:
    """The small labels beside a person's name."""
    found = SafeString("")
    if kind == PersonKind.SERVICE:
        found += tag(_("service"), _("Service account"))
    if is_external(email, employment):
        found += tag(_("external"))
    return found


def app_tags(
    *, kind: str, parent_name: str, health_data: bool | None, suspect: datetime | None = None
) -> SafeString:
    """The small labels beside an app's name."""
    found = SafeString("")
    if parent_name:
        found += tag(_("review app"), _("of %(app)s") % {"app": parent_name})
    if kind == App.Kind.DATABASE:
        found += tag(_("database"), _("Dedicated database"))
    if health_data:
        found += tag(_("health data"))
    if suspect:
        found += tag(
            _("suspect"), _("Not listed any more since %(moment)s") % {"moment": exact(suspect)}
        )
    return found


def freshness(read_at: datetime | None, stale_since: datetime | None, now: datetime) -> SafeString:
    """When an app was last read; since when it could not be."""
    at = stale_since or read_at
    if at is None:
        return badge("circle-question-mark", "none", _("Never read"))
    return _freshness(at, stale_since is not None, rounded(now - at), get_language())


# Kept, since the apps of a page share a few readings.
@lru_cache(maxsize=500)
def _freshness(
    at: datetime,
    is_stale: bool,  # noqa: FBT001
    age: int,
    language: str | None,
) -> SafeString:
    now = at + timedelta(seconds=age)
    if is_stale:
        since = _("Stale since %(ago)s") % {"ago": ago(at, now)}
        return badge("triangle-alert", "warn", since, exact(at))
    return format_html("{} {}", _("Read"), moment(at, now))


def state(row: Any, now: datetime) -> SafeString:
    """The status of a collaboration: pending for how long, missing, or Scalingo's own word."""
    if row.missing_at is not None:
        title = _("Not in the reading of %(moment)s; a second one decides.") % {
            "moment": exact(row.missing_at)
        }
        return badge("scan-eye", "warn", _("Not seen last time"), title)
    if row.status == Status.UNKNOWN and row.status_said:
        return badge(
            "circle-question-mark",
            "none",
            _("Scalingo says “%(word)s”") % {"word": row.status_said},
        )
    return access.status(row.status, row.since_at, now)


def is_dim(status: str) -> bool:
    """Whether a row is there but nobody stands behind it: not yet, or not any more."""
    return status in {Status.PENDING, Status.DELETED}
