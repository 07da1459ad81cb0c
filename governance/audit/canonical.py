"""One text for one value, whatever the language that writes it: what is hashed.

The profile is that of RFC 8785 narrowed: objects with ASCII keys in order, arrays, strings,
integers that any language can hold, true, false and null. `docs/audit-chain.md` describes it.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

_KEY = re.compile(r"[a-z0-9_]+")
# Beyond it, JavaScript and others round.
_LARGEST = 2**53 - 1


class CannotBeRecorded(ValueError):
    """A value has no canonical text, such as a float. The message says where."""


def canonical(value: Mapping[str, Any]) -> str:
    """The canonical JSON text of `value`; UUIDs and instants become strings.

    Raises `CannotBeRecorded` for what the profile does not have: floats, larger integers, other
    types, keys that are not lower-case ASCII words, NUL and lone surrogates.
    """
    return json.dumps(
        _plain(value, "data"), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with six decimals. Raises `CannotBeRecorded` for a naive one."""
    if moment.tzinfo is None:
        raise CannotBeRecorded("An instant needs a time zone.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _plain(value: object, where: str) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int):
        return _integer(value, where)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return instant(value)
    return _nested(value, where)


def _nested(value: object, where: str) -> object:
    if isinstance(value, Mapping):
        return {_key(key, where): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    raise CannotBeRecorded(f"{where} is a {type(value).__name__}, which an event cannot hold.")


def _key(key: object, where: str) -> str:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise CannotBeRecorded(f"{where} has the key {key!r}; keys are lower-case ASCII words.")
    return key


def _text(value: str, where: str) -> str:
    if "\0" in value:
        raise CannotBeRecorded(f"{where} holds the character NUL, which Postgres cannot keep.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise CannotBeRecorded(f"{where} is not valid Unicode.") from None
    return str(value)


def _integer(value: int, where: str) -> int:
    if abs(value) > _LARGEST:
        raise CannotBeRecorded(f"{where} is larger than 2^53 - 1.")
    return int(value)
