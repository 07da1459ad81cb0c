"""Which function answers what, and the replies that any of them may give."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from governance.emulator.model import Account, App
from governance.emulator.plan import Request
from governance.emulator.store import Unknown

if TYPE_CHECKING:
    from governance.emulator.world import World

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"

PAGE_404 = """<!DOCTYPE html>
<html>
<head>
  <title>The page you were looking for doesn't exist (404)</title>
</head>
<body>
  <h1>The page you were looking for doesn't exist.</h1>
</body>
</html>
"""


class Host(Enum):
    """The three APIs, each on a host of its own at the real platform."""

    AUTH = "auth"
    REGION = "region"
    DATABASE = "database"


@dataclass(slots=True)
class Reply:
    """A status and a body: a JSON value, or text of another type."""

    status: int
    body: Any = None
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Ends a request with another reply than the good one."""

    def __init__(self, status: int, body: Any, content_type: str = JSON) -> None:
        self.reply = Reply(status, body, content_type)
        super().__init__(f"{status}")


def not_found(resource: str) -> Refusal:
    return Refusal(404, {"resource": resource, "error": "not found"})


def unprocessable(**errors: list[str]) -> Refusal:
    return Refusal(422, {"errors": errors})


class Standing(Enum):
    """What somebody is on an app, each more than the one before."""

    NONE = 0
    LIMITED = 1
    FULL = 2
    OWNER = 3


@dataclass(slots=True)
class Call:
    """One request on its way to its handler: who asks, where, and for what."""

    world: "World"
    request: Request
    region: str
    account: Account | None
    values: dict[str, str]

    @property
    def caller(self) -> Account:
        """Whoever the bearer belongs to; routes that need none do not ask."""
        if self.account is None:
            raise Refusal(401, {"error": "Invalid authentication token"})
        return self.account

    def json(self) -> dict[str, Any]:
        """The body as an object; {} when there is none. Refuses what is no JSON object."""
        if not self.request.body.strip():
            return {}
        try:
            body = json.loads(self.request.body)
        except ValueError as error:
            sentence = f"There was a problem in the JSON you submitted: {error}"
            raise Refusal(400, {"error": sentence}) from error
        return body if isinstance(body, dict) else {}

    def rooted(self, root: str) -> dict[str, Any]:
        """The object under `root` of the body, {} when it is not there."""
        inner = self.json().get(root)
        return inner if isinstance(inner, dict) else {}

    def standing(self, app: App, account: Account | None = None) -> Standing:
        asked = account or self.caller
        if app.owner_id == asked.id:
            return Standing.OWNER
        for one in app.collaborations.values():
            if one.account_id == asked.id:
                return Standing.LIMITED if one.limited else Standing.FULL
        return Standing.NONE

    def app(self, needs: Standing = Standing.LIMITED) -> App:
        """The app of the path: 404 when there is none, 401 when the caller may not."""
        try:
            app = self.world.app(self.values["app"], region=self.region)
        except Unknown as error:
            raise not_found("app") from error
        self.require(app, needs)
        return app

    def require(self, app: App, needs: Standing) -> None:
        from governance.emulator import switches

        standing = self.standing(app)
        if standing is Standing.NONE:
            raise Refusal(self.world.switches.no_right_status, {"error": switches.NO_RIGHT})
        if standing.value < needs.value:
            raise Refusal(self.world.switches.limited_refusal_status, {"error": switches.NO_RIGHT})


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    pattern: str
    handler: Handler
    public: bool

    @property
    def endpoint(self) -> str:
        """As requests are counted: `GET /v1/apps/:app/collaborators`."""
        return f"{self.method} {self.pattern}"


_ROUTES: dict[Host, dict[tuple[str, int], list[Route]]] = {host: {} for host in Host}


def route(
    method: str, pattern: str, *hosts: Host, public: bool = False
) -> Callable[[Handler], Handler]:
    """Let a function answer a method and path; `:name` is one segment. Literal segments win."""

    def register(handler: Handler) -> Handler:
        for host in hosts or (Host.REGION,):
            routes = _ROUTES[host].setdefault((method, pattern.count("/")), [])
            routes.append(Route(method, pattern, handler, public))
            routes.sort(key=lambda known: known.pattern.count(":"))
        return handler

    return register


def find(host: Host, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a path and the values in it, or None."""
    given = path.rstrip("/").split("/")
    for candidate in _ROUTES[host].get((method, len(given) - 1), ()):
        values = _values(candidate.pattern.split("/"), given)
        if values is not None:
            return candidate, values
    return None


def _values(pattern: list[str], given: list[str]) -> dict[str, str] | None:
    values = {}
    for expected, actual in zip(pattern, given, strict=True):
        if expected.startswith(":"):
            values[expected[1:]] = actual
        elif expected != actual:
            return None
    return values
