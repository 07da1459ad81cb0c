"""Text that somebody else wrote, made harmless in a table: in SQL, and the same in Python.

Names on Scalingo are chosen freely. A spreadsheet runs a cell that begins like a formula, also
after blanks and what is not seen, which some programs take away; so that one gets an apostrophe in
front. Characters that end a line, that are not seen, or that turn the direction of what follows,
are shown as what they are instead of doing it. JSON keeps every byte.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from governance.reports.registers.base import Column

Range = tuple[int, int]  # of code points, both included

# How a formula, a call of another program, or a line that is no row begins; the full-width signs
# are read as the plain ones.
_SIGNS = "=+-@|'#\uff1d\uff0b\uff0d\uff20\uff5c"
# What may stand before: blanks, quotes, and separators, after which another program begins a cell.
_BEFORE = ' "\u201c\u201d\uff02,;\u00a0\u1680\u202f\u205f\u3000'
_BLANKS: tuple[Range, ...] = ((0x2000, 0x200A),)
# Each of these begins another cell or line by itself.
_ENDS = "\t\r\n"
_CONTROLS: Range = (0x01, 0x1F)
# Controls above ASCII; marks without width, of direction, of language; separators of lines.
_UNSEEN: tuple[Range, ...] = (
    (0x80, 0x9F),
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)
# They choose how the letter before them looks, as of a heart, and are no sign of their own.
_VARIANTS: tuple[Range, ...] = ((0xFE00, 0xFE0F),)


def _class(signs: str, ranges: Iterable[Range] = ()) -> str:
    """Inside of [ ] of a regular expression, in escapes that Python and Postgres read alike."""
    codes = [*((ord(sign), ord(sign)) for sign in signs), *ranges]
    return "".join(
        _escaped(low) + (f"-{_escaped(high)}" if high > low else "") for low, high in codes
    )


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_BEGINS = (
    f"^(?:[{_class(_BEFORE, [_CONTROLS, *_BLANKS, *_UNSEEN, *_VARIANTS])}]*[{_class(_SIGNS)}]"
    f"|[{_class(_ENDS)}])"
)
_RISKY = f"{_BEGINS}|[{_class('', [_CONTROLS, *_UNSEEN])}]"
# Of plain ASCII, which has no controls, what could begin like a formula.
_FIRST_CODES = ", ".join(str(ord(sign)) for sign in _SIGNS + _BEFORE if sign.isascii())
# Controls have pictures of their own, one for one; for the others there is the replacement sign.
_TABLE = {code: chr(0x2400 + code) for code in range(_CONTROLS[0], _CONTROLS[1] + 1)} | {
    code: "\ufffd" for low, high in _UNSEEN for code in range(low, high + 1)
}

UNSEEN = frozenset(map(chr, _TABLE))
SAID = _(
    "Cells that begin like a formula (blanks aside) have an apostrophe in front, and characters"
    " that are not seen are shown as signs. JSON has the text as it is."
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


def cell_sql(column: "Column") -> str:
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
    """A pattern inside E'…', where backslashes are doubled."""
    return pattern.replace("\\", "\\\\")


def _from() -> str:
    return "".join(map(_escaped, _TABLE))


def _to() -> str:
    return "".join(_escaped(ord(sign)) for sign in _TABLE.values())
