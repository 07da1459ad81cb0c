"""Who may change who has access, and what they must type before much of it goes.

Whether somebody still may is asked again when Scalingo is told: a change of a person who lost the
right meanwhile is refused.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.accounts.permissions import may_browse, may_change_access, may_remove
from governance.changes.models import ENDING, Kind
from governance.core.verdict import Verdict

__all__ = [
    "MOST_UNTYPED",
    "Confirmation",
    "confirmation",
    "may_cancel",
    "may_change",
    "may_change_access",
    "may_remove",
    "may_see",
]

# More ends of access and of invitations than this in one batch need their number typed.
MOST_UNTYPED = 10


def may_see(user: User) -> Verdict:
    """Whether `user` may read what was decided; of which apps is a matter of scope."""
    return may_browse(user)


def may_change(user: User, kinds: Collection[str]) -> Verdict:
    """Whether `user` may decide changes of these kinds, and still may while they wait."""
    if not user.is_active:
        return Verdict(_("Whoever decided this may not sign in here any more."))
    for kind in kinds:
        asked = may_remove if Kind(kind) in ENDING else may_change_access
        if not (verdict := asked(user)):
            return verdict
    return may_change_access(user)


def may_cancel(user: User) -> Verdict:
    """Whether `user` may stop changes that Scalingo was not told yet, whoever decided them."""
    return may_change_access(user)


class Confirmation(Enum):
    """What must be typed before a plan is placed."""

    NOTHING = "nothing"
    NUMBER = "number"  # of accesses and invitations that end
    ADDRESS = "address"  # of whoever loses everything


@dataclass(frozen=True, slots=True)
class Typed:
    """What must be typed, and the words it must be."""

    what: Confirmation
    text: str = ""

    def check(self, typed: str) -> Verdict:
        if self.text.casefold() == typed.strip().casefold():
            return Verdict()
        if self.what is Confirmation.NUMBER:
            why = _("Type how many accesses and invitations end: {number}.")
            return Verdict(why.format(number=self.text))
        return Verdict(
            _("Type the address of who loses everything: {email}.").format(email=self.text)
        )


def confirmation(*, ends: int, leavers: Sequence[str] = (), of_one: bool = False) -> Typed:
    """What must be typed before so many accesses and invitations end.

    `leavers` are the addresses of those who lose everything; `of_one` says that nobody else loses
    anything.
    """
    if leavers and of_one:
        return Typed(Confirmation.ADDRESS, leavers[0])
    if leavers or ends > MOST_UNTYPED:
        return Typed(Confirmation.NUMBER, str(ends))
    return Typed(Confirmation.NOTHING)
