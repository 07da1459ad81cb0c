"""Everything that changes a duty: it is opened, read about, given to somebody, closed, reopened."""

from governance.rotations.actions.opening import OPENED_WITHIN, open_duties
from governance.rotations.actions.reading import read_due
from governance.rotations.actions.settling import AlreadySettled, assign, close, reopen

__all__ = [
    "OPENED_WITHIN",
    "AlreadySettled",
    "assign",
    "close",
    "open_duties",
    "read_due",
    "reopen",
]
