"""From a request to the plan of its answer: limit, bad day, bearer, route, headers."""

import hashlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import api, switches
from .api.routing import (
    HTML,
    JSON,
    PAGE_404,
    Call,
    Host,
    Refusal,
    Reply,
    Route,
    find,
)
from .api.tokens import account_of_bearer
from .faults import Fault
from .limiter import Limiter
from .plan import Plan, Request
from .traffic import Seen

if TYPE_CHECKING:
    from .world import World

__all__ = ["answer", "api"]

DATABASE_PREFIX = "/db-api"
# Bytes from which an answer is worth keeping.
LONG = 256_000
_LISTS = ("GET /v1/apps", "GET /v1/collaborators")


@dataclass(slots=True)
class _Place:
    """Where a path leads: which API, of which region, and the path within it."""

    host: Host
    region: str
    path: str


Found = tuple[Route, dict[str, str]] | None


def answer(world: "World", request: Request, sleep: Callable[[float], Any] = time.sleep) -> Plan:
    """The plan for one request of a client. Nothing of the control surface comes here.

    `sleep` is called for a fault's delay before the request is carried out, while others go on.
    """
    with world.lock:
        place = _place(world, request.path)
        call = Call(world, request, place.region, None, {})
        call.account = account_of_bearer(call)
        found = find(place.host, request.method, place.path)
        allowed = _within_limit(world, call, place)
        fault = _fault(call, place) if allowed else None
    if fault is not None and fault.delay:
        sleep(fault.delay)
    with world.lock:
        plan = _met(world, fault, call, found) if allowed else _dressed(_limited(world), call)
        plan.delay += world.latency()
        if request.method != "GET" and plan.status < 300:
            world.version += 1
        world.traffic.note(_seen(call, place, found, plan))
        return plan


def _fault(call: Call, place: _Place) -> Fault | None:
    email = call.account.email if call.account else ""
    return call.world.faults.meet(call.request, place.path, place.region, email)


def _seen(call: Call, place: _Place, found: Found, plan: Plan) -> Seen:
    request = call.request
    return Seen(
        at=call.world.clock.now(),
        method=request.method,
        path=place.path + (f"?{request.raw_query}" if request.raw_query else ""),
        region=place.region,
        endpoint=found[0].endpoint if found else f"{request.method} (unknown)",
        account=call.account.email if call.account else "",
        status=plan.status,
        body=request.body,
    )


def _place(world: "World", path: str) -> _Place:
    first, _, rest = path.lstrip("/").partition("/")
    if first not in world.regions:
        return _Place(Host.AUTH, "", path)
    inner = "/" + rest
    if inner.startswith(DATABASE_PREFIX + "/"):
        return _Place(Host.DATABASE, first, inner.removeprefix(DATABASE_PREFIX))
    return _Place(Host.REGION, first, inner)


def _met(world: "World", fault: Fault | None, call: Call, found: Found) -> Plan:
    """The answer on a day that is good when `fault` is None."""
    if fault is None:
        return _good(call, found)
    world.carry_out(fault.acts)
    call.account = account_of_bearer(call)  # which the acts, or the delay, may have ended
    plan = fault.answer() if fault.replaces else _good(call, found)
    if fault.processed and fault.status is not None:
        plan = fault.answer()
    elif not fault.replaces:
        plan.headers += list(fault.headers.items())
    plan = fault.spoil(plan, call.request)
    if fault.does is not None:
        fault.does()
    world.carry_out(fault.then)
    return plan


def _good(call: Call, found: Found) -> Plan:
    """The good answer; the long lists of a large company are kept until something changes."""
    if found is None or found[0].endpoint not in _LISTS or call.world.switches.removal_lag:
        reply = _reply(call, found)
        return _with_headers(reply, _bytes(reply), call)
    return _list(call, found)


def _list(call: Call, found: tuple[Route, dict[str, str]]) -> Plan:
    world = call.world
    key = (found[0].endpoint, call.region, call.account.id if call.account else "")
    stamp = (world.version, tuple(vars(world.switches).values()))
    kept = world.long_answers.get(key)
    if kept is not None and kept[0] == stamp:
        return _with_headers(Reply(200), kept[1], call)
    reply = _reply(call, found)
    body = _bytes(reply)
    if len(body) > LONG and reply.status == 200:
        world.long_answers[key] = (stamp, body)
    return _with_headers(reply, body, call)


def _within_limit(world: "World", call: Call, place: _Place) -> bool:
    if place.host is Host.AUTH and not world.switches.rate_limit_auth:
        return True
    key = call.request.address
    if world.switches.rate_limit_per == "all":
        key = "all"
    elif world.switches.rate_limit_per == "account" and call.account:
        key = call.account.id
    limiter: Limiter = world.limiter
    return limiter.allows(key, world.clock.time())


def _limited(world: "World") -> Reply:
    headers = {"Retry-After": world.switches.retry_after} if world.switches.retry_after else {}
    if world.switches.rate_limit_json:
        return Reply(429, {"error": "Retry later", "code": "rate_limited"}, JSON, headers)
    return Reply(429, "Retry later\n", "text/plain", headers)


def _reply(call: Call, found: tuple[Route, dict[str, str]] | None) -> Reply:
    if found is None:
        return Reply(404, PAGE_404, HTML)
    wanted, call.values = found
    if call.account is None and not wanted.public:
        return Reply(401, {"error": switches.DEAD_BEARER})
    try:
        return wanted.handler(call)
    except Refusal as refusal:
        return refusal.reply


def _dressed(reply: Reply, call: Call) -> Plan:
    """A reply with the headers that were recorded for its status."""
    return _with_headers(reply, _bytes(reply), call)


def _with_headers(reply: Reply, body: bytes, call: Call) -> Plan:
    headers = [("X-Request-Id", call.request.headers.get("x-request-id") or str(uuid.uuid4()))]
    headers.append(("Referrer-Policy", "strict-origin-when-cross-origin"))
    if reply.status != 204:
        headers.append(("Content-Type", reply.content_type))
    if reply.status in (200, 201):
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        headers.append(("Etag", f'W/"{digest}"'))
        headers.append(("Cache-Control", "max-age=0, private, must-revalidate"))
    else:
        headers.append(("Cache-Control", "no-cache"))
    headers += list(reply.headers.items())
    return Plan(reply.status, headers, [body] if body else [])


def _bytes(reply: Reply) -> bytes:
    if reply.body is None:
        return b""
    if isinstance(reply.body, str):
        return reply.body.encode()
    return json.dumps(reply.body, ensure_ascii=False, separators=(",", ":")).encode()
