"""The answer to "may they?", with the sentence to show when it is no."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import Http404


class Refused(PermissionDenied):
    """Somebody may not do what they asked for. Its text is the sentence to show them.

    Uncaught in a view it becomes a 403 page with that sentence.
    """


class Hidden(Http404):
    """Something is there, and whoever asked may not know. Answered as what does not exist.

    An attempt all the same: it leaves an event, as a refusal does.
    """


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something is allowed. True when it is; `reason` is a full sentence when it is not."""

    reason: str = ""

    def __bool__(self) -> bool:
        return not self.reason

    def enforce(self) -> None:
        """Raises `Refused` with the reason, when there is one."""
        if self.reason:
            raise Refused(self.reason)


ALLOWED = Verdict()
