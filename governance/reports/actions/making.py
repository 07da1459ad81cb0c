"""Make what was asked for: take it, write its file down piece by piece, say what came of it."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO, cast

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _

from governance.reports import making
from governance.reports.actions import leasing
from governance.reports.actions.leasing import Leased, Lost, Outcome
from governance.reports.asked import asked_of
from governance.reports.models import Export, Format
from governance.reports.pack import make_pack

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]

# Of a file in the database, and between two notes of how far it is.
PIECE = 512 * 1024
_NOTE_EVERY = 1.0
# Seconds after which a task makes room for another.
_MOST_SECONDS = 15 * 60


def make_due(*, clock: Clock, most: int | None = None) -> int:
    """Make what waits, or was left by a dead worker, until nothing does; how many were taken.

    Several workers may do so at once: each export is made by one of them.
    """
    stop_at, taken = time.monotonic() + _MOST_SECONDS, 0
    while (most is None or taken < most) and time.monotonic() < stop_at:
        found = leasing.take(at=clock())
        if found is None:
            break
        taken += 1
        if isinstance(found, Leased):
            _make(found, clock)
    return taken


def _make(leased: Leased, clock: Clock) -> None:
    try:
        outcome = _write(leased, clock)
        leasing.publish(leased, outcome, at=clock())
    except Lost:
        logger.info("export taken by another", extra={"export": str(leased.export.pk)})
    except making.CannotBeMade as error:
        _give_up(leased, str(error), clock)
    except (OperationalError, InterfaceError) as error:
        # The database was away, or had too much to do: it is tried again when the lease is over.
        said = type(error).__name__
        logger.warning("export left", extra={"export": str(leased.export.pk), "error": said})
    except Exception:
        logger.exception("export failed", extra={"export": str(leased.export.pk)})
        why = _("Something went wrong in making it; the log of the worker says what.")
        _give_up(leased, why, clock)


def _give_up(leased: Leased, why: str, clock: Clock) -> None:
    try:
        leasing.give_up(leased, why, at=clock())
    except Lost:
        logger.info("export taken by another", extra={"export": str(leased.export.pk)})


def _write(leased: Leased, clock: Clock) -> Outcome:
    pieces = Pieces(leased, clock)
    made = _made(leased.export, pieces, clock())
    pieces.flush()
    return outcome_of(made)


def outcome_of(made: making.Made) -> Outcome:
    """What an export keeps of it."""
    return Outcome(
        file_name=made.file_name,
        rows=made.rows,
        bytes=made.bytes,
        sha256=made.sha256,
        figures=dict(made.totals.figures),
        equation=made.equation,
        coverage=made.coverage,
        partial_because=made.why_partial,
        checkpoint=made.checkpoint,
    )


def _made(export: Export, pieces: "Pieces", at: datetime) -> making.Made:
    how: dict[str, Any] = {
        "by": making.Maker.of(export.asked_by, export.roles),
        "at": at,
        "options": making.Options(**export.options),
        "progress": pieces.progress,
    }
    out = cast(BinaryIO, pieces)
    if export.format != Format.ZIP:
        return making.make(asked_of(export), export.format, out, **how)
    reports = [asked_of(export, name) for name in export.asked["reports"]]
    return make_pack(reports, export.asked["formats"], out, **how)


class Pieces:
    """A file that is written into the database as it grows, each piece committed for itself."""

    def __init__(self, leased: Leased, clock: Clock) -> None:
        self._leased, self._clock = leased, clock
        self._waiting, self._number, self._done = BytesIO(), 0, 0
        self._noted_at = 0.0

    def write(self, data: bytes) -> int:
        for start in range(0, len(data), PIECE):
            self._waiting.write(data[start : start + PIECE])
            if self._waiting.tell() >= PIECE:
                self.flush()
        return len(data)

    def flush(self) -> None:
        data = self._waiting.getvalue()
        if not data:
            return
        leasing.keep(self._leased, self._number, data, at=self._clock(), done=self._done)
        self._waiting, self._number = BytesIO(), self._number + 1

    def progress(self, done: int, expected: int) -> None:
        self._done = done
        self.note(done=done, expected=expected)

    def note(self, **how_far: int) -> None:
        """Now and then, so that nobody takes it for left. Raises `Lost`."""
        if time.monotonic() - self._noted_at < _NOTE_EVERY:
            return
        self._noted_at = time.monotonic()
        leasing.hold(self._leased, at=self._clock(), **how_far)
