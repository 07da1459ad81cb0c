"""Verbs about apps, dedicated databases and projects."""

import hashlib
from typing import Any

from .collaborations import CollaborationActs
from .model import Account, AddOn, App, Collaboration, Project, Region
from .store import Impossible, act, short_user


class AppActs(CollaborationActs):
    @act
    def add_region(
        self, name: str, display_name: str, *, default: bool = False, public: bool = True
    ) -> Region:
        self.regions[name] = Region(name, display_name, default, public)
        return self.regions[name]

    @act
    def add_project(
        self, name: str, *, owner: Account | str, region: str, default: bool = False
    ) -> Project:
        project = Project(
            id=self.ids.prefixed("prj"),
            name=name,
            region=region,
            owner_id=self.account(owner).id,
            created_at=self.clock.now(),
            default=default,
        )
        self.regions[region].projects[project.id] = project
        return project

    @act
    def rename_project(
        self, project: Project | str, name: str, *, region: str | None = None
    ) -> Project:
        project = self.project(project, region=region)
        project.name = name
        return project

    def default_project(self, owner: Account, region: str) -> Project:
        """The project an app goes to when none is named; made when there is none yet."""
        for project in self.regions[region].projects.values():
            if project.owner_id == owner.id and project.default:
                return project
        return self.add_project("default", owner=owner, region=region, default=True)

    @act
    def create_app(
        self,
        name: str,
        *,
        owner: Account | str,
        region: str,
        project: Project | str | None = None,
        parent: App | str | None = None,
        health_data: bool = False,
        event: bool = True,
    ) -> App:
        """Create an app. One with a `parent` is a review app and copies its collaborators."""
        person = self.account(owner)
        app = self._new_app(name, person, region, project)
        app.health_data = health_data
        if event:
            self.write_event("new_app", app, person, {"git_source": None})
        self.note_app(app)
        if parent is not None:
            self._copy_collaborators(self.app(parent, region=region), app)
        return app

    @act
    def create_database(
        self,
        name: str,
        *,
        owner: Account | str,
        region: str,
        project: Project | str | None = None,
        technology: str = "postgresql-ng",
        plan: str = "postgresql-dr-starter-4096",
    ) -> App:
        """Provision a dedicated database: an app underneath, with full collaborators alone."""
        app = self._new_app(name, self.account(owner), region, project)
        app.kind, app.technology, app.plan = "database", technology, plan
        self.note_app(app)
        return app

    def _new_app(
        self, name: str, owner: Account, region: str, project: Project | str | None
    ) -> App:
        place = self.regions[region]
        if any(app.name == name for app in place.apps.values()):
            raise Impossible("name", "has already been taken")
        now = self.clock.now()
        home = (
            self.project(project, region=region)
            if project is not None
            else self.default_project(owner, region)
        )
        app = App(
            id=self.ids.mongo(now),
            uuid=self.ids.prefixed("ap"),
            name=name,
            region=region,
            owner_id=owner.id,
            project_id=home.id,
            created_at=now,
            updated_at=now,
            last_deployed_at=now,
        )
        place.apps[app.id] = app
        return app

    def _copy_collaborators(self, parent: App, app: App) -> None:
        app.parent_name = parent.name
        self.note_app(app)
        for one in parent.collaborations.values():
            if one.account_id:
                copied = Collaboration(
                    id=self.ids.mongo(self.clock.now()),
                    email=one.email,
                    limited=one.limited,
                    link_token="",
                    inviter_id=one.inviter_id,
                    invited_at=self.clock.now(),
                    account_id=one.account_id,
                    accepted_at=self.clock.now(),
                )
                app.collaborations[copied.id] = copied
                self.note_member(app, copied)

    @act
    def rename_app(
        self,
        app: App | str,
        name: str,
        *,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> App:
        app = self.app(app, region=region)
        old, app.name, app.updated_at = app.name, name, self.clock.now()
        if event:
            data = {"old_name": old, "new_name": name}
            self.write_event("rename_app", app, self._actor(by, app), data)
        for child in self.regions[app.region].apps.values():
            if child.parent_name == old:
                child.parent_name = name
                self.note_app(child)
        self.note_app(app)
        return app

    @act
    def delete_app(
        self,
        app: App | str,
        *,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> None:
        """Delete an app, and with it everybody's place on it."""
        app = self.app(app, region=region)
        if event:
            self.write_event("delete_app", app, self._actor(by, app), {})
        for one in list(app.collaborations.values()):
            del app.collaborations[one.id]
            self.note_member(app, one)
        del self.regions[app.region].apps[app.id]
        for held in self._apps_of.values():
            held.pop((app.region, app.id), None)
        self.history.put(self.clock.now(), ("app", app.region, app.id), None)

    @act
    def move_app(
        self,
        app: App | str,
        project: Project | str,
        *,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> App:
        """Put an app into another project of its region."""
        app = self.app(app, region=region)
        home = self.project(project, region=app.region)
        app.project_id, app.updated_at = home.id, self.clock.now()
        if event:
            data = {"project": {"id": home.id, "name": home.name}}
            self.write_event("update_app_project", app, self._actor(by, app), data)
        self.note_app(app)
        return app

    @act
    def transfer_app(
        self,
        app: App | str,
        to: Account | str,
        *,
        region: str | None = None,
        event: bool = True,
    ) -> App:
        """Give an app to one of its collaborators; the former owner becomes a full one."""
        app = self.app(app, region=region)
        old, new = self.accounts[app.owner_id], self.account(to)
        place = self.collaboration(app, new.id)
        del app.collaborations[place.id]
        app.owner_id, app.updated_at = new.id, self.clock.now()
        self.note_member(app, place)
        self.note_app(app)
        one = Collaboration(
            id=self.ids.mongo(self.clock.now()),
            email=old.email,
            limited=False,
            link_token="",
            inviter_id=new.id,
            invited_at=self.clock.now(),
            account_id=old.id,
            accepted_at=self.clock.now(),
        )
        app.collaborations[one.id] = one
        self.note_member(app, one)
        if event:
            data = {"old_owner": short_user(old), "new_owner": short_user(new)}
            self.write_event("transfer_app", app, old, data)
        return app

    @act
    def link_repository(
        self,
        app: App | str,
        who: Account | str,
        *,
        repository: str = "",
        region: str | None = None,
    ) -> App:
        """Make somebody's Git account the one that deploys an app: its SCM linker."""
        app = self.app(app, region=region)
        app.linker_id = self.account(who).id
        app.repository = repository or f"https://github.com/example/{app.name}"
        return app

    @act
    def set_variable(
        self,
        app: App | str,
        name: str,
        value: str,
        *,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> dict[str, str]:
        """Set an environment variable. The event has the value, as the real one's has."""
        app = self.app(app, region=region)
        known = next((one for one in app.variables.values() if one["name"] == name), None)
        variable = known or {"id": self.ids.prefixed("va"), "app_id": app.id, "name": name}
        data = {"name": name, "value": value}
        if known:
            data["old_value"] = known["value"]
        variable["value"] = value
        app.variables[variable["id"]] = variable
        if event:
            kind = "edit_variable" if known else "new_variable"
            self.write_event(kind, app, self._actor(by, app), data)
        return variable

    @act
    def set_variables(
        self,
        app: App | str,
        values: dict[str, str],
        *,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> list[dict[str, str]]:
        """Set several variables at once: one event for all, with their values."""
        app = self.app(app, region=region)
        known = {one["name"]: one["value"] for one in app.variables.values()}
        rows = [self.set_variable(app, name, value, event=False) for name, value in values.items()]
        if event:
            data = {
                "new_vars": [
                    {"name": name, "value": value}
                    for name, value in values.items()
                    if name not in known
                ],
                "updated_vars": [
                    {"name": name, "value": value, "old_value": known[name]}
                    for name, value in values.items()
                    if name in known
                ],
                "deleted_vars": [],
            }
            self.write_event("edit_variables", app, self._actor(by, app), data)
        return rows

    @act
    def delete_variable(
        self,
        app: App | str,
        name: str,
        *,
        by: Account | str | None = None,
        region: str | None = None,
        event: bool = True,
    ) -> None:
        """Take a variable, by its name or id, from an app. The event has its value."""
        app = self.app(app, region=region)
        one = next(one for one in app.variables.values() if name in (one["name"], one["id"]))
        del app.variables[one["id"]]
        if event:
            data = {"name": one["name"], "value": one["value"]}
            self.write_event("delete_variable", app, self._actor(by, app), data)

    @act
    def add_database(
        self,
        app: App | str,
        technology: str = "postgresql",
        *,
        region: str | None = None,
    ) -> AddOn:
        """Put a database beside an app: an add-on with its default user."""
        app = self.app(app, region=region)
        resource = f"{app.name.replace('-', '_')}_{len(app.addons) + 1:04}"
        addon = AddOn(
            id=self.ids.prefixed("ad"),
            technology=technology,
            resource=resource,
            plan=f"{technology}-starter-512",
            users=[{"name": resource, "read_only": False, "protected": True}],
        )
        app.addons[addon.id] = addon
        return addon

    @act
    def add_database_user(
        self,
        app: App | str,
        name: str,
        *,
        read_only: bool = False,
        region: str | None = None,
    ) -> dict[str, Any]:
        """Let somebody else into the first database beside an app."""
        app = self.app(app, region=region)
        user = {"name": name, "read_only": read_only, "protected": False}
        next(iter(app.addons.values())).users.append(user)
        return user

    def stack_of(self, app: App) -> str:
        digest = hashlib.sha256(app.region.encode()).hexdigest()
        return f"st-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
