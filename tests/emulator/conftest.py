"""A small company at a fixed instant, and somebody of it who asks."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from governance.emulator import World, wsgi

ANCHOR = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
OWNER = "olivia@acme.example"
FULL = "fred@acme.example"
LIMITED = "lim@acme.example"
OTHER_OWNER = "oscar@other.example"
OUTSIDER = "outsider@nowhere.example"
PARIS = "/osc-fr1"
SECNUM = "/osc-secnum-fr1"
BILLING = f"{PARIS}/v1/apps/billing-api"

Ask = Callable[[str | None], httpx.Client]


@pytest.fixture
def world() -> World:
    return World(company="small", anchor=ANCHOR)


@pytest.fixture
def slept() -> list[float]:
    """The seconds of the delays that were asked for; nobody really waits."""
    return []


@pytest.fixture
def ask(world: World, slept: list[float]) -> Iterator[Ask]:
    """A client with the bearer of whoever is named, or without one for None."""
    application = wsgi(world, broken=httpx.ReadError, silent=httpx.ReadTimeout, sleep=slept.append)
    clients: list[httpx.Client] = []

    def as_(who: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {world.bearer_for(who)}"} if who else {}
        transport = httpx.WSGITransport(app=application)
        clients.append(httpx.Client(transport=transport, base_url="http://emu.example"))
        clients[-1].headers.update(headers)
        return clients[-1]

    yield as_
    for client in clients:
        client.close()
