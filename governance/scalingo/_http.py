"""The one place where HTTP becomes meaning: a call is sent, and its answer read or refused."""

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Generic, TypeVar

import httpx
import msgspec

from ._answers import is_json, meaning
from ._auth import Secret
from ._body import Body
from ._errors import Limited, NotUnderstood, ScalingoError, Unavailable
from ._hosts import Hosts
from ._models import Exchange
from ._transport import DeadlineTransport

T = TypeVar("T")

# As much of an error's body as is looked at.
MOST_OF_AN_ERROR = 64 * 1024
# There was no connection to send anything over.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request to be made, and how its good answer is read.

    `endpoint` names it without ids, for counting. `read` gets the body's bytes, JSON by its own
    word; an answer of 204 has none and needs no reading.
    """

    endpoint: str
    url: str
    read: Callable[[Iterable[bytes]], T]
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    good: frozenset[int] = frozenset({200})

    @property
    def method(self) -> str:
        return self.endpoint.partition(" ")[0]


@dataclass(slots=True)
class _Sent(Generic[T]):
    """What came of sending once."""

    status: int | None = None
    received: int = 0
    values: list[T] = field(default_factory=list)
    error: ScalingoError | None = None
    never_arrived: bool = False


class Http:
    """Sends calls to allowed hosts, each with its deadline; tells the hooks; judges the answers."""

    def __init__(
        self,
        *,
        hosts: Hosts,
        transport: httpx.BaseTransport | None,
        deadline: float,
        max_bytes: int,
        user_agent: str,
        before: Callable[[str], None] | None,
        after: Callable[[Exchange], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self._hosts = hosts
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._before = before
        self._after = after
        self._clock = clock
        self._transport = transport or DeadlineTransport()
        self._client = httpx.Client(
            transport=self._transport,
            timeout=deadline,
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": user_agent,
            },
        )

    def close(self) -> None:
        self._client.close()

    def send(self, call: Call[T], authorization: Secret) -> T:
        """What `call.read` makes of a good answer. Raises `ScalingoError` for any other.

        A GET is sent once more when the server had closed the connection that was kept alive:
        it never saw the first. Nothing else is ever sent twice here.
        """
        request = self._request(call, authorization)
        sent = self._once(call, request)
        if sent.never_arrived:
            sent = self._once(call, request)
        # Raised out here, so that no error is chained to one of httpx's, which holds the request.
        if sent.error:
            raise sent.error
        return sent.values[0]

    def _request(self, call: Call[T], authorization: Secret) -> httpx.Request:
        url: httpx.URL | None
        try:
            url = httpx.URL(call.url)
        except (httpx.InvalidURL, ValueError, TypeError):
            url = None
        if url is None or not self._hosts.allows(url):
            raise NotUnderstood(
                "names a host that is not allowed, so it was not spoken to", code="foreign_host"
            )
        content = None if call.body is None else msgspec.json.encode(call.body)
        more = {} if content is None else {"Content-Type": "application/json"}
        return self._client.build_request(
            call.method,
            url,
            params=call.params or None,
            content=content,
            headers={**more, "Authorization": authorization.reveal()},
        )

    def _once(self, call: Call[T], request: httpx.Request) -> _Sent[T]:
        if self._before:
            self._before(call.endpoint)
        sent: _Sent[T] = _Sent()
        started = time.monotonic()
        deadline = started + self._deadline
        try:
            with self._until(deadline):
                sent.values.append(self._answer(call, request, sent, deadline))
        except ScalingoError as error:
            sent.error = error
        except httpx.TimeoutException as error:
            sent.error = Unavailable(
                "Scalingo did not answer in time.",
                code="timeout",
                never_sent=isinstance(error, _NEVER_SENT),
            )
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            sent.error = Unavailable(
                _why_unreachable(error),
                code="unreachable",
                never_sent=isinstance(error, _NEVER_SENT),
            )
            sent.never_arrived = self._never_arrived(call, sent)
        finally:
            if self._after:
                seconds = time.monotonic() - started
                pause = sent.error.retry_after if isinstance(sent.error, Limited) else None
                self._after(Exchange(call.endpoint, sent.status, seconds, sent.received, pause))
        return sent

    def _answer(self, call: Call[T], request: httpx.Request, sent: _Sent[T], deadline: float) -> T:
        response = self._client.send(request, stream=True)
        body = Body(response, most=self._max_bytes, deadline=deadline)
        try:
            sent.status = response.status_code
            if response.status_code not in call.good:
                raise meaning(
                    response.status_code,
                    response.headers,
                    body.start(MOST_OF_AN_ERROR),
                    now=self._clock(),
                )
            if response.status_code == httpx.codes.NO_CONTENT:
                return call.read(())
            if not is_json(response.headers):
                raise NotUnderstood("is not JSON by its own word", code="not_json")
            return call.read(body)
        finally:
            sent.received = body.received
            response.close()

    def _until(self, deadline: float) -> AbstractContextManager[None]:
        if isinstance(self._transport, DeadlineTransport):
            return self._transport.until(deadline)
        return nullcontext()

    def _never_arrived(self, call: Call[T], sent: _Sent[T]) -> bool:
        return (
            call.method == "GET"
            and sent.status is None
            and isinstance(self._transport, DeadlineTransport)
            and self._transport.reused_a_connection
        )


def _why_unreachable(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "Scalingo's certificate could not be verified."
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return "Scalingo could not be reached."
    return "The connection to Scalingo broke off."
