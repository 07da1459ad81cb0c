"""Whether somebody's access to an app became less when a period ended. Pure functions.

    they were …               and then                       is it a departure?
    full, owner, unknown role nothing, or only invited       yes: they left, and knew values
    full, owner, unknown role limited                        yes: they stepped down
    full, owner, unknown role full, owner, unknown role      no
    limited                   nothing                        yes, and they knew names alone
    limited                   limited or more                no
    invited                   anything                       no: they never saw anything
    accepted                  account deleted                yes: whoever had it still knows
    account deleted           nothing                        no: that was said when it was deleted

A role or a status that Scalingo did not say is taken for the one that could read more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from governance.inventory.models import Role, Status
from governance.rotations.models import Knowledge, Why

_HELD = (Status.ACCEPTED, Status.UNKNOWN)
_LIMITED, _FULL = 1, 2


class Period(Protocol):
    """A row of `Collaboration`, as far as it is asked here."""

    pk: int
    role: str
    status: str
    started_after: datetime | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Departure:
    """How an access became less, and until when values could be read; None: they never could."""

    why: Why
    knowledge: Knowledge
    full_until: datetime | None


def departure(ended: Period, others: Iterable[Period], settled: set[int]) -> Departure | None:
    """What the end of `ended` was, or None when no access was lost by it.

    `others` are the other periods of the same person on the same app; `settled` the ids of those
    that a duty speaks of already.
    """
    at = ended.ended_at
    if at is None or ended.status not in _HELD:
        return None
    rest = [one for one in others if one.pk != ended.pk]
    later = [one for one in rest if _follows(one, at)]
    left_with = max((_rank(one) for one in later if one.status in _HELD), default=0)
    if left_with >= _rank(ended):
        return None
    full_until = at if _rank(ended) == _FULL else _full_before(rest, at, settled)
    return Departure(
        why=_why(ended, later, left_with),
        knowledge=Knowledge.VALUES if full_until else Knowledge.NAMES,
        full_until=full_until,
    )


def _rank(period: Period) -> int:
    return _LIMITED if period.role == Role.LIMITED else _FULL


def _follows(period: Period, at: datetime) -> bool:
    """Whether a period goes on at `at`, or no reading lies between `at` and its start."""
    if period.ended_at is not None and period.ended_at <= at:
        return False
    begun = period.started_at <= at
    return begun or (period.started_after is not None and period.started_after <= at)


def _why(ended: Period, later: Sequence[Period], left_with: int) -> Why:
    if left_with:
        return Why.STEPPED_DOWN
    if any(one.status == Status.DELETED for one in later):
        return Why.ACCOUNT_DELETED
    return Why.GAVE_AWAY if ended.role == Role.OWNER else Why.LEFT


def _full_before(rest: Iterable[Period], at: datetime, settled: set[int]) -> datetime | None:
    """When somebody limited could last read values; None if never, or if a duty says so already."""
    ends = [
        one.ended_at
        for one in rest
        if one.ended_at is not None
        and one.ended_at <= at
        and one.status in _HELD
        and _rank(one) == _FULL
        and one.pk not in settled
    ]
    return max(ends, default=None)
