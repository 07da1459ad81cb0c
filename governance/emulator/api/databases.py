"""Dedicated databases, their add-ons, and the database API."""

from typing import Any

from governance.emulator import bearer
from governance.emulator.model import App
from governance.emulator.store import Unknown

from .apps import shown as shown_app
from .routing import Call, Host, Refusal, Reply, Standing, not_found, route


@route("GET", "/v1/databases")
def listed(call: Call) -> Reply:
    """The dedicated databases that the caller owns or works on."""
    mine = call.world.apps_of(call.caller, call.region)
    rows = [_shown(call, app) for app in mine if app.kind == "database"]
    return Reply(200, rows if call.world.switches.databases_bare else {"databases": rows})


@route("GET", "/v1/databases/:app")
def one(call: Call) -> Reply:
    """One of them, by id or name."""
    try:
        app = call.world.app(call.values["app"], region=call.region)
    except Unknown as error:
        raise Refusal(404, {"error": "Database not found"}) from error
    if app.kind != "database":
        raise Refusal(404, {"error": "Database not found"})
    call.require(app, Standing.LIMITED)
    return Reply(200, {"database": _flat(app)})


def _flat(app: App) -> dict[str, Any]:
    return {
        "id": app.id,
        "name": app.name,
        "project_id": app.project_id,
        "technology": app.technology,
        "plan": app.plan,
    }


def _shown(call: Call, app: App) -> dict[str, Any]:
    switches = call.world.switches
    if not switches.databases_nested and not switches.databases_bare:
        return _flat(app)
    return {"app": shown_app(call, app), "addon": _addon(app), "database": _flat(app)}


def _addon_id(app: App) -> str:
    return app.uuid.replace("ap-", "ad-", 1)


def _addon(app: App) -> dict[str, Any]:
    return {
        "id": _addon_id(app),
        "app_id": app.id,
        "resource_id": app.name,
        "status": "running",
        "plan": {"name": app.plan, "display_name": app.plan},
        "addon_provider": {"id": app.technology, "name": app.technology},
    }


@route("GET", "/v1/apps/:app/addons")
def addons(call: Call) -> Reply:
    """A dedicated database has itself as an add-on; other apps have none here."""
    app = call.app(Standing.FULL)
    return Reply(200, {"addons": [_addon(app)] if app.kind == "database" else []})


@route("POST", "/v1/apps/:app/addons/:id/token")
def addon_token(call: Call) -> Reply:
    """A bearer of an hour for the database API."""
    app = call.app(Standing.FULL)
    if app.kind != "database" or call.values["id"] != _addon_id(app):
        raise not_found("addon")
    token = bearer.issue(
        call.values["id"],
        at=call.world.clock.now(),
        seconds=call.world.bearer_seconds,
        secret=call.world.secret,
    )
    return Reply(200, {"addon": {"id": call.values["id"], "token": token}})


def _database(call: Call) -> App:
    """The database of the path, for a bearer of its own; a wrong one gets 400 there, not 401."""
    token = call.request.headers.get("authorization", "").partition(" ")[2]
    try:
        claims = bearer.read(token, secret=call.world.secret)
    except bearer.BadBearer:
        claims = {}
    over = float(claims.get("exp", 0)) <= call.world.clock.time()
    if claims.get("uuid") != call.values["addon"] or over:
        raise Refusal(400, {"error": "unauthorized"})
    for app in call.world.regions[call.region].apps.values():
        if app.kind == "database" and _addon_id(app) == call.values["addon"]:
            return app
    raise not_found("database")


@route("GET", "/api/databases/:addon", Host.DATABASE, public=True)
def described(call: Call) -> Reply:
    app = _database(call)
    body = {"id": app.id, "resource_id": app.name, "app_name": app.name, "status": "running"}
    return Reply(200, {"database": {**body, "plan": app.plan, "type_name": app.technology}})


@route("GET", "/api/databases/:addon/users", Host.DATABASE, public=True)
def users(call: Call) -> Reply:
    """The default user alone, whose password only the platform's support changes."""
    app = _database(call)
    default = {"name": app.name.replace("-", "_"), "read_only": False, "protected": True}
    return Reply(200, {"database-users": [default]})
