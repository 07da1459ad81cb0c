"""What is read beside the syncs, from what they leave of the budget: whether, and with what.

Nothing here waits for the budget: whatever it has not left is read the next time.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from governance.connections.budget import Kind, shared
from governance.connections.clients import Tally, TokenUnavailable
from governance.connections.models import Connection
from governance.inventory.models import App
from governance.scalingo import Blocked, Client, DeadToken, Region, ScalingoError, Unavailable
from governance.sync.context import ClientFactory
from governance.sync.models import Run


def left_of_the_budget() -> int:
    """How many requests a sweep may still make this minute."""
    return shared().remaining(Kind.SWEEP)


def a_sync_is_due() -> bool:
    """Whether one waits or runs: it comes first."""
    return Run.objects.filter(state__in=[Run.State.WAITING, Run.State.RUNNING]).exists()


def is_hopeless(error: Exception) -> bool:
    """Whether asking for anything else now is in vain: shut out, or no answer at all."""
    silent = isinstance(error, Unavailable) and error.status is None
    return silent or isinstance(error, Blocked | DeadToken)


@dataclass(frozen=True, slots=True)
class Opened:
    """A client of a connection, and one region that it may use."""

    connection_id: UUID
    client: Client
    region: Region


class Clients:
    """The clients of one sweep, one per connection, with the regions that each may use."""

    def __init__(self, client_for: ClientFactory) -> None:
        self._make = client_for
        self._opened: dict[UUID, tuple[Client, dict[str, Opened]]] = {}
        self._failed: dict[UUID, Exception] = {}

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *_: object) -> None:
        for client, _regions in self._opened.values():
            client.close()

    def of(self, app: App) -> Opened | None:
        """A client and the region of `app`; None when no connection reads it. Raises its error."""
        connection = self._connection(app)
        if connection is None:
            return None
        if connection.pk in self._failed:
            raise self._failed[connection.pk]
        if connection.pk not in self._opened:
            try:
                self._open(connection)
            except (ScalingoError, TokenUnavailable) as error:
                self._failed[connection.pk] = error
                raise
        return self._opened[connection.pk][1].get(app.region.name)

    def give_up(self, connection_id: UUID, error: Exception) -> None:
        """Ask a connection no more that was shut out altogether."""
        self._failed[connection_id] = error

    def _open(self, connection: Connection) -> None:
        client = self._make(connection, Tally(), lambda _seconds: None)
        try:
            regions = client.regions()
        except ScalingoError:
            client.close()
            raise
        found = {region.name: Opened(connection.pk, client, region) for region in regions}
        self._opened[connection.pk] = (client, found)

    @staticmethod
    def _connection(app: App) -> Connection | None:
        """Whoever reads the app's people; the owner's where that is another."""
        ids = [app.authority_id, app.scope.connection_id if app.scope else None]
        found = Connection.objects.readable().filter(Q(pk__in=[pk for pk in ids if pk]))
        by_id = {one.pk: one for one in found}
        return next((by_id[pk] for pk in ids if pk in by_id), None)
