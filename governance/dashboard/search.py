"""Search: a person, an app, a project or a page by a part of its name.

The palette of every page is the part `palette` of this one, in a dialog; without JavaScript its
link leads here. What is called exactly so comes first: *Enter* on the one thing that is called so
goes there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.accounts.models import User
from governance.accounts.permissions import may_change_access
from governance.connections.permissions import may_see_connections
from governance.core.filters import text_of
from governance.core.pages import page
from governance.core.templatetags.interface import avatar, icon
from governance.dashboard import lists, rows
from governance.inventory.models import App
from governance.inventory.queries.named import apps_named, people_named, projects_named
from governance.reports.permissions import may_export


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found, and where it is."""

    title: str
    url: str
    mark: SafeString
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Things of one kind, the best first; a group without any is left out."""

    label: str
    hits: list[Hit]

    def has(self, text: str) -> bool:
        """Whether something in it is called exactly so."""
        return any(hit.title.lower() == text.lower() for hit in self.hits)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """At most five of each kind; without a text, where one can go."""
    user, text = lists.who(request), text_of(request.GET.get("q", ""))
    groups = [group for group in _groups(user, text) if group.hits]
    groups.sort(key=lambda group: not group.has(text))  # the best of all is the first
    only = _called_so(groups, text)
    if only and not request.htmx:  # type: ignore[attr-defined]
        return HttpResponseRedirect(only.url)
    return page(
        request,
        "dashboard/search.html",
        {
            "text": text,
            "groups": groups,
            "count": sum(len(group.hits) for group in groups),
            "is_scoped": not user.sees_everything,
        },
        partials={"palette", "found"},
    )


def _called_so(groups: list[Group], text: str) -> Hit | None:
    """The one thing that is called exactly `text`."""
    exact = [hit for group in groups for hit in group.hits if hit.title.lower() == text.lower()]
    return exact[0] if len(exact) == 1 else None


def _groups(user: User, text: str) -> Iterator[Group]:
    if text:
        yield Group(_("People"), [*_people(user, text)])
        yield Group(_("Apps"), [*_apps(user, text)])
        yield Group(_("Projects"), [*_projects(user, text)])
    words = text.lower()
    for label, hits in ((_("Pages"), _pages(user)), (_("Actions"), _actions(user))):
        yield Group(label, [hit for hit in hits if words in hit.title.lower()])


def _people(user: User, text: str) -> Iterator[Hit]:
    for one in people_named(user, text):
        mark = avatar(one.pk, one.display_name)
        note = one.email if one.display_name != one.email else ""
        yield Hit(one.display_name, rows.person_url(one.pk), mark, note)


def _apps(user: User, text: str) -> Iterator[Hit]:
    for one in apps_named(user, text):
        mark = icon("database" if one.kind == App.Kind.DATABASE else "boxes")
        place = [one.project.name] if one.project else []
        yield Hit(one.name, rows.app_url(one.pk), mark, " · ".join([*place, one.region.name]))


def _projects(user: User, text: str) -> Iterator[Hit]:
    apps = reverse("dashboard:apps")
    for one in projects_named(user, text):
        yield Hit(one.name, f"{apps}?project={one.pk}", icon("folder"), one.region.name)


def _pages(user: User) -> Iterator[Hit]:
    known = [
        ("dashboard:overview", _("Overview"), "layout-dashboard"),
        ("dashboard:people", _("People"), "users"),
        ("dashboard:apps", _("Apps"), "boxes"),
        ("changes:list", _("Changes"), "send"),
        ("two-factor:list", _("2FA"), "shield-check"),
        ("two-factor:reviews", _("2FA reviews"), "shield-check"),
        ("rotations:list", _("Rotations"), "rotate-ccw-key"),
        ("dashboard:audit", _("Audit log"), "scroll-text"),
        ("reports:list", _("Reports"), "file-text"),
        ("difference:difference", _("Difference between two days"), "git-branch"),
        ("sync:status", _("Sync"), "refresh-cw"),
    ]
    if may_see_connections(user):
        known += [
            ("connections:list", _("Connections"), "plug"),
            ("dashboard:settings-people", _("Sign-ins"), "key-round"),
            ("dashboard:settings", _("Settings"), "list-filter"),
        ]
    for name, title, mark in known:
        yield Hit(title, reverse(name), icon(mark))


def _actions(user: User) -> Iterator[Hit]:
    if may_change_access(user):
        yield Hit(_("Invite people"), reverse("changes:invite"), icon("user-plus"))
        yield Hit(_("Change roles"), reverse("changes:roles"), icon("user"))
        yield Hit(_("Remove people"), reverse("changes:removals"), icon("user-minus"))
    if may_export(user):
        pack = reverse("reports:report", args=["pack"])
        yield Hit(_("Make an evidence pack"), pack, icon("package"))
