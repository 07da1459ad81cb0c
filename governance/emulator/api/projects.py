"""Projects: the caller's own."""

from typing import Any

from governance.emulator.clock import iso
from governance.emulator.model import Project
from governance.emulator.store import short_user

from .routing import Call, Refusal, Reply, not_found, route, unprocessable


@route("GET", "/v1/projects")
def listed(call: Call) -> Reply:
    """The projects that the caller owns; not those where they only work on an app."""
    region = call.world.regions[call.region]
    owned = [one for one in region.projects.values() if one.owner_id == call.caller.id]
    return Reply(200, {"projects": [_shown(call, one) for one in owned]})


def _shown(call: Call, project: Project) -> dict[str, Any]:
    owner = short_user(call.world.accounts[project.owner_id])
    return {
        "id": project.id,
        "name": project.name,
        "default": project.default,
        "created_at": iso(project.created_at),
        "updated_at": iso(project.created_at),
        "owner": {**owner, "flags": {}},
        "flags": {},
    }


def own_project(call: Call, project_id: str) -> Project:
    """A project of the caller's, or 404."""
    project = call.world.regions[call.region].projects.get(project_id)
    if project is None or project.owner_id != call.caller.id:
        raise not_found("project")
    return project


@route("GET", "/v1/projects/:project")
def one(call: Call) -> Reply:
    return Reply(200, {"project": _shown(call, own_project(call, call.values["project"]))})


@route("POST", "/v1/projects")
def create(call: Call) -> Reply:
    name = call.rooted("project").get("name")
    if not isinstance(name, str) or not name:
        raise unprocessable(name=["can't be blank"])
    project = call.world.add_project(name, owner=call.caller, region=call.region)
    return Reply(201, {"project": _shown(call, project)})


@route("PATCH", "/v1/projects/:project")
def change(call: Call) -> Reply:
    project = own_project(call, call.values["project"])
    name = call.rooted("project").get("name")
    if not isinstance(name, str) or not name:
        raise unprocessable(name=["can't be blank"])
    call.world.rename_project(project, name)
    return Reply(200, {"project": _shown(call, project)})


@route("DELETE", "/v1/projects/:project")
def delete(call: Call) -> Reply:
    """Delete a project; one with apps inside is refused."""
    project = own_project(call, call.values["project"])
    region = call.world.regions[call.region]
    if any(app.project_id == project.id for app in region.apps.values()):
        raise Refusal(409, {"error": "Cannot delete project with existing apps"})
    del region.projects[project.id]
    return Reply(204)
