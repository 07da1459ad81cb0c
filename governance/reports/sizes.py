"""Whether a report is small enough to be given while it is made, and whether all of it was read."""

from dataclasses import dataclass

from governance.reports import making
from governance.reports.registers.base import Asked
from governance.reports.snapshot import snapshot
from governance.reports.standing import standing

# Rows of a CSV that are made within the request: well under a second. More become a job.
AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Size:
    """`is_whole` is what is known before it is made: nothing of its own makes it partial."""

    is_small: bool
    is_whole: bool


def look(asked: Asked) -> Size:
    """Whether it has at most `AT_ONCE` rows. Raises `making.CannotBeMade`."""
    report = making.report_of(asked)
    asked = asked.by(report.filters)
    statement = report.statement(asked)
    sql = (
        f"{statement.before} SELECT count(*) FROM"  # noqa: S608  Constants of code.
        f" (SELECT 1 FROM {statement.source} LIMIT {AT_ONCE + 1}) few"
    )
    with snapshot() as reading:
        rows: int = reading.row(sql, statement.values)[0]
        if rows > AT_ONCE:
            return Size(is_small=False, is_whole=False)
        why = report.incomplete(asked, reading)
        if report.rests_on_readings:
            why += standing(asked, reading).why_partial()
        return Size(is_small=True, is_whole=not why)
