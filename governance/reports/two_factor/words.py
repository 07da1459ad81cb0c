"""The report in words: what a row shows, and what is not known of it."""

from datetime import datetime
from typing import Any

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.core import instants
from governance.core.templatetags.interface import badge, exactly
from governance.facts.models import PersonKind
from governance.facts.queries import is_external
from governance.inventory.models import TwoFactor
from governance.inventory.queries.asof import Around, Knowledge, Moment, Readings
from governance.reports.two_factor.models import Belongs
from governance.reports.two_factor.queries import Numbers, Row

_BADGES = {
    "on": ("shield-check", "ok"),
    "off": ("shield-off", "bad"),
    "unknown": ("circle-question-mark", "none"),
}


def row(one: Row, moment: Moment, around: Around) -> dict[str, Any]:
    """A person as the table shows them."""
    return {
        "id": one.person_id,
        "name": one.display_name,
        "email": one.email if one.username else "",
        "kind": "service" if one.kind == PersonKind.SERVICE else "",
        "tags": tags(one),
        "two_factor": two_factor(one.two_factor),
        "doubt": doubt(one, moment, around) if not moment.is_now else "",
        "attested": attested(one),
        "for": without_for(one, moment.at),
        "since": one.since,
        "changed_at": one.changed_at,
        "apps": one.apps,
        "reach": reach(one),
        "exception": excepted(one),
        "reminders": one.reminders,
        "reminded_at": one.reminded_at,
        "dim": one.belongs in {Belongs.PENDING, Belongs.DELETED},
    }


def shares(numbers: Numbers) -> list[dict[str, Any]]:
    """The three denominators, always together, each with whom it counts."""
    kinds = (
        (
            numbers.known,
            _("Accepted, 2FA known"),
            _("people on at least one app as collaborators, of whom Scalingo tells it"),
        ),
        (numbers.accepted, _("All accepted"), _("with those of whom it is not known")),
        (
            numbers.everyone,
            _("Everyone"),
            _("with owners, invited people and deleted accounts"),
        ),
    )
    return [{"share": share, "name": name, "who": who} for share, name, who in kinds]


def two_factor(value: str) -> SafeString:
    icon, tone = _BADGES.get(value, _BADGES["unknown"])
    return badge(icon, tone, _label(TwoFactor, value))


def _label(choices: type[TextChoices], value: str) -> str:
    try:
        return str(choices(value).label)
    except ValueError:
        return str(choices("unknown").label)


def tags(one: Row) -> SafeString:
    """The small labels beside a name."""
    words = []
    if one.kind == PersonKind.SERVICE:
        words.append(_("service"))
    if is_external(one.email, one.employment):
        words.append(_("external"))
    if one.belongs != Belongs.ACCEPTED:
        words.append(_label(Belongs, one.belongs).lower())
    return format_html_join("", ' <span class="tag">{}</span>', ((word,) for word in words))


def days_without(one: Row, at: datetime) -> int | None:
    """Whole days since the first reading without 2FA; None for who has it or may have it."""
    return max(0, (at - one.since).days) if one.two_factor == TwoFactor.OFF else None


def without_for(one: Row, at: datetime) -> str:
    """How many days, exactly since when on hover; nothing for who has it or may have it."""
    number = days_without(one, at)
    if number is None:
        return ""
    known = exactly(one.since)
    return format_html('<time datetime="{}" title="{}">{}</time>', known, known, days(number))


def reach(one: Row) -> str:
    """ "3 full · 2 limited · owner of 1 · 2 in production"; what is none is not said."""
    parts = (
        (one.full_role - one.owned, _("%(n)s full")),
        (one.limited, _("%(n)s limited")),
        (one.owned, _("owner of %(n)s")),
        (one.pending, _("%(n)s pending")),
        (one.production, _("%(n)s in production")),
        (one.health_data, _("%(n)s with health data")),
    )
    return " · ".join(words % {"n": f"{number:,}"} for number, words in parts if number > 0)


def excepted(one: Row) -> str:
    if one.exception_until is None:
        return ""
    return _("Excepted until %(day)s") % {"day": day(one.exception_until)}


def attested(one: Row) -> str:
    """What somebody says of an owner. It stays unknown: Scalingo has not said it."""
    if one.attested_until is None or one.two_factor != TwoFactor.UNKNOWN:
        return ""
    return _("attested by %(name)s until %(day)s") % {
        "name": one.attested_by,
        "day": day(one.attested_until),
    }


def day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M Y")


def days(number: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", number) % {"n": f"{number:,}"}


def doubt(one: Row, moment: Moment, around: Around) -> str:
    """That a row of the past was not read around that instant; empty where it was."""
    if one.ended_at is not None and (one.ended_after is None or one.ended_after < moment.at):
        return _unknown(Readings(one.ended_after, one.ended_at, is_inside=False))
    worst = around.worst(one.scopes or ())
    if worst is None:
        return ""
    if worst.knowledge(moment.at) == Knowledge.UNKNOWN:
        return _unknown(worst)
    return badge("clock", "none", _("Not read between"), _between(worst))


def _unknown(readings: Readings) -> SafeString:
    return badge("circle-question-mark", "warn", _("Not known then"), _between(readings))


def _between(readings: Readings) -> str:
    last = instants.words(readings.last) if readings.last else _("never")
    following = instants.words(readings.next) if readings.next else _("not yet")
    return _("Last read %(last)s, next read %(next)s") % {"last": last, "next": following}
