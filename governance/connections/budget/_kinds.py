"""The words that the parts of the budget share."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Who waits for the answer: a person, or nobody."""

    INTERACTIVE = "interactive"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a request may leave; if not, in how many seconds it is worth asking again."""

    granted: bool
    wait: float
    window: int  # epoch windows since 1970
    left: int  # how many more of this kind


def kept_back(kind: Kind, *, reserve: int, limit: int, full: int) -> int:
    """How many of `limit` requests are not for `kind`: the reserve, smaller in a smaller window.

    A sweep always keeps at least one, or it would never end.
    """
    if kind is Kind.INTERACTIVE:
        return 0
    return min(reserve * limit // full, limit - 1)
