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

_is_key = re.compile(r"[a-z0-9_]+").fullmatch
# Beyond it, JavaScript and others round.
_LARGEST = 2**53 - 1
_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
).encode


class CannotBeRecorded(ValueError):
    """A value has no canonical text, such as a float. The message says where it stands."""


def canonical(value: Mapping[str, Any]) -> str:
    """The canonical JSON text of `value`; UUIDs and instants become strings.

    Raises `CannotBeRecorded` for what the profile does not have: floats, larger integers, other
    types, keys that are not lower-case ASCII words, NUL and lone surrogates.
    """
    return _encode(_object(value))


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with six decimals. Raises `CannotBeRecorded` for a naive one."""
    if moment.tzinfo is None:
        raise CannotBeRecorded("an instant needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, Mapping):
        return _object(value)
    return _other(value)


def _other(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return instant(value)
    raise CannotBeRecorded(f"an event cannot hold a {type(value).__name__}")


def _object(value: Mapping[Any, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, item in value.items():
        if not isinstance(key, str) or not _is_key(key):
            raise CannotBeRecorded(f"{key!r} is no key: keys are lower-case ASCII words")
        try:
            found[key] = _plain(item)
        except CannotBeRecorded as error:
            raise CannotBeRecorded(f"{key}: {error}") from None
    return found


def _text(value: str) -> str:
    if "\0" in value:
        raise CannotBeRecorded("the character NUL cannot be kept in Postgres")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise CannotBeRecorded("half a character (a lone surrogate) is no valid Unicode") from None
    return value


def _integer(value: int) -> int:
    if not -_LARGEST <= value <= _LARGEST:
        raise CannotBeRecorded("an integer beyond 2^53 - 1 is not read alike everywhere")
    return value
