"""What rows of people and of apps are made of, and the rows of the tree themselves."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.html import format_html
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
    return _tags(kind, is_external(email, employment))


def _tags(kind: str | None, external: bool | None) -> SafeString:  # noqa: FBT001
    found = SafeString("")
    if kind == PersonKind.SERVICE:
        found += tag(_("service"), _("Service account"))
    if external:
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


# --- rows of the tree -----------------------------------------------------------------------------
#
# A page of the tree may have five hundred of them, so they are written here and not by a template,
# and kept: a row that says the same as before is not made again. What it says is its key.


def leaf(row: Leaf, now: datetime) -> SafeString:
    """One person in a branch of the tree, as a table row."""
    external = is_external(row.email, row.more[1])
    return _leaf(row, external, rounded(now - row.since_at), get_language())


@lru_cache(maxsize=20_000)
def _leaf(
    row: Leaf,
    external: bool | None,  # noqa: FBT001
    age: int,
    language: str | None,
) -> SafeString:
    now = row.since_at + timedelta(seconds=age)
    plain = row.status == Status.ACCEPTED and not row.missing_at
    return format_html(
        '<tr{}><th scope="row"><a href="{}">{}</a>{} <small>{}</small></th>'
        "{}{}<td>{}</td><td>{}</td></tr>\n",
        _DIM if is_dim(row.status) else "",
        person_url(row.person_id),
        row.username or row.email,
        _tags(row.more[0], external),
        row.email if row.username else "",
        _cell(Role, row.role),
        _cell(TwoFactor, row.two_factor),
        "" if plain else state(row, now),
        moment(row.since_at, now),
    )


def _cell(choices: type[TextChoices], value: str) -> SafeString:
    """A cell with a status, whose icon is a mask in the style: an icon and a word."""
    known = value if value in choices.values else "unknown"
    return format_html('<td class="is {}">{}</td>', known, choices(known).label)


def head(row: Head, now: datetime, *, is_open: bool) -> SafeString:
    """A collapsed app, which answers before it is opened, as a table row."""
    age = rounded(now - (row.stale_since or row.read_at or now))
    return _head(row, is_open, age, get_language())


@lru_cache(maxsize=5_000)
def _head(row: Head, is_open: bool, age: int, language: str | None) -> SafeString:  # noqa: FBT001
    url = app_url(row.id)
    now = (row.stale_since or row.read_at or _EVER) + timedelta(seconds=age)
    return format_html(
        '<tr class="app"><th scope="row"><button class="disclosure" form="state" hx-get=""'
        ' name="{}" value="{}" aria-expanded="{}" aria-controls="app-{}">{}</button>{}'
        '<span class="of">{}{}</span></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n',
        "hide" if is_open else "show",
        row.id,
        "true" if is_open else "false",
        row.id,
        row.name,
        app_tags(
            kind=row.kind,
            parent_name=row.parent_name,
            health_data=row.health_data,
            suspect=row.suspect_since,
        ),
        _counted(url, "", row.people, _("%(n)s person"), _("%(n)s people")),
        _shown(row),
        _joined(
            _counted(url, "?role=collaborator", row.full, _("%(n)s full")),
            _counted(url, "?role=limited", row.limited, _("%(n)s limited")),
            _counted(url, "?role=unknown", row.role_unknown, _("%(n)s role unknown")),
        ),
        _joined(
            _alarming(
                _counted(url, "?two-factor=off", row.without_two_factor, _("%(n)s without 2FA"))
            ),
            _counted(url, "?two-factor=unknown", row.two_factor_unknown, _("%(n)s unknown")),
        ),
        _counted(url, "?status=pending", row.pending, _("%(n)s pending")),
        freshness(row.read_at, row.stale_since, now),
    )


def more(app_id: object, branch: Branch) -> SafeString:
    """The buttons of a branch that has more people than it shows."""
    first = following = SafeString("")
    button = '<button class="button" form="state" hx-get="" name="from" value="{}">{}{}</button>'
    if not branch.is_first:
        first = format_html(button, app_id, icon("arrow-up"), _("The first"))
    if branch.after:
        words = _("The next %(n)s") % {"n": SIZE}
        following = format_html(button, f"{app_id}:{branch.after}", icon("arrow-down"), words)
    if not first and not following:
        return first
    return format_html('<tr class="more"><td colspan="5">{}{}</td></tr>\n', first, following)


def app(row: Head, branch: Branch | None, now: datetime) -> SafeString:
    """An app with its people where it is open: one <tbody>."""
    rows = [head(row, now, is_open=branch is not None)]
    if branch is not None:
        rows += [leaf(one, now) for one in branch.leaves]
        rows.append(more(row.id, branch))
    return format_html('<tbody id="app-{}">{}</tbody>\n', row.id, joined(rows))


def joined(rows: Iterable[SafeString]) -> SafeString:
    return SafeString("".join(rows))


_DIM = SafeString(' class="dim"')
_NOTHING = SafeString("")
_EVER = datetime(2000, 1, 1, tzinfo=UTC)  # where no moment is shown


def _counted(url: str, query: str, number: int, one: str, many: str = "") -> SafeString:
    """A number that is not zero, as a link to the list behind it."""
    if not number:
        return _NOTHING
    words = (one if number == 1 or not many else many) % {"n": f"{number:,}"}
    return format_html('<a href="{}{}">{}</a>', url, query, words)


def _alarming(words: SafeString) -> SafeString:
    return words and format_html('<span class="tone-text tone-bad">{}</span>', words)


def _joined(*parts: SafeString) -> SafeString:
    return SafeString(" · ".join(part for part in parts if part))


def _shown(row: Head) -> SafeString:
    if row.shown == row.people:
        return _NOTHING
    words = _("%(shown)s of %(all)s shown") % {"shown": row.shown, "all": row.people}
    return format_html(" <small>{}</small>", words)
