"""The doorbell of changes. Rows say what is due; losing or doubling these changes nothing."""

from celery import shared_task
from django.utils import timezone

from governance.changes import actions
from governance.changes.plans import keeping


@shared_task(name="changes.tell")
def tell(**_future: object) -> None:
    """Tell Scalingo whatever is due."""
    actions.tell_due()


@shared_task(name="changes.sweep")
def sweep(**_future: object) -> None:
    """Each half minute: what a dead worker left, what was read since, and what is due."""
    at = timezone.now()
    actions.give_up_on_the_lost(at=at)
    actions.seen(at=at)
    keeping.forget_old(at=at)
    actions.tell_due()
