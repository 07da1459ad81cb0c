"""A request, and the plan of its answer, in terms that every front can carry out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `base_url` is how the asker reached us, without a path."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    raw_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    base_url: str = "http://127.0.0.1:4000"
    address: str = "127.0.0.1"


class Ending(Enum):
    """How an answer ends."""

    WHOLE = "whole"
    # The whole answer, then the connection is closed without having said so.
    CLOSED = "closed"
    # Half of the announced bytes, then the connection is closed.
    HALF = "half"
    # All bytes, without the mark that ends them, then the connection is closed.
    UNENDED = "unended"
    # The connection is reset before the first byte.
    RESET = "reset"
    # One byte at a time, `pace` seconds apart.
    DRIP = "drip"
    # Nothing at all, until the asker gives up.
    SILENCE = "silence"


@dataclass(slots=True)
class Plan:
    """An answer: what to send, after how many seconds, and how it ends.

    `headers` has no word about the transport (length, chunks, keep-alive): the fronts add theirs.
    """

    status: int
    headers: list[tuple[str, str]]
    chunks: Iterable[bytes] = ()
    ending: Ending = Ending.WHOLE
    delay: float = 0.0
    pace: float = 0.5
