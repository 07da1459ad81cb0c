"""Scalingo's JSON into values: tolerant of what may be missing, strict about what makes a row.

Each `read_…` returns a value, or `Doubt`: which field of the row cannot be believed, and why.
"""

from collections.abc import Callable
from typing import Any, TypeGuard

from ._fields import Doubt, Fields, Json, Oddities, read_time
from ._models import App, Collaborator, Database, Event, Linker, Project


def read_collaborator(row: Json, odd: Oddities) -> Collaborator | Doubt:
    fields = Fields(row, odd)
    app_id, id_, email = fields.needed("app_id"), fields.needed("id"), fields.needed("email")
    user_id = row.get("user_id")
    if user_id is not None and not isinstance(user_id, str):
        # Who this is: to guess would make another person of them.
        fields.missing.append(("user_id", "is not a text"))
    if fields.missing:
        return Doubt(app_id or None, *fields.missing[0])
    return Collaborator(
        app_id=app_id,
        id=id_,
        email=email,
        app_name=fields.text("app_name"),
        username=fields.text("username"),
        user_id=user_id or None,
        two_factor=fields.flag("tfa_status"),
        status=fields.text("status"),
        is_limited=fields.limited(),
    )


def read_app(row: Json, odd: Oddities) -> App | Doubt:
    fields = Fields(row, odd)
    id_, name = fields.needed("id"), fields.needed("name")
    owner, project = fields.inner("owner"), fields.inner("project")
    owner_id = owner.needed("id")
    if fields.missing or owner.missing:
        wrong = fields.missing or [("owner", owner.missing[0][1])]
        return Doubt(id_ or None, *wrong[0])
    return App(
        id=id_,
        name=name,
        owner_id=owner_id,
        owner_email=owner.text("email"),
        owner_username=owner.text("username"),
        project_id=project.text_or_none("id"),
        project_name=project.text_or_none("name"),
        parent_name=fields.text("parent_app_name"),
        health_data=fields.flag("hds_resource"),
        created_at=fields.time("created_at"),
    )


def read_database(row: Json, odd: Oddities) -> Database | Doubt:
    """Either shape: the documented `{id, name, …}`, or `{app, addon, database}`."""
    if isinstance(row.get("database"), dict) or isinstance(row.get("app"), dict):
        outer = Fields(row, odd)
        database, app = outer.inner("database"), outer.inner("app")
    else:
        database = app = Fields(row, odd)
    id_, name = app.needed("id"), app.needed("name")
    database_id = database.needed("id")
    missing = app.missing or database.missing
    if missing:
        return Doubt(id_ or database_id or None, *missing[0])
    owner, project = app.inner("owner"), app.inner("project")
    return Database(
        id=id_,
        name=name,
        database_id=database_id,
        owner_id=owner.text_or_none("id"),
        owner_email=owner.text("email"),
        owner_username=owner.text("username"),
        project_id=project.text_or_none("id") or database.text_or_none("project_id"),
        project_name=project.text_or_none("name"),
        technology=database.text("technology"),
        plan=database.text("plan"),
        created_at=app.time("created_at"),
    )


def read_project(row: Json, odd: Oddities) -> Project | Doubt:
    fields = Fields(row, odd)
    id_, name = fields.needed("id"), fields.needed("name")
    if fields.missing:
        return Doubt(None, *fields.missing[0])
    return Project(
        id=id_,
        name=name,
        is_default=bool(fields.flag("default")),
        owner_id=fields.inner("owner").text_or_none("id"),
    )


# What may enter. `edit_collaborator` is what the documentation's examples print for two others.
COLLABORATOR_EVENTS = frozenset(
    {
        "new_collaborator",
        "accept_collaborator",
        "edit_collaborator",
        "delete_collaborator",
        "change_collaborator_role",
    }
)
# Their data holds values of variables: names are taken out of it, and nothing else.
VARIABLE_EVENTS = frozenset({"new_variable", "edit_variable", "edit_variables", "delete_variable"})
# Who and when, and nothing of what.
BARE_EVENTS = frozenset(
    {
        "rename_app",
        "delete_app",
        "update_app_project",
    }
)
EVENTS = COLLABORATOR_EVENTS | VARIABLE_EVENTS | BARE_EVENTS | {"transfer_app"}


