"""The doorbell of deliveries."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from governance.notifications import checkpoints


@shared_task(name="notifications.deliver_due")
def deliver_due(**_future: object) -> None:
    """Each minute: promise what is new, and try whatever is due."""
    now = timezone.now()
    checkpoints.promise(settings.CHECKPOINT_MAIL, at=now)
    checkpoints.deliver(at=now)
