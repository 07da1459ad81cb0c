"""Apps: who is on each of them? Project → app → people, 25 apps a page.

Which branches are open is in the address: `open=<ids>` or `open=all`, less those of `shut=<ids>`;
a search opens the apps in which it found people. The button of a row asks for `show=<id>` or
`hide=<id>`: with htmx for that one branch, without JavaScript for the page with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from django_htmx.http import push_url

from governance.accounts.models import User
from governance.accounts.permissions import may_change_access
from governance.changes.views.choosing import SHOWN
from governance.core import filters
from governance.core.filters import Choice, Chosen
from governance.core.pages import found_or_hidden, page
from governance.dashboard import acting, asof, lists, tree_rows
from governance.dashboard.context import frame_of
from governance.facts import queries as facts
from governance.inventory.models import App
from governance.inventory.queries import branches as leaves
from governance.inventory.queries import tree
from governance.inventory.queries.totals import Place, Totals, totals

ALL = "all"
_MOST_OPEN = 100


@require_safe
def apps(request: HttpRequest) -> HttpResponse:
    opened = Opened.read(request.GET)
    toggled = opened.toggled(request.GET)
    elsewhere = asof.moved(request)
    if elsewhere is not None:
        return elsewhere
    branch = _branch_asked_for(request)
    if branch is not None:
        return _branch(request, branch, toggled or opened)
    if toggled is not None:
        return HttpResponseRedirect(toggled.address(request))
    tidy = lists.tidy_address(request, {"collaborators": "only"})
    if tidy is not None and not request.htmx:  # type: ignore[attr-defined]
        return HttpResponseRedirect(tidy)
    return lists.answered(request, _page(request, opened), tidy)


def _branch_asked_for(request: HttpRequest) -> UUID | None:
    """The app whose rows htmx is about to replace."""
    target = (request.htmx.target or "") if request.htmx else ""  # type: ignore[attr-defined]
    return filters.uuid_of(target.removeprefix("app-")) if target.startswith("app-") else None


# --- which branches are open ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The branches that an address has open. The order of ids is that of the address."""

    all: bool = False
    ids: tuple[UUID, ...] = ()
    shut: tuple[UUID, ...] = ()
    toggled_id: UUID | None = None

    @classmethod
    def read(cls, get: QueryDict) -> "Opened":
        words = get.get("open", "")
        return cls(words == ALL, _ids(words), _ids(get.get("shut", "")))

    def toggled(self, get: QueryDict) -> "Opened | None":
        """What is open once the button of a row was pressed; None when none was."""
        show, hide = filters.uuid_of(get.get("show", "")), filters.uuid_of(get.get("hide", ""))
        if show is not None:
            return replace(
                self,
                ids=self.ids if self.all else _with(self.ids, show),
                shut=_without(self.shut, show),
                toggled_id=show,
            )
        if hide is not None:
            # Where all are open, or a filter opens those with matches, it must be said.
            opens = self.all or any(get.get(name) for name in ("q", "role", "two-factor"))
            return replace(
                self,
                ids=_without(self.ids, hide),
                shut=_with(self.shut, hide) if opens else self.shut,
                toggled_id=hide,
            )
        return None

    def has(self, head: tree.Head) -> bool:
        if head.id in self.ids:
            return True
        return (self.all or (head.shown < head.people and not head.named)) and (
            head.id not in self.shut
        )

    def address(self, request: HttpRequest) -> str:
        """This page with these branches open, at the one that was pressed."""
        query = request.GET.copy()
        for name in ("open", "shut", "show", "hide", "in", "from"):
            query.pop(name, None)
        if self.all:
            query["open"] = ALL
        elif self.ids:
            query["open"] = ",".join(map(str, self.ids))
        if self.shut:
            query["shut"] = ",".join(map(str, self.shut))
        anchor = f"#app-{self.toggled_id}" if self.toggled_id else ""
        return f"{request.path}?{query.urlencode(safe=',')}{anchor}"


def _ids(words: str) -> tuple[UUID, ...]:
    found = (filters.uuid_of(word) for word in words.split(",")[:_MOST_OPEN])
    return tuple(dict.fromkeys(id_ for id_ in found if id_ is not None))


def _with(ids: Iterable[UUID], id_: UUID) -> tuple[UUID, ...]:
    return (*_without(ids, id_), id_)[-_MOST_OPEN:]


def _without(ids: Iterable[UUID], id_: UUID) -> tuple[UUID, ...]:
    return tuple(other for other in ids if other != id_)


# --- the page, and one branch of it ---------------------------------------------------------------


def _page(request: HttpRequest, opened: Opened) -> HttpResponse:
    user = lists.who(request)
    when = asof.read(request, timezone.now())
    asked = _asked(request, user, when)
    expanded = [head for head in asked.page.heads if opened.has(head)]
    branches = _people(request, expanded, asked.wanted)
    may_act = bool(may_change_access(user)) and not when.is_past
    only = asked.wanted.only_with_collaborators
    narrowed = asked.chosen.in_address()
    selection = acting.selection(
        request,
        "dashboard:matching-apps",
        narrowed if only else [*narrowed, ("collaborators", "any")],
        shown=len(asked.page.heads),
        matching=asked.totals.shown,
        most=SHOWN,
    )
    extra = {} if only else {"collaborators": _("Also apps without collaborators")}
    return page(
        request,
        "dashboard/apps.html",
        {
            "now": when.now,
            "when": when,
            "may_act": may_act,
            "around": asof.notice(asked.page.around or asked.totals.around) if when.is_past else "",
            "selection": selection,
            "rows": tree_rows.page(
                asked.page.heads, branches, when, boxes=may_act, fixed=selection.is_all
            ),
            "slice": asked.page,
            "totals": asked.totals,
            "chosen": asked.chosen,
            "only": only,
            "chips": filters.chips(request.GET, asked.chosen, extra),
            "state": _state(request.GET),
            "summary": _summary(asked.totals),
            "expand": filters.address(request.GET, {"open": ALL, "shut": ()}, same_page=True),
            "collapse": filters.address(request.GET, {"open": (), "shut": ()}, same_page=True),
            "is_scoped": not user.sees_everything,
        },
        partials={"tree"},
        status=when.status,
    )


