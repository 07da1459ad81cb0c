"""How a client asks: with a bearer, at an allowed host, page after page."""

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
from ._errors import DeadToken, NoRight, NotUnderstood, ScalingoError
from ._fields import Doubt, Oddities
from ._hosts import Hosts
from ._http import Call, Http
from ._intake import Intake, Pages
from ._listing import Listing, _Row
from ._models import Exchange, Region
from ._small import read_bearer_text

T = TypeVar("T", bound=_Row)
R = TypeVar("R")

AUTH_URL = "https://auth.scalingo.com"
# About 350,000 collaborators.
MOST_BYTES = 128 * 1024 * 1024
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class Asking:
    """The part of the client that sends. What can be asked is in `Client`."""

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

    @property
    def account_id(self) -> str | None:
        """The account's id as the bearer says it; None before the first exchange."""
        return self._keeper.account_id

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

    def _send_with(
        self, token: Secret, endpoint: str, url: str, read: Callable[[Iterable[bytes]], R]
    ) -> R:
        """Ask the database API with a token of its own; it answers 400 to one it does not know."""
        try:
            return self._http.send(Call(endpoint, url, read), Secret(f"Bearer {token.reveal()}"))
        except ScalingoError as error:
            if error.status not in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED):
                raise
            status = error.status
        raise NoRight("This account has no right on this database.", status=status)

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


def address(region: Region, *path: str) -> str:
    """An address on a region's API. An id that is none (it came from outside) goes nowhere."""
    return _joined(region.api, "v1", path)


def database_address(region: Region, *path: str) -> str:
    """An address on a region's database API."""
    return _joined(region.database_api, "api/databases", path)


def _joined(base: str, prefix: str, path: Sequence[str]) -> str:
    for step in path:
        if not _ID.fullmatch(step):
            raise NotUnderstood("names something by an id that cannot be one", code="bad_id")
    return "/".join((base.rstrip("/"), prefix, *path))
