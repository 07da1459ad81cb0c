"""The emulator as a WSGI application, for `httpx.WSGITransport` and other servers."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .front import respond
from .plan import Ending, Plan, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from .world import World

PHRASES = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 404: "Not Found"}


class Broken(ConnectionError):
    """The connection broke, where no socket is there to break."""


class TookTooLong(TimeoutError):
    """The answer never came, where no socket is there to wait at."""


def wsgi(
    world: "World",
    *,
    broken: Callable[[str], Exception] = Broken,
    silent: Callable[[str], Exception] = TookTooLong,
    sleep: Callable[[float], Any] = time.sleep,
) -> "WSGIApplication":
    """A WSGI application over `world`.

    A reset, a half body and silence have no socket to happen on: they raise `broken` and `silent`
    instead. Give `httpx.ReadError` and `httpx.ReadTimeout`, and a client cannot tell. `sleep` is
    called with the seconds of delays and drips.
    """

    def application(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        world.traffic.begin()
        try:
            plan = respond(world, _request(environ), sleep)
            if plan.delay:
                sleep(plan.delay)
        finally:
            world.traffic.end()
        if plan.ending is Ending.RESET:
            raise broken("connection reset by peer")
        if plan.ending is Ending.SILENCE:
            raise silent("no answer")
        start(f"{plan.status} {PHRASES.get(plan.status, 'Answer')}", plan.headers)
        return _body(plan, broken, sleep)

    return application


def _body(
    plan: Plan, broken: Callable[[str], Exception], sleep: Callable[[float], Any]
) -> Iterator[bytes]:
    if plan.ending is Ending.HALF:
        text = b"".join(plan.chunks)
        yield text[: len(text) // 2]
        raise broken("peer closed connection without sending complete message body")
    yield from _paced(plan, sleep)
    if plan.ending is Ending.UNENDED:
        raise broken("peer closed connection without sending the last chunk")


def _paced(plan: Plan, sleep: Callable[[float], Any]) -> Iterator[bytes]:
    for chunk in plan.chunks:
        if plan.ending is not Ending.DRIP:
            yield chunk
            continue
        for byte in chunk:
            sleep(plan.pace)
            yield bytes([byte])


def _request(environ: "WSGIEnvironment") -> Request:
    raw_query = environ.get("QUERY_STRING", "")
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    length = environ.get("CONTENT_LENGTH") or ""
    body = environ["wsgi.input"]
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/"),
        query=dict(parse_qsl(raw_query, keep_blank_values=True)),
        raw_query=raw_query,
        headers=headers,
        body=body.read(int(length)) if length else body.read() if _ends(environ) else b"",
        base_url=f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '127.0.0.1')}",
        address=environ.get("REMOTE_ADDR") or "127.0.0.1",
    )


def _ends(environ: "WSGIEnvironment") -> bool:
    """Whether the body of a request without a length can be read to its end without waiting."""
    return bool(environ.get("wsgi.input_terminated")) or hasattr(environ["wsgi.input"], "getvalue")
