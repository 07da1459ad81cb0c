"""Ask for a sync, carry out what is due, and decide on removals that were held."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.accounts.permissions import may_decide_held_removals, may_start_sync
from governance.audit.actions import record
from governance.audit.events import Source
from governance.connections.models import Connection
from governance.core.nudges import after_commit
from governance.sync.context import ClientFactory
from governance.sync.engine import carry_out, source_of
from governance.sync.held import VOID_AFTER
from governance.sync.locks import only_one
from governance.sync.models import HeldRemoval, Run, Step
from governance.sync.reading import THREADS

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

# A run that kills its worker every time must not do so for ever.
MOST_ATTEMPTS = 3
# Scalingo shut us out altogether: knocking again at once would prolong it.
BLOCKED_FOR = timedelta(minutes=15)


class AlreadyAsked(Exception):
    """Somebody was first: a sync waits or runs already."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(_("A sync is already under way."))


class AlreadyDecided(Exception):
    """Somebody decided first, or the plan is no longer the one that was shown."""


_ACTIVE = [Run.State.WAITING, Run.State.RUNNING]


def _syncs() -> "QuerySet[Run]":
    """The runs that wait or are at work, but for those that read a few apps for a change."""
    return Run.objects.filter(state__in=_ACTIVE).exclude(trigger=Run.Trigger.CHANGE)


def request(
    *,
    by: User | None,
    at: datetime,
    trigger: Run.Trigger = Run.Trigger.PAGE,
    connection: Connection | None = None,
) -> Run:
    """Ask for a sync now, of all connections or of one. Raises `AlreadyAsked` and `Refused`.

    Whoever asks in a terminal carries it out there; no worker is woken for it.
    """
    if by:
        may_start_sync(by).enforce()
    if active := _syncs().first():
        raise AlreadyAsked(active)
    try:
        with transaction.atomic():
            run = Run.objects.create(
                trigger=trigger,
                connection_id=connection.pk if connection else None,
                requested_by=by.pk if by else None,
                requested_at=at,
            )
            source = Source.TERMINAL if trigger == Run.Trigger.TERMINAL else Source.PAGE
            if trigger != Run.Trigger.TERMINAL:
                after_commit("sync.carry_out", run_id=str(run.pk))
            record("sync.requested", by=by, source=source, at=at, target=run)
    except IntegrityError:
        raise AlreadyAsked(_syncs().latest("requested_at")) from None
    return run


def ensure_due(*, at: datetime) -> Run | None:
    """Write down the next scheduled run if it is due. None if it is not, or one waits already."""
    if not Connection.objects.readable().exists():
        return None
    if _syncs().exists():
        return None
    last = Run.objects.filter(connection_id=None).order_by("-requested_at").first()
    if last and last.requested_at > at:
        # The clock was set back. No run can be of the future: that one was just now.
        Run.objects.filter(requested_at__gt=at).update(requested_at=at)
        last.requested_at = at
    if last and last.requested_at + _pause_after(last, at) > at:
        return None
    try:
        with transaction.atomic():
            return Run.objects.create(trigger=Run.Trigger.SCHEDULE, requested_at=at)
    except IntegrityError:
        return None


def _pause_after(last: Run, at: datetime) -> timedelta:
    blocked = any(
        problem.get("reason") == "blocked" for step in last.steps.all() for problem in step.problems
    )
    if blocked:
        return max(BLOCKED_FOR, settings.SYNC_EVERY)
    return timedelta() if _new_token_since(last, at) else settings.SYNC_EVERY


def _new_token_since(last: Run, at: datetime) -> bool:
    """Whether a token was put into use after that run began: its account waits to be read."""
    since = Connection.objects.readable().filter(token_set_at__gt=last.requested_at)
    return since.filter(token_set_at__lte=at).exists()


def carry_out_next(
    *,
    clock: Callable[[], datetime] = timezone.now,
    client_for: ClientFactory | None = None,
    run_id: UUID | None = None,
    threads: int = THREADS,
) -> Run | None:
    """Carry out the run that waits, or the one whose worker died. None if there is none to do.

    `run_id` names the only one that is wanted. Two workers that come at once do it once.
    """
    with only_one() as ours:
        if not ours:
            return None
        run = _claim(clock(), run_id)
        if run is None:
            return None
        return carry_out(run, client_for=client_for, clock=clock, threads=threads)


@transaction.atomic
def _claim(at: datetime, run_id: UUID | None) -> Run | None:
    """Take a run. We hold the lock, so whoever was carrying one out no longer is."""
    runs = Run.objects.select_for_update().filter(state__in=_ACTIVE)
    left = runs.filter(state=Run.State.RUNNING).first()
    if left and left.attempts - left.pauses >= MOST_ATTEMPTS:
        _give_up(left, at)
        left = None
    run = left or runs.filter(state=Run.State.WAITING).order_by("requested_at").first()
    if run is None or (run_id and run.pk != run_id):
        return None
    run.state = Run.State.RUNNING
    run.started_at = run.started_at or at
    run.beat_at = at
    run.attempts += 1
    run.save()
    return run


def _give_up(run: Run, at: datetime) -> None:
    """Close a run that ended its worker each time, with words on what it was at."""
    sentence = _("The worker ended three times while it was at this; it was given up.")
    for step in run.steps.filter(finished_at=None):
        step.problems.append({"scope": "", "reason": "gave_up", "sentence": sentence})
        step.state, step.finished_at, step.waits_until = Step.State.FAILED, at, None
        step.save()
    run.state, run.finished_at, run.beat_at = Run.State.FAILED, at, None
    run.save()
    logger.error("sync given up", extra={"run": str(run.pk), "attempts": run.attempts})
    record(
        "sync.finished",
        by=None,
        source=source_of(run),
        at=at,
        target=run,
        data={"state": run.state, "requests": run.request_count},
    )


def decide_held(
    held_id: UUID,
    digest: str,
    *,
    approve: bool,
    by: User,
    at: datetime,
    source: Source = Source.PAGE,
) -> HeldRemoval:
    """Let held removals through, or keep everything as it was; a sync is asked for at once.

    `digest` (hexadecimal) is of the plan that the person saw. Raises `AlreadyDecided` when it is
    another by now, when somebody was first, or after 24 hours; and `Refused`.
    """
    may_decide_held_removals(by).enforce()
    with transaction.atomic():
        held = HeldRemoval.objects.select_for_update().filter(pk=held_id).first()
        if (
            held is None
            or held.state != HeldRemoval.State.WAITING
            or bytes(held.digest).hex() != digest
            or held.held_at < at - VOID_AFTER
        ):
            raise AlreadyDecided(_("This plan was decided already, or is no longer the same."))
        held.state = HeldRemoval.State.APPROVED if approve else HeldRemoval.State.DISCARDED
        held.decided_by, held.decided_at = by.pk, at
        held.save()
        if approve and not Run.objects.filter(state=Run.State.WAITING).exists():
            run = Run.objects.create(trigger=Run.Trigger.PAGE, requested_by=by.pk, requested_at=at)
            after_commit("sync.carry_out", run_id=str(run.pk))
        kind = "sync.removals_approved" if approve else "sync.removals_discarded"
        record(kind, by=by, source=source, at=at, target=held, data={"removals": held.total})
    return held
