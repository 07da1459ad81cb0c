"""The controls, under `/_emulator/`: what the world is, and everything that can be done to it.

Never limited, never faulty, no bearer asked.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .clock import from_iso, iso
from .faults import Fault
from .model import Account
from .plan import Plan, Request
from .store import ACTS, Impossible, Unknown

if TYPE_CHECKING:
    from .world import World

PREFIX = "/_emulator/"
# A holder of an invitation's secret is on the app; the API tells it to those who may know.
_UNSAID = ("link_token",)
Control = Callable[["World", Request, dict[str, Any]], Any]


def answer(world: "World", request: Request) -> Plan:
    """The plan for one request of whoever holds the controls."""
    name, _, rest = request.path.removeprefix(PREFIX).strip("/").partition("/")
    try:
        asked = json.loads(request.body or b"{}")
        with world.lock:
            body = _do(world, request, name, rest, asked)
    except Impossible as error:
        return _plan(422, {"errors": error.errors})
    except (Unknown, KeyError) as error:
        return _plan(404, {"error": str(error)})
    except (TypeError, ValueError) as error:
        return _plan(400, {"error": str(error)})
    return _plan(200, body)


def _do(world: "World", request: Request, name: str, rest: str, asked: dict[str, Any]) -> Any:
    if name == "act" and request.method == "POST":
        return world.perform(rest, asked)
    control = _CONTROLS.get((request.method, name))
    if control is None:
        raise Unknown(f"no control is called {request.method} {name}")
    return control(world, request, asked)


def _plan(status: int, body: Any) -> Plan:
    text = json.dumps(body, default=_plain, ensure_ascii=False).encode()
    return Plan(status, [("Content-Type", "application/json; charset=utf-8")], [text])


def _plain(value: Any) -> Any:
    """Dataclasses, instants and the rest as JSON can say them."""
    if isinstance(value, datetime):
        return iso(value)
    if is_dataclass(value) and not isinstance(value, type):
        said = asdict(value).items()
        return {name: inner for name, inner in said if name not in _UNSAID and not callable(inner)}
    if isinstance(value, (set, tuple)):
        return list(value)
    return getattr(value, "value", str(value))


def state(world: "World", request: Request, _asked: dict[str, Any]) -> dict[str, Any]:
    """The world at a glance: whom to connect, where the regions are, what was asked."""
    return {
        "company": world.company_name,
        "seed": world.seed,
        "anchor": world.anchor,
        "now": world.clock.now(),
        "accounts": [_account(one) for one in world.accounts.values() if one.tokens],
        "people": len(world.accounts),
        "regions": [
            {"name": one.name, "api": f"{request.base_url}/{one.name}", "apps": len(one.apps)}
            for one in world.regions.values()
        ],
        "mails_sent": len(world.mails),
        "requests": dict(world.traffic.requests),
        "requests_total": world.traffic.total,
        "limited": world.traffic.limited,
        "in_flight_max": world.traffic.in_flight_max,
        "faults": len([one for one in world.faults.laid if one.times != 0]),
        "switches": asdict(world.switches),
        "acts": sorted(ACTS),
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "username": account.username,
        "fullname": account.fullname,
        "api_token": account.tokens[0].secret,
        "role": account.role,
        "connect": account.connect,
    }


def _requests(world: "World", _request: Request, _asked: dict[str, Any]) -> Any:
    rows = [asdict(seen) for seen in world.traffic.latest]
    return {"requests": [{**row, "body": row["body"].decode(errors="replace")} for row in rows]}


def _forget(world: "World", _request: Request, _asked: dict[str, Any]) -> Any:
    world.traffic.clear()
    return {}


def _add_fault(world: "World", _request: Request, asked: dict[str, Any]) -> Any:
    """One fault, or several under `faults`."""
    wanted = asked.get("faults", [asked])
    return {"faults": [world.faults.add(Fault.from_json(one)) for one in wanted]}


def _faults(world: "World", _request: Request, _asked: dict[str, Any]) -> Any:
    return {"faults": world.faults.laid}


def _clear_faults(world: "World", _request: Request, _asked: dict[str, Any]) -> Any:
    world.faults.clear()
    return {}


def _reset(world: "World", _request: Request, _asked: dict[str, Any]) -> Any:
    world.reset()
    return {}


def _mails(world: "World", _request: Request, _asked: dict[str, Any]) -> Any:
    return {"mails": world.mails}


def _members(world: "World", request: Request, _asked: dict[str, Any]) -> Any:
    """Everybody on every app at `?at=` (now by default): the oracle."""
    at = request.query.get("at")
    return {"members": world.members_at(from_iso(at) if at else world.clock.now())}


_CONTROLS: dict[tuple[str, str], Control] = {
    ("GET", "state"): state,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _forget,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "mails"): _mails,
    ("GET", "members"): _members,
    ("POST", "reset"): _reset,
}
