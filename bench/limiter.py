"""The shared budget under a Scalingo that limits: S4 and S6 (`python -m bench limiter [--large]`).

The pretend Scalingo runs as a process of its own, 50 ms away, with 60 requests in each epoch window
of six seconds: a tenth of the real time. What is measured are ratios, so the rest is the same.

S4 reads one app per request, as a sweep does. The limit is the window time itself: so many slots as
a sweep may spend in each window, one answer after the last window opened. The peer asks without a
budget and backs off when it is refused, as most scripts do.

S6 asks as a person would, at random moments while another process sweeps as fast as it may. The
peer is the same budget without a reserve.
"""

import math
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from typing import Any

import httpx

from bench import measure
from bench.measure import Figure

LIMIT, RESERVE, PERIOD = 60, 10, 6.0
LATENCY_MS, JITTER_MS = 50, 10
THREADS = 8
FIRST = 3  # requests before the apps are read
S6_PERIOD = 3.0
S6_TRIALS = 120
# Within the reserve, whatever the moments: at most nine begin in any window.
S6_PER_WINDOW = 8


@dataclass(frozen=True)
class Scalingo:
    """A pretend Scalingo: where it is, whom to ask as, and which apps there are."""

    url: str
    token: str = field(repr=False)

    def limited(self) -> int:
        """How many requests it answered with 429 since `forget`."""
        return int(httpx.get(f"{self.url}/_emulator/state").json()["limited"])

    def forget(self) -> None:
        httpx.delete(f"{self.url}/_emulator/requests")


@contextmanager
def pretend_scalingo(period: float) -> Iterator[Scalingo]:
    """Start the emulator, and end it by its pid."""
    command = [sys.executable, "-m", "governance.emulator", "--port", "0", "--company", "small"]
    command += ["--latency-ms", str(LATENCY_MS), "--jitter-ms", str(JITTER_MS)]
    command += ["--rate-limit", str(LIMIT), "--rate-period", str(period)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = re.search(r"http://\S+", process.stdout.readline())
            if url is None:
                raise RuntimeError("the pretend Scalingo did not start")
            state = httpx.get(f"{url[0]}/_emulator/state").json()
            token = next(one["api_token"] for one in state["accounts"] if one["api_token"])
            yield Scalingo(url[0], token)
        finally:
            os.kill(process.pid, signal.SIGTERM)


def run(*, large: bool = False) -> int:
    """Measure both; 1 if a goal is missed."""
    figures = [*sweeping(requests=300 if large else 150, rounds=5 if large else 4), *interrupting()]
    return measure.report("The shared budget under Scalingo's limit", figures)


# --- S4 -------------------------------------------------------------------------------------------


def sweeping(*, requests: int, rounds: int) -> list[Figure]:
    """S4: a sweep's time, its 429s and its wasted requests."""
    ours, theirs = Arm(), Arm()
    with pretend_scalingo(PERIOD) as scalingo:
        arms = {
            "ours": lambda: ours.note(scalingo, read_with_the_budget(scalingo, requests)),
            "peer": lambda: theirs.note(scalingo, read_and_back_off(scalingo, requests)),
        }
        wait = {name: lambda: at_the_edge_of_a_window(scalingo, PERIOD) for name in arms}
        times = measure.rounds(arms, count=rounds, before=wait)
    if len(ours.rows | theirs.rows) != 1:
        raise RuntimeError(f"the arms read different things: {ours.rows} and {theirs.rows}")
    answer = LATENCY_MS / 1000
    ideal = (math.ceil(requests / (LIMIT - RESERVE)) - 1) * PERIOD + answer
    peers_ideal = (math.ceil(requests / LIMIT) - 1) * PERIOD + answer
    wasted = 100 * ours.limited / (ours.limited + requests * len(ours.each))
    their_waste = 100 * theirs.limited / (theirs.limited + requests * len(theirs.each))
    return [
        measure.at_most(
            f"S4 time of {requests} requests / ideal of the slots of a sweep",
            times["ours"],
            [ideal] * rounds,
            1.05,
            ideal_seconds=ideal,
        ),
        measure.number("S4 429s over all rounds", ours.limited, "0", met=ours.limited == 0),
        measure.number("S4 wasted requests", wasted, "≤ 0.5 %", met=wasted <= 0.5, unit="%"),
        measure.number(
            "S4 peer, back-off: time / its ideal (60 slots)",
            measure.interval([each / peers_ideal for each in times["peer"]])[0],
            "to compare",
            met=True,
            unit="x",
        ),
        measure.number("S4 peer: wasted requests", their_waste, "to compare", met=True, unit="%"),
    ]


@dataclass
class Arm:
    """What the rounds of one arm came to."""

    limited: int = 0
    each: list[int] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)

    def note(self, scalingo: Scalingo, rows: int) -> None:
        self.rows.add(rows)
        self.each.append(scalingo.limited())
        self.limited += self.each[-1]


def at_the_edge_of_a_window(scalingo: Scalingo, period: float) -> None:
    """Outside the time measured: let the window pass that the arm before has spent."""
    forget_the_budget()
    scalingo.forget()
    time.sleep(period - time.time() % period + 0.001)


def read_with_the_budget(scalingo: Scalingo, requests: int) -> int:
    """Spend `requests` as a sweep: the first three, then one app after the other."""
    from governance.connections.budget import Kind

    with client(scalingo, Kind.SWEEP) as (asking, _):
        region, apps = first_region(asking)

        def read(number: int) -> int:
            return len(asking.collaborators_of(region, apps[number % len(apps)]))

        with ThreadPoolExecutor(THREADS) as pool:
            return sum(pool.map(read, range(requests - FIRST)))


