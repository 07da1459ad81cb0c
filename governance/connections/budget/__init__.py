"""The requests that we may still make this minute, shared by every process that asks Scalingo.

Scalingo allows 60 requests a minute and answers 429 beyond. We take its windows to be those of its
limiter's defaults: fixed, and aligned to the epoch. So we count per epoch window, in Redis and by
Redis' own clock, and spend a window as quickly as we like rather than evenly.

`SWEEP` leaves a reserve of each window to `INTERACTIVE`: a person never waits behind a sync.

Both edges of a window are guarded. Nothing leaves in its first 30 ms: Scalingo's clock may be
behind ours. What leaves in its last sixtieth counts in the next one too: it may arrive there.

What we believe may be wrong, so 429s teach: one closes the window for every process; when they come
again within a few windows, the windows are made smaller, and grow back by one request per window
without any.

Without Redis each process allows itself a third of the requests, from the next window on.
"""

import functools
import logging
import math
import os
import threading
import time
import uuid
from collections.abc import Callable

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from ._alone import Alone
from ._kinds import Answer, Kind
from ._script import SCRIPT

__all__ = ["SCOPE", "Budget", "Kind", "shared"]

logger = logging.getLogger(__name__)

# Whether Scalingo counts per account, per token or per address is not known. One budget for all is
# right in each case, if slower than it could be in some.
SCOPE = "everything"

MARGIN_MS = 30
# A wait that Scalingo asks for is honoured up to this many seconds.
LONGEST_WAIT = 120.0
# Seconds slept at a time, so that whoever waits is told how long, and can be interrupted.
_SLICE = 1.0
# Seconds between two looks at a Redis that was away.
_LOOK_AGAIN = 1.0
# Redis may hold a request up for this many seconds before it counts as away.
_REDIS_TIMEOUT = 2.0


class Budget:
    """`limit` requests in each epoch window of `period` seconds, over all processes.

    `client` is the Redis that they share. `sleep` and `clock` (seconds since the epoch, used only
    without Redis) are arguments for the tests' sake.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        limit: int = 60,
        period: float = 60,
        reserve: int = 10,
        scope: str = SCOPE,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._script = client.register_script(SCRIPT)
        self._key = f"scalingo:budget:{{{scope}}}"
        self._limit, self._reserve, self._period_ms = limit, reserve, round(period * 1000)
        self._sleep, self._clock = sleep, clock
        self._alone = Alone(limit=limit, period=period, reserve=reserve, margin=MARGIN_MS / 1000)
        self._lock = threading.Lock()
        self._process = ""
        self._counts: dict[int, int] = {}  # what this process spent, by window; the last few
        self._look_again = 0.0
        self._taken = threading.local()  # in which window this thread's last request left

    def take(self, kind: Kind, *, on_wait: Callable[[float], None] | None = None) -> float:
        """Wait until one more request may leave, and count it. Returns the seconds waited.

        `on_wait` is told, about once a second while waiting, how many seconds are left; what it
        raises ends the wait, and nothing was counted.
        """
        waited = 0.0
        while not (answer := self._ask("take", kind)).granted:
            left = answer.wait
            while left > 0:
                if on_wait is not None:
                    on_wait(left)
                nap = min(left, _SLICE)
                self._sleep(nap)
                left -= nap
                waited += nap
        self._taken.window = answer.window
        return waited

    def remaining(self, kind: Kind) -> int:
        """How many requests of `kind` may still leave in this window, as of now."""
        return self._ask("peek", kind).left

    def limited(self, retry_after: float | None) -> None:
        """Tell every process that Scalingo answered 429 to this thread's last request.

        `retry_after` is in seconds, if Scalingo named them; less than one is not believed.
        """
        pause = 0.0
        if retry_after is not None and math.isfinite(retry_after) and retry_after >= 1:
            pause = min(retry_after, LONGEST_WAIT)
        window = getattr(self._taken, "window", -1)
        self._ask("limited", Kind.SWEEP, window=window, pause=pause)
        logger.warning("Scalingo limits our requests", extra={"retry_after": pause or None})

    # --- Redis, or alone --------------------------------------------------------------------------

    def _ask(self, verb: str, kind: Kind, *, window: int = -1, pause: float = 0.0) -> Answer:
        if time.monotonic() >= self._look_again:
            try:
                return self._ask_redis(verb, kind, window, pause)
            except (redis.RedisError, OSError) as error:
                self._cut_off(error)
        with self._lock:
            answer = self._alone.ask(verb, kind, self._clock(), self._spent_in, pause)
            if answer.granted:
                self._remember(answer.window)
            return answer

    def _ask_redis(self, verb: str, kind: Kind, window: int, pause: float) -> Answer:
        with self._lock:
            process = self._identity()
            latest = max(self._counts, default=-1)
            count = self._spent_in(latest)
        # fmt: off
        reply = self._script(
            keys=[self._key],
            args=[
                verb, kind.value, process, latest, count, self._period_ms, self._limit,
                self._reserve, MARGIN_MS, window, round(pause * 1000),
            ],
        )
        # fmt: on
        granted, wait_ms, window, left = (int(number) for number in reply)
        with self._lock:
            if granted:
                self._remember(window)
            if self._alone.is_on:
                self._alone.end()
                logger.info("Redis is back: the request budget is shared again")
        return Answer(granted=bool(granted), wait=wait_ms / 1000, window=window, left=left)

    def _cut_off(self, error: Exception) -> None:
        with self._lock:
            self._look_again = time.monotonic() + _LOOK_AGAIN
            if not self._alone.is_on:
                self._alone.begin(self._clock())
                # The kind of error alone: its text may hold the address of Redis.
                logger.warning(
                    "Redis is away: the request budget is this process' own",
                    extra={"error": type(error).__name__},
                )

    def _spent_in(self, window: int) -> int:
        return self._counts.get(window, 0)

    def _remember(self, window: int) -> None:
        self._counts[window] = self._spent_in(window) + 1
        while len(self._counts) > 4:  # our clock and Redis' may be a window or two apart
            del self._counts[min(self._counts)]

    def _identity(self) -> str:
        """A name for this process; a child that was forked counts for itself."""
        pid = f"{os.getpid()}:"
        if not self._process.startswith(pid):
            self._process = pid + uuid.uuid4().hex[:12]
            self._counts = {}
        return self._process


@functools.cache
def shared() -> Budget:
    """The budget of this installation, as its settings say."""
    client = redis.Redis.from_url(
        settings.REDIS_URL.replace("redis+socket://", "unix://"),
        socket_timeout=_REDIS_TIMEOUT,
        socket_connect_timeout=_REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )
    return Budget(
        client,
        limit=settings.SCALINGO_RATE_LIMIT,
        period=settings.SCALINGO_RATE_PERIOD,
        reserve=settings.SCALINGO_RATE_RESERVE,
    )
