"""What the pretend platform keeps: accounts, regions, apps and who is on them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

GHOST = "user account deleted"
# Unknown of the real one: how long a bearer's claims are believed after its API token is gone.
BEARER_SECONDS = 3600


@dataclass
class Token:
    """An API token. Its secret is kept: this is a pretend platform."""

    id: str
    name: str
    secret: str = field(repr=False)
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass
class Account:
    """Somebody who can sign in to the platform. Deleted ones stay, as ghosts on their apps."""

    id: str
    email: str
    username: str
    fullname: str
    company: str
    created_at: datetime
    two_factor: bool = False
    deleted_at: datetime | None = None
    tokens: list[Token] = field(default_factory=list)
    regions: tuple[str, ...] = ()
    # For `/_emulator/state`: what this account is in the story, and whether to connect it.
    role: str = "person"
    connect: bool = False
    # Of its bearers: those of an earlier generation are dead.
    generation: int = 0


@dataclass
class Collaboration:
    """One person on one app: invited while `account_id` is None."""

    id: str
    email: str
    limited: bool
    link_token: str = field(repr=False)
    inviter_id: str | None
    invited_at: datetime
    account_id: str | None = None
    accepted_at: datetime | None = None

    @property
    def is_pending(self) -> bool:
        return self.account_id is None


@dataclass
class Project:
    id: str
    name: str
    region: str
    owner_id: str
    created_at: datetime
    default: bool = False


@dataclass
class AddOn:
    """A database beside an app. `users` are those whom it lets in, the default one first."""

    id: str
    technology: str
    resource: str
    plan: str
    users: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class App:
    """An application, or the app underneath a dedicated database."""

    id: str
    uuid: str
    name: str
    region: str
    owner_id: str
    project_id: str
    created_at: datetime
    updated_at: datetime
    status: str = "running"
    parent_name: str = ""
    last_deployed_at: datetime | None = None
    health_data: bool = False
    kind: Literal["app", "database"] = "app"
    technology: str = ""
    plan: str = ""
    linker_id: str | None = None
    repository: str = ""
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    # By id. A dedicated database has itself as one, which stands here only once it was changed.
    addons: dict[str, AddOn] = field(default_factory=dict)
    notifiers: dict[str, dict[str, Any]] = field(default_factory=dict)
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    collaborations: dict[str, Collaboration] = field(default_factory=dict)


@dataclass
class Event:
    """One line of a timeline. `user` and `app_name` are frozen at the time of the event."""

    id: str
    at: datetime
    type: str
    user: dict[str, Any] | None
    type_data: dict[str, Any]
    region: str = ""
    app_id: str | None = None
    app_name: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    actor_id: str | None = None


@dataclass
class Region:
    name: str
    display_name: str
    is_default: bool = False
    is_public: bool = True
    apps: dict[str, App] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
