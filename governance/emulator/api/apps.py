"""Apps: lists, one, and what is done to one."""

from typing import Any

from governance.emulator.clock import iso
from governance.emulator.model import App
from governance.emulator.store import Impossible, short_user

from .projects import own_project
from .routing import Call, Host, Reply, Standing, not_found, route, unprocessable


@route("GET", "/v1/apps")
def listed(call: Call) -> Reply:
    """Owned apps and those worked on, all of them: no pages, no filters."""
    apps = [
        app
        for app in call.world.apps_of(call.caller, call.region)
        if app.kind == "app" or call.world.switches.databases_in_apps
    ]
    return Reply(200, {"apps": [shown(call, app) for app in apps]})


def shown(call: Call, app: App) -> dict[str, Any]:
    """An app as the API shows it."""
    region = call.world.regions[app.region]
    project = region.projects.get(app.project_id)
    url = f"https://{app.name}.{app.region}.scalingo.io"
    return {
        "id": app.id,
        "uuid": app.uuid,
        "name": app.name,
        "region": app.region,
        "parent_app_name": app.parent_name,
        "git_url": f"git@ssh.{app.region}.scalingo.com:{app.name}.git",
        "url": url,
        "base_url": url,
        "status": app.status,
        "owner": call.world.owner_of(app),
        "project": {"id": project.id, "name": project.name} if project else None,
        "created_at": iso(app.created_at),
        "updated_at": iso(app.updated_at),
        "last_deployed_at": iso(app.last_deployed_at),
        "last_deployed_by": None,
        "last_deployment_id": None,
        "links": {
            "deployments_stream": f"wss://deployments.{app.region}.scalingo.com/apps/{app.name}"
        },
        "git_source": None,
        "stack_id": call.world.stack_of(app),
        "flags": {},
        "limits": {},
        "force_https": False,
        "sticky_session": False,
        "router_logs": False,
        "hds_resource": app.health_data,
        "private_networks_ids": [],
        "data_access_consent": None,
        "new_dashboard_url": None,
        "new_region": None,
    }


@route("GET", "/v1/apps/:app")
def one(call: Call) -> Reply:
    return Reply(200, {"app": shown(call, call.app())})


@route("POST", "/v1/apps")
def create(call: Call) -> Reply:
    """Create an app of the caller's."""
    name = call.rooted("app").get("name")
    if not isinstance(name, str) or not 6 <= len(name) <= 48:
        raise unprocessable(name=["should contain between 6 and 48 characters"])
    try:
        app = call.world.create_app(name, owner=call.caller, region=call.region)
    except Impossible as refused:
        raise unprocessable(**refused.errors) from refused
    return Reply(201, {"app": shown(call, app)})


@route("POST", "/v1/apps/:app/rename")
def rename(call: Call) -> Reply:
    app = call.app(Standing.OWNER)
    asked = call.rooted("app") or call.json()  # the documentation roots it, the Go client does not
    if asked.get("current_name") != app.name or not isinstance(asked.get("new_name"), str):
        raise unprocessable(current_name=["is invalid"])
    renamed = call.world.rename_app(app, asked["new_name"], by=call.caller)
    return Reply(200, {"app": shown(call, renamed)})


@route("PATCH", "/v1/apps/:app")
def change(call: Call) -> Reply:
    """Put an app into another of the caller's projects; other settings are accepted and ignored.

    `owner` is refused: apps change hands with their project, not one by one any more.
    """
    app = call.app(Standing.OWNER)
    asked = call.rooted("app")
    if "owner" in asked:
        raise unprocessable(owner=["can't be changed"])
    if "project_id" in asked:
        app = call.world.move_app(app, own_project(call, str(asked["project_id"])), by=call.caller)
    return Reply(200, {"app": shown(call, app)})


@route("DELETE", "/v1/apps/:app")
def delete(call: Call) -> Reply:
    """Delete an app; the name must be said again in `current_name`."""
    app = call.app(Standing.OWNER)
    if call.request.query.get("current_name") != app.name:
        raise unprocessable(current_name=["is invalid"])
    call.world.delete_app(app, by=call.caller)
    return Reply(204)


@route("GET", "/v1/apps/:app/child_apps")
def children(call: Call) -> Reply:
    """The review apps of an app."""
    parent = call.app()
    region = call.world.regions[call.region]
    found = [app for app in region.apps.values() if app.parent_name == parent.name]
    return Reply(200, {"child_apps": [shown(call, app) for app in found]})


@route("GET", "/v1/apps/:app/scm_repo_link")
def linker(call: Call) -> Reply:
    """The Git repository of an app, and the person whose Git account links it."""
    app = call.app()
    if app.linker_id is None:
        raise not_found("scm_repo_link")
    owner, _, repo = app.repository.removeprefix("https://github.com/").partition("/")
    link = {
        "id": f"scm-{app.uuid}",
        "app_id": app.id,
        "linker": short_user(call.world.accounts[app.linker_id]),
        "owner": owner,
        "repo": repo,
        "branch": "main",
        "scm_type": "github",
        "url": app.repository,
        "auto_deploy_enabled": True,
        "deploy_review_apps_enabled": False,
        "created_at": iso(app.created_at),
        "updated_at": iso(app.updated_at),
    }
    return Reply(200, {"scm_repo_link": [link] if call.world.switches.linker_as_list else link})


@route("POST", "/v1/apps/:app/restart")
def restart(call: Call) -> Reply:
    """Restart an app: an operation, done at once here."""
    app = call.app()
    for scope in call.json().get("scope") or ["web"]:
        if scope != "web":
            raise unprocessable(scope=[f"'{scope}' → no such process type"])
    operation: dict[str, Any] = {
        "id": call.world.ids.mongo(call.world.clock.now()),
        "app_id": app.id,
        "created_at": iso(call.world.clock.now()),
        "status": "done",
        "type": "restart",
        "message": "",
    }
    app.operations[operation["id"]] = operation
    call.world.write_event("restart", app, call.caller, {"scope": ["web"]})
    place = f"{call.request.base_url}/{call.region}/v1/apps/{app.id}/operations/{operation['id']}"
    return Reply(202, "", "text/plain", {"Location": place})


@route("GET", "/v1/apps/:app/operations/:id")
def operation(call: Call) -> Reply:
    found = call.app().operations.get(call.values["id"])
    if found is None:
        raise not_found("operation")
    return Reply(200, {"operation": found})


@route("GET", "/v1/apps/:app/log_drains")
def log_drains(call: Call) -> Reply:
    call.app(Standing.FULL)
    return Reply(200, {"drains": []})


@route("GET", "/v1/ping", Host.AUTH, Host.REGION, public=True)
def ping(call: Call) -> Reply:
    return Reply(200, {})
