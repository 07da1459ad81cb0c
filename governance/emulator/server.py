"""The emulator on a socket: HTTP/1.1 with keep-alive, and every way in which an answer can fail.

One thread per connection, since clients of this API hold few and each answer may take its time.
"""

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Self
from urllib.parse import parse_qsl, unquote

from .front import respond
from .plan import Ending, Plan, Request

if TYPE_CHECKING:
    from .world import World

IDLE_SECONDS = 75.0
SILENT_SECONDS = 600.0
LONGEST_BODY = 1_000_000
PHRASES = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 302: "Found"} | {
    401: "Unauthorized",
    404: "Not Found",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
}


class Malformed(Exception):
    """What came is no request of HTTP/1."""


class Server:
    """Serves one world until `stop`. Also a context manager. Port 0 takes a free one."""

    def __init__(self, world: "World", *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.world = world
        self._listener = socket.create_server((host, port), backlog=512)
        # macOS does not wake an accept whose socket is closed.
        self._listener.settimeout(0.5)
        self.host, self.port = self._listener.getsockname()[:2]
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept, daemon=True, name="emulator")

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> Self:
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close the listener and every connection."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        if self._acceptor.is_alive():
            self._acceptor.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def wait(self) -> None:
        """Block until somebody calls `stop`."""
        while not self._stopping.wait(1.0):
            pass

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, address = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, address[0]), daemon=True).start()

    def _serve(self, connection: socket.socket, address: str) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(IDLE_SECONDS)
            with connection.makefile("rb") as incoming:
                while self._exchange(connection, incoming, address):
                    pass
        except (OSError, Malformed):
            pass  # the client went away, or never spoke HTTP: nothing to tell anybody
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _exchange(self, connection: socket.socket, incoming: BinaryIO, address: str) -> bool:
        """Answer one request; whether the connection stays open for the next."""
        request = _read(connection, incoming, address)
        if request is None:
            return False
        self.world.traffic.begin()
        try:
            plan = respond(self.world, request, self._stopping.wait)
            if plan.delay:
                self._stopping.wait(plan.delay)
            return self._carry_out(connection, plan, request)
        finally:
            self.world.traffic.end()

    def _carry_out(self, connection: socket.socket, plan: Plan, request: Request) -> bool:
        keep = request.headers.get("connection", "").lower() != "close"
        if plan.ending is Ending.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if plan.ending is Ending.SILENCE:
            self._keep_silent(connection)
            return False
        for piece in _pieces(plan, request, keep=keep):
            connection.sendall(piece)
            if plan.ending is Ending.DRIP and self._stopping.wait(plan.pace):
                return False
        return keep and plan.ending in (Ending.WHOLE, Ending.DRIP)

    def _keep_silent(self, connection: socket.socket) -> None:
        """Say nothing until the client hangs up, we stop, or ten minutes have passed."""
        until = time.monotonic() + SILENT_SECONDS
        while time.monotonic() < until and not self._stopping.is_set():
            readable, _, _ = select.select([connection], [], [], 0.1)
            if readable and not connection.recv(1, socket.MSG_PEEK):
                return


def _read(connection: socket.socket, incoming: BinaryIO, address: str) -> Request | None:
    """The next request, or None at the end of the connection. Raises Malformed."""
    line = incoming.readline(65536)
    if not line.strip():
        return None
    try:
        method, target, version = line.decode("latin-1").split()
    except ValueError as error:
        raise Malformed from error
    headers = _headers(incoming)
    if version == "HTTP/1.0":
        headers.setdefault("connection", "close")
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    path, _, raw_query = target.partition("?")
    return Request(
        method=method,
        path=unquote(path),
        query=dict(parse_qsl(raw_query, keep_blank_values=True)) if raw_query else {},
        raw_query=raw_query,
        headers=headers,
        body=_read_body(incoming, headers),
        base_url=f"http://{headers.get('host', address)}",
        address=address,
    )


def _headers(incoming: BinaryIO) -> dict[str, str]:
    headers = {}
    while (line := incoming.readline(65536)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers


def _read_body(incoming: BinaryIO, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join(_read_chunks(incoming))
    try:
        length = int(headers.get("content-length") or 0)
    except ValueError as error:
        raise Malformed from error
    if not 0 <= length <= LONGEST_BODY:
        raise Malformed
    return incoming.read(length) if length else b""


def _read_chunks(incoming: BinaryIO) -> Iterator[bytes]:
    try:
        while size := int(incoming.readline(100).split(b";")[0], 16):
            if size > LONGEST_BODY:
                raise Malformed
            yield incoming.read(size)
            incoming.readline(100)
        incoming.readline(100)
    except ValueError as error:
        raise Malformed from error


def _head(plan: Plan, more: list[tuple[str, str]], *, keep: bool) -> bytes:
    # Phrases mean nothing to anybody; the common ones are there for whoever reads a trace.
    lines = [f"HTTP/1.1 {plan.status} {PHRASES.get(plan.status, 'Answer')}"]
    date = ("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()))
    connection = ("Connection", "keep-alive" if keep else "close")
    lines += [f"{name}: {value}" for name, value in [date, *plan.headers, *more, connection]]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _pieces(plan: Plan, request: Request, *, keep: bool) -> Iterator[bytes]:
    """What to send, in the pieces that are sent at once."""
    if request.method == "HEAD" or plan.status in (204, 304):
        yield _head(plan, [], keep=keep)
    elif plan.ending is Ending.HALF:
        text = b"".join(plan.chunks)
        yield _head(plan, [("Content-Length", str(len(text)))], keep=keep) + text[: len(text) // 2]
    elif plan.ending is Ending.DRIP:
        text = b"".join(plan.chunks)
        yield _head(plan, [("Content-Length", str(len(text)))], keep=keep)
        yield from (text[place : place + 1] for place in range(len(text)))
    else:
        yield from _chunked(plan, keep=keep)


def _chunked(plan: Plan, *, keep: bool) -> Iterator[bytes]:
    """Chunked, as the recorded answers were; an empty body has a length of 0 instead."""
    chunks = (chunk for chunk in plan.chunks if chunk)
    first = next(chunks, None)
    if first is None:
        yield _head(plan, [("Content-Length", "0")], keep=keep)
        return
    pending = _head(plan, [("Transfer-Encoding", "chunked")], keep=keep) + _chunk(first)
    for chunk in chunks:
        yield pending  # one piece behind, so that the last goes out with the mark of the end
        pending = _chunk(chunk)
    yield pending if plan.ending is Ending.UNENDED else pending + b"0\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
