"""A transport that ends a request at its deadline, however slowly the answer drips.

httpx bounds each connect, read and write, never their sum: one byte a second lasts for ever.
Here every wait on the network gets what is left until the deadline, and no more.
"""

import functools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpcore
import httpx

_Options = Iterable[Any] | None
_T = TypeVar("_T")

# One address that swallows packets must leave time to try the next.
LONGEST_CONNECT = 10.0
# httpx and its like collapse above 32; 16 threads use a client at most.
MOST_CONNECTIONS = 32

_SAME_NAME: dict[type[Exception], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
}


class _Turn(threading.local):
    """What the request now running in this thread may still take, and what it did."""

    deadline: float | None = None
    connected = False

    def left(self, timeout: float | None) -> float | None:
        """Seconds to wait at most. Raises when there are none, even if bytes are at hand."""
        if self.deadline is None:
            return timeout
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline of the request has passed")
        return left if timeout is None else min(left, timeout)


def _resolve(host: str, port: int, timeout: float | None) -> list[str]:
    """The addresses of `host`. The system's resolver knows no deadline, so it runs aside."""
    found: list[str] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            failed.append(error)
        else:
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    asker = threading.Thread(target=ask, name="resolve", daemon=True)
    asker.start()
    asker.join(timeout)
    if asker.is_alive():
        raise httpcore.ConnectTimeout("the name was not resolved in time")
    if failed or not found:
        raise httpcore.ConnectError("the name could not be resolved")
    return found


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, turn: _Turn) -> None:
        self._inner = inner
        self._turn = turn

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._turn.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._turn.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._turn.left(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._turn)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, turn: _Turn) -> None:
        self._inner = httpcore.SyncBackend()
        self._turn = turn

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options = None,
    ) -> httpcore.NetworkStream:
        self._turn.connected = True
        addresses = _resolve(host, port, self._turn.left(timeout))
        last: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            wait = self._turn.left(LONGEST_CONNECT)
            try:
                stream = self._inner.connect_tcp(address, port, wait, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
            else:
                return _Stream(stream, self._turn)
        raise last


def _as_httpx(step: Callable[[], _T]) -> _T:
    """What `step` returns; its errors by their names in httpx."""
    try:
        return step()
    except tuple(_SAME_NAME) as error:
        raise _SAME_NAME.get(type(error), httpx.TransportError)(str(error)) from error


class _Body(httpx.SyncByteStream):
    def __init__(self, inner: httpcore.Response) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        parts = self._inner.iter_stream()
        while True:
            part = _as_httpx(lambda: next(parts, None))
            if part is None:
                return
            yield part

    def close(self) -> None:
        self._inner.close()


@functools.cache
def _verifying() -> ssl.SSLContext:
    """The context of everybody who brings none: dear to make, and safe to share."""
    return httpx.create_ssl_context(trust_env=False)


class DeadlineTransport(httpx.BaseTransport):
    """Connections kept alive, TLS verified, no proxy, and one deadline per thread at a time."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self._turn = _Turn()
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or _verifying(),
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_CONNECTIONS,
            keepalive_expiry=30.0,
            network_backend=_Backend(self._turn),
        )

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Let what this thread asks last no longer than `deadline`, of the monotonic clock."""
        self._turn.deadline = deadline
        self._turn.connected = False
        try:
            yield
        finally:
            self._turn.deadline = None

    @property
    def reused_a_connection(self) -> bool:
        """Whether this thread's last request went over a connection opened before it."""
        return not self._turn.connected

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": {"pool": self._turn.left(None)}},
        )
        answer = _as_httpx(lambda: self._pool.handle_request(asked))
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._pool.close()