def read_and_back_off(scalingo: Scalingo, requests: int) -> int:
    """The same requests without a budget; refused, each thread waits longer and longer."""
    from governance import scalingo as api

    chance = random.Random(3)
    with api.Client(scalingo.token, auth_url=scalingo.url, hosts=("127.0.0.1",)) as asking:

        def patiently(call: Callable[[], Any]) -> Any:
            for attempt in range(100):
                try:
                    return call()
                except api.Limited:  # a second, two, four … of real time, so a tenth of it here
                    time.sleep(min(0.1 * 2**attempt, 1.6) * chance.uniform(0.8, 1.2))
            raise RuntimeError("limited for ever")

        region, apps = patiently(lambda: first_region(asking))

        def read(number: int) -> int:
            app = apps[number % len(apps)]
            return len(patiently(lambda: asking.collaborators_of(region, app)))

        with ThreadPoolExecutor(THREADS) as pool:
            return sum(pool.map(read, range(requests - FIRST)))


# --- S6 -------------------------------------------------------------------------------------------


def interrupting() -> list[Figure]:
    """S6: how soon a person's request leaves while a sync sweeps, with a reserve and without."""
    with pretend_scalingo(S6_PERIOD) as scalingo:
        kept, limited = interrupt(scalingo, reserve=RESERVE, trials=S6_TRIALS)
        lost, _ = interrupt(scalingo, reserve=0, trials=24)
    soon = 100 * sum(wait <= 1.0 for wait in kept) / len(kept)
    peers = 100 * sum(wait <= 1.0 for wait in lost) / len(lost)
    return [
        measure.number(
            f"S6 of {len(kept)} requests of people left within 1 s",
            soon,
            "≥ 99 %",
            met=soon >= 99,
            unit="%",
            worst_seconds=max(kept),
        ),
        measure.number("S6 the longest wait", max(kept), "≤ 1 s", met=max(kept) <= 1, unit="s"),
        measure.number("S6 429s", limited, "0", met=limited == 0),
        measure.number(
            "S6 peer, no reserve: left within 1 s", peers, "to compare", met=True, unit="%"
        ),
    ]


def interrupt(scalingo: Scalingo, *, reserve: int, trials: int) -> tuple[list[float], int]:
    """Seconds from each random moment until the request left; and the 429s of all."""
    from governance.connections.budget import Kind

    at_the_edge_of_a_window(scalingo, S6_PERIOD)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    sweep = context.Process(target=sweep_until, args=(scalingo, reserve, stop))
    sweep.start()
    try:
        time.sleep(2 * S6_PERIOD)  # until it sweeps
        waits: list[float] = []
        person = client(scalingo, Kind.INTERACTIVE, period=S6_PERIOD, reserve=reserve)
        with person as (asking, budget):
            region, apps = first_region(asking)
            for moment in random_moments(trials):
                time.sleep(max(0.0, moment - time.time()))
                began = time.perf_counter()
                asking.collaborators_of(region, apps[0])
                waits.append(budget.left - began)
    finally:
        stop.set()
        sweep.join(3 * S6_PERIOD)
    return waits, scalingo.limited()


def random_moments(trials: int) -> Iterator[float]:
    """Eight random moments of each window to come, never two at once."""
    chance = random.Random(5)
    start = (time.time() // S6_PERIOD + 1) * S6_PERIOD
    step = S6_PERIOD / S6_PER_WINDOW
    for number in range(trials):
        yield start + (number + chance.random()) * step


def sweep_until(scalingo: Scalingo, reserve: int, stop: Event) -> None:
    """In a process of its own: read one app after the other, as fast as the budget lets."""
    import django

    django.setup()
    from governance.connections.budget import Kind

    sweeper = client(scalingo, Kind.SWEEP, period=S6_PERIOD, reserve=reserve)
    with sweeper as (asking, _):
        region, apps = first_region(asking)

        def read() -> None:
            while not stop.is_set():
                asking.collaborators_of(region, apps[1])

        with ThreadPoolExecutor(THREADS) as pool:
            for future in [pool.submit(read) for _ in range(THREADS)]:
                future.result()


# --- clients --------------------------------------------------------------------------------------


@contextmanager
def client(
    scalingo: Scalingo, kind: Any, *, period: float = PERIOD, reserve: int = RESERVE
) -> Iterator[tuple[Any, Any]]:
    """A client as workers use them, and its budget, which notes when each request left."""
    from governance.connections import clients
    from governance.connections.budget import Budget

    class Noting(Budget):
        left = 0.0

        def take(self, kind: Any, *, on_wait: Callable[[float], None] | None = None) -> float:
            waited = super().take(kind, on_wait=on_wait)
            self.left = time.perf_counter()
            return waited

    budget = Noting(redis_client(), limit=LIMIT, period=period, reserve=reserve)
    clients.settings.SCALINGO_AUTH_URL = scalingo.url
    clients.settings.SCALINGO_HOSTS = ["127.0.0.1"]
    with clients.client_with(scalingo.token, kind=kind, budget=budget) as asking:
        yield asking, budget


def first_region(asking: Any) -> tuple[Any, list[str]]:
    """A region and the ids of its apps, in three requests: exchange, regions, apps."""
    region = asking.regions()[0]
    return region, [app.id for app in asking.apps(region)]


def redis_client() -> Any:
    import redis

    address = os.environ["REDIS_URL"].replace("redis+socket://", "unix://")
    return redis.Redis.from_url(address, socket_timeout=2)


def forget_the_budget() -> None:
    with redis_client() as broker:
        broker.flushall()
