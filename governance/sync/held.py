"""Removals that wait for a person: made, matched with a decision, voided."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from governance.audit.actions import record
from governance.audit.events import Source
from governance.inventory.models import Collaboration
from governance.sync.apply import End
from governance.sync.guard import plan_digest
from governance.sync.models import HeldRemoval, Run

if TYPE_CHECKING:
    from django.db.models import QuerySet

VOID_AFTER = timedelta(hours=24)
# A preview longer than this helps nobody; the digest covers all of it.
_SHOWN = 2000

_State = HeldRemoval.State
_UNDONE = [_State.WAITING, _State.APPROVED]


def approved(ends: Sequence[End], *, at: datetime) -> bool:
    """Whether a person has approved exactly these ends, less than 24 hours ago.

    Those of the plan that were written already, before a worker died, are not asked for again.
    """
    if not ends:
        return False
    digest, ids = plan_digest(ends), _ids(ends)
    plans = HeldRemoval.objects.filter(state=_State.APPROVED, held_at__gte=at - VOID_AFTER)
    return any(bytes(plan.digest) == digest or _open_of(plan) == ids for plan in plans)


def too_many_wait(*, at: datetime) -> bool:
    """Whether more than may end at once waits for a person, or was kept as it was, today."""
    return _young(at).filter(reason=HeldRemoval.Reason.TOO_MANY).exists()


def is_part_of_a_plan(ends: Sequence[End], *, at: datetime) -> bool:
    """Whether `ends` belong to a plan that still holds: only a part of it could be read now."""
    ids = _ids(ends)
    return any(
        ids < planned.keys() and None not in planned.values()
        for planned in map(_missing_of, _young(at))
    )


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
    void()
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


def void(*, keep: bytes = b"") -> None:
    """What waits for a decision, or was approved and not applied, no longer holds."""
    HeldRemoval.objects.filter(state__in=_UNDONE).exclude(digest=keep).update(state=_State.VOID)


def void_outdated(*, at: datetime) -> None:
    """Void the plans that are over, or of which somebody is there again; nothing is held now.

    One that merely could not be read stays. One that was written when a worker died is done.
    """
    for plan in HeldRemoval.objects.filter(state__in=_UNDONE):
        missing = _missing_of(plan)
        if not _open_of(plan) and plan.state == _State.APPROVED:
            plan.state = _State.APPLIED
        elif None in missing.values() or not missing or plan.held_at < at - VOID_AFTER:
            plan.state = _State.VOID
        plan.save(update_fields=["state"])


def applied(ends: Sequence[End]) -> None:
    """The approved plan has been written: nobody of it is left."""
    for plan in HeldRemoval.objects.filter(state=_State.APPROVED):
        if bytes(plan.digest) == plan_digest(ends) or not _open_of(plan):
            plan.state = _State.APPLIED
            plan.save(update_fields=["state"])


def _young(at: datetime) -> "QuerySet[HeldRemoval]":
    states = [*_UNDONE, _State.DISCARDED]
    return HeldRemoval.objects.filter(state__in=states, held_at__gte=at - VOID_AFTER)


def _ids(ends: Sequence[End]) -> set[int]:
    return {pk for end in ends if (pk := end.change.collaboration_id) is not None}


def _open_of(plan: HeldRemoval) -> set[int]:
    return set(_missing_of(plan))


def _missing_of(plan: HeldRemoval) -> dict[int, datetime | None]:
    """Since when those of a plan are missing who have not ended; None: they are there again."""
    listed = [row["collaboration"] for row in plan.plan]
    return dict(Collaboration.objects.open().filter(pk__in=listed).values_list("pk", "missing_at"))
