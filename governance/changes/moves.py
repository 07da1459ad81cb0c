"""A change goes from one state to the next: what it then holds, and the one event of that step.

Nothing is saved here. Whoever moves a change saves it and records the event in one transaction.
"""

from collections.abc import Iterable
from datetime import datetime

from governance.accounts.models import User
from governance.audit.actions import record_many
from governance.audit.events import Entry, Source
from governance.changes.models import OPEN, Change, State
from governance.core.nudges import after_commit

_KINDS = {
    State.TELLING: "change.telling",
    State.TOLD: "change.told",
    State.VERIFIED: "change.verified",
    State.REFUSED: "change.refused",
    State.FAILED: "change.failed",
    State.CANCELLED: "change.cancelled",
    State.UNKNOWN: "change.unknown",
}
PLACED = "change.placed"
PUT_BACK = "change.put_back"

# What a step may touch; everything else of a change stays as it was placed.
MOVED = [
    "kind", "state", "code", "said", "due_at", "held_back", "lease", "leased_until", "tells",
    "tries", "tried_at", "told_at", "unseen", "read_at", "look_at", "looks", "verified_at",
    "ended_at", "collaborator_id", "person", "cancelled_by",
]  # fmt: skip


def move(
    change: Change,
    state: State,
    *,
    at: datetime,
    code: str = "",
    said: str = "",
    by: User | None = None,
    source: Source = Source.SCHEDULE,
) -> Entry:
    """Put `change` into `state`, and return the event of that. `said` are Scalingo's own words."""
    before = change.state
    change.state, change.code, change.said = state, code, said[:500]
    if state != State.TELLING:
        change.leased_until = None
    if state != State.VERIFIED:
        change.verified_at = None
    if state != State.UNKNOWN:
        change.look_at, change.looks = None, 0
    change.ended_at = None if state in OPEN else at
    kind = PUT_BACK if state == State.WAITING else _KINDS[state]
    return entry(change, kind, at=at, before=before, by=by, source=source)


def entry(
    change: Change,
    kind: str,
    *,
    at: datetime,
    before: str = "",
    by: User | None = None,
    source: Source = Source.SCHEDULE,
) -> Entry:
    """The event of one step of `change`."""
    data = {"what": change.kind, "batch": str(change.batch_id), "role": change.role}
    if before:
        data["before"] = before
    if change.code:
        data["code"] = change.code
    personal = {"person": change.email, "email": change.email}
    if change.said:
        personal["said"] = change.said
    return Entry(
        kind=kind,
        at=at,
        source=source,
        actor_id=by.pk if by else None,
        actor_kind="user" if by else "system",
        target_kind="changes.change",
        target_id=change.pk,
        app_id=change.app_id,
        person_id=change.person_id,
        data={name: value for name, value in data.items() if value},
        personal=personal,
    )


def save(
    changes: Iterable[Change], entries: Iterable[Entry], *, at: datetime | None = None
) -> None:
    """Save what was moved, its events last. Call it inside the transaction that locked them.

    With `at`, whatever waits for one of them to be true goes on, or is cancelled.
    """
    moved, told = list(changes), list(entries)
    if at is not None:
        followers, more = _followers(moved, at)
        moved, told = moved + followers, told + more
    # One by one and in order: what follows may only go on once the first is out of its way.
    for change in moved:
        change.save(update_fields=MOVED)
    record_many(told)


def _followers(changes: Iterable[Change], at: datetime) -> tuple[list[Change], list[Entry]]:
    firsts = {change.pk: change for change in changes if not change.is_open}
    waiting = Change.objects.select_for_update().filter(
        follows__in=firsts, held_back=True, state=State.WAITING
    )
    followers, entries = [], []
    for change in waiting:
        change.held_back, change.due_at = False, at
        first = firsts.get(change.follows_id) if change.follows_id else None
        if first is None or first.state != State.VERIFIED:
            entries.append(move(change, State.CANCELLED, at=at, code="first_came_to_nothing"))
        followers.append(change)
    if followers:
        after_commit("changes.tell")
    return followers, entries
