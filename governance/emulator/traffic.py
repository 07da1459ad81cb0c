"""What was asked of the emulator: counts by endpoint, the latest requests, how many at once."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it was answered. `region` is "" for the auth API."""

    at: datetime
    method: str
    path: str
    region: str
    endpoint: str
    account: str
    status: int
    body: bytes = field(repr=False)


class Traffic:
    """Counted under a lock of its own, since answers end in many threads."""

    def __init__(self, keep: int = 10_000) -> None:
        self._lock = threading.Lock()
        self.requests: Counter[str] = Counter()
        self.limited = 0
        self.latest: deque[Seen] = deque(maxlen=keep)
        self.in_flight = 0
        self.in_flight_max = 0

    def clear(self) -> None:
        """Forget all but the requests that are being answered."""
        with self._lock:
            self.requests.clear()
            self.latest.clear()
            self.limited = 0
            self.in_flight_max = self.in_flight

    def begin(self) -> None:
        with self._lock:
            self.in_flight += 1
            self.in_flight_max = max(self.in_flight_max, self.in_flight)

    def end(self) -> None:
        with self._lock:
            self.in_flight -= 1

    def note(self, seen: Seen) -> None:
        with self._lock:
            self.requests[seen.endpoint] += 1
            self.limited += seen.status == 429
            self.latest.append(seen)

    @property
    def total(self) -> int:
        return sum(self.requests.values())
