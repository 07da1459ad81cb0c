"""Environment variables of an app: everybody on it sees the names, full ones the values."""

from typing import Any

from governance.emulator.model import App

from .routing import Call, Reply, Standing, not_found, route, unprocessable

NAME_LENGTH = 64
VALUE_LENGTH = 32768


def _shown(variable: dict[str, str], *, hidden: bool) -> dict[str, str]:
    return {**variable, "value": "" if hidden else variable["value"]}


@route("GET", "/v1/apps/:app/variables")
def listed(call: Call) -> Reply:
    app = call.app()
    hidden = call.standing(app) is Standing.LIMITED
    rows = [_shown(one, hidden=hidden) for one in app.variables.values()]
    return Reply(200, {"variables": rows})


def _valid(asked: dict[str, Any]) -> tuple[str, str]:
    name, value = asked.get("name"), asked.get("value")
    if not isinstance(name, str) or not name or len(name) > NAME_LENGTH:
        raise unprocessable(name=["is invalid"])
    if not isinstance(value, str) or len(value) > VALUE_LENGTH:
        raise unprocessable(value=["is invalid"])
    return name, value


@route("POST", "/v1/apps/:app/variables")
def create(call: Call) -> Reply:
    app = call.app(Standing.FULL)
    name, value = _valid(call.rooted("variable"))
    variable = call.world.set_variable(app, name, value, by=call.caller)
    return Reply(201, {"variable": variable})


@route("PUT", "/v1/apps/:app/variables")
def replace(call: Call) -> Reply:
    """Set many at once."""
    app = call.app(Standing.FULL)
    asked = call.json().get("variables")
    pairs = [_valid(one) for one in asked if isinstance(one, dict)] if asked else []
    rows = call.world.set_variables(app, dict(pairs), by=call.caller)
    return Reply(200, {"variables": rows})


@route("DELETE", "/v1/apps/:app/variables")
def delete_many(call: Call) -> Reply:
    """Delete those whose ids the body has under `variable_ids`; unknown ones are no mistake."""
    app = call.app(Standing.FULL)
    for one in call.json().get("variable_ids") or []:
        if str(one) in app.variables:
            call.world.delete_variable(app, str(one), by=call.caller)
    return Reply(204)


def _of_path(call: Call, app: App) -> dict[str, str]:
    found = app.variables.get(call.values["id"])
    if found is None:
        raise not_found("variable")
    return found


@route("PATCH", "/v1/apps/:app/variables/:id")
def change(call: Call) -> Reply:
    app = call.app(Standing.FULL)
    variable = _of_path(call, app)
    value = call.rooted("variable").get("value")
    if not isinstance(value, str):
        raise unprocessable(value=["is invalid"])
    call.world.set_variable(app, variable["name"], value, by=call.caller)
    return Reply(200, {"variable": variable})


@route("DELETE", "/v1/apps/:app/variables/:id")
def delete(call: Call) -> Reply:
    app = call.app(Standing.FULL)
    call.world.delete_variable(app, _of_path(call, app)["id"], by=call.caller)
    return Reply(204)
