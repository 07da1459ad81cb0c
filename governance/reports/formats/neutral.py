"""Text that somebody else wrote, made harmless in a table: in SQL, and the same in Python.

Names on Scalingo are chosen freely. A spreadsheet runs a cell that begins like a formula, so that
one gets an apostrophe in front; characters that end a line, or turn the direction of what follows,
are shown as what they are instead of doing it. JSON keeps every byte.
"""

import re

from django.utils.translation import gettext_lazy as _

from governance.reports.registers.base import Column

# How a formula, or a line that is no row, begins; the full-width ones are read as the plain ones.
_FIRST = "=+\\-@'#\\uff1d\\uff0b\\uff0d\\uff20"
# Controls; marks without width, of direction, and separators of lines.
_UNSEEN = (
    "\\u0001-\\u001f\\u0080-\\u009f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e"
    "\\u2066-\\u2069\\ufeff"
)
_FIRST_CODES = ", ".join(str(ord(sign)) for sign in "=+-@'#\t\r\n")
_BEGINS = f"^[{_FIRST}\\t\\r\\n]"
_RISKY = f"{_BEGINS}|[{_UNSEEN}]"
# Controls have pictures of their own, one for one; for the others there is the replacement sign.
_CONTROLS = {code: chr(0x2400 + code) for code in range(1, 0x20)}
_OTHERS = (
    *range(0x80, 0xA0),
    0x061C,
    0x200B,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    0xFEFF,
)
_TABLE = _CONTROLS | dict.fromkeys(_OTHERS, "\ufffd")

UNSEEN = frozenset(map(chr, _TABLE))
SAID = _(
    "Cells that begin like a formula have an apostrophe in front, and characters that are not seen"
    " are shown as signs. JSON has the text as it is."
)

_risky = re.compile(_RISKY).search
_begins = re.compile(_BEGINS).match


def seen(text: str) -> str:
    """Each character that does something else than being read, as one that is read."""
    return text.translate(_TABLE)


def neutral(text: str) -> str:
    """What a cell of CSV or XLSX has for `text`."""
    if not _risky(text):
        return text
    return f"'{seen(text)}" if _begins(text) else seen(text)


def cell_sql(column: Column) -> str:
    """The SQL of the text of a column as CSV and XLSX have it."""
    return column.sql if column.ours else column.safe or neutral_sql(column.sql)


def neutral_sql(value: str) -> str:
    """The same as `neutral` of the SQL expression `value`, a text, which may be null."""
    # Plain ASCII that does not begin like a formula, which most cells are, is told apart without a
    # regular expression: as JSON it has two quotes more, and nothing else.
    plain = f"octet_length(to_json({value})::text) = char_length({value}) + 2"
    return (
        f"CASE WHEN ascii({value}) NOT IN ({_FIRST_CODES}) AND {plain} THEN {value}"
        f" WHEN ({value}) ~ E'{_sql(_RISKY)}' THEN"
        f" CASE WHEN ({value}) ~ E'{_sql(_BEGINS)}' THEN '''' ELSE '' END"
        f" || translate({value}, E'{_from()}', E'{_to()}') ELSE {value} END"
    )


def _sql(pattern: str) -> str:
    """A pattern inside E'…', where backslashes and apostrophes are doubled."""
    return pattern.replace("\\", "\\\\").replace("'", "''")


def _from() -> str:
    return "".join(f"\\u{code:04x}" for code in _TABLE)


def _to() -> str:
    return "".join(f"\\u{ord(sign):04x}" for sign in _TABLE.values())
