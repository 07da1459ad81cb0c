"""Cuts a long JSON answer into runs of whole rows, as it comes, without holding it.

A run is found quickly by looking for "},{" and believed only if it decodes: a text that holds
"},{" would leave a string open and an inner list would leave a bracket open, so a wrong cut never
decodes. Only then are the brackets and strings counted one by one.
"""

import re
from typing import Any, Protocol

import msgspec

from ._errors import NotUnderstood

# Rows are handed on in runs of about this many bytes.
RUN = 128 * 1024
# What stands before and after the rows, and one row alone, may be no longer.
MOST_AROUND = 1024 * 1024
MOST_OF_A_ROW = 1024 * 1024
# Closing braces looked at, from the end, for one between two rows.
TRIES = 64

# All that decoding raises: bad JSON, bad UTF-8 (a ValueError), too many brackets.
NOT_JSON = (msgspec.DecodeError, ValueError, RecursionError)

# Numbers too great for a float are numbers nevertheless.
plain = msgspec.json.Decoder(float_hook=float).decode

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
_BETWEEN = re.compile(rb"\}\s*,\s*\{")
_LIST_FOLLOWS = re.compile(rb"\s*:\s*\[")
# Stands where the rows were, in what is around them.
_STAND_IN = b'"the rows were here"'
_OPEN, _CLOSE = frozenset(b"[{"), frozenset(b"]}")
_COMMA, _QUOTE = ord(","), ord('"')


class Rows(Protocol):
    """Who takes the runs: JSON lists of whole rows."""

    def take(self, run: bytes) -> bool:
        """Take a run; if it is not JSON, take nothing of it and say False."""


def decode(body: bytes | bytearray) -> Any:
    """JSON as plain values. Raises `NotUnderstood`."""
    try:
        return plain(body)
    except NOT_JSON:
        pass
    raise NotUnderstood("is not whole, valid JSON", code="not_json")


class Cutter:
    """Reads `{…, key: [row, row, …], …}` part by part. `finish` returns what is around the rows."""

    def __init__(self, key: str, rows: Rows) -> None:
        self._key = key
        self._quoted = f'"{key}"'.encode()
        self._rows = rows
        self._buffer = bytearray()
        self._around = bytearray()
        self._enough = 1
        self._state = "before"
        self._after_comma = False

    def feed(self, part: bytes) -> None:
        """The next bytes of the body. Raises `NotUnderstood`."""
        for start in range(0, len(part), RUN):
            self._buffer += part[start : start + RUN]
            if len(self._buffer) >= self._enough:
                self._go_on(at_end=False)

    def finish(self) -> dict[str, Any]:
        """The answer without its rows. Raises `NotUnderstood` if it was not whole."""
        self._go_on(at_end=True)
        if self._state == "before":
            decode(self._buffer)
            raise NotUnderstood(f"has no list of {self._key}", code="wrong_shape")
        if self._state == "rows":
            raise NotUnderstood("ends in the middle", code="half_body")
        around = decode(self._around + _STAND_IN + self._buffer)
        # Another value of the same name further on would have taken its place.
        if not isinstance(around, dict) or around.get(self._key) != [decode(_STAND_IN)]:
            raise NotUnderstood(f"has no list of {self._key}", code="wrong_shape")
        return around

    def _go_on(self, *, at_end: bool) -> None:
        if self._state == "before":
            self._find_rows()
        if self._state == "rows":
            self._take_rows(at_end=at_end)
        if self._state != "rows" and len(self._buffer) > MOST_AROUND:
            raise NotUnderstood(f"has too much around its {self._key}", code="wrong_shape")

    def _find_rows(self) -> None:
        start = self._start_of_rows()
        if start < 0:
            self._enough = 2 * len(self._buffer)
            return
        if start > MOST_AROUND:
            raise NotUnderstood(f"has too much around its {self._key}", code="wrong_shape")
        self._around = self._buffer[:start]
        del self._buffer[:start]
        self._state = "rows"
        self._enough = RUN

    def _start_of_rows(self) -> int:
        """Where the first row is, or -1."""
        depth = 0
        for token in _TOKEN.finditer(self._buffer):
            mark = self._buffer[token.start()]
            if mark in _OPEN:
                depth += 1
            elif mark in _CLOSE:
                depth -= 1
            elif mark == _QUOTE and token.end() - token.start() == 1:
                break  # a text that goes on in the next part
            elif depth == 1 and token.group() == self._quoted:
                follows = _LIST_FOLLOWS.match(self._buffer, token.end())
                if follows:
                    return follows.end()
        return -1

    def _take_rows(self, *, at_end: bool) -> None:
        if len(self._buffer) < self._enough and not at_end:
            return
        if not at_end and self._take_quickly():
            return
        comma, end = self._count()
        if end >= 0:
            self._take_last(end)
        elif comma >= 0:
            self._hand_on(comma)
            self._forget(comma + 1)
        else:
            self._enough = 2 * len(self._buffer)

    def _run(self, end: int) -> bytes:
        return b"".join((b"[", self._buffer[:end], b"]"))

    def _take_quickly(self) -> bool:
        end = len(self._buffer)
        for _ in range(TRIES):
            end = self._buffer.rfind(b"}", 0, end)
            if end < 0:
                return False
            between = _BETWEEN.match(self._buffer, end)
            if between and end < MOST_OF_A_ROW:
                if not self._rows.take(self._run(end + 1)):
                    return False
                self._forget(between.end() - 1)
                return True
        return False

    def _take_last(self, end: int) -> None:
        if self._buffer[:end].strip():
            self._hand_on(end)
        elif self._after_comma:
            raise NotUnderstood("is not whole, valid JSON", code="not_json")
        del self._buffer[:end]
        self._state = "after"
        self._enough = 1

    def _hand_on(self, end: int) -> None:
        run = self._run(end)
        if not run[1:-1].strip() or not self._rows.take(run):
            raise NotUnderstood("is not whole, valid JSON", code="not_json")

    def _forget(self, end: int) -> None:
        del self._buffer[:end]
        self._after_comma = True
        self._enough = RUN

    def _count(self) -> tuple[int, int]:
        """Where the last comma between two rows is, and where the list ends; -1 if not there.

        Raises `NotUnderstood` for a row that is too long, however it came in parts.
        """
        depth, comma = 0, -1
        for token in _TOKEN.finditer(self._buffer):
            mark = self._buffer[token.start()]
            if mark in _OPEN:
                depth += 1
            elif mark in _CLOSE and depth > 0:
                depth -= 1
            elif depth == 0 and mark != _QUOTE:  # a comma, or the end
                self._check_length(token.start() - comma)
                if mark in _CLOSE:
                    return comma, token.start()
                comma = token.start()
            elif mark == _QUOTE and token.end() - token.start() == 1:
                break  # a text that goes on in the next part
        self._check_length(len(self._buffer) - comma)
        return comma, -1

    @staticmethod
    def _check_length(length: int) -> None:
        if length > MOST_OF_A_ROW:
            raise NotUnderstood("has a row that is too long", code="wrong_shape")
