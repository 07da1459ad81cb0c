"""What our own changes explain of what was read: who did it, and absences that nobody need fear."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from governance.changes.models import ENDING, Kind
from governance.changes.queries import Told, told_about
from governance.inventory.models import Attribution
from governance.sync.apply import AppChange, End
from governance.sync.apply.attribution import Cause

Causes = dict[tuple[UUID, str], Cause]


def causes_of_ours(changes: Iterable[AppChange]) -> Causes:
    """The causes of those differences that Scalingo was told to make by us."""
    differences = list(changes)
    told = told_about({change.app_id for change in differences}) if differences else []
    found: Causes = {}
    for change in differences:
        ours = next((one for one in reversed(told) if _made(one, change)), None)
        if ours:
            found[change.app_id, change.collaborator_id] = _cause(ours)
    return found


def _made(told: Told, change: AppChange) -> bool:
    """Whether what we told is what happened, to the one we told it of."""
    if told.app_id != change.app_id:
        return False
    if told.kind == Kind.INVITE:
        return change.what == "new" and (
            told.collaborator_id == change.collaborator_id
            if told.collaborator_id
            else told.address == change.email.lower()
        )
    if told.collaborator_id != change.collaborator_id:
        return False
    if told.kind in ENDING:
        return change.what == "ended"
    is_role = change.what == "changed" and change.old_role != change.role
    return is_role and change.role == told.role


def _cause(told: Told) -> Cause:
    return Cause(
        Attribution.Source.OURS,
        happened_at=told.tried_at,
        actor_name=told.decider,
        user_id=told.decided_by,
        change_id=told.change_id,
    )


@dataclass(slots=True)
class Explained:
    """Staged ends that Scalingo said yes to when we told it, apart from all others."""

    ours: list[End] = field(default_factory=list)
    others: list[End] = field(default_factory=list)

    def without(self, people: Mapping[UUID, int]) -> dict[UUID, int]:
        """How many people each app has, ours not counted any more."""
        gone = Counter(end.change.app_id for end in self.ours)
        return {app_id: max(here - gone[app_id], 0) for app_id, here in people.items()}


def explain(ends: Sequence[End]) -> Explained:
    """Part `ends` by whether Scalingo confirmed to us that they are gone, before they were missed.

    They count in no guard. Where its answer was lost they do: nobody knows then whether they are.
    """
    found = Explained()
    told = told_about({end.change.app_id for end in ends}) if ends else []
    since = {
        (one.app_id, one.collaborator_id): one.tried_at
        for one in told
        if one.is_told and one.kind in ENDING
    }
    for end in ends:
        at = since.get((end.change.app_id, end.change.collaborator_id))
        (found.ours if at and at < end.seen_at else found.others).append(end)
    return found
