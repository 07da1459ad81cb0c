"""The words of access as a table shows them: an icon and a word, never colour alone.

    {% load access %}
    {% two_factor person.two_factor %}              On / Off / Unknown
    {% role collaboration.role %}                   Owner / Collaborator / Limited / Role unknown
    {% status row.status row.since_at %}            Accepted / Pending 12 d / Account deleted
    {% two_factor value since=period.started_at %}  Off for 41 days (on hover: since when)
    {{ row.role|role_word }}                        the word alone, for a sentence
    {{ row.role|role_noun }}                        what somebody is by it: limited collaborator

Values are those of `inventory.models`; what is not known there shows as unknown.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from governance.core.templatetags.interface import badge, exactly, length
from governance.inventory.models import Role, Status, TwoFactor

register = template.Library()

_TWO_FACTOR = {
    TwoFactor.ON: ("shield-check", "ok"),
    TwoFactor.OFF: ("shield-off", "bad"),
    TwoFactor.UNKNOWN: ("circle-question-mark", "none"),
}
_ROLE = {
    Role.OWNER: ("crown", "info"),
    Role.COLLABORATOR: ("user", "plain"),
    Role.LIMITED: ("user-minus", "plain"),
    Role.UNKNOWN: ("circle-question-mark", "none"),
}
_STATUS = {
    Status.ACCEPTED: ("check", "ok"),
    Status.PENDING: ("clock", "warn"),
    Status.DELETED: ("ghost", "bad"),
    Status.UNKNOWN: ("circle-question-mark", "none"),
}


@register.simple_tag
def two_factor(value: str, since: datetime | None = None) -> SafeString:
    """Whether somebody's 2FA is on; with `since`, for how long it has been off."""
    if since is None or value != TwoFactor.OFF:
        return _two_factor(value, get_language())
    span = length((timezone.now() - since).total_seconds())
    text = _("Off for %(span)s") % {"span": span}
    return badge("shield-off", "bad", text, _("since %(moment)s") % {"moment": exactly(since)})


@lru_cache(maxsize=64)
def _two_factor(value: str, language: str | None) -> SafeString:
    icon, tone = _TWO_FACTOR.get(value, _TWO_FACTOR[TwoFactor.UNKNOWN])  # type: ignore[call-overload]
    return badge(icon, tone, str(_label(TwoFactor, value)))


@register.simple_tag
def role(value: str) -> SafeString:
    """What somebody may do on an app."""
    return _role(value, get_language())


@lru_cache(maxsize=64)
def _role(value: str, language: str | None) -> SafeString:
    icon, tone = _ROLE.get(value, _ROLE[Role.UNKNOWN])  # type: ignore[call-overload]
    return badge(icon, tone, str(_label(Role, value)))


@register.simple_tag
def status(value: str, since: datetime | None = None, now: datetime | None = None) -> SafeString:
    """Whether an invitation was accepted; with `since`, how long it has been waiting."""
    if value != Status.PENDING or since is None:
        return _status(value, get_language())
    days = max(0, ((now or timezone.now()) - since).days)
    text = _("Pending %(days)d d") % {"days": days} if days else _("Pending since today")
    return badge("clock", "warn", text, _("since %(moment)s") % {"moment": exactly(since)})


@lru_cache(maxsize=64)
def _status(value: str, language: str | None) -> SafeString:
    icon, tone = _STATUS.get(value, _STATUS[Status.UNKNOWN])  # type: ignore[call-overload]
    return badge(icon, tone, str(_label(Status, value)))


@register.filter
def role_word(value: str) -> str:
    """A role's word, for the middle of a sentence."""
    return _label(Role, value).lower()


_NOUNS = {
    Role.OWNER: gettext_lazy("owner"),
    Role.COLLABORATOR: gettext_lazy("collaborator"),
    Role.LIMITED: gettext_lazy("limited collaborator"),
}


@register.filter
def role_noun(value: str) -> str:
    """What somebody is by a role, for the middle of a sentence."""
    return str(_NOUNS.get(value) or _("somebody of unknown role"))  # type: ignore[call-overload]


def _label(choices: Any, value: str) -> str:
    try:
        return str(choices(value).label)
    except ValueError:
        return str(choices("unknown").label)
