"""Dedicated databases, and the database API's users."""

from typing import Any

from governance.emulator.model import App

from .apps import shown as shown_app
from .routing import Call, Host, Reply, route


@route("GET", "/v1/databases")
def listed(call: Call) -> Reply:
    """The dedicated databases that the caller owns or works on."""
    found = [app for app in call.world.apps_of(call.caller, call.region) if app.kind == "database"]
    return Reply(200, {"databases": [_shown(call, app) for app in found]})


def _shown(call: Call, app: App) -> dict[str, Any]:
    flat = {
        "id": app.id,
        "name": app.name,
        "project_id": app.project_id,
        "technology": app.technology,
        "plan": app.plan,
    }
    if not call.world.switches.databases_nested:
        return flat
    return {"app": shown_app(call, app), "addon": {"id": app.uuid}, "database": flat}


@route("GET", "/api/databases/:addon/users", Host.DATABASE, public=True)
def users(call: Call) -> Reply:
    """A token that is none of a database's is answered 400 there, not 401."""
    return Reply(400, {"error": "unauthorized"})
