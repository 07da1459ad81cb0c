"""The state of the pretend platform, and how its verbs find things in it and leave traces."""

import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

from .clock import Clock
from .history import AccountState, AppState, History, Member
from .ids import Ids
from .model import GHOST, Account, App, Collaboration, Event, Project, Region
from .switches import Switches

P = ParamSpec("P")
R = TypeVar("R")
W = TypeVar("W", bound="Store")

# Names of the verbs that `/_emulator/act/<name>` offers: every method marked `@act`.
ACTS: set[str] = set()


class Unknown(LookupError):
    """No such app, account, project or collaboration; or several, and no region was named."""


class Impossible(ValueError):
    """What the platform would refuse: `errors` has the sentences by field."""

    def __init__(self, field: str, sentence: str) -> None:
        self.errors = {field: [sentence]}
        super().__init__(f"{field} {sentence}")


def act(method: Callable[Concatenate[W, P], R]) -> Callable[Concatenate[W, P], R]:
    """Mark a verb of the world: it holds the lock, and can be asked for over HTTP."""

    @functools.wraps(method)
    def locked(self: W, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.lock:
            self.version += 1
            return method(self, *args, **kwargs)

    ACTS.add(method.__name__)
    return locked


class Store:
    """Regions, accounts and what happened, with the ways to find them."""

    def __init__(self, *, seed: int, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.seed = seed
        self.ids = Ids(seed)
        self.clock = clock
        self.switches = Switches()
        self.regions: dict[str, Region] = {}
        self.accounts: dict[str, Account] = {}
        self.account_events: dict[str, list[Event]] = {}
        self.history = History()
        self.mails: list[dict[str, Any]] = []
        # Rows removed lately, for a platform that lists them a little longer.
        self.removed: list[tuple[float, App, Collaboration]] = []
        # Counts every change; what was computed for another version is out of date.
        self.version = 0
        self._by_email: dict[str, str] = {}
        self._by_secret: dict[str, tuple[str, str]] = {}
        self._apps_of: dict[str, dict[tuple[str, str], None]] = {}

    # Finding

    def apps(self) -> Iterator[App]:
        """Every app of every region, dedicated databases included."""
        for region in self.regions.values():
            yield from region.apps.values()

    def app(self, app: App | str, *, region: str | None = None) -> App:
        """An app by id or name. Raises Unknown, also when two regions have one of that name."""
        if isinstance(app, App):
            return app
        places = [self.regions[region]] if region else list(self.regions.values())
        found = [place.apps[app] for place in places if app in place.apps]
        if not found:
            found = [one for place in places for one in place.apps.values() if one.name == app]
        if len(found) != 1:
            raise Unknown(f"{len(found)} apps are called {app}")
        return found[0]

    def account(self, who: Account | str) -> Account:
        """An account by id, address (in any case) or username. Raises Unknown."""
        if isinstance(who, Account):
            return who
        known = self.accounts.get(who) or self.account_of(who)
        if known is None:
            known = next((one for one in self.accounts.values() if one.username == who), None)
        if known is None:
            raise Unknown(f"nobody is known as {who}")
        return known

    def account_of(self, email: str) -> Account | None:
        """The living account of an address, or None."""
        return self.accounts.get(self._by_email.get(email.lower(), ""))

    def account_with_token(self, secret: str) -> Account | None:
        """The living account whose API token this is, or None."""
        account_id, _ = self._by_secret.get(secret, ("", ""))
        return self.accounts.get(account_id)

    def project(self, project: Project | str, *, region: str | None = None) -> Project:
        """A project by id or name. Raises Unknown."""
        if isinstance(project, Project):
            return project
        places = [self.regions[region]] if region else list(self.regions.values())
        for place in places:
            for one in place.projects.values():
                if project in (one.id, one.name):
                    return one
        raise Unknown(f"no project is called {project}")

    def collaboration(self, app: App, who: Collaboration | str) -> Collaboration:
        """Somebody's place on an app, by its id, an address, a username or a user id."""
        if isinstance(who, Collaboration):
            return who
        if who in app.collaborations:
            return app.collaborations[who]
        for one in app.collaborations.values():
            if who.lower() == self.email_of(one).lower() or who in self._names(one):
                return one
        raise Unknown(f"{who} is not on {app.name}")

    def _names(self, collaboration: Collaboration) -> tuple[str, ...]:
        account = self.accounts.get(collaboration.account_id or "")
        return (account.id, account.username) if account else ()

    def apps_of(self, account: Account, region: str) -> list[App]:
        """The apps that an account owns or has accepted to work on, the owned ones first."""
        held = [key for key in self._apps_of.get(account.id, {}) if key[0] == region]
        apps = [self.regions[place].apps[app_id] for place, app_id in held]
        return sorted(apps, key=lambda app: app.owner_id != account.id)

    def email_of(self, collaboration: Collaboration) -> str:
        """The account's address once accepted, the invited one before."""
        account = self.accounts.get(collaboration.account_id or "")
        return account.email if account else collaboration.email

    def status_of(self, collaboration: Collaboration) -> str:
        account = self.accounts.get(collaboration.account_id or "")
        if account is None:
            return "pending"
        return GHOST if account.deleted_at else "accepted"

    # Traces

    def note_app(self, app: App) -> None:
        """Note in the history, and in the indexes, what an app is now."""
        state = AppState(
            app.region, app.id, app.name, app.kind, app.owner_id, app.project_id, app.parent_name
        )
        self.history.put(self.clock.now(), ("app", app.region, app.id), state)
        self._apps_of.setdefault(app.owner_id, {})[app.region, app.id] = None

    def note_member(self, app: App, collaboration: Collaboration) -> None:
        """Note what a collaboration is now: there, or ended when the app has it no more."""
        state = None
        if collaboration.id in app.collaborations:
            state = self.member(app, collaboration)
            if collaboration.account_id:
                self._apps_of.setdefault(collaboration.account_id, {})[app.region, app.id] = None
        key = ("member", app.region, app.id, collaboration.id)
        self.history.put(self.clock.now(), key, state)

    def member(self, app: App, collaboration: Collaboration) -> Member:
        return Member(
            app.region,
            app.id,
            collaboration.id,
            self.email_of(collaboration),
            collaboration.account_id,
            collaboration.limited,
            self.status_of(collaboration),
        )

    def note_account(self, account: Account) -> None:
        """Note what an account is now, and each of its places, which show its address."""
        state = AccountState(
            account.id,
            account.email,
            account.username,
            account.two_factor,
            account.deleted_at is not None,
        )
        self.history.put(self.clock.now(), ("account", account.id), state)
        for region, app_id in self._apps_of.get(account.id, {}):
            app = self.regions[region].apps[app_id]
            for one in app.collaborations.values():
                if one.account_id == account.id:
                    self.note_member(app, one)

    def forget_place(self, app: App, account_id: str) -> None:
        """Drop an app from the index of who holds no place on it any more."""
        if app.owner_id != account_id:
            self._apps_of.get(account_id, {}).pop((app.region, app.id), None)

    def index_all(self) -> None:
        """Build every index again, from what the regions and accounts hold."""
        self._by_email, self._by_secret, self._apps_of = {}, {}, {}
        for account in self.accounts.values():
            self.index_account(account)
        for app in self.apps():
            self._apps_of.setdefault(app.owner_id, {})[app.region, app.id] = None
            for one in app.collaborations.values():
                if one.account_id:
                    self._apps_of.setdefault(one.account_id, {})[app.region, app.id] = None

    def index_account(self, account: Account) -> None:
        """Make an account findable by its address and its API tokens; a deleted one not."""
        self._by_email = {k: v for k, v in self._by_email.items() if v != account.id}
        self._by_secret = {k: v for k, v in self._by_secret.items() if v[0] != account.id}
        if account.deleted_at is None:
            self._by_email[account.email.lower()] = account.id
            for token in account.tokens:
                self._by_secret[token.secret] = (account.id, token.id)

    def write_event(
        self, kind: str, app: App, by: Account | None, type_data: dict[str, Any]
    ) -> Event:
        """Add a line to an app's timeline. `by` is None when an add-on acted."""
        region = self.regions[app.region]
        project = region.projects.get(app.project_id)
        event = Event(
            id=self.ids.mongo(self.clock.now()),
            at=self.clock.now(),
            type=kind,
            user=short_user(by) if by else None,
            type_data=type_data,
            region=app.region,
            app_id=app.id,
            app_name=app.name,
            project_id=app.project_id,
            project_name=project.name if project else None,
            actor_id=by.id if by else None,
        )
        region.events.append(event)
        return event

    def write_account_event(self, kind: str, account: Account, type_data: dict[str, Any]) -> None:
        """Add a line to what an account did on itself."""
        event = Event(
            id=self.ids.mongo(self.clock.now()),
            at=self.clock.now(),
            type=kind,
            user=short_user(account),
            type_data=type_data,
            actor_id=account.id,
        )
        self.account_events.setdefault(account.id, []).append(event)


def short_user(account: Account) -> dict[str, Any]:
    """A user as events, owners and linkers show one."""
    return {"id": account.id, "username": account.username, "email": account.email}
