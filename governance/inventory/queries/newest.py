"""What every answer rests on, as one text; and answers that are kept until it moves.

Counting people is the one question of a list whose price grows with the inventory. The history is
only ever added to (`models.py`), so its newest rows say whether anything happened since the last
time that somebody counted. A kept answer is therefore never older than the database itself.
"""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any

# The end of an index each, whatever the size of the table.
NEWEST = (
    "(SELECT coalesce(max(id), 0) FROM inventory_collaboration)",
    """(SELECT coalesce(max(ended_at), '-infinity') FROM inventory_collaboration
        WHERE ended_at IS NOT NULL)""",
    "(SELECT coalesce(max(id), 0) FROM inventory_appperiod)",
    "(SELECT coalesce(max(id), 0) FROM inventory_twofactorperiod)",
)


class Memory:
    """Answers of this process, by question. Those that were not asked for longest are forgotten.

    Safe to share between threads; two that ask together may both compute, to the same end.
    """

    def __init__(self, size: int = 1000) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def recall(self, question: Hashable) -> Any:
        """What was kept for `question`; None when nothing was."""
        with self._lock:
            if question in self._kept:
                self._kept.move_to_end(question)
            return self._kept.get(question)

    def keep(self, question: Hashable, answer: Any) -> None:
        with self._lock:
            self._kept[question] = answer
            self._kept.move_to_end(question)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def forget(self) -> None:
        """Start anew, as a new process does."""
        with self._lock:
            self._kept.clear()


memory = Memory()
