"""The answer to "may they?", with the sentence to show when it is no."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied


class Refused(PermissionDenied):
    """Somebody may not do what they asked for. Its text is the sentence to show them.

    Uncaught in a view it becomes a 403 page with that sentence.
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
