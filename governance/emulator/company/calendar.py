"""Dates of a past year: working days counted back from the anchor, and when to read it."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

from .base import Happening

# Readings: this long after the last of a group of happenings, at least this often.
AFTER = timedelta(hours=3)
GROUP = timedelta(hours=54)
GAP = timedelta(days=12)


class Calendar:
    """Collects what happens on which day of the year before `anchor` (days 1 to 364).

    Days are mapped to working days, in order; two days of the story that are at least two apart
    never fall on the same one.
    """

    def __init__(self, anchor: datetime) -> None:
        self.anchor = anchor
        self.start = anchor - timedelta(days=365)
        first = self.start.date()
        days = [first + timedelta(days=n) for n in range(1, 365)]
        self._working = [day for day in days if day.weekday() < 5]
        self.happenings: list[Happening] = []

    def at(self, day: int, clock: str) -> datetime:
        """The instant of a day of the story; the clock is UTC."""
        index = min(day * len(self._working) // 365, len(self._working) - 1)
        return datetime.combine(self._working[index], time.fromisoformat(clock), UTC)

    def on(
        self, day: int, clock: str, does: Callable[..., object], *args: Any, **kwargs: Any
    ) -> None:
        self.happenings.append(Happening(self.at(day, clock), partial(does, *args, **kwargs)))

    def before_anchor(
        self, hours: float, does: Callable[..., object], *args: Any, **kwargs: Any
    ) -> None:
        """Something so recent that it is told in hours before the anchor."""
        at = self.anchor - timedelta(hours=hours)
        self.happenings.append(Happening(at, partial(does, *args, **kwargs)))

    def in_order(self) -> list[Happening]:
        """What happens, oldest first; what was told first is first where the times are equal."""
        return sorted(self.happenings, key=lambda happening: happening.at)

    def readings(self) -> list[datetime]:
        """When to read: at the start, shortly after each group of happenings, at the anchor.

        Quiet times get readings too, so that no two are further apart than `GAP`.
        """
        wanted = [self.start]
        group: list[datetime] = []
        for happening in self.in_order():
            if group and happening.at - group[0] > GROUP:
                wanted.append(group[-1] + AFTER)
                group = []
            group.append(happening.at)
        if group:
            wanted.append(group[-1] + AFTER)
        wanted = [one for one in wanted if one < self.anchor - AFTER] + [self.anchor]
        return _without_gaps(wanted)


def _without_gaps(wanted: list[datetime]) -> list[datetime]:
    readings = wanted[:1]
    for instant in wanted[1:]:
        while instant - readings[-1] > GAP:
            readings.append(readings[-1] + GAP)
        readings.append(instant)
    return readings
