"""Match what changed with Scalingo's events, so that each change names who made it.

Events are hints, never a reason to change anything: their documentation contradicts itself about
types and ids, so they are matched by app, person and time.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from governance.inventory.models import Attribution, Identity, Role, Status
from governance.scalingo import Event
from governance.sync.apply import AppChange
from governance.sync.apply.attribution import UNEXPLAINED, Cause
from governance.sync.rows import storable

# Scalingo's clock and ours may differ this much.
_SKEW = timedelta(minutes=2)
# How far back events are asked for; Scalingo answers for at most 72 hours.
EVENT_HOURS = 72

_INVITED = ("new_collaborator",)
_ACCEPTED = ("accept_collaborator", "edit_collaborator")
_LEFT = ("delete_collaborator",)
_ROLE = ("change_collaborator_role",)
_OWNER = ("transfer_app", "accept_project_transfer_invitation")


def types_of(change: AppChange) -> tuple[str, ...]:
    """The event types that can explain a change, the likeliest first."""
    if change.role == Role.OWNER:
        return _OWNER
    if change.what == "ended":
        return _LEFT
    if change.what == "new":
        return _INVITED + _ACCEPTED
    if change.old_status == Status.PENDING and change.status != Status.PENDING:
        return _ACCEPTED
    return _ROLE


def causes_of(
    changes: Sequence[AppChange], events: Mapping[UUID, Sequence[Event] | None]
) -> dict[tuple[UUID, str], Cause]:
    """The cause of each change, by app and collaborator id.

    `events` is by app; None where Scalingo could not be asked: those changes get no cause, so that
    "unexplained" is never said of what was not looked up. An event explains one change.
    """
    people = _people_of(event for found in events.values() for event in found or ())
    causes: dict[tuple[UUID, str], Cause] = {}
    used: set[str] = set()
    for change in changes:
        found = events.get(change.app_id)
        if found is None:
            continue
        event = _event_of(change, found, used)
        if event:
            used.add(event.id)
        causes[change.app_id, change.collaborator_id] = _cause(event, people)
    return causes


def _event_of(change: AppChange, events: Sequence[Event], used: set[str]) -> Event | None:
    earliest = (change.missing_after or change.previous) if change.previous else None
    for wanted in types_of(change):
        for event in events:
            if (
                event.type == wanted
                and event.id not in used
                and (earliest is None or event.at >= earliest - _SKEW)
                and _is_about(event, change)
            ):
                return event
    return None


def _is_about(event: Event, change: AppChange) -> bool:
    if event.type in _OWNER:
        return event.new_owner_email.lower() in {"", change.email.lower()}
    if event.collaborator_email:
        return event.collaborator_email.lower() == change.email.lower()
    if event.collaborator_username:
        return event.collaborator_username == change.username
    # A cancelled invitation's event has no address: only its id, which may be either's.
    return bool(event.collaborator_id) and event.collaborator_id == change.collaborator_id


def _people_of(events: Iterable[Event]) -> dict[str, UUID]:
    ids = {storable(event.actor_id, 254) for event in events if event.actor_id}
    if not ids:
        return {}
    found = Identity.objects.filter(kind=Identity.Kind.USER_ID, value__in=ids, ended_at=None)
    return dict(found.values_list("value", "person_id"))


def _cause(event: Event | None, people: Mapping[str, UUID]) -> Cause:
    if event is None:
        return UNEXPLAINED
    actor_id = people.get(storable(event.actor_id or "", 254))
    name = "" if actor_id else event.actor_username or event.actor_email
    return Cause(
        Attribution.Source.EVENT,
        happened_at=event.at,
        event_id=storable(event.id, 80),
        actor_id=actor_id,
        actor_name=storable(name, 254),
    )
