"""The rows of the tree: projects, apps, and the people of those that are open.

A page of the tree may have five hundred of them. Written by a template they cost more than all the
rest of the page; here a row is one string, into which what comes from outside is escaped. A cell
has no end tag: the next one ends it, as HTML allows, and five hundred rows are 10 kB lighter.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import groupby
from uuid import UUID

from django.db.models import TextChoices
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from governance.core.templatetags.interface import icon
from governance.dashboard.asof import When, differs, known
from governance.dashboard.moments import cell
from governance.dashboard.rows import (
    app_tags,
    app_url,
    freshness,
    is_dim,
    person_tags,
    person_url,
    state,
)
from governance.inventory.models import App, Role, Status, TwoFactor
from governance.inventory.queries.branches import SIZE, Branch, Leaf
from governance.inventory.queries.tree import Head


def page(
    heads: Sequence[Head],
    branches: Mapping[UUID, Branch],
    when: When,
    *,
    boxes: bool,
    fixed: bool = False,
) -> SafeString:
    """The apps of a page under their projects, each with its people where it is open.

    With `boxes`, apps can be selected; `fixed` ones are, with all that match.
    """
    rows = []
    readings: dict[object, str] = {}  # the apps of a page share a few
    for _project, found in groupby(heads, key=lambda head: head.project_id):
        apps = list(found)
        rows.append(_project_row(apps[0], when))
        rows += [
            _app(head, branches.get(head.id), when, readings, boxes=boxes, fixed=fixed)
            for head in apps
        ]
    return SafeString("".join(rows))


def one(head: Head, branch: Branch | None, when: When, *, boxes: bool, fixed: bool = False) -> str:
    """One app of them."""
    return _app(head, branch, when, {}, boxes=boxes, fixed=fixed)


def _project_row(head: Head, when: When) -> str:
    name = escape(head.project_name or _("No project"))
    if head.project_id:
        query = escape(f"?project={head.project_id}{when.more}")
        name = f'<a href="{query}">{name}</a>{escape(head.region)}'
    return (
        '<tbody class="group"><tr><th colspan="5" scope="rowgroup"><span class="row">'
        f"{icon('folder')}{name}</span></tr></tbody>\n"
    )


def _app(
    head: Head,
    branch: Branch | None,
    when: When,
    readings: dict[object, str],
    *,
    boxes: bool,
    fixed: bool,
) -> str:
    """An app with its people where it is open: one <tbody>."""
    id_ = str(head.id)
    key = (head.read_at, head.stale_since, head.readings, head.unsure)
    reading = readings.get(key)
    if reading is None:
        reading = readings[key] = _reading(head, when)
    box = _box(id_, head.name, " checked disabled" if fixed else "") if boxes else ""
    rows = [_head(head, id_, when, reading, box, is_open=branch is not None)]
    if branch is not None:
        rows += [_leaf(one, when) for one in branch.leaves]
        rows.append(_more(id_, branch))
    return f'<tbody id="app-{id_}">{"".join(rows)}</tbody>\n'


def _reading(head: Head, when: When) -> str:
    """The cell that says how fresh an app is; as of an instant, how far its row is known."""
    if when.at is None and head.read_at and not head.stale_since:
        return cell(head.read_at, when.now, f"{escape(_('Read'))} ")
    if when.at is None:
        return f"<td>{freshness(head.read_at, head.stale_since, when.now)}"
    readings = head.readings
    if head.unsure:
        return f"<td>{differs(head.unsure)}"
    said = known(readings.knowledge(when.at), readings) or format_html(
        '<span class="muted">{}</span>', _("Read around then")
    )
    return f"<td>{said}"


# --- an app ---------------------------------------------------------------------------------------


def _box(id_: str, name: str, fixed: str) -> str:
    label = escape(_("Select %(name)s") % {"name": name})
    return f'<input type="checkbox" name="app" value="{id_}" aria-label="{label}"{fixed}>'


def _head(row: Head, id_: str, when: When, reading: str, box: str, *, is_open: bool) -> str:
    """A collapsed app, which answers before it is opened."""
    words = _words(get_language(), when.alone, when.more)
    url = app_url(id_)
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
    return (
        f'<tr class="app"><th scope="row">{box}'
        '<button class="disclosure" form="state" hx-get'
        f' name="{"hide" if is_open else "show"}" value="{id_}"'
        f' aria-expanded="{"true" if is_open else "false"}" aria-controls="app-{id_}">'
        f'{escape(row.name)}</button>{_tags(row)}<span class="of">{people}{_shown(row)}</span>'
        f"<td>{roles}<td>{two_factor}<td>{_counted(words['pending'], url, row.pending)}"
        f"{reading}</tr>\n"
    )


@lru_cache(maxsize=16)
def _words(language: str | None, alone: str, more: str) -> dict[str, str]:
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
        name: f'<a href="%(url)s{_and(query, alone, more)}">{escape(word)}</a>'
        for name, (query, word) in words.items()
    }
    without = escape(_("%(n)s without 2FA"))
    query = _and("?two-factor=off", alone, more)
    link = f'<a class="off" href="%(url)s{query}">{without}</a>'
    return {**links, "without 2FA": link}


def _and(query: str, alone: str, more: str) -> str:
    """A query with the instant, as a link that is filled in by %."""
    return escape(query + more if query else alone).replace("%", "%%")


def _counted(words: str, url: str, number: int) -> str:
    """A number that is not zero, as a link to the list behind it."""
    return words % {"url": url, "n": f"{number:,}"} if number else ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _tags(row: Head) -> str:
    if row.kind == App.Kind.APP and not (row.parent_name or row.health_data or row.suspect_since):
        return ""
    return app_tags(
        kind=row.kind,
        parent_name=row.parent_name,
        health_data=row.health_data,
        suspect=row.suspect_since,
    )


def _shown(row: Head) -> str:
    if row.shown == row.people:
        return ""
    words = _("%(shown)s of %(all)s shown") % {"shown": row.shown, "all": row.people}
    return f" <small>{escape(words)}</small>"


# --- its people -----------------------------------------------------------------------------------


def _leaf(row: Leaf, when: When) -> str:
    dim = ' class="dim"' if is_dim(row.status) else ""
    plain = row.status == Status.ACCEPTED and not row.missing_at
    tags = person_tags(row.email, row.more[0], row.more[1])
    email = f" <small>{escape(row.email)}</small>" if row.username else ""
    language = get_language()
    url = person_url(row.person_id) + escape(when.alone)
    since = f"<td>{when.date(row.since_at)}" if when.is_past else cell(row.since_at, when.now)
    return (
        f'<tr{dim}><th scope="row"><a href="{url}">{escape(row.name)}</a>'
        f"{tags}{email}{_cell(Role, row.role, language)}"
        f"{_cell(TwoFactor, row.two_factor, language)}"
        f"<td>{'' if plain else state(row, when.clock)}{since}"
        f"{differs() if row.unsure else ''}"
    )


@lru_cache(maxsize=64)
def _cell(choices: type[TextChoices], value: str, language: str | None) -> str:
    """A cell with a status, whose icon is a mask in the style: an icon and a word."""
    known = value if value in choices.values else "unknown"
    return f"<td class={known}>{escape(str(choices(known).label))}"


def _more(app_id: str, branch: Branch) -> str:
    """The buttons of a branch that has more people than it shows."""
    buttons = []
    if not branch.is_first:
        buttons.append((app_id, icon("arrow-up"), _("The first")))
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
    return format_html('<tr class="more"><td colspan="5">{}</tr>\n', html)
