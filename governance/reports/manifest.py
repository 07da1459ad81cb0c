"""The manifest of a pack: what an auditor asks of any listing, answered as data.

Where it comes from, narrowed to what, whether it is whole, what adds up, and by which bytes it is
known again. In the canonical text of `audit.canonical`, so it can be compared byte for byte.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from governance.audit.canonical import instant
from governance.audit.models import Checkpoint
from governance.reports.beside import Beside
from governance.reports.formats import neutral
from governance.reports.registers.base import Reader

# What the readings rest on: of each connection and region the last run that read it by then, and
# of the past the first one after; of what was not read since, the run of its last reading. Beside
# those, all that were over within the period, where there is one.
_RUNS = """
WITH basis AS (
    (SELECT DISTINCT ON (connection_id, region_name) run_id FROM sync_step
     WHERE state IN ('complete', 'partial') AND finished_at <= %(at)s
     ORDER BY connection_id, region_name, finished_at DESC)
    UNION
    (SELECT DISTINCT ON (connection_id, region_name) run_id FROM sync_step
     WHERE state IN ('complete', 'partial') AND started_at >= %(at)s
     ORDER BY connection_id, region_name, started_at)
    UNION
    SELECT run.id FROM inventory_scope scope
    JOIN LATERAL (
        SELECT until FROM inventory_coverage
        WHERE scope_id = scope.id AND until <= %(at)s ORDER BY until DESC LIMIT 1
    ) last ON true
    JOIN LATERAL (
        SELECT id FROM sync_run WHERE started_at <= last.until AND finished_at >= last.until
        ORDER BY started_at DESC LIMIT 1
    ) run ON true
    WHERE scope.kind <> 'app' AND scope.retired_at IS NULL
)
SELECT id, connection_id, trigger, state, started_at, finished_at, requests, retries, found,
    coverage, count(*) OVER () FROM (
    SELECT *, id IN (SELECT run_id FROM basis) AS is_basis FROM sync_run
    WHERE finished_at IS NOT NULL
) run
WHERE is_basis OR (finished_at > %(since)s AND finished_at <= %(at)s)
ORDER BY is_basis DESC, finished_at DESC, id LIMIT %(most)s
"""
_STEPS = """
SELECT run_id, connection_id, connection_name, region_name, state, done, total, problems,
    started_at, finished_at
FROM sync_step WHERE run_id = ANY(%(runs)s::uuid[])
ORDER BY connection_name, region_name, connection_id
"""
_CONNECTIONS = """
SELECT id, name, account_id, account_username, state, tested_at, paused_at
FROM connections_connection ORDER BY name, id
"""
# A quarter of a sync every ten minutes has 13,000: the newest of them, and how many there are.
MOST_RUNS = 200


@dataclass(frozen=True, slots=True)
class File:
    """One file of a pack: its name, size and sum; and the report that it is, if any."""

    name: str
    bytes: int
    sha256: str
    report: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A report that has too many rows for one of the formats; it is there in another."""

    report: str
    format: str
    rows: int
    most: int

    def __str__(self) -> str:
        return _(
            "%(report)s is not here as %(format)s: it has %(rows)d rows, and %(format)s holds"
            " %(most)d at most."
        ) % {
            "report": self.report,
            "format": self.format.upper(),
            "rows": self.rows,
            "most": self.most,
        }


def manifest(
    founds: Sequence[Beside],
    files: Sequence[File],
    reader: Reader,
    checkpoint: Checkpoint,
    *,
    partial: Sequence[str],
    left_out: Sequence[LeftOut] = (),
) -> dict[str, Any]:
    """Everything about a pack; `founds` are its reports, once their rows are written."""
    first = founds[0]
    at = max(found.asked.at for found in founds)
    since = [found.asked.since for found in founds if found.asked.since]
    runs, of = _runs(reader, at, min(since) if since else None)
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
        "sync_runs_given": {
            "given": len(runs),
            "of": of,
            "sentence": _("%(given)d of %(of)d syncs") % {"given": len(runs), "of": of},
        },
        "reports": [found.as_data() for found in founds],
        "files": [
            {"name": file.name, "report": file.report, "bytes": file.bytes, "sha256": file.sha256}
            for file in files
        ],
        "left_out": [
            {
                "report": one.report,
                "format": one.format,
                "rows": one.rows,
                "most_rows": one.most,
                "sentence": str(one),
            }
            for one in left_out
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


def _runs(reader: Reader, at: datetime, since: datetime | None) -> tuple[list[dict[str, Any]], int]:
    """The syncs with their steps, those first that the readings rest on; and how many there are."""
    rows = reader.rows(_RUNS, {"at": at, "since": since, "most": MOST_RUNS})
    steps: dict[UUID, list[dict[str, Any]]] = {row[0]: [] for row in rows}
    for run, *step in reader.rows(_STEPS, {"runs": list(steps)}):
        steps[run].append(_step(step))
    return [{**_run(row[:-1]), "steps": steps[row[0]]} for row in rows], rows[0][-1] if rows else 0


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


def _step(row: Sequence[Any]) -> dict[str, Any]:
    """How far a sync was with one connection in one region; without one, with the account."""
    connection, name, region, state, done, total, problems, started, finished = row
    return {
        "connection": str(connection),
        "connection_name": name,
        "region": region or None,
        "state": state,
        "apps_read": done,
        "apps_expected": total,
        "problems": [
            {key: str(problem.get(key, "")) for key in ("scope", "reason", "sentence")}
            for problem in problems
        ],
        "started_at": _instant(started),
        "finished_at": _instant(finished),
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
