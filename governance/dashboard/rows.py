"""People and apps as rows of a table: dictionaries, which templates read quickest.

Everything that would be an {% if %} per cell is decided here, once per row.
"""

from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from governance.core.templatetags.interface import ago, badge
from governance.dashboard.filters import tag
from governance.dashboard.moments import exact, moment
from governance.dashboard.templatetags import access
from governance.facts.models import PersonKind
from governance.facts.queries import is_external
from governance.inventory.models import App, Role, Status, TwoFactor
from governance.inventory.queries.branches import Leaf
from governance.inventory.queries.tree import Head


def person_url(id_: object) -> str:
    return f"{_prefix('dashboard:people')}{id_}/"


def app_url(id_: object) -> str:
    return f"{_prefix('dashboard:apps')}{id_}/"


@cache
def _prefix(name: str) -> str:
    """The address of a list, which those of its rows start with. `reverse` is slow in a loop."""
    return reverse(name)


def person_tags(email: str, kind: str | None, employment: str | None) -> SafeString:
    """The small labels beside a person's name."""
    found = _NOTHING
    if kind == PersonKind.SERVICE:
        found += tag(_("service"), _("Service account"))
    if is_external(email, employment):
        found += tag(_("external"))
    return found


def app_tags(
    *, kind: str, parent_name: str, health_data: bool | None, suspect: datetime | None = None
) -> SafeString:
    """The small labels beside an app's name."""
    found = _NOTHING
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


@lru_cache(maxsize=64)  # the apps of a page share a few readings, and one clock
def freshness(read_at: datetime | None, stale_since: datetime | None, now: datetime) -> SafeString:
    """When an app was last read; since when it could not be."""
    if stale_since is not None:
        since = _("Stale since %(ago)s") % {"ago": ago(stale_since, now)}
        return badge("triangle-alert", "warn", since, exact(stale_since))
    if read_at is None:
        return badge("circle-question-mark", "none", _("Never read"))
    return format_html("{} {}", _("Read"), moment(read_at, now))


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


def leaf(row: Leaf, now: datetime) -> dict[str, Any]:
    """One person in a branch of the tree. There are hundreds of them: see `_cell`."""
    kind, employment = row.more
    return {
        "dim": _DIM if is_dim(row.status) else "",
        "url": person_url(row.person_id),
        "name": row.username or row.email,
        "email": row.email if row.username else "",
        "tags": person_tags(row.email, kind, employment),
        "role": _cell("role", row.role, get_language()),
        "two_factor": _cell("two-factor", row.two_factor, get_language()),
        "status": "" if row.status == Status.ACCEPTED and not row.missing_at else state(row, now),
        "since": moment(row.since_at, now),
    }


_DIM = SafeString(' class="dim"')


@lru_cache(maxsize=64)
def _cell(column: str, value: str, language: str | None) -> SafeString:
    """A cell with a status, whose icon is a mask in the style: an icon and a word."""
    choices: type[TextChoices] = Role if column == "role" else TwoFactor
    known = value if value in choices.values else "unknown"
    return format_html('<td class="is {}">{}</td>', known, choices(known).label)


def head(row: Head, now: datetime, *, is_open: bool) -> dict[str, Any]:
    """A collapsed app, which answers before it is opened."""
    url = app_url(row.id)
    return {
        "id": row.id,
        "toggle": mark_safe(  # noqa: S308  an id and words of ours
            (_OPEN if is_open else _CLOSED).format(row.id)
        ),
        "name": row.name,
        "tags": app_tags(
            kind=row.kind,
            parent_name=row.parent_name,
            health_data=row.health_data,
            suspect=row.suspect_since,
        ),
        "people": _counted("people" if row.people != 1 else "person", url, row.people)
        + _shown(row),
        "roles": _joined(
            _counted("full", url, row.full),
            _counted("limited", url, row.limited),
            _counted("role_unknown", url, row.role_unknown),
        ),
        "two_factor": _joined(
            _counted("without", url, row.without_two_factor),
            _counted("unknown", url, row.two_factor_unknown),
        ),
        "pending": _counted("pending", url, row.pending),
        "read": freshness(row.read_at, row.stale_since, now),
        "leaves": (),
        "more": False,
    }


_CLOSED = 'name="show" value="{0}" aria-expanded="false" aria-controls="app-{0}"'
_OPEN = 'name="hide" value="{0}" aria-expanded="true" aria-controls="app-{0}"'


@lru_cache(maxsize=16)
def _links(language: str | None) -> dict[str, str]:
    """The numbers of a collapsed row, each a link to the list behind it."""
    words = {
        "person": ("", _("%(n)s person")),
        "people": ("", _("%(n)s people")),
        "full": ("?role=collaborator", _("%(n)s full")),
        "limited": ("?role=limited", _("%(n)s limited")),
        "role_unknown": ("?role=unknown", _("%(n)s role unknown")),
        "without": ("?two-factor=off", _("%(n)s without 2FA")),
        "unknown": ("?two-factor=unknown", _("%(n)s unknown")),
        "pending": ("?status=pending", _("%(n)s pending")),
    }
    return {
        name: f'<a href="%(url)s{query}">{escape(word)}</a>'
        if name != "without"
        else f'<a class="tone-text tone-bad" href="%(url)s{query}">{escape(word)}</a>'
        for name, (query, word) in words.items()
    }


def _counted(name: str, url: str, number: int) -> SafeString:
    """A number that is not zero, as a link."""
    if not number:
        return _NOTHING
    link = _links(get_language())[name] % {"url": url, "n": f"{number:,}"}
    return mark_safe(link)  # noqa: S308  a number, and an address made of an id


def _joined(*parts: SafeString) -> SafeString:
    return SafeString(" · ".join(part for part in parts if part))


def _shown(row: Head) -> SafeString:
    if row.shown == row.people:
        return _NOTHING
    words = _("%(shown)s of %(all)s shown") % {"shown": row.shown, "all": row.people}
    return format_html(' <small class="muted">{}</small>', words)


_NOTHING = SafeString("")
