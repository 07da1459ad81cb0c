"""What goes on at this moment: runs that are not over, and removals that wait for a person."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from governance.accounts.models import User
from governance.sync.models import HeldRemoval, Run, Step

# A worker writes a sign of life twice a second. Said before another worker takes over.
SILENT_AFTER = timedelta(seconds=60)
# Removals whose names are shown on the page itself.
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Part:
    """How far a run is with one region of one connection, or with the connection (region "")."""

    connection: str
    region: str
    state: str
    done: int
    total: int
    waits_until: datetime | None
    problems: list[dict[str, str]]

    @property
    def state_word(self) -> str:
        return str(Step.State(self.state).label)

    def waits(self, now: datetime) -> float:
        """Seconds left to wait for Scalingo's limit; 0 when it does not wait."""
        return max(0.0, (self.waits_until - now).total_seconds()) if self.waits_until else 0.0


@dataclass(frozen=True, slots=True)
class Ongoing:
    """A run that waits for a worker or is being made, as seen at `now`."""

    now: datetime
    state: str
    trigger: str
    connection: str  # empty: all of them
    asked_by: str  # empty: nobody in person
    requested_at: datetime
    started_at: datetime | None
    beat_at: datetime | None
    requests: int
    retries: int
    waited: float
    usual_seconds: float | None  # how long the last whole one of its kind took
    parts: list[Part] = field(default_factory=list)

    @property
    def is_running(self) -> bool:
        return self.state == Run.State.RUNNING

    @property
    def is_silent(self) -> bool:
        """Whether no worker has said anything of it for a minute."""
        seen: datetime = self.beat_at or self.started_at or self.requested_at
        return self.now - seen > SILENT_AFTER

    @property
    def apps(self) -> list[Part]:
        """Its regions: the parts that count apps."""
        return [part for part in self.parts if part.region]

    @property
    def done(self) -> int:
        return sum(part.done for part in self.apps)

    @property
    def total(self) -> int:
        return sum(part.total for part in self.apps)

    @property
    def waits(self) -> float:
        """Seconds that it still waits for Scalingo's limit."""
        return max((part.waits(self.now) for part in self.parts), default=0.0)

    @property
    def seconds_left(self) -> float | None:
        """An honest guess; None when there is nothing to guess from, or it takes longer than usual.

        From what the last whole run took; while that is not known, from how long the apps so far
        have taken.
        """
        if self.started_at is None:
            return None
        spent = (self.now - self.started_at).total_seconds()
        if self.usual_seconds is not None:
            return self.usual_seconds - spent if self.usual_seconds > spent else None
        if not self.done or self.done >= self.total:
            return None
        return spent * (self.total - self.done) / self.done


@dataclass(frozen=True, slots=True)
class Leaver:
    """One person whom a held plan would take off one app."""

    person_id: str
    person: str
    role: str


@dataclass(frozen=True, slots=True)
class Losing:
    """An app and those who would no longer be on it."""

    app_id: str
    app: str
    leavers: list[Leaver]


@dataclass(frozen=True, slots=True)
class Held:
    """Removals that wait for a decision; `digest` binds the decision to exactly them."""

    id: str
    reason: str
    digest: str
    held_at: datetime
    total: int
    apps: list[Losing]

    @property
    def sentence(self) -> str:
        return str(HeldRemoval.Reason(self.reason).label)

    @property
    def shown(self) -> int:
        return sum(len(app.leavers) for app in self.apps)


_QUERY = """
WITH runs AS (
SELECT run.state, run.trigger, coalesce(connections.name, '') AS connection,
       coalesce(nullif(person.name, ''), person.email, '') AS asked_by,
       run.requested_at, run.started_at, run.beat_at,
       (SELECT coalesce(sum(value::int), 0) FROM jsonb_each_text(run.requests)) AS requests,
       run.retries, run.waited,
       (SELECT last.seconds FROM sync_run last
        WHERE last.state = 'complete' AND last.connection_id IS NOT DISTINCT FROM run.connection_id
        ORDER BY last.requested_at DESC LIMIT 1) AS usual_seconds,
       (SELECT coalesce(json_agg(json_build_object(
            'connection', step.connection_name, 'region', step.region_name, 'state', step.state,
            'done', step.done, 'total', step.total, 'waits_until', step.waits_until,
            'problems', step.problems) ORDER BY step.connection_name, step.region_name), '[]')
        FROM sync_step step WHERE step.run_id = run.id) AS parts
FROM sync_run run
LEFT JOIN connections_connection connections ON connections.id = run.connection_id
LEFT JOIN accounts_user person ON person.id = run.requested_by
WHERE run.state IN ('waiting', 'running')
ORDER BY run.state, run.requested_at
), waiting AS (
SELECT held.id, held.reason, encode(held.digest, 'hex') AS digest, held.held_at, held.total,
       coalesce((
         SELECT json_agg(losing ORDER BY losing.app) FROM (
            SELECT app.id AS app_id, app.name AS app, json_agg(json_build_object(
                'person_id', person.id, 'role', removal.row->>'role',
                'person', coalesce(nullif(person.username, ''), person.email))
                ORDER BY person.email) AS leavers
            FROM (SELECT row FROM jsonb_array_elements(held.plan) row LIMIT %(shown)s) removal
            JOIN inventory_app app ON app.id = (removal.row->>'app')::uuid
            JOIN inventory_person person ON person.id = (removal.row->>'person')::uuid
            GROUP BY app.id, app.name
         ) losing), '[]') AS apps
FROM sync_heldremoval held WHERE held.state = 'waiting' AND %(everything)s
)
SELECT (SELECT coalesce(json_agg(runs), '[]') FROM runs),
       (SELECT to_json(waiting) FROM waiting)
"""


def read_ongoing(
    user: User, *, at: datetime, shown: int | None = SHOWN
) -> tuple[list[Ongoing], Held | None]:
    """The runs that are not over, the running one first, and the removals that wait, if any do.

    Removals name people of any app, so only who sees everything gets them; at most `shown`, or
    all of those that were kept.
    """
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, {"everything": user.sees_everything, "shown": shown})
        runs, held = cursor.fetchone()
    return [_ongoing(run, at) for run in runs], _held(held) if held else None


def _ongoing(run: dict[str, Any], now: datetime) -> Ongoing:
    parts = [
        Part(**{**part, "waits_until": _moment(part["waits_until"])}) for part in run.pop("parts")
    ]
    for name in ("requested_at", "started_at", "beat_at"):
        run[name] = _moment(run[name])
    return Ongoing(now=now, parts=parts, **run)


def _held(held: dict[str, Any]) -> Held:
    apps = [
        Losing(app["app_id"], app["app"], [Leaver(**leaver) for leaver in app["leavers"]])
        for app in held.pop("apps")
    ]
    return Held(apps=apps, **{**held, "held_at": _moment(held["held_at"])})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
