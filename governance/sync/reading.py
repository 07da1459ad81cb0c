"""Ask Scalingo, patiently: in threads, with retries of reads, showing progress meanwhile."""

import copy
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

import stamina

from governance.scalingo import Blocked, DeadToken, Limited, ScalingoError, Unavailable
from governance.sync.progress import Progress

Key = TypeVar("Key")
Answer = TypeVar("Answer")

# httpx collapses above about 32 connections, and under 60 requests a minute more gain nothing.
THREADS = 8
_ATTEMPTS = 3
_TICK = 0.5  # seconds


class Reader:
    """Runs reads of one client in threads. Use it as a context manager.

    Reads are tried again when Scalingo was unavailable or limited us; the budget does the waiting
    for the limit. Any other `ScalingoError` is the answer. Once Scalingo has shut us out, or
    refused the token, nothing more is asked: that is the answer to everything.
    """

    def __init__(self, progress: Progress, *, threads: int = THREADS) -> None:
        self._progress = progress
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scalingo")
        self._hopeless: ScalingoError | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def one(self, call: Callable[[], Answer]) -> Answer:
        """The answer of `call`. Raises its `ScalingoError`."""
        future = self._pool.submit(self._patiently, call)
        while not wait([future], timeout=_TICK).done:
            self._progress.tick()
        return future.result()

    def many(
        self, calls: Iterable[tuple[Key, Callable[[], Answer]]]
    ) -> Iterator[tuple[Key, Answer | ScalingoError]]:
        """Each key with its answer or its error, as they come; as many under way as threads."""
        waiting = iter(calls)
        running: dict[Future[Answer], Key] = {}
        while True:
            for key, call in islice(waiting, self._threads - len(running)):
                running[self._pool.submit(self._patiently, call)] = key
            if not running:
                return
            done = wait(running, timeout=_TICK, return_when=FIRST_COMPLETED).done
            self._progress.tick()
            for future in done:
                key = running.pop(future)
                try:
                    answer = future.result()
                except ScalingoError as error:
                    yield key, error
                else:
                    yield key, answer

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        if self._hopeless:
            raise copy.copy(self._hopeless)
        try:
            return self._again_and_again(call)
        except (Blocked, DeadToken) as error:
            self._hopeless = copy.copy(error)
            raise

    def _again_and_again(self, call: Callable[[], Answer]) -> Answer:
        for attempt in stamina.retry_context(
            on=_again, attempts=_ATTEMPTS, timeout=None, wait_initial=0.1, wait_max=2.0
        ):
            with attempt:
                if attempt.num > 1:
                    self._progress.retried()
                return call()
        raise AssertionError("stamina ends with an answer or an error")


def _again(error: Exception) -> bool | float:
    if isinstance(error, Limited):
        return 0.0
    return isinstance(error, Unavailable)
