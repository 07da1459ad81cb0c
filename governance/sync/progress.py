"""How far a run is, for whoever watches: rows updated at most twice a second.

Requests are counted from the client's threads; only the run's own thread writes.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from governance.connections.clients import Tally
from governance.connections.models import Connection
from governance.sync.models import Run, Step

_EVERY = 0.5  # seconds between writes


class Progress:
    """Counts what a run asks and writes how far it is."""

    def __init__(self, run: Run, clock: Callable[[], datetime]) -> None:
        self.run = run
        # What a worker that died had counted in this run goes on.
        self.tally = Tally(requests=Counter(run.requests), waited=run.waited)
        self.retries = run.retries
        self.problems = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._written = 0.0
        self._step: Step | None = None
        self._waits_until: datetime | None = None

    def waits(self, seconds: float) -> None:
        """Note that requests wait `seconds` for Scalingo's limit. Called from any thread."""
        until = self._clock() + timedelta(seconds=seconds)
        with self._lock:
            self._waits_until = max(until, self._waits_until or until)

    def retried(self) -> None:
        """Count one repetition of a read. Called from any thread."""
        with self._lock:
            self.retries += 1

    def step(self, connection: Connection, region_name: str = "", *, total: int = 0) -> Step:
        """Start to show one connection, or one of its regions, again if a worker died at it."""
        step = Step(
            run=self.run,
            connection_id=connection.pk,
            connection_name=connection.name,
            region_name=region_name,
            state=Step.State.READING,
            total=total,
            started_at=self._clock(),
        )
        Step.objects.bulk_create(
            [step],
            update_conflicts=True,
            unique_fields=["run", "connection_id", "region_name"],
            update_fields=[
                "connection_name", "state", "total", "done", "problems", "started_at",
                "finished_at", "waits_until",
            ],
        )  # fmt: skip
        self._step = step
        return step

    def failed(self, step: Step, scope: str, reason: str, sentence: str) -> None:
        """Say of a step what could not be read, and what that means."""
        self.problems += 1
        # The page shows the first ones; hundreds of the same sentence help nobody.
        if len(step.problems) < 50:
            step.problems.append({"scope": scope, "reason": reason, "sentence": sentence})

    def finish(self, step: Step, state: Step.State | None = None) -> None:
        """Close a step: as read, or partly where it has problems, unless `state` says otherwise."""
        step.state = state or (Step.State.PARTIAL if step.problems else Step.State.COMPLETE)
        step.finished_at = self._clock()
        step.waits_until = None
        step.save()
        self._step = None
        self.tick()

    def tick(self) -> None:
        """Write what there is to show, if the last time is long enough ago."""
        now = time.monotonic()
        if now - self._written < _EVERY:
            return
        self._written = now
        Run.objects.filter(pk=self.run.pk).update(**self.counts(), beat_at=self._clock())
        if self._step:
            self._step.waits_until = self._waits_until
            self._step.save(update_fields=["state", "done", "total", "waits_until"])

    def counts(self) -> dict[str, Any]:
        """What has been asked so far, as the run keeps it."""
        return {
            "requests": dict(self.tally.requests),
            "retries": self.retries,
            "waited": round(self.tally.waited, 3),
        }
