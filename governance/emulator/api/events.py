"""Timelines: what happened to an app, and what the caller did."""

import math
from datetime import timedelta
from typing import Any

from governance.emulator.clock import iso
from governance.emulator.model import Event

from .routing import Call, Host, Reply, Standing, not_found, route

# Recorded; the documentation's examples say 20.
PER_PAGE = 30
HOURS = 72
# Events whose values a limited collaborator may not see.
_WITH_VALUES = ("value", "old_value")


@route("GET", "/v1/apps/:app/events")
def of_app(call: Call) -> Reply:
    """Everything that happened to one app, newest first."""
    app = call.app()
    limited = call.standing(app) is Standing.LIMITED
    timeline = [one for one in call.world.regions[call.region].events if one.app_id == app.id]
    return _page(call, timeline, hide_values=limited)


@route("GET", "/v1/apps/:app/events/:id")
def one_of_app(call: Call) -> Reply:
    app = call.app()
    for event in call.world.regions[call.region].events:
        if event.app_id == app.id and event.id == call.values["id"]:
            hide = call.standing(app) is Standing.LIMITED
            return Reply(200, {"event": shown(event, hide_values=hide)})
    raise not_found("event")


@route("GET", "/v1/events")
def own(call: Call) -> Reply:
    """What the caller did, to themself and to apps; a switch adds what others did to theirs."""
    caller = call.caller
    owned = {app.id for app in call.world.apps_of(caller, call.region) if app.owner_id == caller.id}
    others = call.world.switches.events_of_others
    events = [
        one
        for one in call.world.regions[call.region].events
        if one.actor_id == caller.id or (others and one.app_id in owned)
    ]
    events += call.world.account_events.get(caller.id, [])
    return _page(call, sorted(events, key=lambda one: one.at), hide_values=False)


@route("GET", "/v1/projects/:project/events")
def of_project(call: Call) -> Reply:
    from .projects import own_project

    project = own_project(call, call.values["project"])
    region = call.world.regions[call.region]
    events = [one for one in region.events if one.project_id == project.id]
    return _page(call, events, hide_values=False)


@route("GET", "/v1/event_types", Host.REGION, public=True)
def types(call: Call) -> Reply:
    names = (
        "new_collaborator",
        "accept_collaborator",
        "delete_collaborator",
        "change_collaborator_role",
    )
    kinds = [
        {"id": f"et-{name}", "name": name, "category_id": "ec-collaborators"} for name in names
    ]
    return Reply(200, {"event_types": kinds})


@route("GET", "/v1/event_categories", Host.REGION, public=True)
def categories(call: Call) -> Reply:
    only = {"id": "ec-collaborators", "name": "collaborators", "position": 1}
    return Reply(200, {"event_categories": [only]})


def shown(event: Event, *, hide_values: bool) -> dict[str, Any]:
    data = event.type_data
    if hide_values:
        data = _without_values(data)
    row: dict[str, Any] = {
        "id": event.id,
        "created_at": iso(event.at),
        "type": event.type,
        "type_data": data,
    }
    if event.user is not None:
        row["user"] = event.user
    if event.app_id is not None:
        row |= {"app_id": event.app_id, "app_name": event.app_name}
        row |= {"project_id": event.project_id, "project_name": event.project_name}
    return row


def _without_values(data: dict[str, Any]) -> dict[str, Any]:
    """The same with every value of a variable empty, also in the lists of several."""
    shown: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, list):
            shown[name] = [_without_values(one) for one in value]
        else:
            shown[name] = "" if name in _WITH_VALUES else value
    return shown


def _page(call: Call, events: list[Event], *, hide_values: bool) -> Reply:
    """One page of a timeline given oldest first; `from` (hours) overrides the pages."""
    newest = events[::-1]
    hours = _number(call.request.query.get("from"), 0, HOURS)
    if hours:
        since = call.world.clock.now() - timedelta(hours=hours)
        newest = [one for one in newest if one.at >= since]
        page, size = 1, max(1, len(newest))
    else:
        page = max(1, _number(call.request.query.get("page"), 1, 10**6))
        most = call.world.switches.per_page_max
        size = max(1, _number(call.request.query.get("per_page"), PER_PAGE, most))
    rows = newest[(page - 1) * size : page * size]
    body = {"events": [shown(one, hide_values=hide_values) for one in rows]}
    return Reply(200, body | {"meta": {"pagination": pagination(call, page, size, len(newest))}})


def pagination(call: Call, page: int, size: int, total: int) -> dict[str, Any]:
    """The words about pages, in the dialect that the switches ask for."""
    pages = max(1, math.ceil(total / size))
    last = page if call.world.switches.last_page_repeats else None
    previous = "previous_page" if call.world.switches.previous_page else "prev_page"
    return {
        "current_page": page,
        "next_page": page + 1 if page < pages else last,
        previous: page - 1 if page > 1 else None,
        "total_pages": pages,
        "total_count": total,
    }


def _number(text: str | None, default: int, most: int) -> int:
    try:
        return min(int(text or default), most)
    except ValueError:
        return default
