"""The audit events of what changed on the platform: one per change, in the change's transaction."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from governance.audit.events import Entry, Source
from governance.inventory.models import Role, Status
from governance.sync.apply.attribution import Cause

if TYPE_CHECKING:
    from governance.sync.apply.compare import AppChange


def kind_of(change: "AppChange") -> str:
    """The audit kind of one difference."""
    if change.role == Role.OWNER:
        return "platform.owner_changed"
    if change.what == "ended":
        return "platform.left"
    if change.what == "new":
        return "platform.invited" if change.status == Status.PENDING else "platform.joined"
    if change.old_status == Status.PENDING and change.status == Status.ACCEPTED:
        return "platform.accepted"
    if change.role != change.old_role:
        return "platform.role_changed"
    return "platform.status_changed"


def entries_of(
    changes: "Iterable[AppChange]", causes: Mapping[tuple[UUID, str], Cause], *, at: datetime
) -> Iterator[Entry]:
    """One entry per difference, with its actor where a cause names one."""
    for change in changes:
        cause = causes.get((change.app_id, change.collaborator_id))
        yield Entry(
            kind=kind_of(change),
            at=at,
            source=Source.PLATFORM,
            actor_kind=_actor_kind(cause),
            actor_id=(cause.user_id or cause.actor_id) if cause else None,
            target_kind="inventory.app",
            target_id=change.app_id,
            app_id=change.app_id,
            person_id=change.person_id,
            data=_data_of(change, cause),
            personal=_personal_of(change, cause),
        )


def _actor_kind(cause: Cause | None) -> str:
    if cause and cause.user_id:
        return "user"
    return "person" if cause and cause.actor_id else "unknown"


def _data_of(change: "AppChange", cause: Cause | None) -> dict[str, str]:
    data = {"role": change.role, "status": change.status}
    kind = kind_of(change)
    if kind == "platform.role_changed":
        data |= {"before": change.old_role or "", "after": change.role}
    elif kind == "platform.status_changed":
        data |= {"before": change.old_status or "", "after": change.status}
    if change.previous:
        data["not_before"] = change.previous.isoformat()
    if cause:
        data["explained"] = cause.source.value
        if cause.happened_at:
            data["happened_at"] = cause.happened_at.isoformat()
        if cause.event_id:
            data["event"] = cause.event_id
        if cause.change_id:
            data["change"] = str(cause.change_id)
    return data


def _personal_of(change: "AppChange", cause: Cause | None) -> dict[str, str]:
    personal = {"person": change.username or change.email, "email": change.email}
    if cause and cause.actor_name:
        personal["actor"] = cause.actor_name
    return personal
