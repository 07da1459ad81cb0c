"""Make a report: the one door to rows, totals and formats.

    made = make(asked, "xlsx", out, by=Maker.of(user), at=now)
    made.complete, made.why_partial, made.sha256, made.file_name

    response = StreamingHttpResponse(stream(asked, "csv", by=Maker.of(user), at=now))

Several reports with what proves them are a pack: `pack.make_pack`, in the same words.

Nothing is recorded and nobody's right is asked for here: whoever calls it does both, before. It
reads through a connection of its own, so it sees what is committed.
"""

import io
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, Protocol

from django.utils.translation import gettext as _

from governance.audit.models import Checkpoint
from governance.reports.beside import Beside, Maker, beside
from governance.reports.formats import plain, printed, sheet, text
from governance.reports.registers import REPORTS
from governance.reports.registers.base import Asked, Report, Totals
from governance.reports.snapshot import Snapshot, snapshot

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["FORMATS", "CannotBeMade", "Made", "Maker", "Options", "make", "stream"]


class CannotBeMade(Exception):
    """No such report, format, or report without a time it needs. The message is for people."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a CSV is written: with a byte order mark, with `;` between cells."""

    bom: bool = False
    semicolon: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What became of it. `why_partial` are sentences, none where it is complete.

    `equation` is what the control totals say, `coverage` what was read, each a sentence or some.
    `checkpoint` is that of the audit log which is in it, if it is a pack.
    """

    rows: int
    bytes: int
    sha256: str
    totals: Totals
    complete: bool
    why_partial: list[str]
    media_type: str
    file_name: str
    equation: str = ""
    coverage: str = ""
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a report; one with more than `most_rows` is refused."""

    media_type: str
    write: "Write"
    most_rows: int | None = None


Progress = Callable[[int, int], None]  # rows written, and of how many


def no_progress(done: int, of: int) -> None:
    """For whom nobody waits."""


class Write(Protocol):
    """Writes one report to `out` and says how many rows it wrote."""

    def __call__(
        self,
        reading: Snapshot,
        found: Beside,
        out: io.RawIOBase,
        options: Options,
        progress: Progress,
    ) -> int: ...


