"""Shapes for the SVG of the overview, from numbers. Colour and text are the template's.

A drawing is `WIDTH` units wide and `HEIGHT` high and stretches to its box; words stand outside it
in HTML, so that they keep their size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10

from governance.dashboard.overview.trend import Week

WIDTH = 1000
HEIGHT = 200


@dataclass(frozen=True, slots=True)
class Area:
    """A band of the stacked area: its name (on, unknown, off) and the `d` of its path."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One week: who joined stands above the line, who left hangs below it."""

    week: Week
    x: float
    width: float
    joined_y: float
    joined_height: float
    left_height: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """The stacked area of 2FA over the past year."""

    areas: list[Area]
    top: int  # the value at the upper edge; even
    months: list[datetime]

    @property
    def half(self) -> int:
        return self.top // 2


@dataclass(frozen=True, slots=True)
class Turnover:
    """Joiners and leavers, week by week."""

    bars: list[Bar]
    top: int
    bottom: int
    middle: float  # where the line between them lies
    joined: int
    left: int


def coverage(weeks: Sequence[Week]) -> Coverage:
    """Bands from the ground up: on, unknown, off."""
    top = _round_up(max((week.people for week in weeks), default=0))
    xs = _spread(len(weeks))
    ground = [0] * len(weeks)
    areas = []
    for name in ("on", "unknown", "off"):
        roof = [low + getattr(week, name) for low, week in zip(ground, weeks, strict=True)]
        areas.append(Area(name, _band(xs, ground, roof, top)))
        ground = roof
    return Coverage(areas, top, _marks(weeks))


def turnover(weeks: Sequence[Week]) -> Turnover:
    """One bar a week; both directions have the same scale, so that they can be compared."""
    top = max((week.joined for week in weeks), default=0)
    bottom = max((week.left for week in weeks), default=0)
    scale = HEIGHT / (top + bottom) if top + bottom else 0
    middle = round(top * scale, 1)
    step = WIDTH / max(1, len(weeks))
    bars = [
        Bar(
            week,
            x=round(number * step + step * 0.18, 1),
            width=round(step * 0.64, 1),
            joined_y=round(middle - week.joined * scale, 1),
            joined_height=round(week.joined * scale, 1),
            left_height=round(week.left * scale, 1),
        )
        for number, week in enumerate(weeks)
    ]
    return Turnover(
        bars,
        top,
        bottom,
        middle,
        joined=sum(week.joined for week in weeks),
        left=sum(week.left for week in weeks),
    )


def line(values: Sequence[int]) -> str:
    """The `points` of a sparkline; empty for fewer than two values."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    xs = _spread(len(values))
    return " ".join(
        f"{x:g},{_height(value - low, high - low):g}" for x, value in zip(xs, values, strict=True)
    )


def _band(xs: Sequence[float], ground: Sequence[int], roof: Sequence[int], top: int) -> str:
    there = [f"{x:g} {_height(value, top):g}" for x, value in zip(xs, roof, strict=True)]
    back = [f"{x:g} {_height(value, top):g}" for x, value in zip(xs, ground, strict=True)]
    return "M" + "L".join([*there, *reversed(back)]) + "Z" if xs else ""


def _spread(count: int) -> list[float]:
    if count == 1:
        return [0]
    return [round(WIDTH * number / (count - 1), 1) for number in range(count)]


def _height(value: int, top: int) -> float:
    return round(HEIGHT * (1 - value / top), 1) if top else HEIGHT / 2


# Numbers that are good to read at an axis, and so are their halves.
_ROUND = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)


def _round_up(value: int) -> int:
    """The next even number that is good to read at an axis: 7 → 8, 43 → 50, 380 → 400."""
    if value <= 10:
        return max(2, value + value % 2)
    size: int = 10 ** int(log10(value))
    return next(int(size * step) for step in _ROUND if size * step >= value)


def _marks(weeks: Sequence[Week]) -> list[datetime]:
    """At most five instants, evenly apart, the first and the last included."""
    if len(weeks) < 5:
        return [week.at for week in weeks]
    last = len(weeks) - 1
    return [weeks[round(last * quarter / 4)].at for quarter in range(5)]
