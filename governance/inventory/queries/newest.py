"""What every answer rests on, as one text; and answers that are kept until it moves.

Counting people is the one question of a list whose price grows with the inventory. The database
itself says whether there is anything to count anew: whatever is written to a table that is counted
moves this text in the same transaction (the triggers of migration `0010_moves`), whoever writes it
and however. A kept answer is therefore never older than the database itself.
"""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any

# A table of one page, with a row for each transaction that ever wrote beside others. No two states
# of it share a text, also where one of them was rolled back: its numbers are given once.
NEWEST = "(SELECT coalesce(string_agg(number::text, ' ' ORDER BY id), '0') FROM inventory_move)"


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
