"""How every figure is measured: all arms side by side in one run, as ratios with their doubt.

These machines are noisy (twice the time for the same work is not rare), so no absolute time is a
figure. Arms run in turn, A B B A, the first round is dropped, and a ratio is the median of the
rounds' ratios with a bootstrapped 95 % interval. A goal is met only where the interval's bad end
meets it.
"""

import gc
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

ROUNDS = 7  # after the first, which is dropped


@dataclass
class Figure:
    """One claim: its ratio or number, the interval, and what it has to reach."""

    name: str
    value: float
    low: float
    high: float
    goal: str
    met: bool
    unit: str = "x"
    samples: list[float] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """One line for people."""
        sign = "met " if self.met else "MISS"
        return (
            f"  {sign}  {self.name:<58} {self.value:>9.3g} {self.unit}"
            f"  [{self.low:.3g}, {self.high:.3g}]  goal {self.goal}"
        )


def rounds(
    arms: dict[str, Callable[[], None]],
    *,
    count: int = ROUNDS,
    before: dict[str, Callable[[], None]] | None = None,
) -> dict[str, list[float]]:
    """Seconds of each arm per round, arms interleaved and turned round each time.

    `before` prepares an arm outside its time.
    """
    times: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(count + 1):
        order = list(arms) if number % 2 else list(reversed(arms))
        for name in order:
            if before and name in before:
                before[name]()
            gc.collect()
            gc.freeze()  # what the measurement itself keeps is nobody's cost
            start = time.perf_counter()
            arms[name]()
            if number:
                times[name].append(time.perf_counter() - start)
            else:
                times[name] = []
    return times


def ratio(top: list[float], bottom: list[float]) -> tuple[float, float, float, list[float]]:
    """Median of `top/bottom` per round, with a bootstrapped 95 % interval."""
    each = [a / b for a, b in zip(top, bottom, strict=True)]
    return (*interval(each), each)


def interval(values: list[float]) -> tuple[float, float, float]:
    """Median and bootstrapped 95 % interval of it."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(2000))
    return statistics.median(values), medians[50], medians[1949]


def at_least(name: str, top: list[float], bottom: list[float], goal: float, **notes: Any) -> Figure:
    """A figure whose ratio must be at least `goal`."""
    value, low, high, each = ratio(top, bottom)
    return Figure(name, value, low, high, f"≥ {goal:g}", low >= goal, samples=each, notes=notes)


def at_most(name: str, top: list[float], bottom: list[float], goal: float, **notes: Any) -> Figure:
    """A figure whose ratio must be at most `goal`."""
    value, low, high, each = ratio(top, bottom)
    return Figure(name, value, low, high, f"≤ {goal:g}", high <= goal, samples=each, notes=notes)


def number(
    name: str, value: float, goal: str, *, met: bool, unit: str = "", **notes: Any
) -> Figure:
    """A count: exact, so without an interval."""
    return Figure(name, value, value, value, goal, met, unit=unit, notes=notes)


def exponent(name: str, sizes: list[int], times: list[list[float]], goal: float) -> Figure:
    """b of time = a · size^b, by least squares over logarithms, per round; at most `goal`."""
    slopes = []
    xs = [math.log(size) for size in sizes]
    for each in zip(*times, strict=True):
        ys = [math.log(seconds) for seconds in each]
        mean_x, mean_y = statistics.mean(xs), statistics.mean(ys)
        slopes.append(
            sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
            / sum((x - mean_x) ** 2 for x in xs)
        )
    value, low, high = interval(slopes)
    return Figure(name, value, low, high, f"≤ {goal:g}", high <= goal, unit="b", samples=slopes)


def report(title: str, figures: list[Figure]) -> int:
    """Print figures for people on the error output and as JSON on the other. 1 if one missed."""
    print(f"{title}", file=sys.stderr)
    for figure in figures:
        print(figure.line(), file=sys.stderr)
    print(json.dumps({"title": title, "figures": [asdict(figure) for figure in figures]}))
    return 0 if all(figure.met for figure in figures) else 1
