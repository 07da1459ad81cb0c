"""Files that are deleted after their time. What is known of them, and who took them, stays."""

from datetime import datetime

from django.db import transaction

from governance.audit import actions as audit
from governance.audit.events import Source
from governance.notifications import actions as notifications
from governance.reports.models import Chunk, Export, State


def expire(*, at: datetime) -> int:
    """Delete the files that are past their time, each with its event; how many there were."""
    deleted = 0
    while _expire_one(at):
        deleted += 1
    return deleted


@transaction.atomic
def _expire_one(at: datetime) -> bool:
    export = (
        Export.objects.select_for_update(skip_locked=True)
        .filter(state=State.READY, expires_at__lte=at)
        .order_by("expires_at", "pk")
        .first()
    )
    if export is None:
        return False
    Chunk.objects.filter(export=export).delete()
    notifications.let_go(export.mailings.values_list("delivery", flat=True), at=at)
    export.state, export.deleted_at = State.DELETED, at
    export.save(update_fields=["state", "deleted_at"])
    audit.record(
        "report.deleted",
        by=None,
        source=Source.SCHEDULE,
        at=at,
        target=export,
        data={"report": export.report, "format": export.format, "sha256": export.sha256},
    )
    return True
