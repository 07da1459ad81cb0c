"""Whether a report is small enough to be made while somebody waits."""

from governance.reports import making
from governance.reports.registers.base import Asked
from governance.reports.snapshot import snapshot

# Rows of a CSV that are made within the request: well under a second. More become a job.
AT_ONCE = 20_000


def is_small(asked: Asked) -> bool:
    """Whether it has at most `AT_ONCE` rows. Raises `making.CannotBeMade`."""
    statement = making.report_of(asked).statement(asked)
    sql = (
        f"{statement.before} SELECT count(*) FROM"  # noqa: S608  Constants of code.
        f" (SELECT 1 FROM {statement.source} LIMIT {AT_ONCE + 1}) few"
    )
    with snapshot() as reading:
        rows: int = reading.row(sql, statement.values)[0]
    return rows <= AT_ONCE
