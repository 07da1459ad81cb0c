"""What a list is narrowed to: read from its address, shown as a form and as chips.

A filter is a word in the address with one or several of a few known values: `?role=owner`,
`?role=owner&role=collaborator` or `?role=owner,collaborator`. Whatever is not known is left out
and said: the page is shown without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from django.db.models import TextChoices
from django.http import QueryDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

LONGEST = 100  # of what is searched for
# What the button of one row asks for, and that all rows are selected: another list is not meant.
_OF_ONE_BRANCH = ("from", "show", "hide", "select")


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter of known values, each with its words. `any_` is what no choice is called."""

    name: str
    label: str
    any_: str
    options: tuple[tuple[str, str], ...]
    is_first: bool = True  # always in sight; the others are behind a button

    def word(self, value: str) -> str:
        return next((word for known, word in self.options if known == value), value)


def words(choices: type[TextChoices]) -> tuple[tuple[str, str], ...]:
    """The options of a filter whose values are those of a field."""
    return tuple((str(value), str(label)) for value, label in choices.choices)


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, and the address without it."""

    text: str
    remove: str


@dataclass(slots=True)
class Chosen:
    """What an address asks for: for each filter the values that are known; and what was ignored."""

    choices: Sequence[Choice]
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    text: str = ""
    ignored: list[str] = field(default_factory=list)

    def of(self, name: str) -> tuple[str, ...]:
        """The values of a filter; none when it is not in force."""
        return self.values.get(name, ())

    def one(self, name: str) -> str:
        """The first value of a filter that makes sense once."""
        return next(iter(self.of(name)), "")

    def ignore(self, label: str, value: str) -> None:
        self.ignored.append(not_known(label, value))

    def in_force(self) -> list[tuple[str, str]]:
        """Names and values, for a form beside the filters that must keep them."""
        return [(name, value) for name, values in self.values.items() for value in values]

    def in_address(self) -> list[tuple[str, str]]:
        """The same with what is searched for: the whole of what narrows the list."""
        return [*([("q", self.text)] if self.text else []), *self.in_force()]

    def first_selects(self) -> SafeString:
        """The filters that are always in sight, as <select> elements."""
        return self._selects(is_first=True)

    def more_selects(self) -> SafeString:
        """The others."""
        return self._selects(is_first=False)

    def _selects(self, *, is_first: bool) -> SafeString:
        return SafeString(
            "".join(
                select(choice, self.of(choice.name))
                for choice in self.choices
                if choice.is_first == is_first and choice.options
            )
        )


def read(get: QueryDict, choices: Sequence[Choice]) -> Chosen:
    """What `get` asks for. Raises nothing, whatever stands there."""
    chosen = Chosen(choices, text=text_of(get.get("q", "")))
    for choice in choices:
        known = [value for value, _word in choice.options]
        found = []
        for value in _values(get.getlist(choice.name)):
            if value in known:
                found.append(value)
            else:
                chosen.ignore(choice.label, value)
        if found:
            chosen.values[choice.name] = tuple(dict.fromkeys(found))
    return chosen


def not_known(label: str, value: str) -> str:
    """The sentence about a value that a filter does not have."""
    return _("%(filter)s: “%(value)s” is not known, so the list is shown without it.") % {
        "filter": label,
        "value": value[:LONGEST],
    }


def text_of(value: str) -> str:
    """What is searched for, as the database takes it."""
    return " ".join(value.replace("\0", "").split())[:LONGEST]


def uuid_of(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _values(given: Iterable[str]) -> list[str]:
    words = [word.strip() for value in given for word in value.split(",")]
    return [word for word in words if word][:20]


@lru_cache(maxsize=256)
def select(choice: Choice, chosen: tuple[str, ...]) -> SafeString:
    """One filter as an element. Kept, since most pages show the same ones."""
    return format_html(
        '<select name="{}" aria-label="{}">{}</select>\n',
        choice.name,
        choice.label,
        options(choice, chosen),
    )


def options(choice: Choice, chosen: tuple[str, ...]) -> SafeString:
    """The <option> elements of one filter. Several values in force are an option of their own."""
    rows = [("", choice.any_), *choice.options]
    force = ",".join(chosen)
    if len(chosen) > 1:
        rows.insert(1, (force, " / ".join(map(choice.word, chosen))))
    mark = SafeString(" selected")
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        (
            (value, mark, f"{choice.label}: {word}" if value else word)
            if value == force
            else (value, "", word)
            for value, word in rows
        ),
    )


def chips(get: QueryDict, chosen: Chosen, extra: Mapping[str, str] | None = None) -> list[Chip]:
    """The filters in force, each with the address that is without it.

    `extra` names filters that are not choices: the word in the address and what its chip says.
    """
    found = []
    if chosen.text:
        found.append(Chip(_("“%(text)s”") % {"text": chosen.text}, without(get, "q")))
    for choice in chosen.choices:
        for value in chosen.of(choice.name):
            rest = [other for other in chosen.of(choice.name) if other != value]
            text = _("%(filter)s: %(value)s") % {
                "filter": choice.label,
                "value": choice.word(value),
            }
            found.append(Chip(text, without(get, choice.name, rest)))
    found += [Chip(text, without(get, name)) for name, text in (extra or {}).items()]
    return found


def without(get: QueryDict, name: str, rest: Sequence[str] = ()) -> str:
    """The query without one filter, or with `rest` of it. Starts at the first page."""
    return address(get, {name: rest})


def address(
    get: QueryDict, changes: Mapping[str, str | Sequence[str]], *, same_page: bool = False
) -> str:
    """The query with changes; a name that is given no value goes."""
    gone = _OF_ONE_BRANCH if same_page else (*_OF_ONE_BRANCH, "after", "before")
    query: dict[str, Any] = {name: values for name, values in get.lists() if name not in gone}
    return f"?{urlencode({**query, **changes}, doseq=True, safe=',', quote_via=quote)}"
