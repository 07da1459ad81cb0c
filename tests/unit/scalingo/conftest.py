"""Three ways to answer the client: the emulator, a scripted transport, and bytes on a socket."""

import contextlib
import datetime as dt
import json

import httpx
import pytest

from governance.emulator import World, wsgi
from governance.scalingo import Client

from .scripts import PARIS, TOKEN, Script
from .wires import Wire, make_contexts


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def client(script):
    with Client(TOKEN, transport=httpx.MockTransport(script)) as client:
        yield client


@pytest.fixture
def read(client, script):
    """What the client makes of a body, given as the collaborators of all owned apps."""

    def read(body, **kwargs):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        script.body("/v1/collaborators", text, **kwargs)
        return client.collaborators(PARIS)

    return read


# --- the emulator ---------------------------------------------------------------------------------


@pytest.fixture
def world():
    """Olivia, who owns the billing apps, fred, lim and others: a company of a handful."""
    return World(company="small", anchor=dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC))


@pytest.fixture
def client_of(world):
    """A client of the emulator for one of its people."""
    with contextlib.ExitStack() as stack:

        def make(who="olivia@acme.example", **options):
            transport = httpx.WSGITransport(
                app=wsgi(world, broken=httpx.ReadError, silent=httpx.ReadTimeout)
            )
            return stack.enter_context(
                Client(
                    world.token_of(who),
                    auth_url="http://127.0.0.1:4000",
                    hosts=("127.0.0.1",),
                    transport=transport,
                    clock=world.clock.time,
                    **options,
                )
            )

        yield make


# --- bytes on a socket ----------------------------------------------------------------------------


@pytest.fixture
def wire():
    wire = Wire()
    yield wire
    wire.close()


@pytest.fixture
def wired():
    """A client that speaks to a `Wire` over a real socket."""
    with contextlib.ExitStack() as stack:

        def make(wire, **options):
            options.setdefault("deadline", 5.0)
            hosts = options.pop("hosts", (f"127.0.0.1:{wire.port}",))
            return stack.enter_context(Client(TOKEN, auth_url=wire.url, hosts=hosts, **options))

        yield make


@pytest.fixture
def own_certificate(tmp_path):
    """Server and client contexts of a certificate that only this test knows."""
    return make_contexts(tmp_path / "server.pem")
