"""Take a change to tell it: whoever takes it holds it for a while, and asks once more whether to.

What somebody decided may not be theirs to decide any more when its turn comes, or may rest on what
is no longer so. Then it is refused here, and Scalingo is told nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from governance.changes import permissions
from governance.changes.models import ENDING, Change, Kind, Purpose, State
from governance.changes.moves import move, save
from governance.changes.plans import known as facts
from governance.inventory.models import Coverage, Role, Status

# Longer than any request takes, and short enough that what a dead worker left is soon looked at.
# Whoever is paused for longer has lost it: their outcome is not written any more.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Leased:
    """A change that is ours to tell until `change.leased_until`, and through which connection."""

    change: Change
    connection_id: UUID

    @property
    def lease(self) -> int:
        return self.change.lease


def take(*, at: datetime) -> Leased | Change | None:
    """Take the next change that is due. One that is refused instead comes back as it is.

    None when nothing is due, or others are at all of it.
    """
    with transaction.atomic():
        change = (
            Change.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(state=State.WAITING, held_back=False, due_at__lte=at)
            .select_related("app__region", "batch__decided_by")
            .order_by("due_at", "batch__decided_at", "position", "address")
            .first()
        )
        if change is None:
            return None
        known = facts.read_apps([change.app_id])[change.app_id]
        accepted = _has_accepted(change, known)
        if accepted:
            change.kind, change.person_id = Kind.REMOVE, accepted.person_id
        code = _why_not(change, known)
        if change.person_id is None and change.address in known.members:
            change.person_id = known.members[change.address].person_id
        if code == "already" and change.tells and known.read_at:
            # It was told before: what was read since shows that it was heard.
            entry = move(change, State.VERIFIED, at=at, code="seen")
            change.verified_at = known.read_at
            save([change], [entry], at=at)
            return change
        if code or known.teller is None:
            save([change], [move(change, State.REFUSED, at=at, code=code)], at=at)
            return change
        entry = move(change, State.TELLING, at=at, code="accepted" if accepted else "")
        change.lease += 1
        change.tells += 1
        change.tries += 1
        change.leased_until = at + LEASE
        change.tried_at = _later_than_readings(change, at)
        save([change], [entry])
        _never_forget()
        return Leased(change, known.teller)


def _never_forget() -> None:
    """Have this commit on disk before Scalingo is told, however the server is set.

    A database that forgot it in a crash would have an invitation sent again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")


def _has_accepted(change: Change, known: facts.KnownApp) -> facts.Member | None:
    """Who accepted the invitation that an offboarding was to cancel: they are removed instead.

    It was decided that they lose everything, so what they have by now is not another matter.
    """
    if change.kind != Kind.CANCEL or change.batch.purpose != Purpose.OFFBOARD:
        return None
    member = known.by_id.get(change.collaborator_id)
    return None if member is None or member.is_pending or member.role == Role.OWNER else member


def _why_not(change: Change, known: facts.KnownApp) -> str:
    """Why it must not be told, as a code; empty when it may."""
    if not permissions.may_change(change.batch.decided_by, {change.kind}):
        return "not_allowed"
    if known.app.gone_at:
        return "gone_app"
    found = _of_the_people(change, known)
    return found or ("" if known.teller else "no_right")


def _of_the_people(change: Change, known: facts.KnownApp) -> str:
    same = known.members.get(change.address)
    if change.kind == Kind.INVITE:
        if same is None:
            return ""
        return "missing" if same.is_missing else "on_it"
    member = known.by_id.get(change.collaborator_id)
    if member is None:
        # Only an end is so already when nobody is there.
        return "already" if change.kind in ENDING and same is None else "changed"
    if change.kind in ENDING:
        accepted = change.kind == Kind.CANCEL and member.status != Status.PENDING
        return "changed" if accepted or member.role == Role.OWNER else ""
    if member.role == change.role:
        return "already"
    return "" if member.role == change.role_before else "changed"


def _later_than_readings(change: Change, at: datetime) -> datetime:
    """`at`, but not before the app was read last: a clock that was set back proves nothing."""
    scope = change.app.scope_id
    until = Coverage.objects.filter(scope=scope, latest=True).values_list("until", flat=True)
    return max([at, *until]) if scope else at
