"""The client: one method per question or order, each one request unless it says otherwise."""

from typing import Any

from ._calls import Asking, address, database_address
from ._errors import NotFound
from ._fields import Doubt, Oddities
from ._intake import CollaboratorIntake, Intake
from ._listing import Listing
from ._models import (
    Account,
    AddOn,
    App,
    Collaborator,
    Database,
    DatabaseUser,
    Event,
    Linker,
    Project,
    Region,
)
from ._parse import read_app, read_database, read_event, read_linker, read_project
from ._small import (
    read_account,
    read_add_on_token,
    read_add_ons,
    read_database_users,
    read_object,
    read_one_app,
    read_one_collaborator,
    read_regions,
    read_two_factor,
    read_variable_names,
)

# Hours of events that the platform gives at once.
MOST_HOURS = 72


class Client(Asking):
    """Speaks to Scalingo as one account.

    >>> with Client(token) as scalingo:
    ...     for region in scalingo.regions():
    ...         for app in scalingo.apps(region):
    ...             print(app.name)

    May be used by up to 16 threads at once. Each request ends within `deadline` seconds. `before`
    is called with the endpoint before each is sent, and may wait (that time does not count);
    `after` with what it cost. `hosts` are those that may be given the token (see `Hosts`). Reads
    may be repeated by the caller; nothing is repeated here, but a GET whose connection was
    already closed and, once, what a bearer that had ended was refused.

    Every method raises `ScalingoError`: its subclasses say what to do.
    """

    # The account

    def exchange(self) -> None:
        """Exchange the token for a bearer now. Raises `DeadToken` if it is refused.

        Every other method does it by itself when due.

        Reference: https://developers.scalingo.com/tokens#exchange
        """
        self._keeper.exchange()

    def regions(self) -> list[Region]:
        """The regions that this account may use. Read again at each sync: they come and go.

        Reference: https://developers.scalingo.com/regions
        """
        return self._get(f"{self._auth_url}/v1/regions", "/regions", read_regions)

    def self_account(self) -> Account:
        """The account itself.

        Reference: https://developers.scalingo.com/user
        """
        return self._get(f"{self._auth_url}/v1/users/self", "/users/self", read_account)

    def own_two_factor(self) -> bool:
        """Whether the account itself has 2FA on. No other owner's can be asked for."""
        return self._get(f"{self._auth_url}/v1/client/tfa", "/client/tfa", read_two_factor)

    # What there is

    def apps(self, region: Region) -> Listing[App]:
        """Apps that the account owns or collaborates on.

        Reference: https://developers.scalingo.com/apps#list
        """
        return self._listing(
            address(region, "apps"), "/apps", "apps", App, read_app, lambda app: app.id
        )

    def app(self, region: Region, app_id: str) -> App:
        """One app, by id or name. Raises `NotFound` with resource "app" if there is none."""
        return self._get(address(region, "apps", app_id), "/apps/:app", read_one_app)

    def projects(self, region: Region) -> Listing[Project]:
        """Projects that the account owns; others show in their apps alone.

        Reference: https://developers.scalingo.com/projects
        """
        return self._listing(
            address(region, "projects"), "/projects", "projects", Project, read_project, _no_app
        )

    def databases(self, region: Region) -> Listing[Database]:
        """Dedicated databases that the account owns or collaborates on.

        Reference: https://developers.scalingo.com/databases
        """
        return self._listing(
            address(region, "databases"),
            "/databases",
            "databases",
            Database,
            read_database,
            lambda database: database.id,
        )

    # Who may reach it

    def collaborators(self, region: Region) -> Listing[Collaborator]:
        """Collaborators of every app that the account owns, pending ones too, owners not.

        An app that is not named in it has none, or is not covered: the answer does not tell.

        Reference: https://developers.scalingo.com/collaborators
        """
        listing = self._new_listing(Collaborator)
        intake = CollaboratorIntake(listing)
        return self._read_pages(
            address(region, "collaborators"), "/collaborators", "collaborators", intake, {}
        )

    def collaborators_of(self, region: Region, app_id: str) -> Listing[Collaborator]:
        """Collaborators of one app (by its id), pending ones too, the owner not."""
        listing = self._new_listing(Collaborator)
        intake = CollaboratorIntake(listing, of_app=app_id)
        url = address(region, "apps", app_id, "collaborators")
        return self._read_pages(url, "/apps/:app/collaborators", "collaborators", intake, {})

    def invite(self, region: Region, app_id: str, email: str, *, is_limited: bool) -> Collaborator:
        """Invite an address to an app. Scalingo sends them mail: never call twice for one wish.

        After `Unavailable` or `NotUnderstood` the invitation may have been made: look first.
        """
        return self._send(
            "POST /apps/:app/collaborators",
            address(region, "apps", app_id, "collaborators"),
            lambda body: read_one_collaborator(body, app_id),
            body={"collaborator": {"email": email, "is_limited": is_limited}},
            good=frozenset({200, 201}),
        )

    def change_role(
        self, region: Region, app_id: str, collaborator_id: str, *, is_limited: bool
    ) -> Collaborator:
        """Make a collaborator limited, or not limited any more."""
        return self._send(
            "PATCH /apps/:app/collaborators/:id",
            address(region, "apps", app_id, "collaborators", collaborator_id),
            lambda body: read_one_collaborator(body, app_id),
            body={"collaborator": {"is_limited": is_limited}},
        )

    def remove(self, region: Region, app_id: str, collaborator_id: str) -> None:
        """End a collaboration, or take an invitation back.

        Raises `NotFound` with resource "collaborator" where it is already gone.
        """
        self._send(
            "DELETE /apps/:app/collaborators/:id",
            address(region, "apps", app_id, "collaborators", collaborator_id),
            lambda body: None,
            good=frozenset({204}),
        )

    # What happened, and what else hangs on a person

    def events(self, region: Region, app_id: str, hours: int = MOST_HOURS) -> Listing[Event]:
        """What happened to an app's people in the last `hours` (1 to 72), newest first.

        Hints, never proof: other types are left out, and so is all that is not in `Event`.

        Reference: https://developers.scalingo.com/events
        """
        met: set[str] = set()

        def read(row: dict[str, Any], odd: Oddities) -> Event | Doubt | None:
            event = read_event(row, odd)
            if isinstance(event, Event):
                if event.id in met:  # a server that gives its last page for every further one
                    return None
                met.add(event.id)
            return event

        intake = Intake(
            self._new_listing(Event), read, known=read_event, app_of=lambda event: event.app_id
        )
        asked = {"from": str(min(max(hours, 1), MOST_HOURS))}
        url = address(region, "apps", app_id, "events")
        return self._read_pages(url, "/apps/:app/events", "events", intake, asked)

    def scm_linker(self, region: Region, app_id: str) -> Linker | None:
        """Whose Git account deploys the app; None where it is not linked.

        Reference: https://developers.scalingo.com/scm_repo_link
        """
        url = address(region, "apps", app_id, "scm_repo_link")
        try:
            link = self._get(
                url, "/apps/:app/scm_repo_link", lambda body: read_object(body, "scm_repo_link")
            )
        except NotFound as error:
            if error.resource in ("", "app"):
                raise
            return None
        return read_linker(link)

    def variable_names(self, region: Region, app_id: str) -> list[str]:
        """Names of an app's environment variables. Their values are not even decoded.

        Reference: https://developers.scalingo.com/environment
        """
        url = address(region, "apps", app_id, "variables")
        return self._get(url, "/apps/:app/variables", read_variable_names)

    def add_ons(self, region: Region, app_id: str) -> list[AddOn]:
        """What was added to an app. Full collaborators and the owner alone may ask.

        Reference: https://developers.scalingo.com/addons
        """
        url = address(region, "apps", app_id, "addons")
        return self._get(url, "/apps/:app/addons", read_add_ons)

    def database_users(self, region: Region, app_id: str, add_on_id: str) -> list[DatabaseUser]:
        """Whom a database lets in, their passwords not. Two requests: one for a token of an hour.

        Raises `NoRight` also where the database API answers 400 to a token that it does not know.

        Reference: https://developers.scalingo.com/databases/users
        """
        token = self._send(
            "POST /apps/:app/addons/:id/token",
            address(region, "apps", app_id, "addons", add_on_id, "token"),
            read_add_on_token,
        )
        return self._send_with(
            token,
            "GET /databases/:id/users",
            database_address(region, add_on_id, "users"),
            read_database_users,
        )


def _no_app(row: object) -> None:
    """For rows that belong to no app."""
