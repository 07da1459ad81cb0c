"""Addresses as people paste them: lines, commas, semicolons, `Name <mail>`."""

import re
import unicodedata
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LONGEST = 254
# Pasted at once; more is a file.
MOST = 500
_BETWEEN = re.compile(r"[\n\r,;\t]+")
_NAMED = re.compile(r"<([^<>]*)>")
_QUOTED = re.compile(r'"[^"]*"\s*(?=<)')  # a name with a comma in it


@dataclass(frozen=True, slots=True)
class Address:
    """One pasted address as it was written, and whether it is one. `line` counts from 1."""

    text: str
    line: int

    @property
    def is_one(self) -> bool:
        return is_address(self.text)


def key(email: str) -> str:
    """An address in the one way to compare it: compatible characters folded, small letters."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def is_address(email: str) -> bool:
    """Whether mail could be sent there."""
    try:
        validate_email(email)
    except ValidationError:
        return False
    return len(email) <= LONGEST


def read(text: str) -> list[Address]:
    """The addresses in a pasted text, each once, in their order; malformed ones too."""
    found: dict[str, Address] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        for part in _parts(line):
            if part:
                found.setdefault(key(part), Address(part, number))
    return list(found.values())


def _parts(line: str) -> list[str]:
    """Of `Ana Lopez <ana@example.com>` the address; words without one are kept to be refused."""
    parts: list[str] = []
    for piece in _BETWEEN.split(_QUOTED.sub("", line)):
        named = _NAMED.search(piece)
        whole = (named.group(1) if named else piece).strip().strip("\"'").strip()
        # "a@example.com b@example.com": spaces between addresses.
        several = whole.split()
        parts += several if len(several) > 1 and all("@" in one for one in several) else [whole]
    return parts
