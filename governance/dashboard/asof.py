"""`?at=`: a page as of an instant. The field, the notice, and the links that keep it.

A page that is of the past shows what was read before that instant. Nobody acts on it, and what is
of today (what people said, what is under way) is not on it.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, quote, urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_htmx.http import HttpResponseClientRedirect

from governance.core import instants
from governance.core.templatetags.interface import badge
from governance.dashboard.moments import exact, moment
from governance.inventory.queries.access import Access
from governance.inventory.queries.asof import Around, Knowledge, Readings

_LONGEST = 40


@dataclass(slots=True)
class When:
    """When a page is of, as its address says."""

    now: datetime
    at: datetime | None = None  # None: now
    asked: str = ""  # as it stands in the address
    error: str = ""  # what the field says
    ignored: str = ""  # a line that says what was ignored

    @property
    def is_past(self) -> bool:
        return self.at is not None

    @property
    def clock(self) -> datetime:
        """What ages are counted up to."""
        return self.at or self.now

    @property
    def status(self) -> int:
        return 422 if self.error else 200

    @property
    def alone(self) -> str:
        """For a link without a query of its own: "?at=…", or nothing."""
        return f"?{self._query}" if self.is_past else ""

    @property
    def more(self) -> str:
        """For a link with a query: "&at=…", or nothing."""
        return f"&{self._query}" if self.is_past else ""

    @property
    def clear(self) -> str:
        """The address of the page without any filter, but of the same instant."""
        return self.alone or "?"

    @property
    def _query(self) -> str:
        return f"at={quote(self.asked, safe=':')}"

    @property
    def words(self) -> str:
        return instants.words(self.clock)

    @property
    def field(self) -> str:
        """The kind of the field: a moment within a day does not fit into one for days."""
        return "date" if not self.asked or instants.is_date(self.asked) else "text"

    @property
    def latest(self) -> str:
        return instants.latest_day(self.now).isoformat()

    def date(self, at: datetime) -> SafeString:
        """How long ago; on a page of the past the day, since "ago" would be of neither."""
        if not self.is_past:
            return moment(at, self.now)
        known = exact(at)
        return format_html('<span title="{}">{}</span>', known, known[:10])


def read(request: HttpRequest, now: datetime) -> When:
    """When the page is of. Raises nothing: what is no instant is ignored, and said."""
    asked = request.GET.get("at", "").replace("\0", "").strip()
    if not asked:
        return When(now)
    at = instants.read(asked)
    if at is None:
        ignored = _("As of: “%(value)s” is no date, so the page shows what is so now.")
        return When(now, ignored=ignored % {"value": asked[:_LONGEST]})
    if at > now:
        return When(now, asked=asked, error=_still_to_come(asked, now))
    return When(now, at=at, asked=asked)


def _still_to_come(asked: str, now: datetime) -> str:
    if instants.is_date_of(asked, now):
        return _("This day is not over yet. Leave the field empty for what is so now.")
    return _("This day is still to come.")


def moved(request: HttpRequest) -> HttpResponse | None:
    """The whole page anew, where a part of it was asked for as of another instant."""
    htmx = request.htmx  # type: ignore[attr-defined]
    if not htmx or htmx.boosted or not htmx.current_url:
        return None
    shown = parse_qs(urlsplit(htmx.current_url).query).get("at", [""])[-1]
    if shown.strip() == request.GET.get("at", "").strip():
        return None
    return HttpResponseClientRedirect(request.get_full_path())


# --- how far something is known -------------------------------------------------------------------


def edges(readings: Readings) -> str:
    """ "last read 13 March 2026, 23:52, next read 15 March 2026, 00:02"."""
    last = (
        _("last read %(moment)s") % {"moment": instants.words(readings.last)}
        if readings.last
        else _("not read before")
    )
    following = (
        _("next read %(moment)s") % {"moment": instants.words(readings.next)}
        if readings.next
        else _("not read since")
    )
    return f"{last}, {following}"


def known(knowledge: Knowledge, readings: Readings) -> str:
    """How far a row is known at the instant. Nothing where there is no doubt."""
    if knowledge == Knowledge.KNOWN:
        return ""
    said = edges(readings)
    if knowledge == Knowledge.NOT_READ_BETWEEN:
        return badge("clock", "none", _("Not read around then"), said)
    mark = badge("circle-question-mark", "warn", _("Unknown"))
    return format_html("{} <small>{}</small>", mark, said)


def differs(people: int = 0) -> SafeString:
    """The mark of what began or ended between the readings around the instant."""
    mark = badge("circle-question-mark", "warn", _("Unknown"))
    said = _("the readings around then differ")
    if people:
        said = ngettext(
            "the readings around then differ on %(n)d person",
            "the readings around then differ on %(n)d people",
            people,
        ) % {"n": people}
    return format_html("{} <small>{}</small>", mark, said)


def of_access(row: Access, when: When) -> str:
    """How far it is known that somebody was on an app. Nothing where there is no doubt, or now."""
    if when.at is None:
        return ""
    readings = Readings(row.last, row.next, row.is_inside, row.is_stale)
    knowledge = row.knowledge(when.at)
    if knowledge == Knowledge.UNKNOWN and row.started_at > when.at:
        return known(knowledge, Readings(row.started_after, row.started_at, is_inside=False))
    if knowledge == Knowledge.UNKNOWN and row.ended_at is not None:
        return known(knowledge, Readings(row.ended_after, row.ended_at, is_inside=False))
    return known(knowledge, readings)


def notice(around: Around) -> str:
    """What a list of an instant rests on, in a sentence."""
    if around.last is None:
        return _("Nothing had been read by then.")
    if not around.doubts:
        return _("Everything was read around then: %(readings)s.") % {
            "readings": edges(Readings(around.last, around.next, is_inside=True))
        }
    worst = around.worst(around.doubts)
    return ngettext(
        "%(n)d place where apps are read was not read around then: %(readings)s."
        " What changed between is unknown.",
        "%(n)d places where apps are read were not read around then: %(readings)s."
        " What changed between is unknown.",
        len(around.doubts),
    ) % {"n": len(around.doubts), "readings": edges(worst) if worst else ""}
