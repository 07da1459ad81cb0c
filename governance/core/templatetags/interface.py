"""What every template may say without loading anything: it is built in (settings.TEMPLATES).

    {% icon "search" %}                         a drawing of lucide's, hidden from screen readers
    {% when row.changed_at %}                   <time>3 days ago</time>; exact on hover; "never"
    {% query sort="name" %}                     "?…": this page's query, changed; None removes
    {% query "two-factor" "off" q=None %}       names with a hyphen come in pairs, first
    {% badge "clock" "warn" "Pending 12 d" %}   icon, tone (ok warn bad info none), word
    {% avatar person.id person.display_name %}  initials in a disc; kind="service": a bot's square
    {% translate "Apps" %}                      Django's own, and quicker
    {{ 12500|grouped }}                         12,500
    {{ part|percent:whole }}                    "37 %"; "—" of nothing

They are Python and not `{% include %}` because a table calls them several times a row. Everything
that comes from outside is escaped by `format_html`.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zlib import crc32

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.base import Parser, Token, Variable
from django.template.context import Context
from django.templatetags.i18n import TranslateNode, do_translate
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from governance.core import icons

register = template.Library()

HUES = 12
_IN_SPRITE = frozenset(icons.NAMES)


class Kept(template.Node):
    """A constant in words of ours, translated once for each language."""

    def __init__(self, node: TranslateNode) -> None:
        self._node = node
        self._said: dict[str | None, str] = {}

    def render(self, context: Context) -> SafeString:
        language = get_language()
        if language not in self._said:
            self._said[language] = self._node.render(context)
        return SafeString(self._said[language])


@register.tag
def translate(parser: Parser, token: Token) -> template.Node:
    """Django's own, which would look every sentence up again: a page has dozens."""
    node = do_translate(parser, token)
    sentence = node.filter_expression
    is_constant = isinstance(sentence.var, Variable) and isinstance(sentence.var.literal, str)
    if is_constant and not (sentence.filters or node.asvar or node.message_context):
        return Kept(node)
    return node


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str) -> SafeString:
    """A drawing of lucide's by its name. Raises `IconDoesNotExist` for one that it lacks."""
    if name not in _IN_SPRITE:
        return mark_safe(icons.inline(name))  # noqa: S308  lucide's own drawing
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), name
    )


@register.simple_tag(takes_context=True)
def when(context: dict[str, Any], moment: datetime | None, never: str = "") -> SafeString:
    """How long ago, and exactly when on hover. Of None: `never`, or a dash.

    Measured from the context's `now` where the view gives one, so that one page has one clock.
    """
    if moment is None:
        return format_html('<span class="muted">{}</span>', never or "—")
    now = context.get("now") or timezone.now()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.astimezone(timezone.get_fixed_timezone(0)).isoformat(timespec="seconds"),
        exactly(moment),
        ago(moment, now),
    )


def exactly(moment: datetime) -> str:
    """The moment in the installation's zone, with its offset: 2026-03-14 10:02:11 UTC+01:00."""
    text = timezone.localtime(moment).isoformat(sep=" ", timespec="seconds")
    return f"{text[:-6]} UTC{text[-6:]}"


def ago(moment: datetime, now: datetime) -> str:
    """How far `moment` is from `now` in words: "4 min ago", "3 days ago", "in 2 h"."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 45:
        return _("just now")
    span = length(abs(seconds))
    return _("%(span)s ago") % {"span": span} if seconds > 0 else _("in %(span)s") % {"span": span}


def length(seconds: float) -> str:
    """A length of time in its largest fitting unit: "12 s", "4 min", "3 h", "12 days"."""
    if seconds < 1:
        return _("under 1 s")
    if seconds < 60:
        return _("%(n)d s") % {"n": seconds}
    if seconds < 3600:
        return _("%(n)d min") % {"n": seconds // 60}
    if seconds < 86400:
        return _("%(n)d h") % {"n": seconds // 3600}
    days = int(seconds // 86400)
    if days < 60:
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    if days < 730:
        return ngettext("%(n)d month", "%(n)d months", days // 30) % {"n": days // 30}
    return ngettext("%(n)d year", "%(n)d years", days // 365) % {"n": days // 365}


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], *pairs: Any, **changes: Any) -> str:
    """This page's query with changes, as a link's `href`.

    A list sets a name several times; None or "" removes it. Unless one of them is given, the
    cursors `after` and `before` are dropped: a changed list starts at its first page.
    """
    changes.update(zip(pairs[::2], pairs[1::2], strict=True))
    dropped = {"after", "before", *changes}
    given = context["request"].GET.lists()
    values = {name: found for name, found in given if name not in dropped}
    for name, value in changes.items():
        wanted = value if isinstance(value, list | tuple) else [value]
        values[name] = [str(one) for one in wanted if one not in (None, "")]
    return f"?{urlencode(values, doseq=True)}"


@register.simple_tag
def badge(name: str, tone: str, text: str, title: str = "") -> SafeString:
    """A status: an icon and a word, in a tone (`ok`, `warn`, `bad`, `info`, `none`)."""
    hint = format_html(' title="{}"', title) if title else ""
    return format_html('<span class="badge tone-{}"{}>{}{}</span>', tone, hint, icon(name), text)


@register.simple_tag
def avatar(key: UUID | str, name: str, kind: str = "") -> SafeString:
    """Initials in a disc whose colour follows from `key`; a bot in a square for a service.

    A decoration: the name itself stands beside it, so screen readers are spared.
    """
    hue = crc32(str(key).encode()) % HUES
    if kind == "service":
        return format_html(
            '<span class="avatar square hue-{}" aria-hidden="true">{}</span>', hue, icon("bot")
        )
    return format_html(
        '<span class="avatar hue-{}" aria-hidden="true">{}</span>', hue, initials(name)
    )


@lru_cache(maxsize=4096)
def initials(name: str) -> str:
    """At most two letters: of the first two words, or the first two letters of a single one."""
    words = [word for word in re.split(r"[\W_]+", name.split("@")[0]) if word]
    if not words:
        return "?"
    letters = words[0][0] + words[1][0] if len(words) > 1 else words[0][:2]
    return letters.upper()


@register.filter
def grouped(number: int) -> str:
    """12500 as 12,500."""
    return intcomma(number)


@register.filter
def percent(part: int, whole: int) -> str:
    """How much of `whole` a part is: "37 %". Never 0 % of something nor 100 % of not everything."""
    if not whole:
        return "—"
    share = round(100 * part / whole)
    if part and share == 0:
        return "<1 %"
    if part < whole and share == 100:
        return ">99 %"
    return f"{share} %"


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as a length of time in words; a dash for None."""
    return "—" if seconds is None else length(seconds)
