"""What Scalingo says, as values. Nothing here can hold an invitation link or a variable's value.

Fields that Scalingo may leave out are None or empty where it did. Times are aware.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

Filled = Annotated[str, msgspec.Meta(min_length=1)]


class Collaborator(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One collaboration: a person on an app, pending ones included, the owner never.

    `id` is of the collaboration, unique only together with `app_id`. `two_factor` and
    `is_limited` are None where Scalingo did not say; `status` is its own word.

    Reference: https://developers.scalingo.com/collaborators
    """

    app_id: Filled
    id: Filled
    email: Filled
    app_name: str = ""
    username: str = ""
    user_id: Filled | None = None
    two_factor: bool | None = msgspec.field(default=None, name="tfa_status")
    status: str = ""
    is_limited: bool | None = None


class App(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One app. `parent_name` is not empty for a review app.

    Reference: https://developers.scalingo.com/apps
    """

    id: str
    name: str
    owner_id: str
    owner_email: str = ""
    owner_username: str = ""
    project_id: str | None = None
    project_name: str | None = None
    parent_name: str = ""
    health_data: bool | None = None
    created_at: datetime | None = None


class Database(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One dedicated database. `id` is that of the app underneath, which has the collaborators.

    The owner is None or empty where the listing is of the short, documented shape.

    Reference: https://developers.scalingo.com/databases
    """

    id: str
    name: str
    database_id: str
    owner_id: str | None = None
    owner_email: str = ""
    owner_username: str = ""
    project_id: str | None = None
    project_name: str | None = None
    technology: str = ""
    plan: str = ""
    created_at: datetime | None = None


class Project(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One project that the account owns. Access is per app: a project grants nothing.

    Reference: https://developers.scalingo.com/projects
    """

    id: str
    name: str
    is_default: bool = False
    owner_id: str | None = None


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One line of an app's timeline, of the types and fields that we allow in.

    `type` is the platform's own word. The actor is empty when an add-on acted. What the
    collaborator fields hold depends on the type; `collaborator_id` may be of the collaboration
    or of the account, so match by address, name and time.

    Reference: https://developers.scalingo.com/events
    """

    id: str
    at: datetime
    type: str
    app_id: str = ""
    app_name: str = ""
    actor_id: str | None = None
    actor_email: str = ""
    actor_username: str = ""
    collaborator_id: str | None = None
    collaborator_email: str = ""
    collaborator_username: str = ""
    is_limited: bool | None = None
    old_owner_id: str | None = None
    old_owner_email: str = ""
    new_owner_id: str | None = None
    new_owner_email: str = ""
    # Names of variables, of the types about them: no value ever.
    variables_changed: tuple[str, ...] = ()
    variables_removed: tuple[str, ...] = ()
    variables_added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """Where apps run. `api` and `database_api` are base addresses without version.

    Reference: https://developers.scalingo.com/regions
    """

    name: str
    display_name: str
    api: str
    database_api: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The account whose token we hold.

    Reference: https://developers.scalingo.com/user
    """

    id: str
    email: str
    username: str = ""
    full_name: str = ""


@dataclass(frozen=True, slots=True)
class Linker:
    """Whose Git account deploys an app.

    Reference: https://developers.scalingo.com/scm_repo_link
    """

    id: str
    username: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class AddOn:
    """What was added to an app: most are databases. `provider` is the platform's short word.

    Reference: https://developers.scalingo.com/addons
    """

    id: str
    provider: str
    resource: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseUser:
    """Somebody whom a database lets in. `is_protected` is None where the platform did not say.

    Reference: https://developers.scalingo.com/databases/users
    """

    name: str
    is_read_only: bool | None = None
    is_protected: bool | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that could not be believed: nothing said of `app_id` in the same listing can be.

    `row` counts from 0 over the whole listing; `app_id` is None when the row does not say.
    """

    row: int
    app_id: str | None
    field: str
    why: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it went, for counting: no address, no body, no token.

    `endpoint` is as in "GET /apps/:app/collaborators"; `status` is None when no answer came;
    `bytes` is what the body took on the wire; `retry_after` is what a 429 asked for, in seconds.
    """

    endpoint: str
    status: int | None
    seconds: float
    bytes: int
    retry_after: float | None = None