def _branch(request: HttpRequest, app: UUID, opened: Opened) -> HttpResponse:
    """One app, opened or closed, and the address that remembers it."""
    user = lists.who(request)
    when = asof.read(request, timezone.now())
    asked = _asked(request, user, when, app=app)
    if not asked.page.heads:
        found_or_hidden(App.objects.visible_to(user), App.objects.all(), app)
        raise Http404  # it does not fit the filters
    [head] = asked.page.heads
    branches = _people(request, [head] if opened.has(head) else [], asked.wanted)
    boxes = bool(may_change_access(user)) and not when.is_past
    fixed = request.GET.get("select") == "all"
    response = HttpResponse(
        tree_rows.one(head, branches.get(head.id), when, boxes=boxes, fixed=fixed)
    )
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return push_url(response, opened.address(request))


def _people(
    request: HttpRequest, heads: list[tree.Head], wanted: tree.Wanted
) -> dict[UUID, leaves.Branch]:
    """The people of the apps in `heads`; of the one that the address pages in, that page."""
    app, _colon, start = request.GET.get("from", "").partition(":")
    return leaves.branches(
        heads, wanted, within=filters.uuid_of(app), after=start, more=facts.OF_LEAVES
    )


# --- what is asked for ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Asked:
    """What an address asks for, and what was found."""

    chosen: Chosen
    wanted: tree.Wanted
    page: tree.Page
    totals: Totals


@lists.per_language
def _choices() -> list[Choice]:
    return [
        lists.role(),
        lists.two_factor(),
        Choice(
            "kind",
            _("Kind"),
            _("Any kind"),
            (
                ("app", _("App")),
                ("review", _("Review app")),
                ("database", _("Dedicated database")),
            ),
            is_first=False,
        ),
        Choice(
            "health-data",
            _("Health data"),
            _("Health data or not"),
            (("yes", _("With health data")), ("no", _("Without health data"))),
            is_first=False,
        ),
    ]


def _asked(request: HttpRequest, user: User, when: asof.When, *, app: UUID | None = None) -> _Asked:
    """Read the address and ask for it, without the project and region that do not exist."""
    get = request.GET
    chosen = filters.read(get, _choices())
    place = lists.place_of(get)
    wanted = tree.Wanted(
        text=chosen.text,
        app=app,
        project=place.project,
        region=place.region,
        kind=chosen.one("kind"),
        health_data=chosen.one("health-data"),
        roles=chosen.of("role"),
        two_factor=chosen.of("two-factor"),
        only_with_collaborators=get.get("collaborators") != "any",
        at=when.at,
    )
    # The frame of a whole page says it too; a part of one has none.
    newest = "" if request.htmx else frame_of(request).newest  # type: ignore[attr-defined]
    numbers = _totals(user, wanted, newest)
    lists.choose_place(get, chosen, place, numbers)
    known = replace(
        wanted,
        project=filters.uuid_of(chosen.one("project")),
        region=chosen.one("region"),
    )
    if known != wanted:
        numbers = _totals(user, known, newest)
    found = tree.heads(user, known, after=get.get("after"), before=get.get("before"))
    chosen.choices = [*chosen.choices, *lists.places(numbers)]
    return _Asked(chosen, known, found, numbers)


def ids_of_matching(
    request: HttpRequest, user: User, when: asof.When, *, most: int
) -> tuple[list[UUID], list[str]]:
    """All apps that the address's filters find, but no more than `most`; and what was ignored."""
    asked = _asked(request, user, when)
    return tree.ids(user, asked.wanted, most=most), asked.chosen.ignored


def _totals(user: User, wanted: tree.Wanted, newest: str) -> Totals:
    return totals(
        user,
        "apps",
        wanted,
        lambda: tree.counts(user, wanted),
        place=Place(project=wanted.project, region=wanted.region),
        at=wanted.at,
        newest=newest,
    )


def _state(get: QueryDict) -> list[tuple[str, str]]:
    """What the buttons of the rows must send along: this address, less what they change."""
    return [
        (name, value)
        for name, values in get.lists()
        for value in values
        if name not in {"show", "hide", "from"} and "\0" not in value
    ]


def _summary(numbers: Totals) -> str:
    if numbers.shown == numbers.all:
        return ngettext("%(n)s app", "%(n)s apps", numbers.all) % {"n": f"{numbers.all:,}"}
    return ngettext("%(shown)s app of %(all)s", "%(shown)s apps of %(all)s", numbers.shown) % {
        "shown": f"{numbers.shown:,}",
        "all": f"{numbers.all:,}",
    }
