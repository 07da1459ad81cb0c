"""The doorbell of rotations. Rows say what is due; losing or doubling this changes nothing."""

from celery import shared_task
from django.utils import timezone

from governance.rotations import actions


@shared_task(name="rotations.sweep")
def sweep(**_future: object) -> None:
    """Each minute: open what a sync has found, and read what is due as far as the budget goes."""
    actions.open_duties(at=timezone.now())
    actions.read_due(clock=timezone.now)
