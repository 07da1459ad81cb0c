"""Ask Scalingo about one app: names of variables, database users, events. Nothing is written."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from governance.inventory.models import App
from governance.rotations.evidence import hours_since
from governance.rotations.models import Duty
from governance.scalingo import AddOn, DatabaseUser, Event, NotFound, ScalingoError
from governance.sync.beside import Opened, is_hopeless

# Add-ons that have users whom the database API knows, by the platform's short word without its
# own name and without the mark of a new generation ("scalingo-postgresql", "postgresql-ng").
_WITH_USERS = ("postgresql", "mysql", "mongodb", "redis", "influxdb", "elasticsearch", "opensearch")


@dataclass(frozen=True, slots=True)
class Database:
    """A database beside an app and whom it lets in; `users` is empty where it is no database."""

    add_on: AddOn
    users: Sequence[DatabaseUser]


@dataclass(slots=True)
class Answers:
    """What one app answered at `at`: None where it was not asked, or could not be read (`said`)."""

    at: datetime
    connection_id: UUID | None = None
    names: list[str] | None = None
    databases: list[Database] | None = None
    events: list[Event] | None = None
    events_at: datetime | None = None
    said: dict[str, str] = field(default_factory=dict)
    hopeless: ScalingoError | None = None

    @classmethod
    def none(cls, sentence: str, *, at: datetime) -> "Answers":
        """Nothing could be asked, for one reason."""
        return cls(at=at, said=dict.fromkeys(("names", "databases", "events"), sentence))


def ask(opened: Opened, app: App, duties: Sequence[Duty], clock: Callable[[], datetime]) -> Answers:
    """What `duties` of `app` still need: names and databases once, events each time."""
    found = Answers(at=clock(), connection_id=opened.connection_id)
    steps: list[tuple[str, Callable[[], None]]] = []
    if any(duty.names_read_at is None for duty in duties):
        steps.append(("names", lambda: _names(found, opened, app)))
    if any(duty.databases_read_at is None for duty in duties):
        steps.append(("databases", lambda: _databases(found, opened, app)))
    steps.append(("events", lambda: _events(found, opened, app, duties, clock)))
    for what, step in steps:
        try:
            if found.hopeless:
                raise found.hopeless
            step()
        except ScalingoError as error:
            found.said[what] = error.sentence
            if is_hopeless(error):
                found.hopeless = error
    return found


def _names(found: Answers, opened: Opened, app: App) -> None:
    found.names = opened.client.variable_names(opened.region, app.scalingo_id)


def _databases(found: Answers, opened: Opened, app: App) -> None:
    client, region = opened.client, opened.region
    databases = []
    for add_on in client.add_ons(region, app.scalingo_id):
        users: list[DatabaseUser] = []
        if _has_users(add_on):
            # A kind of database that has none of its own answers 404.
            with suppress(NotFound):
                users = client.database_users(region, app.scalingo_id, add_on.id)
        databases.append(Database(add_on, users))
    found.databases = databases


def _has_users(add_on: AddOn) -> bool:
    return add_on.provider.removeprefix("scalingo-").removesuffix("-ng") in _WITH_USERS


def _events(
    found: Answers,
    opened: Opened,
    app: App,
    duties: Sequence[Duty],
    clock: Callable[[], datetime],
) -> None:
    at = clock()
    since = min(duty.events_until or duty.departed_at for duty in duties)
    with opened.client.events(
        opened.region, app.scalingo_id, hours=hours_since(since, at)
    ) as listing:
        found.events = list(listing)
    found.events_at = at
