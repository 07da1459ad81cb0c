"""The manifest of a pack: what an auditor asks of any listing, answered as data.

Where it comes from, narrowed to what, whether it is whole, what adds up, and by which bytes it is
known again. In the canonical text of `audit.canonical`, so it can be compared byte for byte.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from governance.audit.canonical import instant
from governance.audit.models import Checkpoint
from governance.reports.beside import Beside
from governance.reports.formats import neutral
from governance.reports.registers.base import Reader

# The runs that were over by then, newest first: the readings that the reports rest on.
_RUNS = """
SELECT id, connection_id, trigger, state, started_at, finished_at, requests, retries, found,
    coverage
FROM sync_run WHERE finished_at <= %(at)s ORDER BY finished_at DESC, id LIMIT %(most)s
"""
_CONNECTIONS = """
SELECT id, name, account_id, account_username, state, tested_at, paused_at
FROM connections_connection ORDER BY name, id
"""
_MOST_RUNS = 20


@dataclass(frozen=True, slots=True)
class File:
    """One file of a pack: its name, size and sum; and the report that it is, if any."""

    name: str
    bytes: int
    sha256: str
    report: str = ""


def manifest(
    founds: Sequence[Beside],
    files: Sequence[File],
    reader: Reader,
    checkpoint: Checkpoint,
    *,
    partial: Sequence[str],
) -> dict[str, Any]:
    """Everything about a pack; `founds` are its reports, once their rows are written."""
    first = founds[0]
    at = max(found.asked.at for found in founds)
    runs = [_run(row) for row in reader.rows(_RUNS, {"at": at, "most": _MOST_RUNS})]
    return {
        **first.head(),
        "report_type": "pack",
        "as_of": instant(at),
        "complete": not partial,
        "partial_because": list(partial),
        "source": {
            "authentication_api": settings.SCALINGO_AUTH_URL,
            "regions": sorted({one.region for found in founds for one in found.standing.regions}),
            "connections": [_connection(row) for row in reader.rows(_CONNECTIONS, {})],
            "endpoints": sorted({call["endpoint"] for run in runs for call in run["requests"]}),
        },
        "sync_runs": runs,
        "reports": [found.as_data() for found in founds],
        "files": [
            {"name": file.name, "report": file.report, "bytes": file.bytes, "sha256": file.sha256}
            for file in files
        ],
        "formulas_neutralised": str(neutral.SAID),
        "audit_checkpoint": {
            "events": checkpoint.size,
            "hash": bytes(checkpoint.hash).hex(),
            "at": instant(checkpoint.at),
            "file": f"checkpoints/{checkpoint.file_name}",
        },
        "signature": {
            "algorithm": "Ed25519",
            "key_id": checkpoint.key_id,
            "key": f"keys/{checkpoint.key_id}.pem",
            "signs": "SHA256SUMS",
            "file": "SHA256SUMS.sig",
        },
    }


def _run(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, connection, trigger, state, started, finished, requests, retries, found, coverage = row
    return {
        "id": str(id_),
        "connection": str(connection) if connection else None,
        "trigger": trigger,
        "state": state,
        "started_at": _instant(started),
        "finished_at": _instant(finished),
        "requests": [
            {"endpoint": name, "count": int(count)} for name, count in sorted(requests.items())
        ],
        "retries": retries,
        "found": _numbers(found),
        "coverage": _numbers(coverage),
    }


def _connection(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, name, account, username, state, tested, paused = row
    return {
        "id": str(id_),
        "name": name,
        "account_id": account,
        "account": username,
        "state": state,
        "tested_at": _instant(tested),
        "paused_at": _instant(paused),
    }


def _instant(moment: datetime | None) -> str | None:
    return instant(moment) if moment else None


def _numbers(found: Mapping[str, Any]) -> list[list[Any]]:
    """Names of ours with their numbers, as pairs: a name may be any word."""
    return [[name, value] for name, value in sorted(found.items()) if isinstance(value, int)]
