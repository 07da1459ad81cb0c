"""XLSX: cells with their types, a head that stays, filters; and a sheet that says what it rests on.

Written row by row, so memory does not grow with it. Instants are cells of time, in UTC.
"""

import io
import shutil
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import xlsxwriter
from django.utils.translation import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from governance.reports.beside import Beside
from governance.reports.formats import neutral
from governance.reports.registers.base import Column
from governance.reports.snapshot import Snapshot

MOST_ROWS = 1_048_575  # of the format, without the head
_OPTIONS = {
    "constant_memory": True,
    # Text is text, whatever it begins with.
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_WIDTHS = {"text": 24, "instant": 20, "date": 12, "integer": 12, "boolean": 12}
_EVERY = 1_000  # rows between two signs of progress


def projection(columns: Sequence[Column]) -> list[str]:
    return [f"{_cell(column)} AS {column.name}" for column in columns]


def _cell(column: Column) -> str:
    if column.kind == "text":
        return neutral.cell_sql(column)
    if column.kind == "instant":
        # Days since the end of 1899, which is what a cell of time holds.
        second = f"date_trunc('second', {column.sql})"
        return f"(extract(epoch FROM {second}) / 86400 + 25569)::float8"
    if column.kind == "date":
        return f"({column.sql} - date '1899-12-30')"
    return column.sql


def write(
    reading: Snapshot, found: Beside, out: io.RawIOBase, progress: Callable[[int, int], None]
) -> int:
    """Write the workbook and say how many rows it has.

    It is put together in a file of its own: a ZIP that cannot be written to its end is no ZIP.
    """
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(file, _OPTIONS)
        written = _fill(book, reading, found, progress)
        progress(written, found.rows)
        book.close()
        file.seek(0)
        shutil.copyfileobj(file, out)
    progress(written, found.rows)
    return written


def _fill(
    book: Workbook, reading: Snapshot, found: Beside, progress: Callable[[int, int], None]
) -> int:
    book.set_properties({"title": str(found.report.title), "created": found.made_at})
    mark = _("PARTIAL") if found.why_partial else ""
    sheet = book.add_worksheet(f"{_('Rows')} {mark}".strip())
    if mark:
        sheet.set_header(f"&C&B{mark}")
    columns = found.report.columns
    _head(sheet, columns, book.add_format({"bold": True, "bottom": 1}), found.rows)
    written = _rows(reading, found, sheet, _writers(sheet, columns, book), progress)
    _manifest(book, found.with_rows(written))
    return written


def _head(sheet: Worksheet, columns: Sequence[Column], bold: Format, rows: int) -> None:
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, max(rows, 1), len(columns) - 1)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, _WIDTHS[column.kind])
        sheet.write_string(0, place, _head_of(column), bold)


def _head_of(column: Column) -> str:
    """Its name; a cell of time has no zone, so its head says it."""
    return f"{column.name} (UTC)" if column.kind == "instant" else column.name


Writer = Callable[[int, int, Any], Any]


def _writers(sheet: Worksheet, columns: Sequence[Column], book: Workbook) -> list[Writer]:
    time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    kinds: dict[str, Writer] = {
        "text": sheet.write_string,
        "boolean": sheet.write_boolean,
        "integer": sheet.write_number,
        "instant": lambda row, place, value: sheet.write_number(row, place, value, time),
        "date": lambda row, place, value: sheet.write_number(row, place, value, day),
    }
    return [kinds[column.kind] for column in columns]


def _rows(
    reading: Snapshot,
    found: Beside,
    sheet: Worksheet,
    writers: Sequence[Writer],
    progress: Callable[[int, int], None],
) -> int:
    statement = found.report.statement(found.asked)
    sql = statement.select(projection(found.report.columns))
    number = 0
    for number, row in enumerate(reading.each(sql, statement.values), start=1):
        for place, value in enumerate(row):
            if value is not None and value != "":
                writers[place](number, place, value)
        if number % _EVERY == 0:
            progress(number, found.rows)
    return number


def _manifest(book: Workbook, found: Beside) -> None:
    sheet = book.add_worksheet("Manifest")
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 120)
    lines = [
        *((_("PARTIAL"), why) for why in found.why_partial),
        *([] if found.why_partial else [(_("complete"), _("yes"))]),
        *found.sentences(),
        (_("times"), _("All times are in UTC.")),
        (_("text of others"), str(neutral.SAID)),
        (_("rows"), str(found.totals.figures["rows_written"])),
        *(
            (f"{_('column')} {_head_of(column)}", str(column.label))
            for column in found.report.columns
        ),
    ]
    for number, (name, words) in enumerate(lines):
        sheet.write_string(number, 0, neutral.neutral(name))
        sheet.write_string(number, 1, neutral.neutral(words))
