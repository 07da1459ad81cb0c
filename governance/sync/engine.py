"""One run, from the first request to its outcome.

Reads every connection in turn; what cannot be read is noted and the rest goes on. Additions and
changes are written as they come, ends when the run has seen all of its scopes. Only one run is at
work at a time (`locks`), and a worker may die on any line: the run is then taken up again, and
what was applied stays applied.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

import httpx
from django.db import connection as database
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.audit.actions import record
from governance.audit.events import Source
from governance.changes.actions import seen
from governance.connections.actions import heard
from governance.connections.budget import Budget, Kind
from governance.connections.clients import Tally, TokenUnavailable, client_for
from governance.connections.models import Connection
from governance.connections.models import State as ConnectionState
from governance.core.nudges import after_commit
from governance.inventory.models import Region, Scope, TwoFactor
from governance.scalingo import Client, ScalingoError
from governance.scalingo import Region as ApiRegion
from governance.sync import guard, held, scopes
from governance.sync.apply import End, apply_two_factor, note_missing, write_ends
from governance.sync.apply.compare import APPS_PER_BATCH
from governance.sync.context import ClientFactory, Context, OutOfTime, Place
from governance.sync.fencing import Fenced
from governance.sync.known import settle
from governance.sync.listings import raise_if_hopeless
from governance.sync.models import HeldRemoval, Run, Step
from governance.sync.ours import explain
from governance.sync.progress import Progress
from governance.sync.reading import THREADS, Reader
from governance.sync.region import read_some, sync_region
from governance.sync.rows import storable
from governance.sync.suspects import bury
from governance.sync.tally import coverage, totals

logger = logging.getLogger(__name__)

# Seconds that one task works on a run, well within the queue's own limit (`celery.py`). Under
# Scalingo's limit a thousand apps that others own take twenty minutes.
MOST_AT_ONCE = 20 * 60

_SOURCES = {
    Run.Trigger.SCHEDULE: Source.SCHEDULE,
    Run.Trigger.PAGE: Source.PAGE,
    Run.Trigger.TERMINAL: Source.TERMINAL,
    Run.Trigger.CHANGE: Source.SCHEDULE,
}


def sweeping(
    *, transport: httpx.BaseTransport | None = None, budget: Budget | None = None
) -> ClientFactory:
    """Clients whose requests leave the reserve of the budget to people."""
    return clients(Kind.SWEEP, transport=transport, budget=budget)


def clients(
    kind: Kind, *, transport: httpx.BaseTransport | None = None, budget: Budget | None = None
) -> ClientFactory:
    """Clients whose requests count as `kind` in the budget."""

    def make(connection: Connection, tally: Tally, on_wait: Callable[[float], None]) -> Client:
        return client_for(
            connection,
            kind=kind,
            transport=transport,
            budget=budget,
            on_wait=on_wait,
            tally=tally,
        )

    return make


def carry_out(
    run: Run,
    *,
    client_for: ClientFactory | None = None,
    clock: Callable[[], datetime] = timezone.now,
    threads: int = THREADS,
) -> Run:
    """Read what `run` is about and write what differs; returns it with its outcome.

    The caller holds the lock of `locks.only_one`. Times written are `clock`'s, durations monotonic.
    """
    started = time.monotonic()
    clock = scopes.going_forward(clock)
    with database.cursor() as cursor:
        # A worker may take longer than a page; what it locks must not be waited for long.
        cursor.execute("SET statement_timeout = '120s'")
    context = Context(
        run=run,
        progress=Progress(run, clock),
        clock=clock,
        client_for=client_for or sweeping(),
        live_connections=list(Connection.objects.readable().values_list("pk", flat=True)),
        threads=threads,
        stop_at=started + MOST_AT_ONCE,
    )
    wanted = Connection.objects.readable()
    if run.connection_id:
        wanted = wanted.filter(pk=run.connection_id)
    try:
        for connection in wanted:
            _sync_connection(context, connection)
    except OutOfTime:
        return _pause(context, seconds=time.monotonic() - started)
    _end(context)
    seen(at=context.clock())
    return _finish(context, seconds=time.monotonic() - started)


def _pause(context: Context, *, seconds: float) -> Run:
    """Leave the run as it is, for the next task. What it has read it does not read again."""
    run = context.run
    for name, value in context.progress.counts().items():
        setattr(run, name, value)
    run.pauses += 1
    run.beat_at = None
    run.seconds = round((run.seconds or 0) + seconds, 3)
    run.save()
    after_commit("sync.run_due")
    return run


# --- one connection -------------------------------------------------------------------------------


def _sync_connection(context: Context, connection: Connection) -> None:
    step = context.progress.step(connection)
    try:
        client = context.client_for(connection, context.progress.tally, context.progress.waits)
    except TokenUnavailable as error:
        _give_up(context, connection, step, "no_token", str(error))
        heard(
            connection.pk,
            state=ConnectionState.UNREADABLE,
            said=str(error),
            at=context.clock(),
            source=source_of(context.run),
        )
        return
    with client, Reader(context.progress, threads=context.threads) as reader:
        try:
            _read_connection(context, connection, client, reader, step)
        except ScalingoError as error:
            _give_up(context, connection, step, error.code, error.sentence)
            if error.code == "dead_token":
                heard(
                    connection.pk,
                    state=ConnectionState.REFUSED,
                    said=error.sentence,
                    at=context.clock(),
                    source=source_of(context.run),
                )


def _read_connection(
    context: Context, connection: Connection, client: Client, reader: Reader, step: Step
) -> None:
    regions = reader.one(client.regions)
    heard(
        connection.pk,
        state=ConnectionState.WORKING,
        said="",
        at=context.clock(),
        source=source_of(context.run),
    )
    if context.run.apps:
        _note_vanished(context, connection, step, {region.name for region in regions})
        context.progress.finish(step)
        _read_regions(context, connection, client, reader, regions)
        return
    try:
        own = reader.one(client.own_two_factor)
        read_at = context.clock()
    except ScalingoError as error:
        own = None
        context.progress.failed(step, "two_factor", error.code, error.sentence)
        raise_if_hopeless(error)
    _note_vanished(context, connection, step, {region.name for region in regions})
    context.progress.finish(step)
    _read_regions(context, connection, client, reader, regions)
    if own is not None:
        context.two_factor += apply_two_factor(
            {connection.account_id: TwoFactor.ON if own else TwoFactor.OFF},
            at=read_at,
        )


def _read_regions(
    context: Context,
    connection: Connection,
    client: Client,
    reader: Reader,
    regions: Iterable[ApiRegion],
) -> None:
    some = {UUID(app_id) for app_id in context.run.apps}
    for api in regions:
        region = _region(storable(api.name, 60), storable(api.display_name, 120), context.clock())
        place = Place(
            context=context,
            connection=connection,
            client=client,
            reader=reader,
            region=region,
            api=api,
            step=context.progress.step(connection, region.name),
        )
        try:
            read_some(place, some) if some else sync_region(place)
        except ScalingoError:
            context.progress.finish(place.step, Step.State.FAILED)
            raise
        except Fenced as late:
            # Somebody newer has written this: what they read is what holds.
            logger.warning("observation came too late", extra={"why": str(late)})
            place.failed("region", "too_late", _("Another sync has read this meanwhile."))
        context.progress.finish(place.step)


def _region(name: str, display_name: str, at: datetime) -> Region:
    region, _made = Region.objects.get_or_create(
        name=name, defaults={"display_name": display_name, "first_seen_at": at}
    )
    return region


def _note_vanished(context: Context, connection: Connection, step: Step, listed: set[str]) -> None:
    """Regions that this account could read and that are no longer named to it go stale."""
    reason, sentence = "region_not_listed", _("Scalingo no longer names this region to us.")
    gone = Scope.objects.filter(connection_id=connection.pk, retired_at=None).exclude(
        region__name__in=listed
    )
    for scope in gone:
        scopes.not_observed(scope, reason=reason, detail=sentence, at=context.clock())
    for name in gone.values_list("region__name", flat=True).distinct():
        context.progress.failed(step, name, reason, sentence)


def _give_up(
    context: Context, connection: Connection, step: Step, reason: str, sentence: str
) -> None:
    """Nothing more of this connection can be read now: the rest is stale, and stays as it was."""
    at = context.clock()
    for scope in Scope.objects.filter(connection_id=connection.pk, retired_at=None).exclude(
        coverage__latest=True, coverage__until__gte=context.run.started_at or at
    ):
        scopes.not_observed(scope, reason=reason, detail=sentence, at=at)
    context.progress.failed(step, "connection", reason, sentence)
    context.progress.finish(step, Step.State.FAILED)


# --- ends -----------------------------------------------------------------------------------------


def _end(context: Context) -> None:
    """Let the guard decide on everything that was not seen any more."""
    # An app that changed hands in this run may have been read by both: the later one counts.
    staged = list({end.change.collaboration_id: end for end in context.staged}.values())
    at = context.clock()
    # What Scalingo said yes to when we told it is no disappearance.
    told = explain([end for end in staged if end.change.app_id not in context.may_be_gone])
    verdict = guard.judge(
        told.others,
        live=guard.live_collaborations() - len(told.ours),
        people=told.without(guard.people_of({end.change.app_id for end in staged})),
        waiting=guard.waiting_elsewhere({end.change.app_id for end in staged})
        if held.too_many_wait(at=at)
        else 0,
    )
    gone = [end for end in staged if end.change.app_id in context.may_be_gone]
    if held.approved(verdict.held, at=at):
        _write(context, verdict.held, at)
        held.applied(verdict.held)
        verdict.held = []
    _write(context, verdict.pass_ + told.ours + gone, at)
    note_missing(verdict.unconfirmed + verdict.held)
    _hold(context, verdict, at)
    bury(context.may_be_gone, at=at)
    counting = {
        reading.fence for reading, digest in context.read_with_ends if _observed(reading, digest)
    }
    settle({end.change.app_id for end in staged if end.fence in counting})


def _hold(context: Context, verdict: guard.Verdict, at: datetime) -> None:
    if not verdict.held:
        held.void_outdated(at=at)
    elif not held.is_part_of_a_plan(verdict.held, at=at):
        reason = HeldRemoval.Reason.TOO_MANY if verdict.too_many else HeldRemoval.Reason.ONE_APP
        held.hold(context.run, verdict.held, reason=reason, at=at)


def _write(context: Context, ends: Sequence[End], at: datetime) -> None:
    by_app: dict[UUID, list[End]] = defaultdict(list)
    for end in ends:
        by_app[end.change.app_id].append(end)
    apps = iter(by_app.values())
    while batch := list(islice(apps, APPS_PER_BATCH)):
        of_batch = [end for of_app in batch for end in of_app]
        try:
            context.left += write_ends(of_batch, at=at, causes=context.causes)
        except Fenced as late:
            logger.warning("ends came too late", extra={"why": str(late)})


def _observed(reading: scopes.Reading, digest: bytes) -> bool:
    """Note that a scope was read whole; False if somebody newer was first."""
    try:
        scopes.observed(reading, digest)
    except Fenced as late:
        logger.warning("observation came too late", extra={"why": str(late)})
        return False
    return True


# --- the outcome ----------------------------------------------------------------------------------


def _finish(context: Context, *, seconds: float) -> Run:
    run, at = context.run, context.clock()
    state = _state(context)
    found = totals() | {
        "joined": context.joined,
        "left": context.left,
        "changed": context.changed,
        "two_factor": context.two_factor,
        "not_understood": context.not_understood,
    }
    for name, value in {
        **context.progress.counts(),
        "state": state,
        "finished_at": max(at, run.started_at or at),
        "beat_at": None,
        "seconds": round((run.seconds or 0) + seconds, 3),
        "found": found,
        "coverage": coverage(),
    }.items():
        setattr(run, name, value)
    run.save()
    record(
        "sync.finished",
        by=None,
        source=source_of(run),
        at=at,
        target=run,
        data={"state": state, "requests": run.request_count, **found},
    )
    logger.info("sync finished", extra={"run": str(run.pk), "state": state, **found})
    return run


def _state(context: Context) -> Run.State:
    """How the run ended: complete only when nothing that it was about is left unread.

    What was left says so itself: a request that failed, rows that could not be believed, an app
    that is not listed any more.
    """
    states = list(context.run.steps.values_list("state", flat=True))
    if all(state == Step.State.FAILED for state in states):
        return Run.State.FAILED
    return Run.State.PARTIAL if context.progress.problems else Run.State.COMPLETE


def source_of(run: Run) -> Source:
    """Where a run was asked for, as its events say it."""
    return _SOURCES[Run.Trigger(run.trigger)]
