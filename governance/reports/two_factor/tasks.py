"""The doorbell of the counters and of reviews. Losing or doubling these changes nothing."""

from celery import shared_task
from django.utils import timezone

from governance.reports.two_factor import counters
from governance.reports.two_factor.review import opening


@shared_task(name="two_factor.catch_up")
def catch_up(**_future: object) -> None:
    """Each minute: whoever opens the report then finds little left to look at."""
    counters.catch_up_with_all()


@shared_task(name="two_factor.open_review")
def open_review(**_future: object) -> None:
    """Each day: the review that is due."""
    opening.open_due(at=timezone.now())
