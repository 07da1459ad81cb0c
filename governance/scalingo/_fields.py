"""One JSON object asked for its fields: tolerant of what may be missing, and counting it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a row cannot be believed."""

    app_id: str | None
    field: str
    why: str


@dataclass(slots=True)
class Oddities:
    """What was tolerated: optional fields of an unexpected type, read as unknown."""

    values: dict[str, int] = field(default_factory=dict)

    def note(self, name: str) -> None:
        self.values[name] = self.values.get(name, 0) + 1


class Fields:
    """One JSON object, asked for its fields. Required ones that are not there become doubts."""

    def __init__(self, row: Json, odd: Oddities) -> None:
        self._row = row
        self._odd = odd
        self.missing: list[tuple[str, str]] = []

    def needed(self, name: str) -> str:
        value = self._row.get(name)
        if isinstance(value, str) and value:
            return value
        why = "is missing" if value in (None, "") else "is not a text"
        self.missing.append((name, why))
        return ""

    def text(self, name: str) -> str:
        value = self._row.get(name)
        if isinstance(value, str):
            return value
        if value is not None:
            self._odd.note(name)
        return ""

    def text_or_none(self, name: str) -> str | None:
        return self.text(name) or None

    def flag(self, name: str) -> bool | None:
        value = self._row.get(name)
        if value is None or isinstance(value, bool):
            return value
        self._odd.note(name)
        return None

    def limited(self) -> bool | None:
        """The role, also as the texts that two tables of the documentation promise."""
        said = self._row.get("is_limited")
        if isinstance(said, str) and said in ("true", "false"):
            return said == "true"
        return self.flag("is_limited")

    def time(self, name: str) -> datetime | None:
        value = self._row.get(name)
        when = read_time(value)
        if when is None and value is not None:
            self._odd.note(name)
        return when

    def inner(self, name: str) -> "Fields":
        """The object `name`, or one without any field."""
        value = self._row.get(name)
        if value is not None and not isinstance(value, dict):
            self._odd.note(name)
        return Fields(value if isinstance(value, dict) else {}, self._odd)


def read_time(value: object) -> datetime | None:
    """An aware time from any ISO 8601 text; one without a zone is taken as UTC. Else None."""
    if not isinstance(value, str):
        return None
    try:
        when = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return _read_loose_time(value)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _read_loose_time(value: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