def make(
    asked: Asked,
    format: str,  # noqa: A002  It is called so everywhere.
    out: BinaryIO,
    *,
    by: Maker | None,
    at: datetime,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Made:
    """Write the report that was asked for to `out`, from one snapshot.

    `by` None is the terminal. `progress` is called now and then with how many rows are written,
    and of how many. Raises `CannotBeMade`, whatever writing to `out` raises, and database errors.
    What was written before something was raised is worth nothing.
    """
    report, way = report_of(asked), format_of(format)
    sink = Sink(out)
    with snapshot() as reading:
        found = beside(report, asked, reading, by=by, at=at)
        enforce_most(way, format, found)
        rows = way.write(reading, found, sink, options or Options(), progress or no_progress)
    return _made(asked, format, found.with_rows(rows), sink)


def _made(asked: Asked, format: str, found: Beside, sink: "Sink") -> Made:  # noqa: A002
    return Made(
        rows=found.totals.figures["rows_written"],
        bytes=sink.size,
        sha256=sink.sha256,
        totals=found.totals,
        complete=found.is_complete,
        why_partial=found.why_partial,
        media_type=media_type(format),
        file_name=file_name(asked, format, complete=found.is_complete),
        equation="\n".join(found.totals.sentences),
        coverage=coverage_sentence(found),
    )


def stream(
    asked: Asked,
    format: str = "csv",  # noqa: A002
    *,
    by: Maker | None,
    at: datetime,
    options: Options | None = None,
) -> Generator[bytes, None, Made]:
    """The CSV in pieces as the database gives them; its totals are counted after its rows.

    What it returns says what was made. Raises `CannotBeMade` at once, database errors while it is
    read. Closing it, or forgetting it, at any piece releases the snapshot and its connection.
    """
    report = report_of(asked)
    if format != "csv":
        raise CannotBeMade(_("Only CSV is given while it is made."))
    return _stream(report, asked, by=by, at=at, options=options or Options())


def _stream(
    report: Report, asked: Asked, *, by: Maker | None, at: datetime, options: Options
) -> Generator[bytes, None, Made]:
    asked = asked.by(report.filters)
    sink, counted = Sink(None), list[Beside]()
    with snapshot() as reading:

        def trailer(rows: int) -> list[str]:
            counted.append(beside(report, asked, reading, by=by, at=at).with_rows(rows))
            return text.said(counted[0])

        for piece in text.pieces(reading, report, asked, trailer, options.bom, options.semicolon):
            sink.write(piece)
            yield piece
    return _made(asked, "csv", counted[0], sink)


def file_name(asked: Asked, format: str, *, complete: bool = True) -> str:  # noqa: A002
    """access-by-app-20261121T170000Z.csv; a partial one says so in its name."""
    partial = "" if complete else "-PARTIAL"
    return f"{asked.report}-{asked.at:%Y%m%dT%H%M%SZ}{partial}.{format}"


def media_type(format: str) -> str:  # noqa: A002
    """Raises `CannotBeMade` where there is no such format."""
    return format_of(format).media_type


def coverage_sentence(found: Beside) -> str:
    """How many apps were expected and read."""
    return _("%(read)d of %(expected)d apps read") % {
        "read": found.standing.read,
        "expected": found.standing.expected,
    }


def report_of(asked: Asked) -> Report:
    report = REPORTS.get(asked.report)
    if report is None:
        raise CannotBeMade(_("There is no report %(name)s.") % {"name": asked.report})
    if report.speaks_of_a_period and asked.since is None:
        raise CannotBeMade(_("This report is about a period: say since when."))
    if report.needs_everything and not asked.everything:
        raise CannotBeMade(_("This report is for those who may see everything."))
    return report


def format_of(name: str) -> Format:
    if name not in FORMATS:
        raise CannotBeMade(_("There is no format %(name)s.") % {"name": name})
    return FORMATS[name]


def holds(way: Format, found: Beside) -> bool:
    """Whether a format has room for so many rows."""
    return way.most_rows is None or found.rows <= way.most_rows


def enforce_most(way: Format, name: str, found: Beside) -> None:
    """Raises `CannotBeMade` for more rows than a format holds."""
    if not holds(way, found):
        raise CannotBeMade(
            _("It has %(rows)d rows, and %(format)s holds %(most)d at most: choose another.")
            % {"rows": found.rows, "format": name.upper(), "most": way.most_rows}
        )


def enforce_rows(found: Beside, written: int) -> None:
    """Raises `CannotBeMade` where other rows were written than were counted.

    For files that have said so early that they are complete: in a name, or in what comes first.
    """
    if written != found.rows:
        raise CannotBeMade(str(plain.DoesNotAddUp(written, found.rows)))


# --- the formats ----------------------------------------------------------------------------------


def _csv(
    reading: Snapshot, found: Beside, out: io.RawIOBase, options: Options, progress: Progress
) -> int:
    written = 0

    def trailer(rows: int) -> list[str]:
        nonlocal written
        written = rows
        return text.said(found.with_rows(rows))

    lines = 0
    for piece in text.pieces(
        reading, found.report, found.asked, trailer, options.bom, options.semicolon
    ):
        out.write(piece)
        # As many rows as lines, but for cells of several lines: near enough to watch.
        lines += piece.count(b"\n")
        progress(min(lines, found.rows), found.rows)
    progress(written, found.rows)
    return written


def _json(
    reading: Snapshot, found: Beside, out: io.RawIOBase, options: Options, progress: Progress
) -> int:
    written = 0
    try:
        for piece, written in plain.pieces(reading, found):
            out.write(piece)
            progress(written, found.rows)
    except plain.DoesNotAddUp as error:
        raise CannotBeMade(str(error)) from None
    return written


def _xlsx(
    reading: Snapshot, found: Beside, out: io.RawIOBase, options: Options, progress: Progress
) -> int:
    written = sheet.write(reading, found, out, progress)
    enforce_rows(found, written)
    return written


def _pdf(
    reading: Snapshot, found: Beside, out: io.RawIOBase, options: Options, progress: Progress
) -> int:
    return printed.write(reading, found, out)


FORMATS: dict[str, Format] = {
    "csv": Format("text/csv; charset=utf-8", _csv),
    "json": Format("application/json", _json),
    "xlsx": Format(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx, sheet.MOST_ROWS
    ),
    "pdf": Format("application/pdf", _pdf, printed.MOST_ROWS),
}


class Sink(io.RawIOBase):
    """Counts and hashes what goes to `out`; written from front to end, never read again.

    Without one it counts and hashes alone.
    """

    def __init__(self, out: BinaryIO | None) -> None:
        self._out, self._sum, self.size = out, sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, piece: "ReadableBuffer") -> int:
        written = bytes(piece)
        self._sum.update(written)
        self.size += len(written)
        if self._out is not None:
            self._out.write(written)
        return len(written)

    @property
    def sha256(self) -> str:
        return self._sum.hexdigest()
