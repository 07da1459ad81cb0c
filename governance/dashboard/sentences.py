"""Changes in words: what happened, when as far as is known, and who did it."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from governance.core.templatetags.interface import badge
from governance.dashboard.asof import When
from governance.dashboard.rows import app_url, person_url
from governance.dashboard.templatetags.access import role_noun, role_word
from governance.inventory.models import Attribution, Role, Status, TwoFactor
from governance.inventory.queries.access import Access
from governance.inventory.queries.history import Change


def rows(changes: Sequence[Change], seen: When) -> list[dict[str, Any]]:
    """The lines of a history. What the first reading found is one line, however much it was."""
    return [
        _row(group[0], seen) if len(group) == 1 else _first_reading(group, seen)
        for group in (list(found) for _key, found in groupby(changes, key=_group))
    ]


def _group(change: Change) -> Hashable:
    at_first = change.kind == "start" and change.after is None and change.was_role is None
    return ("first", change.at.date()) if at_first else (change.kind, change.id)


def _first_reading(changes: list[Change], seen: When) -> dict[str, Any]:
    one = changes[0]
    if len({change.person_id for change in changes}) == 1:
        sentence = format_html(
            _("{person} was on {number} apps when they were first read: {links}."),
            person=link(person_url(one.person_id) + seen.alone, one.person),
            number=len(changes),
            links=_listed((change.app, app_url(change.app_id) + seen.alone) for change in changes),
        )
    else:
        sentence = format_html(
            _("{number} people were on {app} when it was first read: {links}."),
            app=link(app_url(one.app_id) + seen.alone, one.app),
            number=len(changes),
            links=_listed(
                (change.person, person_url(change.person_id) + seen.alone) for change in changes
            ),
        )
    return {
        "icon": "eye",
        "sentence": sentence,
        "when": seen.date(one.at),
        "edge": edge(None, one.at),
        "by": "",
    }


def _listed(named: Iterable[tuple[str, str]]) -> SafeString:
    return format_html_join(", ", "{}", ((link(url, name),) for name, url in sorted(named)))


def _row(change: Change, seen: When) -> dict[str, Any]:
    """One line of a history."""
    icon, words = _said(change)
    return {
        "icon": icon,
        "sentence": format_html(
            words,
            person=link(person_url(change.person_id) + seen.alone, change.person),
            app=link(app_url(change.app_id) + seen.alone, change.app),
            role=role_word(change.role) if change.role else "",
            was_role=role_word(change.was_role) if change.was_role else "",
            as_role=role_noun(change.role),
            as_still=role_noun(change.still_role),
            was_person=change.was_person,
            value=change.value,
            was_value=change.was_value or "",
            project=change.project or _("no project"),
            was_project=change.was_project or _("no project"),
        ),
        "when": seen.date(change.happened_at or change.at),
        "edge": edge(change.after, change.at, change.happened_at),
        "by": _by(change),
    }


def link(address: str, name: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', address, name)


# --- what -----------------------------------------------------------------------------------------


def _said(change: Change) -> tuple[str, str]:
    """An icon, and a sentence with names in braces."""
    return _KINDS[change.kind](change)


def _start(change: Change) -> tuple[str, str]:
    if change.was_role is None:
        return _new(change)
    if change.role == Role.OWNER and change.was_person_id != change.person_id:
        return "crown", _("{person} became the owner of {app}, after {was_person}.")
    if change.was_status == Status.PENDING and change.status == Status.ACCEPTED:
        return "user-check", _("{person} accepted the invitation to {app} as {as_role}.")
    if change.status == Status.DELETED:
        return "ghost", _("The account of {person} was deleted; {app} still lists it.")
    if change.was_role != change.role:
        return "pencil", _("The role of {person} on {app} changed from {was_role} to {role}.")
    return "pencil", _("The status of {person} on {app} changed.")


def _new(change: Change) -> tuple[str, str]:
    if change.after is None:
        return "eye", _("{person} was on {app} as {as_role} when it was first read.")
    if change.role == Role.OWNER:
        return "crown", _("{person} became the owner of {app}.")
    if change.status == Status.PENDING:
        return "mail", _("{person} was invited to {app} as {as_role}.")
    return "user-plus", _("{person} got access to {app} as {as_role}.")


def _end(change: Change) -> tuple[str, str]:
    if change.still_role == Role.OWNER:
        return "crown", _("{person} is now owner of {app}; the role was {role}.")
    if change.still_role:
        return "pencil", _("{person} is on {app} as {as_still} now; the role was {role}.")
    if change.role == Role.OWNER:
        return "user-x", _("{person} no longer owns {app}.")
    if change.status == Status.PENDING:
        return "x", _("The invitation of {person} to {app} is gone.")
    return "user-x", _("{person} no longer has access to {app}; the role was {role}.")


def _two_factor(change: Change) -> tuple[str, str]:
    if change.was_value is None:
        words = {
            TwoFactor.ON: _("2FA was on when {person} was first read."),
            TwoFactor.OFF: _("2FA was off when {person} was first read."),
        }
        return "eye", words.get(  # type: ignore[call-overload]
            change.value, _("2FA was not known when {person} was first read.")
        )
    if change.value == TwoFactor.ON:
        return "shield-check", _("{person} switched 2FA on.")
    if change.value == TwoFactor.OFF:
        return "shield-off", _("{person} switched 2FA off.")
    return "circle-question-mark", _("The 2FA of {person} is not known any more.")


def _app(change: Change) -> tuple[str, str]:
    if change.was_value is None and change.after is None:
        return "eye", _("{value} was in {project} when it was first read.")
    if change.was_value is None:
        return "plus", _("{value} appeared on Scalingo, in {project}.")
    if change.was_value != change.value:
        return "pencil", _("The app was renamed from {was_value} to {value}.")
    return "folder", _("The app moved from {was_project} to {project}.")


_KINDS: dict[str, Callable[[Change], tuple[str, str]]] = {
    "start": _start,
    "end": _end,
    "two_factor": _two_factor,
    "app": _app,
}


# --- when, and by whom ----------------------------------------------------------------------------


def edge(after: datetime | None, at: datetime, happened_at: datetime | None = None) -> str:
    """How exactly it is known when something began or ended."""
    if happened_at is not None:
        return _("on %(day)s at %(time)s, as Scalingo's log says") % _parts(happened_at)
    if after is None:
        return _("seen on %(day)s, at our first reading") % _parts(at)
    if timezone.localtime(after).date() == timezone.localtime(at).date():
        return _("on %(day)s between %(after)s and %(time)s") % {
            **_parts(at),
            "after": _parts(after)["time"],
        }
    return _("between %(after_day)s %(after)s and %(day)s %(time)s") % {
        **_parts(at),
        "after_day": _parts(after)["day"],
        "after": _parts(after)["time"],
    }


def _parts(at: datetime) -> dict[str, str]:
    local = timezone.localtime(at)
    return {"day": date_format(local, "j M Y"), "time": date_format(local, "H:i")}


def by(source: str, actor: str) -> SafeString:
    """Who made a change. Nothing where nobody looked it up."""
    if source == Attribution.Source.OURS:
        return badge("check", "plain", _("decided here"))
    if source == Attribution.Source.EVENT:
        return (
            format_html("{}", _("by %(actor)s, on Scalingo") % {"actor": actor})
            if actor
            else format_html("{}", _("on Scalingo, by nobody named"))
        )
    if source == Attribution.Source.UNEXPLAINED:
        return badge(
            "circle-question-mark",
            "warn",
            _("unexplained"),
            _("No event of Scalingo's explains it."),
        )
    return SafeString("")


def _by(change: Change) -> SafeString:
    """Who made a change, where it has an author and that is not the person themself."""
    if change.after is None:
        return SafeString("")
    words = by(change.source, change.actor)
    if words or change.kind not in {"start", "end"}:
        return words
    accepted = change.was_status == Status.PENDING and change.status == Status.ACCEPTED
    if change.kind == "start" and (accepted or change.status == Status.DELETED):
        return SafeString("")
    return _nobody_known()


def _nobody_known() -> SafeString:
    return format_html('<span class="muted">{}</span>', _("not known by whom"))


def given(row: Access) -> SafeString:
    """Who gave somebody an access."""
    if row.role == Role.OWNER:
        return format_html('<span class="muted">{}</span>', _("owns the app"))
    if not row.source and row.since_after is None:
        return format_html('<span class="muted">{}</span>', _("before we looked"))
    return by(row.source, row.actor) or _nobody_known()
