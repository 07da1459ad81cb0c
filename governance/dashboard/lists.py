"""What the list of people and the tree of apps have in common."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import cast
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django_htmx.http import push_url

from governance.accounts.models import User
from governance.core import filters
from governance.core.filters import Choice, Chosen, text_of, uuid_of
from governance.inventory.models import Role, TwoFactor
from governance.inventory.queries.totals import Place, Project, Totals, Whole


def who(request: HttpRequest) -> User:
    """The person who asks. Every page of these is behind the sign-in."""
    return cast("User", request.user)


def tidy_address(request: HttpRequest, usual: Mapping[str, str]) -> str | None:
    """The address without what a form sends along for nothing; None where it is tidy already.

    `usual` is what a name means when it is not there at all.
    """
    given = dict(request.GET.lists())
    query = {}
    for name, values in given.items():
        said = [value for value in values if value]
        if said and not (name in usual and said[-1] == usual[name]):
            query[name] = said
    if query == given:
        return None
    words = urlencode(query, doseq=True, safe=",", quote_via=quote)
    return f"{request.path}?{words}" if words else request.path


def answered(request: HttpRequest, response: HttpResponse, address: str | None) -> HttpResponse:
    """The answer to htmx, with the tidy address to show above it."""
    if address is None or not request.htmx:  # type: ignore[attr-defined]
        return response
    return push_url(response, address)


def per_language(make: Callable[[], list[Choice]]) -> Callable[[], list[Choice]]:
    """Made once for each language: choices do not change, and every page reads them."""
    kept = lru_cache(maxsize=16)(lambda _language: make())
    return lambda: list(kept(get_language()))


def two_factor() -> Choice:
    return Choice("two-factor", _("2FA"), _("Any 2FA"), filters.words(TwoFactor))


def role() -> Choice:
    return Choice("role", _("Role"), _("Any role"), filters.words(Role))


@lru_cache(maxsize=64)
def _places(whole: Whole, project: Project | None, language: str | None) -> list[Choice]:
    projects = list(whole.projects)
    if project and project not in projects:
        projects.append(project)
    several = len(whole.regions) > 1
    return [
        Choice(
            "project",
            _("Project"),
            _("Any project"),
            tuple(
                (str(one.id), f"{one.name} · {one.region}" if several else one.name)
                for one in projects
            ),
        ),
        Choice(
            "region",
            _("Region"),
            _("Any region"),
            tuple((one, one) for one in whole.regions),
            is_first=False,
        ),
    ]


def places(totals: Totals) -> list[Choice]:
    """The projects and regions that a list can be narrowed to; regions where there are several."""
    return _places(totals.whole, totals.project, get_language())


def place_of(get: QueryDict) -> Place:
    """The app, project and region that an address names, whether or not there are such."""
    return Place(
        app=text_of(get.get("app", "")),
        project=uuid_of(get.get("project", "")),
        region=text_of(get.get("region", "")),
    )


def choose_place(get: QueryDict, chosen: Chosen, place: Place, numbers: Totals) -> None:
    """Choose what exists of `place`, where somebody may see it, and say what was ignored."""
    exists = (
        ("app", _("App"), place.app, numbers.app_exists),
        ("project", _("Project"), str(place.project or ""), numbers.project is not None),
        ("region", _("Region"), place.region, numbers.region_exists),
    )
    for name, label, value, is_known in exists:
        if value and is_known:
            chosen.values[name] = (value,)
        elif asked := text_of(get.get(name, "")):
            chosen.ignore(label, asked)


def sort_of(request: HttpRequest, known: dict[str, str], chosen: Chosen) -> str:
    """The order that is asked for, `name` or `-name`; the first that is known otherwise."""
    asked = request.GET.get("sort", "")
    if asked.removeprefix("-") in known:
        return asked
    if asked:
        chosen.ignore(_("Order"), asked)
    return next(iter(known))
