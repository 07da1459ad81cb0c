"""What somebody asked for: from the row that keeps it to the value that reports are made from."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from governance.reports.models import Export
from governance.reports.registers.base import Asked


def as_json(
    *, at: datetime | None, since: datetime | None, filters: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """As `Export.asked` keeps it. Without `at` it is as of when it is made."""
    return {
        "at": at.isoformat() if at else None,
        "since": since.isoformat() if since else None,
        "filters": {name: list(values) for name, values in filters.items()},
    }


def asked_of(export: Export, report: str | None = None) -> Asked:
    """What an export is made from; `report` is one of a pack's."""
    kept = export.asked
    return Asked(
        report=report or export.report,
        at=export.as_of,
        is_now=not kept.get("at"),
        everything=export.everything,
        projects=tuple(export.projects),
        since=datetime.fromisoformat(kept["since"]) if kept.get("since") else None,
        filters={name: tuple(values) for name, values in kept.get("filters", {}).items()},
    )
