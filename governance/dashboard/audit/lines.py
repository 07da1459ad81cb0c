"""Events as lines of the page: one sentence each, with the people and apps in it as links."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit import sentences
from governance.audit.models import Event
from governance.audit.sentences import SENTENCES
from governance.dashboard import rows
from governance.dashboard.moments import moment

_NAMES = """
SELECT id, 'app' AS what, name FROM inventory_app WHERE id = ANY(%(ids)s)
UNION ALL
SELECT id, 'person', coalesce(nullif(username, ''), email) FROM inventory_person
WHERE id = ANY(%(ids)s)
UNION ALL
SELECT id, 'user', coalesce(nullif(name, ''), email) FROM accounts_user WHERE id = ANY(%(ids)s)
UNION ALL
SELECT id, 'connection', name FROM connections_connection WHERE id = ANY(%(ids)s)
"""
_ICONS = {
    "user": "user",
    "connection": "plug",
    "sync": "refresh-cw",
    "platform": "cloud",
    "change": "send",
    "rotation": "key-round",
    "report": "file-text",
    "fact": "pencil",
    "two_factor": "shield",
    "access": "download",
    "settings": "settings",
    "audit": "shield-check",
    "personal": "eraser",
}


def lines(events: Sequence[Event], user: User, now: datetime) -> list[dict[str, Any]]:
    """A dictionary for each event, as the template reads it; names are asked for once."""
    known = _names(events)
    return [_line(event, known, now) for event in events]


def _line(event: Event, known: dict[UUID, tuple[str, str]], now: datetime) -> dict[str, Any]:
    then = json.loads(event.names_then) if event.names_then else {}  # type: ignore[attr-defined]
    erased: bool = event.was_erased  # type: ignore[attr-defined]
    names = {identity: name for identity, (_what, name) in known.items()}
    said = sentences.words(event, names=names, personal=then, erased=erased)
    template = sentences.template(event, personal=then, erased=erased)
    return {
        "sequence": event.sequence,
        "icon": _ICONS.get(event.kind.partition(".")[0], "circle-dot"),
        "sentence": _sentence(event, template, said, known),
        "by": _by(event, said),
        "reason": "" if template and "{reason}" in template else then.get("reason", ""),
        "when": moment(event.occurred_at, now),
        "source": event.get_source_display(),
        "hash": bytes(event.hash).hex(),
    }


def _sentence(
    event: Event,
    template: str | None,
    said: Mapping[str, str],
    known: dict[UUID, tuple[str, str]],
) -> SafeString:
    """The sentence of an event; the app and the person in it lead to their pages."""
    if template is None:
        return conditional_escape(event.kind)
    made: dict[str, SafeString] = {}
    for _text, word, _form, _conversion in Formatter().parse(template):
        if word:
            made[word] = format_html("<bdi>{}</bdi>", said[word])
    for word, identity in (("app", event.app_id), ("person", event.person_id)):
        if identity and known.get(identity, ("", ""))[0] == word:
            made[word] = format_html('<a href="{}">{}</a>', _url(word, identity), said[word])
    return format_html(template, **made) if made else conditional_escape(template)


def _url(word: str, identity: UUID) -> str:
    return rows.app_url(identity) if word == "app" else rows.person_url(identity)


def _by(event: Event, said: Any) -> str:
    """Who did it and where, if the sentence does not say: of changes seen on Scalingo."""
    if event.source != "platform" or "{actor}" in str(SENTENCES.get(event.kind, "{actor}")):
        return ""
    explained = event.data.get("explained")
    is_named = event.actor_id is not None or said["actor"] != _("Somebody")
    if explained == "ours":
        # Scalingo was told from here: it names the account that we told it with, not who decided.
        words = _("as %(name)s decided here") if is_named else _("as was decided here")
    elif is_named:
        words = _("by %(name)s, on Scalingo")
    else:
        words = _("unexplained") if explained else ""
    return words % {"name": said["actor"]}


def _names(events: Sequence[Event]) -> dict[UUID, tuple[str, str]]:
    """What each id on this page is, and what it is called now."""
    ids = {
        identity
        for event in events
        for identity in (event.actor_id, event.target_id, event.app_id, event.person_id)
        if identity is not None
    }
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, {"ids": list(ids)})
        return {identity: (what, name) for identity, what, name in cursor.fetchall()}
