"""Match what changed with Scalingo's events, so that each change names who made it.

Events are hints, never a reason to change anything: their documentation contradicts itself about
types and ids, so they are matched by app, person and time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from governance.inventory.models import Attribution, Identity, Role, Status
from governance.scalingo import Event, Listing, ScalingoError
from governance.sync.apply import AppChange
from governance.sync.apply.attribution import UNEXPLAINED, Cause
from governance.sync.context import Place
from governance.sync.ours import causes_of_ours
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


Timelines = Mapping[UUID, Sequence[Event] | None]


def ask_who(
    place: Place, apps: Mapping[UUID, str], changes: Iterable[AppChange], *, keep: bool = False
) -> dict[tuple[UUID, str], Cause]:
    """Who made `changes`, by the timelines of `apps` (their Scalingo ids, by ours).

    What we told Scalingo ourselves needs no asking; else one request per app, and one that cannot
    be asked explains nothing. With `keep`, what was answered
    serves the rest of the run too: an app that was transferred changes its people as well.
    """
    told = [change for change in changes if change.previous]
    ours = causes_of_ours(told)
    told = [change for change in told if (change.app_id, change.collaborator_id) not in ours]
    if not told:
        return ours
    at, kept = place.context.clock(), place.context.timelines
    wanted = {change.app_id for change in told} & apps.keys()
    found = {app_id: kept[app_id] for app_id in wanted & kept.keys()}
    found |= _timelines(place, {app_id: apps[app_id] for app_id in wanted - kept.keys()})
    causes = causes_of(told, found, at=at)
    # What was kept is older than these changes may be.
    unclear = {app_id for (app_id, _), cause in causes.items() if cause is UNEXPLAINED}
    if again := unclear & kept.keys():
        found |= _timelines(place, {app_id: apps[app_id] for app_id in again})
        causes = causes_of(told, found, at=at)
    if keep:
        kept.update(found)
    return ours | causes


def _timelines(place: Place, apps: Mapping[UUID, str]) -> dict[UUID, Sequence[Event] | None]:
    found: dict[UUID, Sequence[Event] | None] = {}
    calls = ((app_id, _timeline(place, scalingo_id)) for app_id, scalingo_id in apps.items())
    for app_id, answer in place.reader.many(calls):
        if isinstance(answer, ScalingoError):
            found[app_id] = None
        else:
            with answer as listing:
                found[app_id] = list(listing)
    return found


def _timeline(place: Place, scalingo_id: str) -> Callable[[], Listing[Event]]:
    return lambda: place.client.events(place.api, scalingo_id, hours=EVENT_HOURS)


def types_of(change: AppChange) -> tuple[str, ...]:
    """The event types that can explain a change, the likeliest first."""
    if change.role == Role.OWNER:
        return _OWNER
    if change.what == "ended":
        return _LEFT + _OWNER
    if change.what == "new":
        return _INVITED + _ACCEPTED + _OWNER
    if change.old_status == Status.PENDING and change.status != Status.PENDING:
        return _ACCEPTED
    return _ROLE


def causes_of(
    changes: Sequence[AppChange], events: Timelines, *, at: datetime
) -> dict[tuple[UUID, str], Cause]:
    """The cause of each change, by app and collaborator id, as of `at`.

    `events` is by app; None where Scalingo could not be asked: those changes get no cause, so that
    "unexplained" is never said of what was not looked up, nor of what may have happened longer
    ago than Scalingo tells. An event explains one change; a transfer, all that it changed.
    """
    oldest = at - timedelta(hours=EVENT_HOURS)
    people = _people_of(event for found in events.values() for event in found or ())
    causes: dict[tuple[UUID, str], Cause] = {}
    used: set[str] = set()
    for change in changes:
        found = events.get(change.app_id)
        if found is None:
            continue
        event = _event_of(change, found, used)
        if event and event.type not in _OWNER:
            used.add(event.id)
        since = _earliest(change)
        if event or (since and since >= oldest):
            causes[change.app_id, change.collaborator_id] = _cause(event, people)
    return causes


def _earliest(change: AppChange) -> datetime | None:
    """The last reading before a change; None where there was none."""
    return (change.missing_after or change.previous) if change.previous else None


def _event_of(change: AppChange, events: Sequence[Event], used: set[str]) -> Event | None:
    earliest = _earliest(change)
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
        return _is_transfer_of(event, change)
    if event.collaborator_email:
        return event.collaborator_email.lower() == change.email.lower()
    if event.collaborator_username:
        return event.collaborator_username == change.username
    # A cancelled invitation's event has no address: only its id, which may be either's.
    return bool(event.collaborator_id) and event.collaborator_id == change.collaborator_id


def _is_transfer_of(event: Event, change: AppChange) -> bool:
    """Whether it made this person the owner; or a collaborator of the owner who gave it away."""
    address = change.email.lower()
    if change.role == Role.OWNER:
        return event.new_owner_email.lower() in {"", address}
    party = event.new_owner_email if change.what == "ended" else event.old_owner_email
    return party.lower() == address


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
