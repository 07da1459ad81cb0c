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


def stream_now(export: Export, *, by: User, source: Source, clock: Clock) -> Iterator[bytes] | None:
    """The file in pieces, once its first is there; None where others are at it, or may not be.

    Raises `making.CannotBeMade`, also while it is read, database errors, and `Lost`. Closing it at
    any piece but the last hands it to the workers.
    """
    leased = leasing.take(at=clock(), pk=export.pk)
    if not isinstance(leased, Leased):
        return None
    pieces = _given(leased, by, source, clock)
    return _begun(next(pieces), pieces)


def _begun(first: bytes, rest: Generator[bytes, None, None]) -> Iterator[bytes]:
    yield first
    yield from rest


def _given(leased: Leased, by: User, source: Source, clock: Clock) -> Generator[bytes, None, None]:
    try:
        last = yield from _all_but_the_last(leased, by, source, clock)
    except making.CannotBeMade as error:
        leasing.give_up(leased, str(error), at=clock())
        raise
    except Lost:
        logger.info("export taken by another", extra={"export": str(leased.export.pk)})
        raise
    except GeneratorExit:
        leasing.hand_back(leased)
        raise
    except Exception:
        logger.exception("export not given", extra={"export": str(leased.export.pk)})
        leasing.hand_back(leased)
        raise
    yield last


def _all_but_the_last(
    leased: Leased, by: User, source: Source, clock: Clock
) -> Generator[bytes, None, bytes]:
    """Gives all but the last byte of each piece with the next; returns that of the last one."""
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
    return last
