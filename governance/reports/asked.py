"""What somebody asked for: from the row that keeps it to the value that reports are made from."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from governance.reports.models import Export
from governance.reports.registers import REPORTS
from governance.reports.registers.base import Asked


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


def asked_of(export: Export, report: str | None = None) -> Asked:
    """What an export is made from; `report` is one of a pack's."""
    kept, name = export.asked, report or export.report
    of_a_period = name in REPORTS and REPORTS[name].speaks_of_a_period
    return Asked(
        report=name,
        at=export.as_of,
        is_now=not kept.get("at"),
        everything=export.everything,
        projects=tuple(export.projects),
        since=datetime.fromisoformat(kept["since"]) if of_a_period and kept.get("since") else None,
        filters={name: tuple(values) for name, values in kept.get("filters", {}).items()},
    )
