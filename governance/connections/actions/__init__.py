"""What can be done with a connection. One transaction each, its event last, never the token.

`by` is nobody for whoever has a terminal on the server, and for the system itself.
"""

from .tokens import (
    LONGEST_NAME,
    AlreadyPaused,
    InUse,
    NameTaken,
    NotAToken,
    NotPaused,
    add,
    clean_token,
    pause,
    remove,
    replace_token,
    reseal,
    resume,
)
from .trials import Outcome, ask_for_test, heard, test

__all__ = [
    "LONGEST_NAME",
    "AlreadyPaused",
    "InUse",
    "NameTaken",
    "NotAToken",
    "NotPaused",
    "Outcome",
    "add",
    "ask_for_test",
    "clean_token",
    "heard",
    "pause",
    "remove",
    "replace_token",
    "reseal",
    "resume",
    "test",
]
