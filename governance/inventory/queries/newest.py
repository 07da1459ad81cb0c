"""What every answer rests on, in one small value; and answers that are kept until it moves.

Counting people is the one question of a list whose price grows with the inventory. The history is
only ever added to (`models.py`), so its newest rows say whether anything happened since the last
time that somebody counted. A kept answer is therefore never older than the database itself.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

Answer = TypeVar("Answer")

# Two equal answers to all of these: nothing was added in between. Each is answered by the end of
# an index, whatever the size of the table.
NEWEST = (
    "(SELECT max(id) FROM inventory_collaboration)",
    "(SELECT max(ended_at) FROM inventory_collaboration WHERE ended_at IS NOT NULL)",
    "(SELECT max(id) FROM inventory_appperiod)",
    "(SELECT max(id) FROM inventory_twofactorperiod)",
)


class Memory:
    """Answers of this process, each with what it rests on. The least used are forgotten.

    Safe to share between threads; two that ask together may both compute, to the same end.
    """

    def __init__(self, size: int = 1000) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()
        self._lock = Lock()

    def recall(
        self, question: Hashable, rests_on: Hashable, answer: Callable[[], Answer]
    ) -> Answer:
        """The answer to `question`, computed again when what it rests on has moved."""
        with self._lock:
            kept = self._kept.get(question)
            if kept is not None and kept[0] == rests_on:
                self._kept.move_to_end(question)
                known: Answer = kept[1]
                return known
        found = answer()
        with self._lock:
            self._kept[question] = (rests_on, found)
            self._kept.move_to_end(question)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return found

    def forget(self) -> None:
        """Start anew, as a new process does."""
        with self._lock:
            self._kept.clear()


memory = Memory()
