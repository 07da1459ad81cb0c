"""What one process allows itself while Redis is away."""

from collections.abc import Callable

from ._kinds import Answer, Kind, kept_back

# So many processes, each for itself, stay within the limit.
_PROCESSES = 3


class Alone:
    """A third of the requests, counted by this process alone and by its own clock.

    What the others spent in the window in which Redis went away is not known, so nothing leaves
    before the next one. Not safe for threads by itself: the budget holds its lock around it.
    """

    def __init__(self, *, limit: int, period: float, reserve: int, margin: float) -> None:
        self._full, self._period, self._reserve, self._margin = limit, period, reserve, margin
        self._limit = max(1, limit // _PROCESSES)
        self._opens = 0.0
        self.is_on = False

    def begin(self, now: float) -> None:
        self.is_on = True
        self._opens = max(self._opens, self._next_window(now))

    def end(self) -> None:
        self.is_on = False

    def ask(
        self, verb: str, kind: Kind, now: float, spent_in: Callable[[int], int], pause: float
    ) -> Answer:
        """The answers of the shared script, as far as one process can know them.

        `spent_in` says how many requests this process made in a window.
        """
        window = int(now // self._period)
        if verb == "limited":
            self._opens = max(self._opens, now + pause if pause else self._next_window(now))
        kept = kept_back(kind, reserve=self._reserve, limit=self._limit, full=self._full)
        left = max(0, self._limit - kept - spent_in(window))
        opens = max(self._opens, window * self._period + self._margin)
        if now < self._opens:
            left = 0
        elif left == 0:
            opens = self._next_window(now)
        granted = verb == "take" and left > 0 and now >= opens
        return Answer(
            granted=granted, wait=max(0.0, opens - now), window=window, left=left - granted
        )

    def _next_window(self, now: float) -> float:
        return (now // self._period + 1) * self._period + self._margin
