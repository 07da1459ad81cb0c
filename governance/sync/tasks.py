"""The doorbell of syncs. Rows say what is due; losing or doubling these changes nothing."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from governance.sync import actions, links, looking


@shared_task(name="sync.run_due")
def run_due(**_future: object) -> None:
    """Each half minute: write down the run that is due, and carry out whatever waits."""
    actions.ensure_due(at=timezone.now())
    actions.carry_out_next()


@shared_task(name="sync.carry_out")
def carry_out(run_id: str, **_future: object) -> None:
    """Somebody asked for a sync."""
    actions.carry_out_next(run_id=UUID(run_id))


@shared_task(name="sync.read_asked")
def read_asked(**_future: object) -> None:
    """Changes ask what became of them: when one does, and each half minute."""
    looking.read_asked()


@shared_task(name="sync.read_links")
def read_links(**_future: object) -> None:
    """Each minute: who links apps to their source code, as far as the budget goes."""
    links.read_due()
