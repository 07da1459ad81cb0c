"""The sidebar and the freshness, written once for all pages that show the same in them.

    {% load frame %}{% sidebar %}{% freshness %}

A sidebar is the dearest part of every page, and mostly the same from page to page. The template is
given exactly what stands in `Said`, which is also what it is kept by: it cannot show anything
older. The two things of one request, its CSRF token and its address, are put in afterwards.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django import template
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from governance.accounts.permissions import may_change_access

register = template.Library()
_TOKEN = "[csrf-token-of-this-request]"  # noqa: S105
_ADDRESS = "[address-of-this-request]"


@dataclass(frozen=True, slots=True)
class Said:
    """Everything that a sidebar shows, or does not because of it."""

    view_name: str
    namespace: str
    site_name: str
    theme: str
    slash: str
    language: str | None
    may_see_connections: bool
    people_ask: str
    sync_asks: int
    held: int
    refused: int
    overdue: int
    changes_ask: int
    may_act: bool
    pk: UUID
    name: str
    email: str
    roles: tuple[str, ...]
    scoped: bool
    sees_everything: bool


@register.simple_tag(takes_context=True)
def sidebar(context: dict[str, Any]) -> SafeString:
    """The sidebar of this page, for the person who is signed in."""
    request, frame, user = context["request"], context["frame"], context["user"]
    match = request.resolver_match
    said = Said(
        view_name=match.view_name if match else "",
        namespace=match.namespace if match else "",
        site_name=context["site_name"],
        theme=context["theme"],
        slash=context["slash"],
        language=get_language(),
        may_see_connections=bool(context["may_see_connections"]),
        people_ask=frame.people_ask,
        sync_asks=frame.sync_asks,
        held=frame.held,
        refused=frame.refused,
        overdue=frame.overdue,
        changes_ask=frame.changes_ask,
        may_act=bool(may_change_access(user)),
        pk=user.pk,
        name=user.name,
        email=user.email,
        roles=tuple(user.roles),
        scoped=user.scoped,
        sees_everything=user.sees_everything,
    )
    html = _sidebar(said).replace(_TOKEN, str(context["csrf_token"]))
    address = escape(request.get_full_path())
    return mark_safe(html.replace(_ADDRESS, address))  # noqa: S308  both are escaped


@register.simple_tag(takes_context=True)
def freshness(context: dict[str, Any], *, beside: bool = False) -> SafeString:
    """How fresh everything is, as a link to Sync; `beside` a part of a page that htmx renews."""
    frame = context["frame"]
    return _freshness(frame.tone, frame.sentence, beside)


@lru_cache(maxsize=100)
def _freshness(tone: str, sentence: str, beside: bool) -> SafeString:  # noqa: FBT001
    return render_to_string(
        "components/freshness.html", {"tone": tone, "sentence": sentence, "beside": beside}
    )


@register.simple_tag
@lru_cache(maxsize=50)
def once(name: str) -> str:
    """A template without any context, rendered once for all pages: `{% once "…/styles.html" %}`."""
    return render_to_string(name)


@lru_cache(maxsize=500)
def _sidebar(said: Said) -> str:
    one = SimpleNamespace(**asdict(said))
    request = SimpleNamespace(resolver_match=one, get_full_path=_ADDRESS)
    return render_to_string(
        "components/sidebar.html",
        {
            "frame": one,
            "user": one,
            "request": request,
            "site_name": said.site_name,
            "theme": said.theme,
            "slash": said.slash,
            "may_see_connections": said.may_see_connections,
            "may_act": said.may_act,
            "csrf_token": _TOKEN,
        },
    )
