"""What workers are told to do about connections."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from governance.connections import actions
from governance.connections.models import Connection
from governance.core.nudges import after_commit


@shared_task(name="connections.test")
def test(connection_id: str) -> None:
    """Try the token that waits."""
    actions.test(UUID(connection_id), at=timezone.now())


@shared_task(name="connections.test_untested")
def test_untested() -> None:
    """Find those whose message was lost, or that Scalingo did not answer for."""
    for pk in Connection.objects.untested().values_list("pk", flat=True):
        after_commit("connections.test", connection_id=str(pk))
