"""A small company on a pretend Scalingo, and workers that speak to it without a socket."""

import functools
from datetime import UTC, datetime

import httpx
import pytest
import redis

from governance.connections import actions, clients
from governance.connections.actions import trials
from governance.connections.budget import shared
from governance.emulator import World, wsgi

PLACE = "http://127.0.0.1:4000"


@pytest.fixture(autouse=True)
def _its_address(settings):
    settings.SCALINGO_AUTH_URL = PLACE
    settings.SCALINGO_HOSTS = ["127.0.0.1"]


@pytest.fixture(autouse=True)
def _budget_of_each_test():
    shared.cache_clear()


@pytest.fixture
def next_minute(redis_url):
    """Let the window that a 429 closed be over."""

    def forget():
        url = redis_url.replace("redis+socket://", "unix://")
        with redis.Redis.from_url(url) as client:
            client.flushall()
        shared.cache_clear()

    return forget


@pytest.fixture
def acme():
    """Scalingo, with olivia@acme.example and a few others."""
    return World("small", anchor=datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def scalingo_transport(acme, monkeypatch):
    """Every client made for a test of a token speaks to `acme`."""
    transport = httpx.WSGITransport(app=wsgi(acme))
    monkeypatch.setattr(
        trials, "client_with", functools.partial(clients.client_with, transport=transport)
    )
    return transport


@pytest.fixture
def olivias_token(acme):
    return acme.token_of("olivia@acme.example")


@pytest.fixture
def added(db, sent, olivias_token, now):
    """A connection that nobody has tested yet."""
    return actions.add("Production", olivias_token, by=None, at=now)


@pytest.fixture
def working(added, scalingo_transport, now):
    """A connection in use."""
    assert actions.test(added.pk, at=now) is actions.Outcome.WORKS
    added.refresh_from_db()
    return added
