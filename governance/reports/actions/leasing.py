"""Take an export to make it, go on holding it, and write what came of it.

A worker may die on any line. What it took is taken again when its lease is over; what it had
written of the file by then is never part of the file that another makes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from governance.audit import actions as audit
from governance.audit.events import Json, Source
from governance.audit.models import Checkpoint
from governance.core.nudges import after_commit
from governance.reports import permissions
from governance.reports.actions.mailing import promise
from governance.reports.models import Chunk, Export, ExportQuerySet, State

# Renewed with every piece that is written. Longer than the longest silence of a format that is
# written in one go at its end, and short enough that what a dead worker left is soon taken up.
LEASE = timedelta(minutes=3)
# One that ends its workers is not tried for ever.
MOST_TRIES = 5


class Lost(Exception):
    """Somebody else has taken this export meanwhile: what is made of it here is of no use."""


@dataclass(frozen=True, slots=True)
class Leased:
    """An export that is ours to make until `export.leased_until`."""

    export: Export

    @property
    def lease(self) -> int:
        return self.export.lease


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made: the facts of the file, and whether it is complete or why it is not."""

    file_name: str
    rows: int
    bytes: int
    sha256: str
    figures: dict[str, Any] = field(default_factory=dict)
    equation: str = ""
    coverage: str = ""
    partial_because: Sequence[str] = ()
    checkpoint: Checkpoint | None = None  # of the audit log, in the file


def take(*, at: datetime, pk: UUID | None = None) -> Leased | Export | None:
    """Take the next export that nobody is at, or the one with this key.

    One that is not to be made any more comes back as it is, failed. None when nothing is due.
    """
    with transaction.atomic():
        due = Export.objects.due(at).select_for_update(of=("self",), skip_locked=True)
        if pk is not None:
            due = due.filter(pk=pk)
        export = due.select_related("asked_by", "schedule").order_by("asked_at", "pk").first()
        if export is None:
            return None
        export.lease += 1
        if why_not := _why_not(export):
            _fail(export, why_not, at)
            return export
        export.state, export.leased_until = State.MAKING, at + LEASE
        export.done, export.expected = 0, None
        if not export.asked.get("at"):
            export.as_of = at  # as of now: of when it is made
        export.save(update_fields=["state", "lease", "leased_until", "done", "expected", "as_of"])
        return Leased(export)


def _why_not(export: Export) -> str:
    if export.lease > MOST_TRIES:
        return _("It was begun %(n)d times, and whoever made it never came back.") % {
            "n": MOST_TRIES
        }
    return permissions.may_be_made(export, export.asked_by).reason


def hold(
    leased: Leased, *, at: datetime, done: int | None = None, expected: int | None = None
) -> None:
    """Say that it is still being made, and how far it is. Raises `Lost`."""
    changes: dict[str, Any] = {"leased_until": at + LEASE}
    if done is not None:
        changes["done"] = done
    if expected is not None:
        changes["expected"] = expected
    if not _ours(leased).update(**changes):
        raise Lost


@transaction.atomic
def keep(leased: Leased, number: int, data: bytes, *, at: datetime, done: int) -> None:
    """Write one piece of the file down. Raises `Lost`."""
    hold(leased, at=at, done=done)
    Chunk.objects.create(export_id=leased.export.pk, lease=leased.lease, number=number, data=data)


@transaction.atomic
def publish(leased: Leased, outcome: Outcome, *, at: datetime) -> Export:
    """The file is whole: say so, with its event, and promise it to whom it is mailed.

    Raises `Lost`.
    """
    export = _locked(leased)
    Chunk.objects.filter(export=export).exclude(lease=leased.lease).delete()
    export.state, export.leased_until, export.ended_at = State.READY, None, at
    export.file_name = outcome.file_name
    export.rows, export.bytes, export.sha256 = outcome.rows, outcome.bytes, outcome.sha256
    export.done, export.expected = outcome.rows, outcome.rows
    export.totals, export.equation = outcome.figures, outcome.equation
    export.coverage = outcome.coverage
    export.partial_because = list(outcome.partial_because)
    export.complete = not export.partial_because
    export.checkpoint = outcome.checkpoint
    export.expires_at = at + settings.EXPORTS_KEPT
    export.save()
    promise(export, at=at)
    _record(
        "report.made",
        export,
        at,
        rows=outcome.rows,
        bytes=outcome.bytes,
        sha256=outcome.sha256,
        complete=export.complete,
        standing=_("complete") if export.complete else _("PARTIAL"),
    )
    return export


@transaction.atomic
def give_up(leased: Leased, why: str, *, at: datetime) -> Export:
    """It cannot be made, and trying again would change nothing. Raises `Lost`."""
    export = _locked(leased)
    _fail(export, why, at)
    return export


@transaction.atomic
def hand_back(leased: Leased) -> None:
    """Whoever waited for it went away, or it broke: a worker makes it from the beginning.

    Where another has it by now, nothing is to be done.
    """
    if _ours(leased).update(state=State.WAITING, leased_until=None):
        Chunk.objects.filter(export_id=leased.export.pk, lease=leased.lease).delete()
        after_commit("reports.make")


def _locked(leased: Leased) -> Export:
    ours = _ours(leased).select_for_update(of=("self",)).select_related("asked_by", "schedule")
    export = ours.first()
    if export is None:
        raise Lost
    return export


def _ours(leased: Leased) -> ExportQuerySet:
    return Export.objects.filter(pk=leased.export.pk, lease=leased.lease, state=State.MAKING)


def _fail(export: Export, why: str, at: datetime) -> None:
    Chunk.objects.filter(export=export).delete()
    export.state, export.leased_until = State.FAILED, None
    export.said, export.ended_at = why[:500], at
    export.save()
    promise(export, at=at)
    _record("report.failed", export, at, said=export.said.rstrip("."))


def _record(kind: str, export: Export, at: datetime, **data: Json) -> None:
    """As done by whoever asked: the worker has no will of its own."""
    source = Source.SCHEDULE if export.schedule_id else Source(export.source)
    audit.record(
        kind,
        by=export.asked_by,
        source=source,
        at=at,
        target=export,
        data={"report": export.report, "format": export.format, **data},
    )
