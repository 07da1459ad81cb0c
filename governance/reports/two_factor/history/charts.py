"""The drawings of 2FA over time, as paths for SVG: never a line over what was not read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10

from governance.reports.two_factor.history.over_time import Month, Week

WIDTH, HEIGHT = 1000, 200
_THIN = 4  # half the width of a week that stands alone between two that were not read


@dataclass(frozen=True, slots=True)
class Area:
    """A band of the stacked area: its name (on, unknown, off) and the `d` of its path."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Stack:
    areas: list[Area]
    top: int  # the value at the upper edge; even
    marks: list[datetime]
    has_gaps: bool

    @property
    def half(self) -> int:
        return self.top // 2


@dataclass(frozen=True, slots=True)
class Bar:
    month: Month
    x: float
    width: float
    y: float
    height: float


def stack(weeks: Sequence[Week]) -> Stack:
    """Bands from the ground up: on, unknown, off; each in as many pieces as there are runs."""
    top = _round_up(max((week.people for week in weeks), default=0))
    step = WIDTH / max(1, len(weeks) - 1)
    paths = {"on": "", "unknown": "", "off": ""}
    for run in _runs(weeks):
        ground = [0] * len(run)
        xs = [round(place * step, 1) for place, _week in run]
        for name in paths:
            roof = [
                low + getattr(week, name) for low, (_place, week) in zip(ground, run, strict=True)
            ]
            paths[name] += _band(xs, ground, roof, top)
            ground = roof
    areas = [Area(name, path) for name, path in paths.items()]
    return Stack(areas, top, _marks(weeks), any(not week.is_read for week in weeks))


def bars(months: Sequence[Month]) -> list[Bar]:
    """One a month, of what was read."""
    top = max((month.days for month in months), default=0)
    step = WIDTH / max(1, len(months))
    found = []
    for number, month in enumerate(months):
        height = round(HEIGHT * month.days / top, 1) if top and month.is_read else 0.0
        found.append(
            Bar(month, round(step * (number + 0.18), 1), round(step * 0.64, 1),
                round(HEIGHT - height, 1), height)
        )  # fmt: skip
    return found


def _runs(weeks: Sequence[Week]) -> Iterator[list[tuple[int, Week]]]:
    """Weeks that follow each other without a gap, with their places."""
    run: list[tuple[int, Week]] = []
    for place, week in enumerate(weeks):
        if week.is_read:
            run.append((place, week))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _band(xs: Sequence[float], ground: Sequence[int], roof: Sequence[int], top: int) -> str:
    if len(xs) == 1:
        left, right = max(0, xs[0] - _THIN), min(WIDTH, xs[0] + _THIN)
        xs, ground, roof = [left, right], [ground[0]] * 2, [roof[0]] * 2
    there = [f"{x:g} {_height(value, top):g}" for x, value in zip(xs, roof, strict=True)]
    back = [f"{x:g} {_height(value, top):g}" for x, value in zip(xs, ground, strict=True)]
    return "M" + "L".join([*there, *reversed(back)]) + "Z"


def _height(value: int, top: int) -> float:
    return round(HEIGHT * (1 - value / top), 1) if top else HEIGHT / 2


# Numbers that are good to read at an axis, and so are their halves.
_ROUND = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)


def _round_up(value: int) -> int:
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
