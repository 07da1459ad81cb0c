"""Notifiers of an app: kept and shown; nothing is delivered."""

from typing import Any

from governance.emulator.clock import iso

from .routing import Call, Reply, Standing, not_found, route, unprocessable

PLATFORMS = ("email", "slack", "webhook", "rocket_chat")


def _platforms() -> list[dict[str, Any]]:
    return [
        {"id": f"np-{name}", "name": name, "display_name": name, "available_event_ids": []}
        for name in PLATFORMS
    ]


@route("GET", "/v1/notification_platforms", public=True)
def platforms(call: Call) -> Reply:
    return Reply(200, {"notification_platforms": _platforms()})


@route("GET", "/v1/notification_platforms/search", public=True)
def search(call: Call) -> Reply:
    wanted = call.request.query.get("name")
    found = [one for one in _platforms() if one["name"] == wanted]
    return Reply(200, {"notification_platforms": found})


@route("GET", "/v1/apps/:app/notifiers")
def listed(call: Call) -> Reply:
    return Reply(200, {"notifiers": list(call.app(Standing.FULL).notifiers.values())})


@route("POST", "/v1/apps/:app/notifiers")
def create(call: Call) -> Reply:
    app = call.app(Standing.FULL)
    asked = call.rooted("notifier")
    missing = {name: ["can't be blank"] for name in ("name", "active") if asked.get(name) is None}
    if missing:
        raise unprocessable(**missing)
    platform = next((p for p in _platforms() if p["id"] == asked.get("platform_id")), None)
    if platform is None:
        raise not_found("notification_platform")
    now = iso(call.world.clock.now())
    notifier = {
        "id": call.world.ids.prefixed("no"),
        "name": asked["name"],
        "active": asked["active"],
        "type": platform["name"],
        "platform_id": platform["id"],
        "created_at": now,
        "updated_at": now,
        "send_all_alerts": bool(asked.get("send_all_alerts")),
        "send_all_events": bool(asked.get("send_all_events")),
        "selected_event_ids": asked.get("selected_event_ids") or [],
        "app_id": app.id,
        "app": app.name,
        "type_data": asked.get("type_data") or {},
    }
    app.notifiers[notifier["id"]] = notifier
    return Reply(201, {"notifier": notifier})


def _of_path(call: Call) -> dict[str, Any]:
    found = call.app(Standing.FULL).notifiers.get(call.values["id"])
    if found is None:
        raise not_found("base")
    return found


@route("GET", "/v1/apps/:app/notifiers/:id")
def one(call: Call) -> Reply:
    return Reply(200, {"notifier": _of_path(call)})


@route("PATCH", "/v1/apps/:app/notifiers/:id")
def change(call: Call) -> Reply:
    notifier = _of_path(call)
    asked = call.rooted("notifier")
    notifier.update({name: asked[name] for name in asked.keys() & notifier.keys() - {"id"}})
    notifier["updated_at"] = iso(call.world.clock.now())
    return Reply(200, {"notifier": notifier})


@route("DELETE", "/v1/apps/:app/notifiers/:id")
def delete(call: Call) -> Reply:
    notifier = _of_path(call)
    del call.app(Standing.FULL).notifiers[notifier["id"]]
    return Reply(204)


@route("POST", "/v1/apps/:app/notifiers/:id/test")
def test(call: Call) -> Reply:
    _of_path(call)
    return Reply(200, "", "text/plain")
