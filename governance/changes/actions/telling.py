"""Tell Scalingo what is due, one change at a time, each outside any transaction.

A worker may die on any line. Before the call a change is `telling`, committed; after it the outcome
is committed with its event. What is left `telling` for too long is not known, and is looked at.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.changes.actions.answers import NOT_SENT, Outcome, meaning_of
from governance.changes.actions.leasing import LEASE, Leased, take
from governance.changes.models import Change, Kind, State
from governance.changes.moves import move, save
from governance.connections.budget import Kind as BudgetKind
from governance.connections.clients import TokenUnavailable, client_for
from governance.connections.models import Connection
from governance.core.nudges import after_commit
from governance.scalingo import Client, Region, ScalingoError

# Makes the client of a connection; the second argument is told, while a request waits for the
# limit, how many seconds are left.
ClientFactory = Callable[[Connection, Callable[[float], None]], Client]

# Seconds that one task goes on for, well within the queue's own limit (`celery.py`).
MOST_AT_ONCE = 15 * 60
# Whatever was certainly not sent is tried so many times.
MOST_TRIES = 20
_LONGEST_PAUSE = timedelta(minutes=10)
_BLOCKED_FOR = timedelta(minutes=15)
# After a call whose outcome is not known, its absence means something only so much later: it may
# still be on its way.
SETTLED = timedelta(seconds=60)
# A request has this long to be answered; it is not sent when the lease might end before.
_TIME_TO_ANSWER = timedelta(seconds=35)


class LeaseEnds(Exception):
    """The request would wait for the limit for longer than the change is ours."""


def interactive(connection: Connection, on_wait: Callable[[float], None]) -> Client:
    """A client whose requests count as a person's: they do not wait behind a sync."""
    return client_for(connection, kind=BudgetKind.INTERACTIVE, on_wait=on_wait)


class Tellers:
    """The clients of one round of telling: one token exchange and one list of regions each."""

    def __init__(self, make: ClientFactory) -> None:
        self._make = make
        self._clients: dict[UUID, Client] = {}
        self._regions: dict[UUID, dict[str, Region]] = {}
        self.gives_up_at = 0.0  # of the monotonic clock

    def find(self, connection_id: UUID, region: str) -> tuple[Client, Region | None]:
        """The client of a connection and its region, asked for once.

        Raises `TokenUnavailable` and `ScalingoError`; nothing of a change was sent then.
        """
        client = self._clients.get(connection_id)
        if client is None:
            connection = Connection.objects.get(pk=connection_id)
            client = self._clients[connection_id] = self._make(connection, self._wait)
        if connection_id not in self._regions:
            client.exchange()
            self._regions[connection_id] = {one.name: one for one in client.regions()}
        return client, self._regions[connection_id].get(region)

    def _wait(self, seconds: float) -> None:
        if time.monotonic() + seconds > self.gives_up_at:
            raise LeaseEnds

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@contextmanager
def _tellers(make: ClientFactory | None) -> Iterator[Tellers]:
    tellers = Tellers(make or interactive)
    try:
        yield tellers
    finally:
        tellers.close()


def tell_due(
    *, clock: Callable[[], datetime] = timezone.now, client_for: ClientFactory | None = None
) -> int:
    """Tell Scalingo everything that is due, until nothing is; how many changes were taken.

    Several workers may do so at once: each change is taken by one of them.
    """
    stop_at, taken = time.monotonic() + MOST_AT_ONCE, 0
    with _tellers(client_for) as tellers:
        while time.monotonic() < stop_at:
            found = take(at=clock())
            if found is None:
                return taken
            taken += 1
            if isinstance(found, Leased):
                tellers.gives_up_at = time.monotonic() + (LEASE - _TIME_TO_ANSWER).total_seconds()
                settle(found, tell(found, tellers), at=clock())
    after_commit("changes.tell")
    return taken


