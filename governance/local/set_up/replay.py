"""A year of the pretend company, read at its own times by the sync that reads the real one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

import httpx
from django.db import connection as database
from django.db.models import Max

from governance import scalingo
from governance.audit.events import Source
from governance.connections import actions as connections
from governance.connections.clients import Tally, open_token
from governance.connections.models import Connection
from governance.emulator import World, wsgi
from governance.rotations.actions import open_duties, read_due
from governance.sync import actions as sync
from governance.sync.links import read_due as read_links
from governance.sync.models import Run

_PLENTY = 1000  # requests: nobody limits us here


def connect(world: World) -> None:
    """Add and test the accounts that the company wants connected, a year ago."""
    at = world.clock.now()
    for account in world.accounts.values():
        if not account.connect:
            continue
        token = world.token_of(account)
        connection = Connection.objects.filter(name=account.fullname).first()
        if connection is None:
            connection = connections.add(
                account.fullname, token, by=None, at=at, source=Source.TERMINAL
            )
        with _client(world, token) as client:
            connections.test(connection.pk, at=at, client=client, source=Source.TERMINAL)


def year(world: World) -> None:
    """Let the year happen, and read it at each instant that its company names."""
    with database.cursor() as cursor:
        # A power cut now costs a start from the last reading that was kept.
        cursor.execute("SET synchronous_commit = off")
    read_until = Run.objects.filter(finished_at__isnull=False).aggregate(at=Max("requested_at"))
    for instant in world.year():
        world.advance_to(instant)
        if read_until["at"] is None or instant > read_until["at"]:
            _read(world, instant)


def rotations(world: World, at: datetime) -> None:
    """Open what the last weeks ask for, and read what it is about, as a worker would."""
    open_duties(at=at)
    read_due(clock=_ticking(at), client_for=partial(_client_for, world), left=lambda: _PLENTY)


def links(world: World, at: datetime) -> None:
    """Read who links the apps to their source code, as a worker would."""
    read_links(clock=_ticking(at), client_for=partial(_client_for, world), left=lambda: _PLENTY)


def _read(world: World, instant: datetime) -> None:
    sync.ensure_due(at=instant)
    done = sync.carry_out_next(clock=_ticking(instant), client_for=partial(_client_for, world))
    if done is None:
        raise RuntimeError(f"The reading of {instant:%d %B %Y} did not begin.")
    if done.state == Run.State.FAILED:
        raise RuntimeError(f"The reading of {instant:%d %B %Y} failed: see the page Sync.")


def _ticking(instant: datetime) -> Callable[[], datetime]:
    """A clock that runs on from `instant`."""
    began = monotonic()
    return lambda: instant + timedelta(seconds=monotonic() - began)


def _client_for(
    world: World, connection: Connection, tally: Tally, on_wait: Callable[[float], None]
) -> scalingo.Client:
    assert connection.sealed_token is not None  # noqa: S101  tested by `connect`
    return _client(world, open_token(connection.sealed_token), after=tally.add)


def _client(
    world: World, token: str, *, after: Callable[[scalingo.Exchange], None] | None = None
) -> scalingo.Client:
    """A client that lives at the time of `world`, and reaches it without a socket."""
    return scalingo.Client(
        token,
        after=after,
        transport=httpx.WSGITransport(app=wsgi(world)),
        clock=world.clock.time,
    )
