"""Read single apps now, because changes ask: whether something was done is not known otherwise."""

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from governance.changes.actions import looked
from governance.changes.queries import apps_to_read
from governance.connections.budget import Kind
from governance.connections.models import Connection
from governance.inventory.models import App
from governance.sync.context import ClientFactory
from governance.sync.engine import carry_out, clients
from governance.sync.locks import only_one
from governance.sync.models import Run
from governance.sync.reading import THREADS


def read_asked(
    *,
    clock: Callable[[], datetime] = timezone.now,
    client_for: ClientFactory | None = None,
    threads: int = THREADS,
) -> list[Run]:
    """Read the apps that changes ask for, in one run per connection. Returns those runs.

    While a sync is at work nothing is done: it may answer the question by itself, and we are
    called each half minute.
    """
    if not apps_to_read(at=clock()):
        return []
    with only_one() as ours:
        # What a dead worker left is taken up first, by whoever carries out the next sync.
        if not ours or Run.objects.filter(state=Run.State.RUNNING).exists():
            return []
        asked = apps_to_read(at=clock())
        runs = [
            carry_out(
                _run(connection_id, app_ids, at=clock()),
                client_for=client_for or clients(Kind.INTERACTIVE),
                clock=clock,
                threads=threads,
            )
            for connection_id, app_ids in _by_connection(asked).items()
        ]
        looked(asked, at=clock())
        return runs


def _by_connection(app_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The apps by the connection whose readings decide on them; those of none are left out."""
    readable = set(Connection.objects.readable().values_list("pk", flat=True))
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for app_id, authority in App.objects.filter(pk__in=app_ids).values_list("pk", "authority_id"):
        if authority in readable:
            found[authority].append(app_id)
    return found


def _run(connection_id: UUID, app_ids: Collection[UUID], *, at: datetime) -> Run:
    return Run.objects.create(
        connection_id=connection_id,
        trigger=Run.Trigger.CHANGE,
        apps=sorted(map(str, app_ids)),
        requested_at=at,
        started_at=at,
        beat_at=at,
        state=Run.State.RUNNING,
        attempts=1,
    )
