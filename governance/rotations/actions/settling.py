"""Say that the secrets of a duty were changed, that they were not, or whose duty it is."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit.actions import record
from governance.audit.events import Source
from governance.rotations import permissions
from governance.rotations.models import Duty, Knowledge, State


class AlreadySettled(Exception):
    """Somebody was first. `duty` is what it is now."""

    def __init__(self, duty: Duty, sentence: str) -> None:
        self.duty = duty
        super().__init__(sentence)


@transaction.atomic
def close(duty: Duty, *, by: User, note: str, source: Source, at: datetime) -> Duty:
    """Say that everything was changed, or need not be, and why. Raises `AlreadySettled`, `Refused`.

    Locks the duty first, so that of two who close it the second is told.
    """
    duty = _locked(duty)
    permissions.may_settle(by).enforce()
    if duty.is_closed:
        raise AlreadySettled(duty, _("{name} closed it first.").format(name=_name(duty)))
    offered = duty.state == State.OFFERED
    duty.state, duty.closed_by, duty.closed_at = State.CLOSED, by, at
    duty.note, duty.next_read_at = note, None
    duty.save()
    _record("rotation.closed", duty, by=by, source=source, at=at, note=note, offered=offered)
    return duty


@transaction.atomic
def reopen(duty: Duty, *, by: User, note: str, source: Source, at: datetime) -> Duty:
    """Say that a closed duty was not done after all. Its due date stays what it was.

    From here on its secrets count as known, whatever the role: somebody knows better. Raises
    `AlreadySettled` and `Refused`.
    """
    duty = _locked(duty)
    permissions.may_settle(by).enforce()
    if not duty.is_closed:
        raise AlreadySettled(duty, _("It is open already."))
    duty.state, duty.closed_by, duty.closed_at, duty.offered_at = State.OPEN, None, None, None
    duty.note, duty.reopened_at, duty.next_read_at = note, at, at
    if duty.knowledge == Knowledge.NAMES:
        duty.knowledge, duty.full_until = Knowledge.VALUES, duty.departed_at
    duty.save()
    _record("rotation.reopened", duty, by=by, source=source, at=at, note=note)
    return duty


@transaction.atomic
def assign(duty: Duty, *, to: User | None, by: User, source: Source, at: datetime) -> Duty:
    """Say whose duty it is, None for nobody's. Raises `Refused`. The same again changes nothing."""
    duty = _locked(duty)
    permissions.may_settle(by).enforce()
    if to is not None:
        permissions.may_own(to).enforce()
    if duty.owner_id == (to.pk if to else None):
        return duty
    duty.owner = to
    duty.save(update_fields=["owner"])
    kind = "rotation.assigned" if to else "rotation.unassigned"
    personal = {"owner": str(to)} if to else {}
    record(
        kind,
        by=by,
        source=source,
        at=at,
        target=duty,
        app_id=duty.app_id,
        person_id=duty.person_id,
        data={"owner_id": to.pk} if to else {},
        personal=personal,
    )
    return duty


def _locked(duty: Duty) -> Duty:
    found = Duty.objects.select_for_update(of=("self",)).select_related("closed_by", "owner")
    return found.get(pk=duty.pk)


def _name(duty: Duty) -> str:
    return str(duty.closed_by) if duty.closed_by else _("The system")


def _record(
    kind: str, duty: Duty, *, by: User, source: Source, at: datetime, note: str, **data: bool
) -> None:
    record(
        kind,
        by=by,
        source=source,
        at=at,
        target=duty,
        app_id=duty.app_id,
        person_id=duty.person_id,
        data=data,
        personal={"note": note},
    )