def tell(leased: Leased, tellers: Tellers) -> Outcome:
    """Tell Scalingo about one change, once, and return what came of it."""
    change = leased.change
    try:
        client, region = tellers.find(leased.connection_id, change.app.region.name)
    except TokenUnavailable as error:
        return Outcome(State.FAILED, "no_token", said=str(error), sent=False)
    except LeaseEnds:
        return NOT_SENT
    except ScalingoError as error:
        return meaning_of(error, change.kind, sent=False)
    if region is None:
        return Outcome(State.REFUSED, "no_right", sent=False)
    try:
        return Outcome(State.TOLD, collaborator_id=_call(client, region, change))
    except LeaseEnds:
        return NOT_SENT
    except ScalingoError as error:
        return meaning_of(error, change.kind)


def _call(client: Client, region: Region, change: Change) -> str:
    """The one request; the id that an invitation got."""
    app_id = change.app.scalingo_id
    if change.kind == Kind.INVITE:
        return client.invite(region, app_id, change.email, is_limited=change.is_limited).id
    if change.kind == Kind.CHANGE_ROLE:
        client.change_role(region, app_id, change.collaborator_id, is_limited=change.is_limited)
    else:
        client.remove(region, app_id, change.collaborator_id)
    return ""


# --- the outcome ----------------------------------------------------------------------------------


def settle(leased: Leased, outcome: Outcome, *, at: datetime) -> Change:
    """Write what came of telling, with its event, if the change is still ours."""
    with transaction.atomic():
        change = (
            Change.objects.select_for_update(of=("self",))
            .select_related("app")
            .get(pk=leased.change.pk)
        )
        if change.state != State.TELLING or change.lease != leased.lease:
            _came_late(change, outcome, at)
            return change
        _write(change, outcome, at)
        if change.look_at:
            after_commit("sync.read_asked")
    return change


def _write(change: Change, outcome: Outcome, at: datetime) -> None:
    if not outcome.sent:
        change.tells -= 1
    state, code = State(outcome.state), outcome.code
    if state == State.WAITING:
        change.due_at = _again_at(change, code, at)
        if change.tries >= MOST_TRIES:
            state, code = State.FAILED, "given_up"
    entry = move(change, state, at=at, code=code, said=outcome.said)
    if state == State.TOLD:
        change.told_at = max(at, change.tried_at or at)
        change.collaborator_id = outcome.collaborator_id[:80] or change.collaborator_id
        change.unseen, change.read_at = 0, None
        change.look_at = at if _is_waited_for(change) else None
    elif state == State.UNKNOWN:
        look_soon(change, at)
    save([change], [entry], at=at)


def look_soon(change: Change, at: datetime) -> None:
    """Ask for the app to be read. From `due_at` on, what it does not show was not done."""
    change.look_at, change.looks, change.due_at = at, 0, at + SETTLED


def _is_waited_for(change: Change) -> bool:
    return Change.objects.filter(follows=change, held_back=True).exists()


def _again_at(change: Change, code: str, at: datetime) -> datetime:
    """When what was certainly not sent may be sent: at most once in a window of the limit."""
    if code == "blocked":
        return at + _BLOCKED_FOR
    if code == "window":
        period: int = settings.SCALINGO_RATE_PERIOD
        window = int(at.timestamp()) // period + 1
        return datetime.fromtimestamp(window * period, UTC)
    return at + min(timedelta(seconds=15) * (1 << min(change.tries, 10)), _LONGEST_PAUSE)


def _came_late(change: Change, outcome: Outcome, at: datetime) -> None:
    """Somebody else has had this change since. What we know now is only worth another look.

    A reading may have shown nobody before our invitation arrived.
    """
    if change.state == State.FAILED and change.code == "not_sent" and outcome.sent:
        with suppress(IntegrityError), transaction.atomic():
            entry = move(change, State.UNKNOWN, at=at, code="late")
            look_soon(change, at)
            save([change], [entry])
            after_commit("sync.read_asked")


def give_up_on_the_lost(*, at: datetime) -> int:
    """What a worker took and never came back with is not known. How many there were."""
    with transaction.atomic():
        lost = list(
            Change.objects.select_for_update(skip_locked=True)
            .filter(state=State.TELLING, leased_until__lt=at)
            .order_by("pk")
        )
        entries = []
        for change in lost:
            change.lease += 1  # whoever had it must not write any more
            entries.append(move(change, State.UNKNOWN, at=at, code="worker_lost"))
            look_soon(change, at)
        save(lost, entries)
        if lost:
            after_commit("sync.read_asked")
    return len(lost)
