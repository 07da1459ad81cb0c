"""What Scalingo's answer to an order means: done, refused, not sent, or not known."""

from dataclasses import dataclass

from governance.changes.models import ENDING, State
from governance.scalingo import (
    Blocked,
    DeadToken,
    Limited,
    NoRight,
    NotFound,
    Refused,
    ScalingoError,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of telling once. `sent` is False when Scalingo certainly did nothing.

    `said` are Scalingo's own words, without secrets; `collaborator_id` is a new invitation's.
    """

    state: State
    code: str = ""
    said: str = ""
    collaborator_id: str = ""
    sent: bool = True


# Our turn in the limit would have come too late.
NOT_SENT = Outcome(State.WAITING, "window", sent=False)


def meaning_of(error: ScalingoError, kind: str, *, sent: bool = True) -> Outcome:
    """The outcome that `error` stands for. With `sent` False it came before the order itself."""
    if isinstance(error, Limited):
        return NOT_SENT
    if isinstance(error, Blocked):
        return Outcome(State.WAITING, "blocked", sent=False)
    if isinstance(error, DeadToken):
        return Outcome(State.FAILED, "no_token", said=error.sentence, sent=False)
    if not sent or (isinstance(error, Unavailable) and error.never_sent):
        return Outcome(State.WAITING, "not_reached", sent=False)
    return _of_the_order(error, kind)


def _of_the_order(error: ScalingoError, kind: str) -> Outcome:
    if isinstance(error, NoRight):
        return Outcome(State.REFUSED, "no_right", said=error.sentence, sent=False)
    if isinstance(error, NotFound):
        return _not_found(error, kind)
    if isinstance(error, Refused):
        return Outcome(State.REFUSED, "refused", said=error.sentence, sent=False)
    # No answer, half of one, or one that nobody understands: it may have been done.
    return Outcome(State.UNKNOWN, said=error.sentence)


def _not_found(error: NotFound, kind: str) -> Outcome:
    if error.resource == "app":
        return Outcome(State.REFUSED, "no_such_app", sent=False)
    if error.resource != "collaborator":
        return Outcome(State.UNKNOWN, said=error.sentence)
    if kind in ENDING:
        return Outcome(State.TOLD, "already_absent")
    return Outcome(State.REFUSED, "no_such_person", sent=False)
