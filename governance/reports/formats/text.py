"""CSV: written by the database itself, passed on as it comes.

A table as any program reads it, and after it lines that begin with `#`: what the report rests on,
how many rows it has, and last the SHA-256 of everything before. A file that was cut has no such
line, and one that was changed another sum.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from governance.reports.beside import Beside
from governance.reports.formats import neutral
from governance.reports.registers.base import Asked, Column, Report, Statement
from governance.reports.snapshot import PIECE, Snapshot

if TYPE_CHECKING:
    from hashlib import _Hash

BOM = "\ufeff".encode()
LAST = "sha256 of all before this line:"


def projection(columns: Sequence[Column]) -> list[str]:
    """What stands between SELECT and FROM: every cell as the text that the file has for it."""
    return [f"{_cell(column)} AS {column.name}" for column in columns]


def _cell(column: Column) -> str:
    if column.kind == "text":
        return neutral.cell_sql(column)
    if column.kind == "instant":
        return f"""to_char(({column.sql}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    if column.kind == "date":
        return f"to_char({column.sql}, 'YYYY-MM-DD')"
    return f"({column.sql})::text" if column.kind == "boolean" else column.sql


def pieces(
    reading: Snapshot,
    report: Report,
    asked: Asked,
    trailer: Callable[[int], Sequence[str]],
    bom: bool = False,  # noqa: FBT001, FBT002  Both are options of a file, passed on.
    semicolon: bool = False,  # noqa: FBT001, FBT002
) -> Iterator[bytes]:
    """The file in pieces. `trailer` is given the number of rows, once they are written."""
    sum_, size, rows = sha256(), 0, 0
    delimiter = ";" if semicolon else ","
    head = delimiter.join(column.name for column in report.columns)
    # At once: whoever waits sees that it comes, while the database puts the rows in order.
    yield _hashed([BOM if bom else b"", f"{head}\n".encode()], sum_)
    pending: list[bytes] = []
    statement = report.statement(asked)
    for line in reading.copy(copying(report, statement, delimiter), statement.values):
        pending.append(line)
        rows += 1
        size += len(line)
        if size >= PIECE:
            yield _hashed(pending, sum_)
            pending, size = [], 0
    pending += [f"# {neutral.seen(line)}\n".encode() for line in trailer(rows)]
    yield _hashed(pending, sum_)
    yield f"# {LAST} {sum_.hexdigest()}\n".encode()


def copying(report: Report, statement: Statement, delimiter: str = ",") -> str:
    """The COPY that writes the rows."""
    rows = statement.select(projection(report.columns))
    return f"COPY ({rows}) TO STDOUT (FORMAT csv, DELIMITER '{delimiter}')"


def said(found: Beside) -> list[str]:
    """The lines after the rows: first whether it is whole, then what it rests on."""
    partial = found.why_partial
    return [
        *([_("PARTIAL: %(why)s") % {"why": why} for why in partial] or [_("complete")]),
        *(f"{name}: {words}" for name, words in found.sentences()),
        str(neutral.SAID),
        f"rows: {found.totals.figures['rows_written']}",
    ]


def _hashed(pending: list[bytes], sum_: "_Hash") -> bytes:
    piece = b"".join(pending)
    sum_.update(piece)
    return piece
