"""Exports as pages show them: a line of the list, how far one is, what it is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.accounts.models import User
from governance.core.templatetags.interface import badge
from governance.reports import permissions
from governance.reports.models import Export, State
from governance.reports.naming import title_of

# Icon and tone of each state. What is made and not whole is shown apart from it.
_BADGES: Mapping[str, tuple[str, str]] = {
    State.WAITING: ("hourglass", "info"),
    State.MAKING: ("refresh-cw", "info"),
    State.READY: ("circle-check", "ok"),
    State.FAILED: ("circle-x", "bad"),
    State.DELETED: ("trash-2", "none"),
}
# More names than these are a number.
_MOST_NAMED = 2


def who(request: HttpRequest) -> User:
    """The person who asks; raises `Refused` for somebody who may not browse."""
    user = cast(User, request.user)
    permissions.may_see(user).enforce()
    return user


@dataclass(frozen=True, slots=True)
class Line:
    """One export in words. `taken` are the downloads and mails that were prefetched for it."""

    export: Export

    @property
    def title(self) -> str:
        return title_of(self.export.report)

    @property
    def format(self) -> str:
        return self.export.get_format_display()

    @property
    def url(self) -> str:
        return reverse("reports:export", args=[self.export.pk])

    @property
    def is_gone(self) -> bool:
        return self.export.state == State.DELETED

    @property
    def badge(self) -> SafeString:
        icon, tone = _BADGES[self.export.state]
        if self.export.is_partial:
            return badge("triangle-alert", "none" if self.is_gone else "bad", _("PARTIAL"))
        return badge(icon, tone, self.export.get_state_display())

    @property
    def narrowed(self) -> str:
        """The filters in force: "role: owner · project: billing"."""
        filters: Mapping[str, Iterable[str]] = self.export.asked.get("filters") or {}
        return " · ".join(f"{name}: {', '.join(found)}" for name, found in filters.items())

    @property
    def takers(self) -> str:
        """ "Ana, Ben and 3 others"; empty when nobody took it."""
        names = dict.fromkeys(
            [str(one.by) for one in self.export.downloads.all()]
            + [str(one.to) for one in self.export.mailings.all() if one.sent_at]
        )
        first = ", ".join(list(names)[:_MOST_NAMED])
        rest = len(names) - _MOST_NAMED
        if rest <= 0:
            return first
        return ngettext("%(names)s and %(n)d other", "%(names)s and %(n)d others", rest) % {
            "names": first,
            "n": rest,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is, as a title and a sentence."""

    icon: str
    title: str
    sentence: str

    @classmethod
    def of(cls, export: Export) -> "Progress":
        return _PROGRESS[State(export.state)](export)


def _waiting(export: Export) -> Progress:
    again = _("Whoever made it before did not come back; it is taken up again.")
    soon = _("A worker takes it up. You may leave this page: it goes on without you.")
    return Progress("hourglass", _("Waiting for its turn"), again if export.lease else soon)


def _making(export: Export) -> Progress:
    sentence = _("You may leave this page: it goes on without you.")
    if export.expected:
        rows = _("%(done)s of %(expected)s rows") % _grouped(
            done=export.done, expected=export.expected
        )
        sentence = f"{rows} · {sentence}"
    return Progress("refresh-cw", _("Being made"), sentence)


def _ready(export: Export) -> Progress:
    rows = ngettext("%(n)s row", "%(n)s rows", export.rows or 0) % _grouped(n=export.rows or 0)
    if export.is_partial:
        return Progress("triangle-alert", _("Ready, and PARTIAL"), rows)
    words = _("%(rows)s. The totals balance, and everything was read.") % {"rows": rows}
    return Progress("check", _("Ready"), words)


def _failed(export: Export) -> Progress:
    return Progress("circle-x", _("It could not be made"), export.said)


def _deleted(export: Export) -> Progress:
    said = _("What is known of it stays. The same report can be asked for again, as of then.")
    return Progress("trash-2", _("The file was deleted after its time"), said)


_PROGRESS = {
    State.WAITING: _waiting,
    State.MAKING: _making,
    State.READY: _ready,
    State.FAILED: _failed,
    State.DELETED: _deleted,
}


def _grouped(**numbers: int) -> dict[str, Any]:
    return {name: f"{number:,}" for name, number in numbers.items()}


def query_of(export: Export) -> str:
    """The query of the form that asks for the same again, as of the same instant."""
    asked = export.asked
    query: dict[str, Any] = {
        name: ",".join(values) for name, values in (asked.get("filters") or {}).items()
    }
    query |= {name: asked[name] for name in ("reports", "formats") if asked.get(name)}
    if asked.get("since"):
        query["since"] = asked["since"]
    query |= {"at": export.as_of.isoformat(), "format": export.format}
    return urlencode(query, doseq=True, safe=",:")
