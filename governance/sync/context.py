"""What a run carries from one scope to the next."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from governance.connections.clients import Tally
from governance.connections.models import Connection
from governance.inventory.models import Region, Scope
from governance.scalingo import Client, Event
from governance.scalingo import Region as ApiRegion
from governance.sync.apply import Difference, End
from governance.sync.apply.attribution import Cause
from governance.sync.models import Run, Step
from governance.sync.progress import Progress
from governance.sync.reading import Reader
from governance.sync.scopes import Reading, observed, start

# Makes the client of a connection, which counts its requests and says when it waits (seconds).
ClientFactory = Callable[[Connection, Tally, Callable[[float], None]], Client]


class OutOfTime(Exception):
    """The run has worked for as long as one task may; another goes on where it stopped."""


@dataclass(slots=True)
class Context:
    """One run: what it speaks with, and what it has found so far.

    `stop_at` is a time of the monotonic clock, in seconds.
    """

    run: Run
    progress: Progress
    clock: Callable[[], datetime]
    client_for: ClientFactory
    live_connections: Sequence[UUID]
    threads: int
    stop_at: float
    staged: list[End] = field(default_factory=list)
    # Readings that miss somebody: they count as read when it is settled what becomes of the ends.
    read_with_ends: list[tuple[Reading, bytes]] = field(default_factory=list)
    causes: dict[tuple[UUID, str], Cause] = field(default_factory=dict)
    # What was asked about apps that another account owns now: their people change as well.
    timelines: dict[UUID, Sequence[Event] | None] = field(default_factory=dict)
    joined: int = 0
    changed: int = 0
    left: int = 0
    two_factor: int = 0
    not_understood: int = 0
    may_be_gone: set[UUID] = field(default_factory=set)

    def go_on(self) -> None:
        """Ask between two apps whether there is time for more. Raises `OutOfTime`."""
        if time.monotonic() >= self.stop_at:
            raise OutOfTime

    def count(self, found: Difference) -> None:
        """Count the differences of one batch; ends are counted when they are written."""
        self.joined += sum(change.what == "new" for change in found.changes)
        self.changed += sum(change.what == "changed" for change in found.changes)
        self.two_factor += len(found.two_factor)


@dataclass(slots=True)
class Place:
    """One connection in one region, while it is read."""

    context: Context
    connection: Connection
    client: Client
    reader: Reader
    region: Region
    api: ApiRegion
    step: Step

    def start(self, kind: Scope.Kind, app_scalingo_id: str = "") -> Reading:
        """Begin to read one scope of this connection here, now."""
        return start(
            self.connection.pk, self.region, kind, app_scalingo_id, at=self.context.clock()
        )

    def observed(self, reading: Reading, digest: bytes) -> None:
        """Note that a scope was read whole; later, if somebody's end waits for it."""
        if any(end.fence == reading.fence for end in self.context.staged):
            self.context.read_with_ends.append((reading, digest))
        else:
            observed(reading, digest)

    def failed(self, scope: str, reason: str, sentence: str) -> None:
        self.context.progress.failed(self.step, scope, reason, sentence)
