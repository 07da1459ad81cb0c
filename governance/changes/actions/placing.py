"""Place a plan: what was seen becomes a batch of changes, or says why it does not any more."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit.actions import record
from governance.audit.events import Entry, Source
from governance.changes import permissions
from governance.changes.addresses import key
from governance.changes.models import Batch, Change, Preview, Purpose, State
from governance.changes.moves import PLACED, entry, save
from governance.changes.plans import Plan, Row, keeping, making
from governance.core.nudges import after_commit
from governance.core.verdict import Refused
from governance.inventory.models import Person

# Seconds: Celery keeps what comes later in a worker's memory, and may deliver it twice.
MOST_AHEAD = 600


class NothingToDo(Exception):
    """Nothing of the plan would happen."""

    def __init__(self) -> None:
        super().__init__(_("Nothing of this plan would happen."))


class PlanIsOld(Exception):
    """Somebody who is to lose everything is on more now than the plan has. Show it again."""

    def __init__(self) -> None:
        super().__init__(
            _("They are on more apps by now than this plan shows. Nothing was done: look again.")
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """The batch of a plan. `is_new` is False when the same plan had been placed before."""

    batch: Batch
    is_new: bool


def place(
    plan_id: UUID,
    *,
    by: User,
    reason: str,
    source: Source,
    at: datetime,
    not_before: datetime | None = None,
    typed: str = "",
) -> Placed:
    """Decide on a kept plan: Scalingo is told after the grace time, or not before a set time.

    Each row rests on what was known when it was shown: where that differs now, the row is refused
    and says so, and so is one that somebody else decided on first. The same plan again is the same
    batch. `typed` is what the plan wants typed. Raises `plans.NoSuchPlan`, `Refused`,
    `NothingToDo` and `PlanIsOld`.
    """
    with transaction.atomic():
        # A form sent twice waits here for the first one.
        preview = Preview.objects.select_for_update().filter(pk=plan_id, made_by=by).first()
        if preview is None:
            raise keeping.NoSuchPlan
        first = Batch.objects.filter(preview=preview).first()
        if first:
            return Placed(first, is_new=False)
        plan = keeping.find(plan_id, by=by, at=at)
        _enforce(plan, by=by, reason=reason, typed=typed)
        batch = Batch.objects.create(
            preview=preview,
            purpose=plan.purpose,
            decided_by=by,
            decided_at=at,
            reason=reason.strip()[:500],
            source=source,
            not_before=not_before,
            person_id=plan.person_id,
        )
        changes = _write(batch, plan, _as_of_now(plan, by=by, at=at), at=at)
        _record(batch, changes, by=by, at=at, source=source)
        _nudge(changes, at=at)
    return Placed(batch, is_new=True)


def _enforce(plan: Plan, *, by: User, reason: str, typed: str) -> None:
    if not plan.happening:
        raise NothingToDo
    permissions.may_change(by, {row.kind for row in plan.happening}).enforce()
    if not reason.strip():
        raise Refused(_("Say why: the reason stays with the changes."))
    plan.typed.check(typed).enforce()


def _as_of_now(plan: Plan, *, by: User, at: datetime) -> Mapping[int, Row]:
    """The rows as they would be planned now, by position."""
    wanted = plan.wanted
    if plan.purpose == Purpose.OFFBOARD and plan.person_id:
        everything = making.everything_of(Person.objects.get(pk=plan.person_id))
        planned = {(one.app_id, one.person_id) for one in wanted}
        if {(one.app_id, one.person_id) for one in everything} - planned:
            raise PlanIsOld
    again = making.make(plan.purpose, wanted, by=by, at=at)
    return {row.position: row for row in again.rows}


def _write(batch: Batch, plan: Plan, now: Mapping[int, Row], *, at: datetime) -> list[Change]:
    """Write the changes. Whoever's are refused from the start are written too, with why."""
    due = max(at + settings.CHANGES_GRACE, batch.not_before or at)
    changes = [_change(batch, row, now[row.position], due, at) for row in plan.happening]
    for change, row in zip(changes, plan.happening, strict=True):
        if row.follows:
            change.follows = next(one for one in changes if one.position == row.position - 1)
            change.held_back = True
    _insert([change for change in changes if not change.follows_id], at)
    for change in changes:
        if change.follows and not change.follows.is_open and change.is_open:
            _end(change, State.CANCELLED, "first_came_to_nothing", at)
    _insert([change for change in changes if change.follows_id], at)
    return changes


def _change(batch: Batch, shown: Row, now: Row, due: datetime, at: datetime) -> Change:
    assert shown.app_id is not None  # noqa: S101  What happens, happens on an app.
    change = Change(
        batch=batch,
        position=shown.position,
        kind=shown.kind,
        app_id=shown.app_id,
        person_id=shown.person_id,
        email=shown.email,
        address=key(shown.email),
        collaborator_id=shown.collaborator_id,
        role=shown.role_then,
        role_before=shown.role_now,
        due_at=due,
    )
    if now.digest != shown.digest:
        first = now.code == "under_way"
        _end(change, State.REFUSED, "under_way" if first else "changed", at, said=now.other_by)
    return change


def _end(change: Change, state: State, code: str, at: datetime, *, said: str = "") -> None:
    change.state, change.code, change.said, change.ended_at = state, code, said, at
    change.held_back = False


def _insert(changes: Sequence[Change], at: datetime) -> None:
    """Insert; where somebody else's change came in meanwhile, ours is refused and says whose."""
    if not changes:
        return
    Change.objects.bulk_create(changes, ignore_conflicts=True, batch_size=500)
    ids = {change.pk for change in changes}
    there = set(Change.objects.filter(pk__in=ids).values_list("pk", flat=True))
    late = [change for change in changes if change.pk not in there]
    for change in late:
        other = (
            Change.objects.open()
            .filter(app_id=change.app_id, address=change.address, held_back=False)
            .select_related("batch__decided_by")
            .first()
        )
        said = str(other.batch.decided_by) if other else ""
        _end(change, State.REFUSED, "under_way", at, said=said)
    Change.objects.bulk_create(late, batch_size=500)


def _record(
    batch: Batch, changes: Iterable[Change], *, by: User, at: datetime, source: Source
) -> None:
    entries = [_entry(change, by=by, at=at, source=source) for change in changes]
    save([], entries)
    record(
        "change.batch_placed",
        by=by,
        source=source,
        at=at,
        target=batch,
        person_id=batch.person_id,
        data={"purpose": batch.purpose, "changes": len(entries)},
        personal={"reason": batch.reason},
    )


def _entry(change: Change, *, by: User, at: datetime, source: Source) -> Entry:
    kind = {
        State.WAITING: PLACED,
        State.REFUSED: "change.refused",
        State.CANCELLED: "change.cancelled",
    }[State(change.state)]
    return entry(change, kind, at=at, by=by, source=source)


def _nudge(changes: Iterable[Change], *, at: datetime) -> None:
    """Ring when the grace is over. What is set for later is found by the sweep."""
    waits = [(one.due_at - at).total_seconds() for one in changes if one.state == State.WAITING]
    if waits and min(waits) < MOST_AHEAD:
        after_commit("changes.tell", seconds_later=min(waits))
