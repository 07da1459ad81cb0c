"""JSON: every byte as it was read, in the one canonical text there is for it.

    {"manifest":{…},"rows":[{…},…],"rows_written":214}

Keys are in order and nothing is between them (the profile of `audit.canonical`), so two exports of
the same state at the same time are the same file.
"""

import json
from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from governance.audit.canonical import canonical
from governance.reports.beside import Beside
from governance.reports.registers.base import Column
from governance.reports.snapshot import PIECE, Snapshot

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class DoesNotAddUp(Exception):
    """There are not as many rows as were counted, which was written already."""

    def __init__(self, written: int, counted: int) -> None:
        super().__init__(
            _("It has %(n)d rows where %(counted)d were counted.")
            % {"n": written, "counted": counted}
        )


def projection(columns: Sequence[Column]) -> list[str]:
    return [f"{_cell(column)} AS {column.name}" for column in columns]


def _cell(column: Column) -> str:
    if column.kind == "instant":
        form = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
        return f"to_char(({column.sql}) AT TIME ZONE 'UTC', {form})"
    if column.kind == "date":
        return f"to_char({column.sql}, 'YYYY-MM-DD')"
    return column.sql


def pieces(reading: Snapshot, found: Beside) -> Iterator[tuple[bytes, int]]:
    """The file in pieces, each with how many rows are written so far. Raises `DoesNotAddUp`."""
    statement = found.report.statement(found.asked)
    names = [column.name for column in found.report.columns]
    sql = statement.select(projection(found.report.columns))
    head = canonical({**found.head(), **found.as_data()})
    pending, size, written = [f'{{"manifest":{head},"rows":['], 0, 0
    for row in reading.each(sql, statement.values):
        line = _encode(dict(zip(names, row, strict=True)))
        pending.append(f",{line}" if written else line)
        size += len(line)
        written += 1
        if size >= PIECE:
            yield "".join(pending).encode(), written
            pending, size = [], 0
    if written != found.rows:
        raise DoesNotAddUp(written, found.rows)
    pending.append(f'],"rows_written":{written}}}')
    yield "".join(pending).encode(), written
