"""Bad days: the next requests that match get another answer, none at all, or a spoilt good one."""

import random
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .mutations import Mutation
from .plan import Ending, Plan, Request

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    """`*` is one segment or a part of it, `**` any number of them."""
    parts = [
        ".*" if part == "**" else "[^/]*" if part == "*" else re.escape(part)
        for part in re.split(r"(\*\*|\*)", glob)
    ]
    return re.compile("".join(parts) + "/?")


@dataclass
class Fault:
    """What happens to the next `times` matching requests (None: to all), after `skip` good ones.

    Matching: `method`, `path` (a glob, without the region's prefix), `query` (a text in the query
    string), `region` ("" is the auth API), `account` (an address). Empty fields match everything,
    `region` None as well.

    With `status`, the answer is replaced: before the request is carried out, or after it was with
    `processed`. Without, the good answer is spoilt by `mutations`, and sent as `ending` says.
    `delay` seconds pass before the request is carried out, `hold` between that and the answer.
    `acts` are verbs of the world done just before, `then` just after.
    """

    method: str = ""
    path: str = "**"
    query: str = ""
    region: str | None = None
    account: str = ""
    times: int | None = 1
    skip: int = 0
    chance: float = 1.0
    status: int | None = None
    body: str | bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    # So many bytes more, in zeros: a huge body.
    padding: int = 0
    # The body travels compressed and says so: with padding, a bomb.
    gzip: bool = False
    processed: bool = False
    delay: float = 0.0
    hold: float = 0.0
    ending: Ending = Ending.WHOLE
    pace: float = 0.5
    mutations: list[Mutation] = field(default_factory=list)
    acts: list[dict[str, Any]] = field(default_factory=list)
    then: list[dict[str, Any]] = field(default_factory=list)
    does: Callable[[], object] | None = None
    hits: int = 0

    def __post_init__(self) -> None:
        """Take endings and mutations in plain words too. Raises ValueError and TypeError."""
        self.ending = Ending(self.ending)
        self.mutations = [
            Mutation(**one) if isinstance(one, dict) else one for one in self.mutations
        ]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Fault":
        """A fault as `/_emulator/faults` is given one. Raises TypeError and ValueError."""
        return cls(**{name: value for name, value in data.items() if name != "does"})

    def matches(self, request: Request, path: str, region: str, account: str) -> bool:
        """Whether this request is one of those meant. Counts nothing."""
        return (
            self.times != 0
            and self.method.upper() in ("", request.method)
            and self.region in (None, region)
            and self.account.lower() in ("", account.lower())
            and self.query in request.raw_query
            and _pattern(self.path).fullmatch(path) is not None
        )

    @property
    def replaces(self) -> bool:
        """Whether the request is answered without being carried out."""
        return self.status is not None and not self.processed

    def answer(self) -> Plan:
        """The answer instead of the good one."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        headers = [("Content-Type", self.content_type or _guess(body))]
        chunks: Iterable[bytes] = [body]
        if self.padding:
            chunks = padded(body, self.padding)
        if self.gzip:
            headers.append(("Content-Encoding", "gzip"))
            chunks = compressed(chunks)
        headers += list(self.headers.items())
        return Plan(self.status or 200, headers, chunks)

    def spoil(self, plan: Plan, request: Request) -> Plan:
        """Apply to a plan what is left: mutations, time and the ending."""
        for mutation in self.mutations:
            plan = mutation.spoil(plan, request)
        plan.delay += self.hold
        plan.pace = self.pace
        if self.ending is not Ending.WHOLE:
            plan.ending = self.ending
        return plan


def _guess(body: bytes) -> str:
    start = body.lstrip()[:1]
    if start in (b"{", b"["):
        return JSON
    return HTML if start == b"<" else TEXT


def padded(body: bytes, size: int) -> Iterable[bytes]:
    """`body` and `size` zeros, a piece at a time."""
    yield body
    piece = b"0" * 65536
    while size > 0:
        yield piece[: min(size, 65536)]
        size -= 65536


def compressed(chunks: Iterable[bytes]) -> Iterable[bytes]:
    packer = zlib.compressobj(wbits=31)
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()


class Faults:
    """The faults laid out, and the choice of the one that a request meets: the oldest that fits."""

    def __init__(self, seed: int) -> None:
        self.laid: list[Fault] = []
        self._random = random.Random(seed)

    def add(self, fault: Fault) -> Fault:
        self.laid.append(fault)
        return fault

    def clear(self) -> None:
        self.laid.clear()

    def meet(self, request: Request, path: str, region: str, account: str) -> Fault | None:
        """The fault that this request meets, counted down; None on a good day."""
        for fault in self.laid:
            if not fault.matches(request, path, region, account):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.chance < 1 and self._random.random() >= fault.chance:
                continue
            fault.hits += 1
            if fault.times is not None:
                fault.times -= 1
            return fault
        return None
