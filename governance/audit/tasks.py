"""The doorbell of checkpoints and checks. Rows say what is due; doubling these changes nothing."""

import logging

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from governance.audit import checkpoints, checks
from governance.core import nudges

logger = logging.getLogger(__name__)


@shared_task(name="audit.checkpoint")
def checkpoint(**_future: object) -> None:
    """Each minute, and when an export asks: sign what is due, and put copies outside."""
    now = timezone.now()
    if settings.AUDIT_SIGNING_KEY and (
        checkpoints.is_asked_for() or checkpoints.is_due(every=settings.CHECKPOINT_EVERY, at=now)
    ):
        checkpoints.take(private=settings.AUDIT_SIGNING_KEY, origin=settings.AUDIT_ORIGIN, at=now)
        nudges.after_commit("notifications.deliver_due")
    if settings.CHECKPOINTS_DIR is not None:
        try:
            checkpoints.write_files(settings.CHECKPOINTS_DIR, at=now)
        except OSError as error:
            logger.warning("checkpoint not written", extra={"error": error.strerror})


@shared_task(name="audit.check")
def check(**_future: object) -> None:
    """Each few minutes: recompute what is due, the new events each hour, all of them each night."""
    checks.run_due(at=timezone.now())
