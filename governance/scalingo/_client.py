"""The client: one method per question or order, each one request unless it says otherwise."""

import base64
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from ._auth import Bearer, BearerKeeper, Secret
from ._cutter import Cutter
from ._errors import DeadToken, NotFound, NotUnderstood, ScalingoError
from ._hosts import Hosts
from ._http import Call, Http
from ._intake import CollaboratorIntake, Intake, Pages
from ._listing import Listing, _Row
from ._models import (
    Account,
    App,
    Collaborator,
    Database,
    Event,
    Exchange,
    Linker,
    Project,
    Region,
)
from ._parse import Doubt, Oddities, read_app, read_database, read_event, read_linker, read_project
from ._small import (
    read_account,
    read_bearer_text,
    read_object,
    read_one_app,
    read_one_collaborator,
    read_regions,
    read_two_factor,
    read_variable_names,
)

T = TypeVar("T", bound=_Row)
R = TypeVar("R")

AUTH_URL = "https://auth.scalingo.com"
# About 350,000 collaborators.
MOST_BYTES = 128 * 1024 * 1024
# Hours of events that the platform gives at once.
MOST_HOURS = 72
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class Client:
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

    def __init__(
        self,
        token: str,
        *,
        auth_url: str = AUTH_URL,
        hosts: Sequence[str] = ("scalingo.com",),
        before: Callable[[str], None] | None = None,
        after: Callable[[Exchange], None] | None = None,
        transport: httpx.BaseTransport | None = None,
        deadline: float = 30.0,
        max_bytes: int = MOST_BYTES,
        user_agent: str = "scalingo-governance",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._auth_url = auth_url.rstrip("/")
        allowed = Hosts(hosts)
        if not allowed.allows(httpx.URL(self._auth_url)):
            raise ValueError("auth_url is of a host that is not among hosts")
        self._token = Secret(token)
        self._clock = clock
        self._http = Http(
            hosts=allowed,
            transport=transport,
            deadline=deadline,
            max_bytes=max_bytes,
            user_agent=user_agent,
            before=before,
            after=after,
            clock=clock,
        )
        self._keeper = BearerKeeper(self._exchange, clock)

    def __repr__(self) -> str:
        return f"<Client of {self.account_id or 'an account not yet known'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # The account

    @property
    def account_id(self) -> str | None:
        """The account's id as the bearer says it; None before the first exchange."""
        return self._keeper.account_id

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
            _url(region, "apps"), "/apps", "apps", App, read_app, lambda app: app.id
        )

    def app(self, region: Region, app_id: str) -> App:
        """One app, by id or name. Raises `NotFound` with resource "app" if there is none."""
        return self._get(_url(region, "apps", app_id), "/apps/:app", read_one_app)

    def projects(self, region: Region) -> Listing[Project]:
        """Projects that the account owns; others show in their apps alone.

        Reference: https://developers.scalingo.com/projects
        """
        return self._listing(
            _url(region, "projects"), "/projects", "projects", Project, read_project, _no_app
        )

    def databases(self, region: Region) -> Listing[Database]:
        """Dedicated databases that the account owns or collaborates on.

        Reference: https://developers.scalingo.com/databases
        """
        return self._listing(
            _url(region, "databases"),
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
            _url(region, "collaborators"), "/collaborators", "collaborators", intake, {}
        )

    def collaborators_of(self, region: Region, app_id: str) -> Listing[Collaborator]:
        """Collaborators of one app (by its id), pending ones too, the owner not."""
        listing = self._new_listing(Collaborator)
        intake = CollaboratorIntake(listing, of_app=app_id)
        url = _url(region, "apps", app_id, "collaborators")
        return self._read_pages(url, "/apps/:app/collaborators", "collaborators", intake, {})

    def invite(self, region: Region, app_id: str, email: str, *, is_limited: bool) -> Collaborator:
        """Invite an address to an app. Scalingo sends them mail: never call twice for one wish.

        After `Unavailable` or `NotUnderstood` the invitation may have been made: look first.
        """
        return self._send(
            "POST /apps/:app/collaborators",
            _url(region, "apps", app_id, "collaborators"),
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
            _url(region, "apps", app_id, "collaborators", collaborator_id),
            lambda body: read_one_collaborator(body, app_id),
            body={"collaborator": {"is_limited": is_limited}},
        )

    def remove(self, region: Region, app_id: str, collaborator_id: str) -> None:
        """End a collaboration, or take an invitation back.

        Raises `NotFound` with resource "collaborator" where it is already gone.
        """
        self._send(
            "DELETE /apps/:app/collaborators/:id",
            _url(region, "apps", app_id, "collaborators", collaborator_id),
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
        url = _url(region, "apps", app_id, "events")
        return self._read_pages(url, "/apps/:app/events", "events", intake, asked)

    def scm_linker(self, region: Region, app_id: str) -> Linker | None:
        """Whose Git account deploys the app; None where it is not linked.

        Reference: https://developers.scalingo.com/scm_repo_link
        """
        url = _url(region, "apps", app_id, "scm_repo_link")
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
        url = _url(region, "apps", app_id, "variables")
        return self._get(url, "/apps/:app/variables", read_variable_names)

    # How it is asked

    def _exchange(self) -> str:
        call = Call(
            "POST /tokens/exchange", f"{self._auth_url}/v1/tokens/exchange", read_bearer_text
        )
        try:
            return self._http.send(call, _basic(self._token))
        except ScalingoError as error:
            if error.status != httpx.codes.UNAUTHORIZED:
                raise
        raise DeadToken("Scalingo does not accept this API token.", status=401)

    def _get(self, url: str, path: str, read: Callable[[Iterable[bytes]], R]) -> R:
        return self._send(f"GET {path}", url, read)

    def _send(
        self,
        endpoint: str,
        url: str,
        read: Callable[[Iterable[bytes]], R],
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        good: frozenset[int] = frozenset({200}),
    ) -> R:
        """Send with a bearer. What a bearer that may have ended was refused is asked once more
        with a new one; refused again, it is about rights."""
        call = Call(endpoint, url, read, params=params or {}, body=body, good=good)
        bearer = self._keeper.current()
        try:
            return self._http.send(call, _authorization(bearer))
        except ScalingoError as error:
            if error.status != httpx.codes.UNAUTHORIZED:
                raise
            refused = error
        another = self._keeper.after_refusal(bearer)
        if another is None:
            raise refused
        return self._http.send(call, _authorization(another))

    def _new_listing(self, kind: type[T]) -> Listing[T]:
        return Listing(kind, datetime.fromtimestamp(self._clock(), UTC))

    def _listing(
        self,
        url: str,
        path: str,
        key: str,
        kind: type[T],
        read: Callable[[dict[str, Any], Oddities], T | Doubt | None],
        app_of: Callable[[T], str | None],
    ) -> Listing[T]:
        intake = Intake(self._new_listing(kind), read, known=read, app_of=app_of)
        return self._read_pages(url, path, key, intake, {})

    def _read_pages(
        self, url: str, path: str, key: str, intake: Intake[T], params: Mapping[str, str]
    ) -> Listing[T]:
        """Every page of a listing, or none: a page that fails makes the whole fail."""
        pages = Pages(whole=key != "events")
        page: int | None = 1
        try:
            while page is not None:
                asked = params if page == 1 else {**params, "page": str(page)}
                around = self._send(
                    f"GET {path}", url, lambda body: _read_into(intake, key, body), params=asked
                )
                intake.pages += 1
                page = pages.next(around, intake.rows)
            intake.finish()
        except BaseException:
            intake.listing.close()
            raise
        intake.listing.received_at = datetime.fromtimestamp(self._clock(), UTC)
        return intake.listing


def _basic(token: Secret) -> Secret:
    """The token as a password without a name."""
    packed = Secret(base64.b64encode(f":{token.reveal()}".encode(errors="replace")).decode())
    return Secret(f"Basic {packed.reveal()}")


def _authorization(bearer: Bearer) -> Secret:
    return Secret(f"Bearer {bearer.secret.reveal()}")


def _read_into(intake: Intake[T], key: str, body: Iterable[bytes]) -> dict[str, Any]:
    """Take the rows of one page, and return what is around them."""
    cutter = Cutter(key, intake)
    for part in body:
        cutter.feed(part)
    return cutter.finish()


def _url(region: Region, *path: str) -> str:
    """An address on a region's API. An id that is none (it came from outside) goes nowhere."""
    for step in path:
        if not _ID.fullmatch(step):
            raise NotUnderstood("names something by an id that cannot be one", code="bad_id")
    return "/".join((region.api.rstrip("/"), "v1", *path))


def _no_app(row: object) -> None:
    """For rows that belong to no app."""
