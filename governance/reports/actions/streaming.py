"""Give a CSV to somebody who waits, while the database writes it; and keep it as it goes.

It is made and taken with its last byte, in one transaction: whoever has the whole file is on
record, and nobody else. Whoever goes away before leaves it to the workers.
"""

import contextlib
import logging
from collections.abc import Generator, Iterator

from django.db import transaction

from governance.accounts.models import User
from governance.audit.events import Source
from governance.reports import making
from governance.reports.actions import leasing
from governance.reports.actions.leasing import Leased, Lost
from governance.reports.actions.making import Clock, Pieces, outcome_of
from governance.reports.actions.taking import note_taken
from governance.reports.asked import asked_of
from governance.reports.models import Export

logger = logging.getLogger(__name__)


def stream_now(export: Export, *, by: User, source: Source, clock: Clock) -> "Given | None":
    """The file in pieces, once its first is there; None where others are at it, or may not be.

    Raises `making.CannotBeMade`, database errors, and `Lost`, as reading on does.
    """
    leased = leasing.take(at=clock(), pk=export.pk)
    if not isinstance(leased, Leased):
        return None
    return Given(leased, _pieces_of(leased, by, source, clock), clock)


class Given(Iterator[bytes]):
    """The pieces of a file that is being made. Whoever does not read them all closes it.

    That hands it to the workers. What is only forgotten they find when its lease is over: nothing
    is written when Python gives it up, which may be in the middle of another statement.
    """

    def __init__(self, leased: Leased, pieces: Generator[bytes, None, None], clock: Clock) -> None:
        self._leased, self._pieces, self._clock = leased, pieces, clock
        self._is_over = False
        self._first: bytes | None = self._following()

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return self._following()

    def close(self) -> None:
        """Stop, wherever it is. What was given to its last byte stays made and taken."""
        self._pieces.close()
        if not self._is_over:
            self._is_over = True
            leasing.hand_back(self._leased)

    def _following(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            self._is_over = True
            raise
        except making.CannotBeMade as error:
            self._is_over = True
            leasing.give_up(self._leased, str(error), at=self._clock())
            raise
        except Lost:
            self._is_over = True
            logger.info("export taken by another", extra={"export": str(self._leased.export.pk)})
            raise
        except Exception:
            logger.exception("export not given", extra={"export": str(self._leased.export.pk)})
            self.close()
            raise


def _pieces_of(
    leased: Leased, by: User, source: Source, clock: Clock
) -> Generator[bytes, None, None]:
    """The last byte of each piece comes with the next, and that of the last when it is kept."""
    export, kept, last = leased.export, Pieces(leased, clock), b""
    coming = making.stream(
        asked_of(export),
        by=making.Maker.of(export.asked_by, export.roles),
        at=clock(),
        options=making.Options(**export.options),
    )
    with contextlib.closing(coming):
        while True:
            try:
                piece = next(coming)
            except StopIteration as end:
                made: making.Made = end.value
                break
            kept.write(piece)
            kept.note()
            yield last + piece[:-1]
            last = piece[-1:]
    kept.flush()
    with transaction.atomic():
        whole = leasing.publish(leased, outcome_of(made), at=clock())
        note_taken(whole, by=by, source=source, at=clock())
    yield last
