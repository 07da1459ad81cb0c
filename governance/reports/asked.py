"""What somebody asked for: from the row that keeps it to the value that reports are made from."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from governance.reports.models import Export
from governance.reports.registers import REPORTS
from governance.reports.registers.base import Asked

_LOGS = ("audit", "changes")


def as_json(
    *,
    at: datetime | None,
    since: datetime | None,
    filters: Mapping[str, Sequence[str]],
    reports: Sequence[str] = (),
    formats: Sequence[str] = (),
) -> dict[str, Any]:
    """As `Export.asked` keeps it. Without `at` it is as of when it is made.

    `reports` and `formats` are those of a pack.
    """
    of_a_pack = {"reports": list(reports), "formats": list(formats)} if reports else {}
    return {
        **of_a_pack,
        "at": at.isoformat() if at else None,
        "since": since.isoformat() if since else None,
        "filters": {name: list(values) for name, values in filters.items()},
    }


def takes_since(name: str) -> bool:
    """Whether a report has a beginning: some must have one, and logs may."""
    return name in _LOGS or (name in REPORTS and REPORTS[name].speaks_of_a_period)


def asked_of(export: Export, report: str | None = None) -> Asked:
    """What an export is made from; `report` is one of a pack's."""
    kept, name = export.asked, report or export.report
    since = kept.get("since") if takes_since(name) else None
    return Asked(
        report=name,
        at=export.as_of,
        is_now=not kept.get("at"),
        everything=export.everything,
        projects=tuple(export.projects),
        since=datetime.fromisoformat(since) if since else None,
        filters={name: tuple(values) for name, values in kept.get("filters", {}).items()},
    )
