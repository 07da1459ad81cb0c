"""Each difference as a sentence, with who did it and how far it is known."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.core import instants
from governance.core.templatetags.interface import badge
from governance.inventory.models import Role, Status, TwoFactor
from governance.reports.asking import DIFFERENCES
from governance.reports.difference.rows import Row
from governance.reports.registers.base import Asked

KINDS = dict(DIFFERENCES)
_ICONS = {
    "joined": "user-plus",
    "left": "user-x",
    "role": "pencil",
    "status": "user-check",
    "two_factor": "shield-check",
    "owner": "crown",
    "renamed": "pencil",
    "moved": "folder",
}
_SENTENCES: Mapping[str, str | Promise] = {
    "joined": gettext_lazy("{person} is on {app} as {role}; before they were not."),
    "left": gettext_lazy("{person} is no longer on {app}; their role was {was_role}."),
    "role": gettext_lazy("The role of {person} on {app} is {role}; it was {was_role}."),
    "status": gettext_lazy("{person} on {app}: {status}; it was {was_status}."),
    "two_factor": gettext_lazy("The 2FA of {person} is {value}; it was {was_value}."),
    "owner": gettext_lazy("{person} owns {app}; before it was {was_person}."),
    "renamed": gettext_lazy("{app} is called so; it was called {was_value}."),
    "moved": gettext_lazy("{app} is in {value}; it was in {was_value}."),
}


def line(row: Row, asked: Asked) -> dict[str, Any]:
    """A row as the table shows it."""
    return {
        "icon": _ICONS[row.what],
        "sentence": _sentence(row, asked),
        "seen": _seen(row),
        "by": _by(row),
        "known": _known(row),
    }


def _sentence(row: Row, asked: Asked) -> SafeString:
    said = format_html(
        str(_SENTENCES[row.what]),
        person=_link("dashboard:person", row.person_id, row.person, asked),
        app=_link("dashboard:app", row.app_id, row.app or "", asked),
        was_person=row.was_person,
        role=_word(Role, row.role),
        was_role=_word(Role, row.was_role),
        status=_word(Status, row.status),
        was_status=_word(Status, row.was_status),
        value=_value(row, row.value),
        was_value=_value(row, row.was_value),
    )
    if row.what == "status" and row.was_status == Status.PENDING and row.status == Status.ACCEPTED:
        return format_html(
            str(_("{person} accepted the invitation to {app}.")),
            person=_link("dashboard:person", row.person_id, row.person, asked),
            app=_link("dashboard:app", row.app_id, row.app or "", asked),
        )
    return said


def _value(row: Row, value: str | None) -> str:
    if row.what == "two_factor":
        return _word(TwoFactor, value)
    return value or _("no project")


def _word(choices: Any, value: str | None) -> str:
    if not value:
        return ""
    known = value if value in choices.values else "unknown"
    return str(choices(known).label).lower()


def _link(view: str, id_: Any, name: str, asked: Asked) -> SafeString:
    if id_ is None:
        return format_html("{}", name)
    query = "" if asked.is_now else f"?{urlencode({'at': asked.at.isoformat()})}"
    return format_html('<a href="{}{}">{}</a>', reverse(view, args=[id_]), query, name)


def _seen(row: Row) -> str:
    """When, as far as is known."""
    if row.happened_at:
        return _("%(moment)s, as Scalingo's log says") % {"moment": instants.words(row.happened_at)}
    if row.not_before is None:
        return _("seen %(moment)s, at our first reading") % {"moment": instants.words(row.seen_at)}
    return _("between %(after)s and %(moment)s") % {
        "after": instants.words(row.not_before),
        "moment": instants.words(row.seen_at),
    }


def _by(row: Row) -> SafeString:
    if row.done_by == "ours":
        return badge("check", "plain", _("decided here")) + format_html(
            " <small>{}</small>", row.actor
        )
    if row.done_by == "named":
        return format_html("{}", _("by %(actor)s, on Scalingo") % {"actor": row.actor})
    if row.done_by == "themself":
        return format_html("{}", _("by themself"))
    return badge("circle-question-mark", "warn", _("unexplained"))


def _known(row: Row) -> SafeString:
    """Where one of the instants is in doubt, which and between which readings."""
    parts = [
        _doubt(_("at the first"), row.known_since, row.last_since, row.next_since),
        _doubt(_("at the second"), row.known_until, row.last_until, row.next_until),
    ]
    return format_html_join(" ", "{}", ((part,) for part in parts if part))


def _doubt(which: str, known: str, last: datetime | None, following: datetime | None) -> str:
    if known == "known":
        return ""
    words = _("not read before")
    if last:
        words = _("last read %(moment)s") % {"moment": instants.words(last)}
    then = (
        _("next read %(moment)s") % {"moment": instants.words(following)}
        if following
        else _("not read since")
    )
    said = f"{which}: {words}, {then}"
    if known == "unknown":
        mark = badge("circle-question-mark", "warn", _("Unknown"))
        return format_html("{} <small>{}</small>", mark, said)
    return badge("clock", "none", _("Not read around then"), said)
