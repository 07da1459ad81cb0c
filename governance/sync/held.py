"""Removals that wait for a person: made, matched with a decision, voided."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from governance.audit.actions import record
from governance.audit.events import Source
from governance.sync.apply import End
from governance.sync.guard import plan_digest
from governance.sync.models import HeldRemoval, Run

VOID_AFTER = timedelta(hours=24)
# A preview longer than this helps nobody; the digest covers all of it.
_SHOWN = 2000

_State = HeldRemoval.State


def approved(ends: Sequence[End], *, at: datetime) -> bool:
    """Whether a person has approved exactly these ends, less than 24 hours ago."""
    if not ends:
        return False
    return HeldRemoval.objects.filter(
        state=_State.APPROVED, digest=plan_digest(ends), held_at__gte=at - VOID_AFTER
    ).exists()


@transaction.atomic
def hold(run: Run, ends: Sequence[End], *, reason: str, at: datetime) -> None:
    """Keep `ends` for a person to decide; what waited for another plan becomes void.

    A plan that already waits, or that somebody chose to keep as it was, is not asked again
    within 24 hours.
    """
    digest = plan_digest(ends)
    young = HeldRemoval.objects.select_for_update().filter(held_at__gte=at - VOID_AFTER)
    if young.filter(digest=digest, state__in=[_State.WAITING, _State.DISCARDED]).exists():
        return
    void(at=at)
    held = HeldRemoval.objects.create(
        run=run,
        reason=reason,
        plan=[
            {
                "collaboration": end.change.collaboration_id,
                "app": str(end.change.app_id),
                "person": str(end.change.person_id),
                "role": end.change.role,
            }
            for end in ends[:_SHOWN]
        ],
        total=len(ends),
        digest=digest,
        held_at=at,
    )
    record(
        "sync.removals_held",
        by=None,
        source=Source.SCHEDULE,
        at=at,
        target=held,
        data={"removals": len(ends), "run": str(run.pk)},
    )


def void(*, at: datetime, keep: bytes = b"") -> None:
    """What waits for a decision, or was approved and not applied, no longer holds."""
    HeldRemoval.objects.filter(state__in=[_State.WAITING, _State.APPROVED]).exclude(
        digest=keep
    ).update(state=_State.VOID)


def applied(ends: Sequence[End], *, at: datetime) -> None:
    """The approved plan of exactly these ends has been written."""
    HeldRemoval.objects.filter(state=_State.APPROVED, digest=plan_digest(ends)).update(
        state=_State.APPLIED
    )


def waiting_plan_covers(ends: Sequence[End]) -> bool:
    """Whether all of `ends` are part of a plan that waits or was decided.

    A run of one connection sees only its part of such a plan, and must leave it alone.
    """
    ids = {end.change.collaboration_id for end in ends}
    for plan in HeldRemoval.objects.filter(state__in=[_State.WAITING, _State.APPROVED]).values_list(
        "plan", flat=True
    ):
        if ids <= {row["collaboration"] for row in plan}:
            return True
    return False
