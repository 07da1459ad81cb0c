"""The doorbell of reports. Rows say what is due; losing or doubling these changes nothing."""

from celery import shared_task
from django.utils import timezone

from governance.core import nudges
from governance.reports import actions


@shared_task(name="reports.make")
def make(**_future: object) -> None:
    """Make the one that waits longest, and ring again for the next: others get their turn."""
    if actions.make_due(clock=timezone.now, most=1):
        nudges.after_commit("reports.make")


@shared_task(name="reports.sweep")
def sweep(**_future: object) -> None:
    """Each minute: periods that are over, files past their time, mails that were sent."""
    at = timezone.now()
    actions.schedule_due(at=at)
    actions.expire(at=at)
    actions.note_sent(at=at)
    nudges.after_commit("reports.make")
