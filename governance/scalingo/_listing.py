"""A long answer kept aside: read once to the end, then iterated as often as wanted.

Only what we understood is kept, in our own form: never a body as it came.
"""

import tempfile
import threading
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import msgspec

from ._errors import NotUnderstood
from ._models import Problem

# Beyond this a listing goes to a file that has no name.
IN_MEMORY = 2 * 1024 * 1024
# A listing with more rows that cannot be believed is not believed at all.
MOST_PROBLEMS = 10_000
_LENGTH = 4
_BUCKETS = 64


class _Row(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Row)


class Listing(Generic[T]):
    """Rows of one answer, whole and valid, in its order.

    Iterate again and again; `len()` counts the rows given. `problems` are the rows that could not
    be believed: what else the listing says of the same app cannot be either. An empty listing
    is an answer too. Close it, or use it in a `with`, to free its file.
    """

    def __init__(self, kind: type[T], received_at: datetime) -> None:
        self.received_at = received_at
        self.problems: list[Problem] = []
        # Names of fields that the platform sent and we do not know.
        self.unknown_fields: set[str] = set()
        # Optional fields read as unknown because of their type, and in how many rows.
        self.odd_values: dict[str, int] = {}
        # Rows left out on purpose (events of types that are not let in).
        self.left_out = 0
        self._count = 0
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._lock = threading.Lock()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode: Callable[[bytes], list[T]] = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        place = 0
        while True:
            block, place = self._block_at(place)
            if not block:
                return
            yield from self._decode(block)

    def __repr__(self) -> str:
        return f"<Listing of {self._count} rows, {len(self.problems)} problems>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def doubtful_apps(self) -> frozenset[str]:
        """Apps of which this listing says nothing that can be believed."""
        return frozenset(problem.app_id for problem in self.problems if problem.app_id)

    def close(self) -> None:
        """Free the file. Iterating afterwards raises ValueError."""
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()

    def add(self, rows: list[T]) -> None:
        """Keep rows aside. For the client alone."""
        if not rows:
            return
        block = self._encode(rows)
        with self._lock:
            self._file.write(len(block).to_bytes(_LENGTH, "big"))
            self._file.write(block)
        self._count += len(rows)

    def doubt(self, problem: Problem) -> None:
        """Note a row that cannot be believed. For the client alone."""
        self.problems.append(problem)
        if len(self.problems) > MOST_PROBLEMS:
            raise NotUnderstood("has too many rows that make no sense", code="wrong_shape")

    def _block_at(self, place: int) -> tuple[bytes, int]:
        with self._lock:
            self._file.seek(place)
            length = int.from_bytes(self._file.read(_LENGTH), "big")
            block = self._file.read(length) if length else b""
        return block, place + _LENGTH + length


class Seen:
    """Finds keys that come twice, in eight bytes a key whatever their number.

    Keys are told apart by their hash: two that collide are reported as one that came twice, which
    makes us believe less, never more.
    """

    def __init__(self) -> None:
        self._buckets = [array("q") for _ in range(_BUCKETS)]

    def add(self, keys: Iterable[Hashable]) -> None:
        buckets = self._buckets
        for number in map(hash, keys):
            buckets[number % _BUCKETS].append(number)

    def twice(self) -> frozenset[int]:
        """Hashes of the keys that came more than once."""
        found: set[int] = set()
        for bucket in self._buckets:
            once: set[int] = set()
            if len(set(bucket)) == len(bucket):
                continue
            for number in bucket:
                (found if number in once else once).add(number)
        return frozenset(found)