def read_event(row: Json, odd: Oddities) -> Event | Doubt | None:
    """None for an event of a type that is not let in."""
    type_ = row.get("type")
    if isinstance(type_, str) and type_ and type_ not in EVENTS:
        return None
    fields = Fields(row, odd)
    id_, type_ = fields.needed("id"), fields.needed("type")
    when = read_time(row.get("created_at"))
    if when is None:
        fields.missing.append(("created_at", "is no time"))
    app_id = fields.text("app_id")
    if fields.missing or when is None:
        return Doubt(app_id or None, *fields.missing[0])
    actor, data = fields.inner("user"), fields.inner("type_data")
    person = data.inner("collaborator") if type_ in COLLABORATOR_EVENTS else Fields({}, odd)
    old, new = _owners(type_, data, odd)
    changed, removed, added = _variables(type_, row.get("type_data"))
    return Event(
        id=id_,
        at=when,
        type=type_,
        app_id=app_id,
        app_name=fields.text("app_name"),
        actor_id=actor.text_or_none("id"),
        actor_email=actor.text("email"),
        actor_username=actor.text("username"),
        collaborator_id=person.text_or_none("id"),
        collaborator_email=person.text("email"),
        collaborator_username=person.text("username"),
        is_limited=person.limited(),
        old_owner_id=old.text_or_none("id"),
        old_owner_email=old.text("email"),
        new_owner_id=new.text_or_none("id"),
        new_owner_email=new.text("email"),
        variables_changed=changed,
        variables_removed=removed,
        variables_added=added,
    )


_Names = tuple[str, ...]
_LONGEST_NAME = 200  # the platform allows 64


def _variables(type_: str, data: object) -> tuple[_Names, _Names, _Names]:
    """Names of the variables that an event says were changed, removed and added."""
    if type_ not in VARIABLE_EVENTS or not isinstance(data, dict):
        return (), (), ()
    if type_ == "edit_variables":
        lists = (data.get(key) for key in ("updated_vars", "deleted_vars", "new_vars"))
        changed, removed, added = (_names_in(rows) for rows in lists)
        return changed, removed, added
    name = _names_in([data])
    return (
        name if type_ == "edit_variable" else (),
        name if type_ == "delete_variable" else (),
        name if type_ == "new_variable" else (),
    )


def _names_in(rows: object) -> _Names:
    found = [row.get("name") for row in rows if isinstance(row, dict)] if _is_list(rows) else []
    return tuple(name[:_LONGEST_NAME] for name in found if isinstance(name, str) and name)


def _is_list(rows: object) -> TypeGuard[list[object]]:
    return isinstance(rows, list)


def _owners(type_: str, data: Fields, odd: Oddities) -> tuple[Fields, Fields]:
    if type_ != "transfer_app":
        return Fields({}, odd), Fields({}, odd)
    return data.inner("old_owner"), data.inner("new_owner")


def read_linker(link: object) -> Linker | None:
    """Who deploys an app, from its link: an object, or a list of one. None where nobody does."""
    if isinstance(link, list):
        link = link[0] if link else None
    linker = link.get("linker") if isinstance(link, dict) else None
    if not isinstance(linker, dict):
        return None
    fields = Fields(linker, Oddities())
    id_ = fields.text("id")
    if not id_ and not fields.text("email"):
        return None
    return Linker(id=id_, username=fields.text("username"), email=fields.text("email"))


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Fields that the platform is known to send. Others are accepted, and named once.
KNOWN: dict[Callable[..., Any], frozenset[str]] = {
    read_collaborator: _names(
        "id email user_id username tfa_status status is_limited invitation_link app_id app_name"
        " inviter"
    ),
    read_app: _names(
        "id uuid name region parent_app_name git_url url base_url status owner project created_at"
        " updated_at last_deployed_at last_deployed_by last_deployment_id links git_source stack_id"
        " flags limits force_https sticky_session router_logs hds_resource hds_contact"
        " private_networks_ids data_access_consent new_dashboard_url new_region last_event"
        " dedicated_database"
    ),
    read_database: _names(
        "id name project_id technology plan app addon database status created_at updated_at"
        " owner project"
    ),
    read_project: _names("id name default created_at updated_at owner flags"),
    read_event: _names(
        "id created_at type app_id app_name user user_id type_data project_id project_name"
    ),
}
