"""The filters in force, each with its words and the address without it."""

from django.http import QueryDict
from django.utils.translation import gettext as _

from governance.core.filters import Chip, without
from governance.rotations.filters import STATES, Asked
from governance.rotations.queries import Page


def of(get: QueryDict, asked: Asked, found: Page) -> list[Chip]:
    """What the list is narrowed to. The names of an app and a person are those of its rows."""
    first = found.rows[0].duty if found.rows else None
    said = {
        "q": _("“{text}”").format(text=asked.text) if asked.text else "",
        "state": _("State: {word}").format(word=STATES[asked.state]) if asked.state else "",
        "app": _("App: {name}").format(name=first.app if first else _("one app"))
        if asked.app
        else "",
        "person": _("Person: {name}").format(name=first.person if first else _("one person"))
        if asked.person
        else "",
        "owner": _owner(asked, found),
        "overdue": _("Overdue") if asked.overdue else "",
    }
    return [Chip(text, without(get, name)) for name, text in said.items() if text]


def _owner(asked: Asked, found: Page) -> str:
    if asked.nobodys:
        return _("Owner: nobody yet")
    if asked.owner is None:
        return ""
    name = next((str(one) for one in found.owners if one.pk == asked.owner), _("somebody"))
    return _("Owner: {name}").format(name=name)
