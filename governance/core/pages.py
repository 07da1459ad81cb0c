"""One address, one page, named parts of it for htmx."""

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

from django.contrib.messages import get_messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseLocation

from governance.core.verdict import Hidden

Row = TypeVar("Row")


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    partials: frozenset[str] | set[str] = frozenset(),
    status: int = 200,
) -> TemplateResponse:
    """The page, or the one part of it that htmx asked for.

    A part is named by the id of its element, which is the name of its `{% partialdef %}`. Only
    those in `partials` are given alone: a plain click, a boost, the restoring of history or an
    unknown target gets the whole page.
    """
    response = TemplateResponse(request, template, dict(context or {}), status=status)
    part = part_asked_for(request)
    if part in partials:
        response.template_name = f"{template}#{part}"
        response.context_data = {**(response.context_data or {}), "part": part}
        response.add_post_render_callback(_append_toasts)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def found_or_hidden(
    visible: "QuerySet[Any, Row]", everything: "QuerySet[Any, Any]", pk: Hashable
) -> Row:
    """The one of `visible` with this key; raises `Hidden` where only `everything` has it.

    Raises `Http404` where nothing has. Only then is a second question asked.
    """
    one = visible.filter(pk=pk).first()
    if one is not None:
        return one
    raise Hidden if everything.filter(pk=pk).exists() else Http404


def see_other(request: HttpRequest, url: str) -> HttpResponse:
    """Go and read `url` now: after a POST that did what it was asked.

    `url` must be ours (made by `reverse`): nothing here checks it.
    """
    if getattr(request, "htmx", None):
        return HttpResponseLocation(url)
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def part_asked_for(request: HttpRequest) -> str | None:
    """The id of the element that htmx would renew; None when the whole page is asked for."""
    htmx = getattr(request, "htmx", None)
    if not htmx or htmx.boosted or htmx.history_restore_request:
        return None
    target: str | None = htmx.target
    return target


def _append_toasts(response: TemplateResponse) -> None:
    """Messages of this request, out of band: the part replaces one element, they join another."""
    request = response._request
    waiting = list(get_messages(request))
    if waiting:
        toasts = render_to_string("components/toasts.html", {"messages": waiting, "beside": True})
        response.content = response.content + toasts.encode()
