"""Cells that somebody else wrote: none is run, none ends a line, and each can be had back."""

import csv
import functools
import io
import random
import unicodedata
from dataclasses import replace

import openpyxl
import pytest
from django.utils import timezone

from governance.reports.beside import beside
from governance.reports.formats import neutral, sheet, text
from governance.reports.making import Sink
from governance.reports.registers import REPORTS
from governance.reports.registers.base import Asked, Column, Statement, Totals
from governance.reports.snapshot import snapshot

CELLS = 20_000
# As a spreadsheet has them: written out here, not taken from the code that they test.
SIGNS = [*"=+-@|", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
BLANK = ["", " ", "  ", "\u00a0", "\u2003", "\u202f", "\u205f", "\u3000", "\t", "\r", "\n", "\v"]
INVISIBLE = [
    "\ufeff", "\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\u061c", "\u200e", "\u202e",
    "\u2066", "\u180e", "\u3164", "\U000e0041", "\ufe0f", "\u2028", "\x01", "\x1f", "\x85",
]  # fmt: skip
QUOTES = ["", '"', "'", '""', "\u201c", ";", ",", ';"']
PAYLOADS = [
    "1+1",
    'HYPERLINK("http://evil.test","x")',
    "cmd|' /C calc'!A0",
    "SUM(A1)",
    "rundll32|'URL.dll,OpenURL calc'!A",
    "\u65e5\u672c",
    "",
]
HARMLESS = [
    "Ana",
    "o'neill",
    "a=1",
    "x;y",
    'say "hi"',
    "1",
    "\u65e5\u672c",
    "\U0001f600 ok",
    "{}%s\\",
]


@functools.cache
def cells():
    """Of each kind, by chance but the same each time."""
    chance = random.Random(18)
    return [_cell(chance) for _ in range(CELLS)]


def _cell(chance):
    if chance.random() < 0.2:
        return chance.choice(HARMLESS) + chance.choice(INVISIBLE) + chance.choice(HARMLESS)
    before = "".join(
        chance.choice(chance.choice([BLANK, INVISIBLE, QUOTES])) for _ in range(chance.randrange(5))
    )
    return before + chance.choice([*SIGNS, "#", ""]) + chance.choice(PAYLOADS)


def is_dangerous(cell):
    """Whether a program that takes away blanks, quotes and what is not seen finds a formula."""
    if cell.startswith(("\t", "\r", "\n")):
        return True
    for sign in cell:
        if sign in SIGNS:
            return True
        if sign == "'" or not _is_taken_away(sign):
            return False
    return False


def _is_taken_away(sign):
    return sign in '",;' or unicodedata.category(sign) in {"Zs", "Zl", "Zp", "Cf", "Cc", "Pi", "Pf"}


def _report():
    """A report with one column: those cells, in their order."""

    def statement(asked):
        found = {**asked.values, "cells": cells()}
        source = "unnest(%(cells)s::text[]) WITH ORDINALITY made(said, number)"
        return Statement(source, found, "made.number")

    return replace(
        REPORTS["audit"],
        columns=(Column("said", "text", "made.said", "Said"),),
        statement=statement,
        totals=lambda asked, reader: Totals({"rows": CELLS}, {}),
    )


ASKED = Asked("audit", timezone.now(), is_now=True, everything=True)


def test_every_column_that_others_write_has_its_guard():
    """Where a common table has looked at it before, that has it."""
    found = [
        (report, column)
        for report in REPORTS.values()
        for column in report.columns
        if column.kind == "text" and not column.ours
    ]
    assert len(found) > 50
    for report, column in found:
        guarded = neutral.cell_sql(column)
        if column.safe:
            statement = report.statement(replace(ASKED, report=report.name, since=timezone.now()))
            assert f"END AS {column.safe.partition('.')[2]}" in statement.before, column.name
        else:
            assert guarded == neutral.neutral_sql(column.sql), column.name


def test_no_cell_of_a_csv_is_run_and_each_can_be_had_back(db):
    report = _report()
    for delimiter in ",;":
        with snapshot() as reading:
            statement = report.statement(ASKED)
            data = b"".join(
                reading.copy(text.copying(report, statement, delimiter), statement.values)
            ).decode()
        assert data.count("\n") == CELLS
        read = list(csv.reader(io.StringIO(data, newline=""), delimiter=delimiter, strict=True))
        assert len(read) == CELLS
        for (cell,), said in zip(read, cells(), strict=True):
            assert cell == neutral.neutral(said)
            _is_harmless(cell, said)


def _is_harmless(cell, said):
    """It is no formula, and what was said but for one apostrophe and what is not seen."""
    assert not is_dangerous(cell), (cell, said)
    assert not set(cell) & neutral.UNSEEN, (cell, said)
    assert neutral.seen(said) in {cell, cell.removeprefix("'")}, (cell, said)


def test_no_cell_of_a_sheet_is_run_and_each_can_be_had_back(db):
    report, out = _report(), io.BytesIO()
    with snapshot() as reading:
        found = beside(report, ASKED, reading, by=None, at=timezone.now())
        assert sheet.write(reading, found, Sink(out), lambda *_: None) == CELLS
    book = openpyxl.load_workbook(io.BytesIO(out.getvalue()), read_only=True)
    rows = book.worksheets[0].iter_rows(min_row=2, max_col=1)
    # Empty rows at the end are not in the file.
    for (cell,), said in zip(rows, cells(), strict=False):
        assert cell.data_type in {"s", "n"}  # n: it is empty
        _is_harmless(cell.value or "", said)


@pytest.mark.parametrize(
    ("said", "cell"),
    [
        (" =1+1", "' =1+1"),
        ("\u00a0=1+1", "'\u00a0=1+1"),
        ("\u3000\uff1d1", "'\u3000\uff1d1"),
        ("\u200b=1", "'\ufffd=1"),
        ("\u200d-1", "'\ufffd-1"),
        ("\u2060@SUM(A1)", "'\ufffd@SUM(A1)"),
        ("\ufeff+1", "'\ufffd+1"),
        ('"=1+1', "'\"=1+1"),
        ("|calc", "'|calc"),
        ("Ana\u00adLopez", "Ana\ufffdLopez"),
        ("Ana\u200cLopez", "Ana\ufffdLopez"),
        ("'already", "''already"),
        (" Ana", " Ana"),
        ('"Ana"', '"Ana"'),
        ("a = b", "a = b"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
    ],
)
def test_what_becomes_of_a_cell(said, cell):
    assert neutral.neutral(said) == cell
