"""PDF: paged, tagged for those who do not see it (PDF/UA), its head on every page.

Page 1 says what the report rests on and whether it adds up; PARTIAL stands on every page of one
that does not. It has the columns that fit, and says which it leaves out.
"""

import io
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import typst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from governance.reports.beside import Beside, second
from governance.reports.formats import neutral, widths
from governance.reports.registers.base import Column
from governance.reports.snapshot import Snapshot

# Setting a page is work in memory: some 120 KB a row.
MOST_ROWS = 5_000
_TEMPLATE = Path(__file__).with_name("print.typ").read_bytes()
# What the fonts inside of typst can show for certain: Latin, Greek and Cyrillic letters.
_LETTERS = (range(0x20, 0x180), range(0x391, 0x3CA), range(0x400, 0x460))
_SIGNS = frozenset("\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u2212\u2260\ufffd\u200b")


def write(reading: Snapshot, found: Beside, out: io.RawIOBase) -> int:
    """Write the document and say how many rows it has."""
    columns = [column for column in found.report.columns if column.printed]
    rows = _rows(reading, found, columns)
    out.write(_set(found.with_rows(len(rows)), columns, rows))
    return len(rows)


def _rows(reading: Snapshot, found: Beside, columns: Sequence[Column]) -> list[list[str]]:
    statement = found.report.statement(found.asked)
    sql = statement.select([f"{column.sql} AS {column.name}" for column in columns])
    says = [span if column.span else cell for column in columns]
    return [
        [said(value) for said, value in zip(says, row, strict=True)]
        for row in reading.each(sql, statement.values)
    ]


def cell(value: object) -> str:
    """What a cell on paper says."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return second(value).replace("T", " ").removesuffix("Z")
    return shown(str(value))


def span(seconds: int | None) -> str:
    """How long that is, in the two largest units: 3 d 4 h."""
    if seconds is None:
        return ""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        (days, _("%(n)d d")),
        (hours, _("%(n)d h")),
        (minutes, _("%(n)d min")),
        (rest, _("%(n)d s")),
    ]
    first = next((place for place, (number, _words) in enumerate(parts) if number), len(parts) - 1)
    sign = "\u2212" if seconds < 0 else ""
    said = [words % {"n": n} for n, words in parts[first : first + 2] if n] or [
        parts[-1][1] % {"n": 0}
    ]
    return sign + "\u00a0".join(said).replace(" ", "\u00a0")


def shown(text: str) -> str:
    """Text without anything that is not seen."""
    return "".join("\ufffd" if sign in neutral.UNSEEN else sign for sign in text)


def _document(found: Beside, columns: Sequence[Column], rows: list[list[str]]) -> dict[str, Any]:
    left_out = [column.name for column in found.report.columns if not column.printed]
    head = [str(column.span or column.label) for column in columns]
    across = widths.shared(head, rows)
    about = [[shown(name), shown(words)] for name, words in found.sentences(totals=False)]
    about.append([_("times"), _("All times are in UTC.")])
    if left_out:
        about.append([_("columns that only the other formats have"), ", ".join(left_out)])
    return {
        "lang": (get_language() or "en")[:2],
        "tool": found.head()["tool"],
        "title": str(found.report.title),
        "sentence": str(found.report.sentence),
        "partial": found.why_partial,
        "partial_word": _("PARTIAL"),
        "totals_word": _("Control totals"),
        "totals": found.totals.sentences,
        "rests_word": _("What it rests on"),
        "about_words": [_("What"), _("What is said of it")],
        "about": about,
        "rows_word": _("Rows"),
        "none_word": _("There are none."),
        "foot": _("%(title)s, as of %(at)s UTC, made %(made)s UTC")
        % {
            "title": found.report.title,
            "at": cell(found.asked.at),
            "made": cell(found.made_at),
        },
        "head": widths.broken(head, across),
        "widths": across,
        "rows": [widths.broken(row, across) for row in rows],
    }


def _set(found: Beside, columns: Sequence[Column], rows: list[list[str]]) -> bytes:
    """The pages. Letters that no font of ours has are written as their number."""
    try:
        return _compiled(_document(found, columns, rows), found.made_at)
    except typst.TypstError:
        # The rows before: their columns are as wide as what stands in them then.
        return _compiled(_spelled(_document(found, columns, _spelled(rows))), found.made_at)


def _compiled(document: dict[str, Any], at: datetime) -> bytes:
    made: bytes = typst.compile(
        _TEMPLATE,
        format="pdf",
        pdf_standards="ua-1",
        sys_inputs={"report": json.dumps(document, ensure_ascii=False)},
        # The same pages on every machine.
        ignore_system_fonts=True,
        timestamp=int(at.timestamp()),
    )
    return made


def _spelled(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(sign if _is_shown(sign) else f"<U+{ord(sign):04X}>" for sign in value)
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    if isinstance(value, dict):
        return {name: _spelled(item) for name, item in value.items()}
    return value


def _is_shown(sign: str) -> bool:
    return sign in _SIGNS or any(ord(sign) in letters for letters in _LETTERS)
