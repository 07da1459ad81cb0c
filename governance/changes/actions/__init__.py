"""What can be done with changes. One transaction each, its events last.

`place` and `cancel` are for people; `tell_due`, `give_up_on_the_lost` and `seen` for workers, any
number of them, at any time.
"""

from governance.changes.actions.cancelling import TooLate, cancel
from governance.changes.actions.placing import NothingToDo, Placed, PlanIsOld, place
from governance.changes.actions.seeing import looked, seen
from governance.changes.actions.telling import give_up_on_the_lost, tell_due

__all__ = [
    "NothingToDo",
    "Placed",
    "PlanIsOld",
    "TooLate",
    "cancel",
    "give_up_on_the_lost",
    "looked",
    "place",
    "seen",
    "tell_due",
]
