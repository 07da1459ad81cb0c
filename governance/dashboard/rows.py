"""What rows of people and of apps are made of, and the rows of the tree themselves."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache, lru_cache
from html import escape
from typing import Any

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from governance.core.templatetags.interface import ago, badge, icon
from governance.dashboard.filters import tag
from governance.dashboard.moments import exact, moment, rounded
from governance.dashboard.templatetags import access
from governance.facts.models import PersonKind
from governance.facts.queries import is_external
from governance.inventory.models import App, Role, Status, TwoFactor
from governance.inventory.queries.branches import SIZE, Branch, Leaf
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


# --- rows of the tree -----------------------------------------------------------------------------
#
# A page of the tree may have five hundred of them. Written by a template they cost more than all
# the rest of the page; here a row is one string, into which what comes from outside is escaped.


def leaf(row: Leaf, now: datetime) -> str:
    """One person in a branch of the tree, as a table row."""
    dim = ' class="dim"' if is_dim(row.status) else ""
    plain = row.status == Status.ACCEPTED and not row.missing_at
    tags = person_tags(row.email, row.more[0], row.more[1])
    language = get_language()
    return (
        f'<tr{dim}><th scope="row"><a href="{person_url(row.person_id)}">{escape(row.name)}</a>'
        f"{tags} <small>{escape(row.email) if row.username else ''}</small></th>"
        f"{_cell(Role, row.role, language)}{_cell(TwoFactor, row.two_factor, language)}"
        f"<td>{'' if plain else state(row, now)}</td><td>{moment(row.since_at, now)}</td></tr>\n"
    )


@lru_cache(maxsize=64)
def _cell(choices: type[TextChoices], value: str, language: str | None) -> str:
    """A cell with a status, whose icon is a mask in the style: an icon and a word."""
    known = value if value in choices.values else "unknown"
    return f'<td class="is {known}">{escape(str(choices(known).label))}</td>'


def head(row: Head, now: datetime, *, is_open: bool) -> str:
    """A collapsed app, which answers before it is opened, as a table row."""
    words = _words(get_language())
    url = app_url(row.id)
    tags = app_tags(
        kind=row.kind,
        parent_name=row.parent_name,
        health_data=row.health_data,
        suspect=row.suspect_since,
    )
    people = _counted(words["person" if row.people == 1 else "people"], url, row.people)
    roles = _joined(
        _counted(words["full"], url, row.full),
        _counted(words["limited"], url, row.limited),
        _counted(words["role unknown"], url, row.role_unknown),
    )
    two_factor = _joined(
        _counted(words["without 2FA"], url, row.without_two_factor),
        _counted(words["2FA unknown"], url, row.two_factor_unknown),
    )
    pending = _counted(words["pending"], url, row.pending)
    return (
        '<tr class="app"><th scope="row"><button class="disclosure" form="state" hx-get=""'
        f' name="{"hide" if is_open else "show"}" value="{row.id}"'
        f' aria-expanded="{"true" if is_open else "false"}" aria-controls="app-{row.id}">'
        f'{escape(row.name)}</button>{tags}<span class="of">{people}{_shown(row)}</span></th>'
        f"<td>{roles}</td><td>{two_factor}</td><td>{pending}</td>"
        f"<td>{freshness(row.read_at, row.stale_since, now)}</td></tr>\n"
    )


@lru_cache(maxsize=16)
def _words(language: str | None) -> dict[str, str]:
    """The numbers of a collapsed row, each a link to the list behind it."""
    words = {
        "person": ("", _("%(n)s person")),
        "people": ("", _("%(n)s people")),
        "full": ("?role=collaborator", _("%(n)s full")),
        "limited": ("?role=limited", _("%(n)s limited")),
        "role unknown": ("?role=unknown", _("%(n)s role unknown")),
        "2FA unknown": ("?two-factor=unknown", _("%(n)s unknown")),
        "pending": ("?status=pending", _("%(n)s pending")),
    }
    links = {
        name: f'<a href="%(url)s{query}">{escape(word)}</a>'
        for name, (query, word) in words.items()
    }
    without = escape(_("%(n)s without 2FA"))
    link = f'<a class="tone-text tone-bad" href="%(url)s?two-factor=off">{without}</a>'
    return {**links, "without 2FA": link}


def _counted(words: str, url: str, number: int) -> str:
    """A number that is not zero, as a link to the list behind it."""
    return words % {"url": url, "n": f"{number:,}"} if number else ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _shown(row: Head) -> str:
    if row.shown == row.people:
        return ""
    words = _("%(shown)s of %(all)s shown") % {"shown": row.shown, "all": row.people}
    return f" <small>{escape(words)}</small>"


def more(app_id: object, branch: Branch) -> str:
    """The buttons of a branch that has more people than it shows."""
    buttons = []
    if not branch.is_first:
        buttons.append((f"{app_id}", icon("arrow-up"), _("The first")))
    if branch.after:
        words = _("The next %(n)s") % {"n": SIZE}
        buttons.append((f"{app_id}:{branch.after}", icon("arrow-down"), words))
    if not buttons:
        return ""
    html = format_html_join(
        "",
        '<button class="button" form="state" hx-get="" name="from" value="{}">{}{}</button>',
        buttons,
    )
    return f'<tr class="more"><td colspan="5">{html}</td></tr>\n'


def app(row: Head, branch: Branch | None, now: datetime) -> str:
    """An app with its people where it is open: one <tbody>."""
    rows = [head(row, now, is_open=branch is not None)]
    if branch is not None:
        rows += [leaf(one, now) for one in branch.leaves]
        rows.append(more(row.id, branch))
    return f'<tbody id="app-{row.id}">{"".join(rows)}</tbody>\n'


def apps(rows: Iterable[tuple[Head, Branch | None]], now: datetime) -> SafeString:
    """Several of them."""
    return SafeString("".join(app(head, branch, now) for head, branch in rows))
