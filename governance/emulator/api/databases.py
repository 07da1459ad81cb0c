"""Dedicated databases, their add-ons, and the database API."""

from typing import Any

from governance.emulator import bearer
from governance.emulator.model import AddOn, App
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
    return {"app": shown_app(call, app), "addon": _addon(app, _own(app)), "database": _flat(app)}


def _addon_id(app: App) -> str:
    return app.uuid.replace("ap-", "ad-", 1)


def _own(app: App) -> AddOn:
    """The add-on that a dedicated database is for itself."""
    default = {"name": app.name.replace("-", "_"), "read_only": False, "protected": True}
    return AddOn(_addon_id(app), app.technology, app.name, app.plan, [default])


def _addons(app: App) -> dict[str, AddOn]:
    own = {_addon_id(app): _own(app)} if app.kind == "database" else {}
    return own | app.addons


def _addon(app: App, one: AddOn) -> dict[str, Any]:
    return {
        "id": one.id,
        "app_id": app.id,
        "resource_id": one.resource,
        "status": "running",
        "plan": {"name": one.plan, "display_name": one.plan},
        "addon_provider": {"id": one.technology, "name": one.technology},
    }


@route("GET", "/v1/apps/:app/addons")
def addons(call: Call) -> Reply:
    """A dedicated database has itself as an add-on; other apps have those put beside them."""
    app = call.app(Standing.FULL)
    return Reply(200, {"addons": [_addon(app, one) for one in _addons(app).values()]})


@route("POST", "/v1/apps/:app/addons/:id/token")
def addon_token(call: Call) -> Reply:
    """A bearer of an hour for the database API."""
    app = call.app(Standing.FULL)
    if call.values["id"] not in _addons(app):
        raise not_found("addon")
    token = bearer.issue(
        call.values["id"],
        at=call.world.clock.now(),
        seconds=call.world.bearer_seconds,
        secret=call.world.secret,
    )
    return Reply(200, {"addon": {"id": call.values["id"], "token": token}})


def _database(call: Call) -> tuple[App, AddOn]:
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
        if found := _addons(app).get(call.values["addon"]):
            return app, found
    raise not_found("database")


@route("GET", "/api/databases/:addon", Host.DATABASE, public=True)
def described(call: Call) -> Reply:
    app, one = _database(call)
    body = {"id": app.id, "resource_id": one.resource, "app_name": app.name, "status": "running"}
    return Reply(200, {"database": {**body, "plan": one.plan, "type_name": one.technology}})


@route("GET", "/api/databases/:addon/users", Host.DATABASE, public=True)
def users(call: Call) -> Reply:
    """The default user, whose password only the platform's support changes, and the others."""
    _app, one = _database(call)
    return Reply(200, {"database-users": one.users})
