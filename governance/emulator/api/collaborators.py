"""Collaborators: lists, invitations, roles, removals."""

from typing import Any

from governance.emulator import switches
from governance.emulator.collaborations import is_email
from governance.emulator.model import App, Collaboration
from governance.emulator.store import Impossible, Unknown

from .apps import shown as shown_app
from .routing import Call, Refusal, Reply, Standing, not_found, route, unprocessable

LINK = "https://my.scalingo.com/apps/collaboration?token="


def shown(call: Call, app: App, one: Collaboration, standing: Standing) -> dict[str, Any]:
    """A collaboration as a caller of this standing is shown it."""
    world = call.world
    account = world.accounts.get(one.account_id or "")
    row: dict[str, Any] = {
        "id": one.id,
        "email": account.email if account else one.email,
        "user_id": one.account_id,
        "username": account.username if account else "n/a",
        "tfa_status": None,
        "status": world.status_of(one),
        "is_limited": one.limited,
        "invitation_link": _link(call, one, standing),
        "app_id": app.id,
        "app_name": app.name,
    }
    if account and not account.deleted_at and _sees_two_factor(call, standing):
        row["tfa_status"] = account.two_factor
    if account is None and world.switches.pending_user_id_absent:
        del row["user_id"]
    return row


def _sees_two_factor(call: Call, standing: Standing) -> bool:
    return standing is Standing.OWNER or call.world.switches.two_factor_for_all


def _link(call: Call, one: Collaboration, standing: Standing) -> str:
    if not one.is_pending:
        return LINK if call.world.switches.accepted_link_has_url else ""
    return "" if standing is Standing.LIMITED else LINK + one.link_token


@route("GET", "/v1/collaborators")
def of_owned_apps(call: Call) -> Reply:
    """Everybody on every app that the caller owns in this region, in one answer."""
    rows = [
        shown(call, app, one, Standing.OWNER)
        for app in call.world.apps_of(call.caller, call.region)
        if app.owner_id == call.caller.id and _counts(call, app)
        for one in call.world.still_listed(app)
    ]
    return Reply(200, {"collaborators": rows})


def _counts(call: Call, app: App) -> bool:
    if app.kind == "database":
        return call.world.switches.databases_in_collaborators
    return not app.parent_name or call.world.switches.review_apps_in_collaborators


@route("GET", "/v1/apps/collaboration")
def accept(call: Call) -> Reply:
    """Accept an invitation by its link's token, as the caller."""
    try:
        app, one = call.world.invitation(call.request.query.get("token", ""))
    except Unknown as error:
        raise not_found("collaborator") from error
    if call.standing(app) is not Standing.NONE:
        sentence = f"You're already working on this app, this invitation is for {one.email}"
        raise Refusal(400, {"type": "already-collaborator", "error": sentence})
    call.world.accept(app, one, account=call.caller)
    return Reply(200, {"app": shown_app(call, app)})


@route("GET", "/v1/apps/:app/collaborators")
def of_app(call: Call) -> Reply:
    """Everybody on one app but its owner; invitations too, without links for a limited caller."""
    limited_may = call.world.switches.limited_may_list
    app = call.app(Standing.LIMITED if limited_may else Standing.FULL)
    standing = call.standing(app)
    rows = [shown(call, app, one, standing) for one in call.world.still_listed(app)]
    return Reply(200, {"collaborators": rows})


@route("POST", "/v1/apps/:app/collaborators")
def invite(call: Call) -> Reply:
    """Invite an address, as a limited collaborator when `is_limited` is not said."""
    app = call.app(Standing.FULL)
    asked = call.rooted("collaborator")
    email = asked.get("email")
    if not email:
        raise unprocessable(email=["can't be blank", "is invalid"])
    if not is_email(email):
        raise unprocessable(email=["is invalid"])
    limited = asked.get("is_limited", True)
    try:
        one = call.world.invite(app, email, limited=limited is not False, by=call.caller)
    except Impossible as refused:
        raise unprocessable(**refused.errors) from refused
    row = shown(call, app, one, call.standing(app))
    return Reply(201, {"collaborator": [row] if call.world.switches.invitation_as_array else row})


def _of_path(call: Call, app: App) -> Collaboration:
    found = app.collaborations.get(call.values["id"])
    if found is None:
        raise not_found("collaborator")
    return found


@route("PATCH", "/v1/apps/:app/collaborators/:id")
def change_role(call: Call) -> Reply:
    """Change the role; other fields are ignored. The SCM linker's is refused."""
    app = call.app(Standing.FULL)
    one = _of_path(call, app)
    limited = call.rooted("collaborator").get("is_limited")
    if not isinstance(limited, bool):
        raise unprocessable(is_limited=["is invalid"])
    if app.linker_id and app.linker_id == one.account_id:
        _refuse_linker(call.world.switches.linker_refusal_status)
    changed = call.world.change_role(app, one, limited=limited, by=call.caller)
    return Reply(200, {"collaborator": shown(call, app, changed, call.standing(app))})


def _refuse_linker(status: int) -> None:
    """Refuse as the switch says; a status of 0 is no refusal."""
    if status == 422:
        raise unprocessable(is_limited=[switches.LINKER_REFUSAL])
    if status:
        raise Refusal(status, {"error": switches.LINKER_REFUSAL})


@route("DELETE", "/v1/apps/:app/collaborators/:id")
def remove(call: Call) -> Reply:
    """Remove somebody or withdraw an invitation. Anybody may remove themself."""
    app = call.app(Standing.LIMITED)
    one = _of_path(call, app)
    if one.account_id != call.caller.id:
        call.require(app, Standing.FULL)
    call.world.remove(app, one, by=call.caller)
    return Reply(204)
