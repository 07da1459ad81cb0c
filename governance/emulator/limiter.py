"""The rate limit: so many requests in each window of the epoch, for everybody apart."""


class Limiter:
    """Counts requests per key in fixed windows aligned on the epoch. A limit of 0 is none."""

    def __init__(self, limit: int = 0, period: float = 60.0) -> None:
        self.limit = limit
        self.period = period
        self._window = -1
        self._counts: dict[str, int] = {}

    def allows(self, key: str, now: float) -> bool:
        """Count one request of `key` at `now` (seconds since the epoch); False when over."""
        if not self.limit:
            return True
        window = int(now // self.period)
        if window != self._window:
            self._window, self._counts = window, {}
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key] <= self.limit
