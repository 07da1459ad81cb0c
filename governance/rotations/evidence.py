"""What Scalingo's timeline shows of variables since a departure. Pure functions.

Only names come here: an event's values were dropped when it was read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.rotations.models import Evidence
from governance.scalingo import Event

# Scalingo tells events of the last 72 hours, and no older ones.
EVENT_HOURS = 72
Gap = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Touched:
    """One variable in one event."""

    event: Event
    variable: str
    what: Evidence.What

    @property
    def is_change(self) -> bool:
        """Whether what somebody knew of it is no longer true; a new variable they never knew."""
        return self.what != Evidence.What.ADDED


def touched(events: Iterable[Event], *, since: datetime) -> Iterator[Touched]:
    """Every variable that was touched after `since`."""
    for event in events:
        if event.at <= since:
            continue
        for what, names in (
            (Evidence.What.CHANGED, event.variables_changed),
            (Evidence.What.REMOVED, event.variables_removed),
            (Evidence.What.ADDED, event.variables_added),
        ):
            for name in dict.fromkeys(names):
                yield Touched(event, name, what)


def hours_since(since: datetime, at: datetime) -> int:
    """How many hours of events must be asked for to see everything since then, at most 72."""
    hours = int((at - since) / timedelta(hours=1)) + 1
    return min(max(hours, 1), EVENT_HOURS)


def unseen(wanted_from: datetime, at: datetime) -> Gap | None:
    """The time since `wanted_from` of which Scalingo tells nothing any more; None: all is told."""
    told_from = at - timedelta(hours=EVENT_HOURS)
    return (wanted_from, told_from) if wanted_from < told_from else None


def gaps(stored: Sequence[Sequence[str]]) -> list[Gap]:
    """Gaps as they stand in the database."""
    return [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in stored]
