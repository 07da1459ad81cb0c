"""Read what open duties are about, from what the sweep's budget has left, the oldest first.

Names of variables and database users once, events again and again; what could not be read is tried
again later, and says so. Nothing waits for the budget here: whatever it has not left is read the
next time.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from governance.connections.budget import Kind, shared
from governance.connections.clients import Tally, TokenUnavailable
from governance.connections.models import Connection
from governance.inventory.models import App
from governance.rotations.actions.asking import Answers, Opened, ask
from governance.rotations.actions.noting import note
from governance.rotations.models import Duty
from governance.scalingo import Client, ScalingoError
from governance.sync.context import ClientFactory
from governance.sync.engine import sweeping
from governance.sync.models import Run

# Well within the 72 hours of events that Scalingo tells.
EVERY = timedelta(hours=6)
AGAIN = timedelta(hours=1)  # after something could not be read
LEASE = timedelta(minutes=10)  # while one worker reads, no other does
# An exchange, the regions, names, add-ons, a database's token and users, events; and some to spare.
REQUESTS_PER_APP = 10
# In one go, however much budget there is: a task must end.
MOST_APPS = 50
MOST_SECONDS = 10 * 60


def read_due(
    *,
    clock: Callable[[], datetime],
    client_for: ClientFactory | None = None,
    left: Callable[[], int] | None = None,
) -> int:
    """Read for the duties that are due, and return of how many apps something was asked.

    `left` says how many requests a sweep may still make this minute. A sync that waits or runs
    comes first.
    """
    left = left or (lambda: shared().remaining(Kind.SWEEP))
    if not Duty.objects.filter(next_read_at__lte=clock()).exists():
        return 0
    done, stop_at = 0, time.monotonic() + MOST_SECONDS
    with _Clients(client_for or sweeping()) as clients:
        while done < MOST_APPS and time.monotonic() < stop_at:
            if _a_sync_is_due() or left() < REQUESTS_PER_APP:
                break
            app_id = _claim(clock())
            if app_id is None:
                break
            _read(app_id, clients, clock)
            done += 1
    return done


def _a_sync_is_due() -> bool:
    return Run.objects.filter(state__in=[Run.State.WAITING, Run.State.RUNNING]).exists()


@transaction.atomic
def _claim(at: datetime) -> UUID | None:
    """The app of the oldest duty that is due, now ours for a while: its other duties come along."""
    due = Duty.objects.filter(next_read_at__lte=at).order_by("opened_at", "pk")
    first = due.select_for_update(skip_locked=True).first()
    if first is None:
        return None
    Duty.objects.filter(app=first.app_id, next_read_at__isnull=False).update(
        next_read_at=at + LEASE
    )
    return first.app_id


def _read(app_id: UUID, clients: "_Clients", clock: Callable[[], datetime]) -> None:
    app = App.objects.select_related("region", "scope").get(pk=app_id)
    if app.gone_at is not None:
        Duty.objects.filter(app=app).update(next_read_at=None)
        return
    duties = list(Duty.objects.filter(app=app, next_read_at__isnull=False))
    try:
        opened = clients.of(app)
    except (ScalingoError, TokenUnavailable) as error:
        answers = Answers.none(str(error), at=clock())
    else:
        answers = ask(opened, app, duties, clock) if opened else _nobody(clock())
        clients.heard(answers)
    note(app, answers, every=EVERY, again=AGAIN)


def _nobody(at: datetime) -> Answers:
    return Answers.none(_("No connection that is read with can see this app."), at=at)


class _Clients:
    """The clients of one sweep, one per connection, with the regions that each may use."""

    def __init__(self, client_for: ClientFactory) -> None:
        self._make = client_for
        self._opened: dict[UUID, tuple[Client, dict[str, Opened]]] = {}
        self._failed: dict[UUID, Exception] = {}

    def __enter__(self) -> "_Clients":
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

    def heard(self, answers: Answers) -> None:
        """Ask a connection no more that was shut out altogether."""
        if answers.hopeless and answers.connection_id:
            self._failed[answers.connection_id] = answers.hopeless

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
