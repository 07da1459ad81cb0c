"""Read the environment, once, with errors that name the variable.

Every function takes the name of a variable and raises `ImproperlyConfigured` with that name when
what it finds cannot be used. A variable that is set but empty counts as not set.
`docs/configuration.md` lists every name read here; a test compares the two.
"""

import os
import re
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def text(name: str, *, default: str | None = None) -> str:
    """The value of `name`, or `default`; without either, an error."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} must be set.")
    return default


def secret(name: str, *, default: str | None = None) -> str:
    """As `text`, and `NAME_FILE` may name a file that holds the value."""
    path = os.environ.get(f"{name}_FILE", "").strip()
    if path and not os.environ.get(name, "").strip():
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}.") from None
    return text(name, default=default)


def flag(name: str, *, default: bool) -> bool:
    """Whether `name` says yes. Words other than yes and no are errors."""
    value = text(name, default=str(default)).lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be one of true, false; it is {value!r}.")


def number(name: str, *, default: int, minimum: int = 0) -> int:
    """A whole number of at least `minimum`."""
    value = text(name, default=str(default))
    try:
        found = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number; it is {value!r}.") from None
    if found < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}; it is {found}.")
    return found


def duration(name: str, *, default: str) -> timedelta:
    """A length of time: `30s`, `10m`, `2h` or `1d`. A bare number is minutes."""
    value = text(name, default=default)
    match = re.fullmatch(r"(\d+)\s*([smhd]?)", value)
    if not match or int(match[1]) == 0:
        raise ImproperlyConfigured(f"{name} must be like 30s, 10m or 2h; it is {value!r}.")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2] or "m"])


def words(name: str, *, default: str = "") -> list[str]:
    """A list separated by commas or spaces."""
    return [word for word in re.split(r"[\s,]+", text(name, default=default)) if word]
