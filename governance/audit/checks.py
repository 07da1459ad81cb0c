"""Check the log on a schedule, and keep what each check has found: the page's integrity line."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from governance.audit import checkpoints
from governance.audit.models import Check
from governance.audit.verify import Outside, Report, verify

logger = logging.getLogger(__name__)

# The whole log each night, what is new each hour; all of it each hour while there is a fault.
WHOLE_EVERY = timedelta(hours=24)
NEW_EVERY = timedelta(hours=1)
_KEPT_FAULTS = 100
_LOCK = 0x61756463


def run_due(*, at: datetime) -> Check | None:
    """Check what is due and keep the result; None when nothing is, or somebody else is at it."""
    with alone(waits=False) as ours:
        if not ours:
            return None
        whole, last = _newest(whole=True), _newest(whole=False)
        is_old = whole is None or not timedelta(0) <= at - whole.at < WHOLE_EVERY
        if not is_old and last and timedelta(0) <= at - last.at < NEW_EVERY:
            return None
        since = None if is_old or whole is None else _in_order_up_to(whole)
        return keep(verify(own_copies(), since=since), at=at)


@contextmanager
def alone(*, waits: bool) -> Iterator[bool]:
    """Whether the block is the only check of the log that runs; with `waits`, it always is.

    So the check that was kept last is the one that began last, whatever the clocks say.
    """
    with connection.cursor() as cursor:
        function = "pg_advisory_lock" if waits else "pg_try_advisory_lock"
        cursor.execute(f"SELECT {function}(%s)", [_LOCK])
        ours = waits or bool(cursor.fetchone()[0])
    try:
        yield ours
    finally:
        if ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _in_order_up_to(whole: Check) -> int | None:
    """The last event that checks since `whole` reached without a gap; None where one found a fault.

    A check of the new events alone would say nothing of that fault, and seem to have found none.
    """
    reached = 0
    for check in Check.objects.filter(pk__gte=whole.pk).order_by("pk"):
        if check.fault_count:
            return None
        if check.first <= reached:
            reached = max(reached, check.last)
    return reached


def own_copies() -> Outside:
    """The checkpoints in this installation's own folder; none when it cannot be read."""
    if settings.CHECKPOINTS_DIR is None:
        return Outside()
    try:
        return copies_in(settings.CHECKPOINTS_DIR)
    except OSError as error:
        logger.warning("checkpoints not read", extra={"error": error.strerror})
        return Outside()


def copies_in(folder: Path, keys: Collection[bytes] = ()) -> Outside:
    """The checkpoints in `folder`, none when there is no such folder; and the keys believed.

    Raises `OSError`.
    """
    if not folder.is_dir():
        return Outside(keys=keys)
    notes, beside = dict(checkpoints.notes_in(folder)), list(checkpoints.keys_in(folder))
    return Outside(notes, keys, beside)


def keep(report: Report, *, at: datetime) -> Check:
    """Keep what a check has found."""
    faults = [
        {"kind": str(fault.kind), "first": fault.first, "last": fault.last, "words": fault.words}
        for fault in report.faults[:_KEPT_FAULTS]
    ]
    with transaction.atomic():
        return Check.objects.create(
            at=at,
            first=report.first,
            last=report.head,
            checked=report.checked,
            checkpoints=report.checkpoints,
            fault_count=len(report.faults),
            faults=faults,
        )


def _newest(*, whole: bool) -> Check | None:
    found = Check.objects.filter(first=0) if whole else Check.objects.all()
    return found.order_by("-pk").first()
