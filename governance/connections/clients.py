"""A client of Scalingo's API for one connection. For workers: it takes the private key.

Every request waits for its turn in the shared budget, and a 429 tells every other process.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from governance import scalingo
from governance.connections import keys, sealing
from governance.connections.budget import Budget, Kind, shared
from governance.connections.models import Connection

LIMITED = 429


class TokenUnavailable(Exception):
    """The token of a connection cannot be used. The text is a sentence without any secret."""


@dataclass
class Tally:
    """What was asked through a client, counted over its threads."""

    requests: Counter[str] = field(default_factory=Counter)  # by endpoint; each try counts
    limited: int = 0
    waited: float = 0.0  # seconds in which at least one of them waited for the budget
    seconds: float = 0.0  # seconds, for answers
    bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    # When anybody waited, by the monotonic clock: spans that do not touch.
    _waits: list[tuple[float, float]] = field(default_factory=list, repr=False)

    def add_wait(self, seconds: float) -> None:
        """Note that this thread has waited so long until now: once, however many did so then."""
        if seconds <= 0:
            return
        with self._lock:
            until = time.monotonic()
            since = until - seconds
            touched = [span for span in self._waits if span[1] >= since]
            since = min([since, *(begun for begun, _ended in touched)])
            self.waited += until - since - sum(ended - begun for begun, ended in touched)
            self._waits = [span for span in self._waits if span not in touched] + [(since, until)]

    def add(self, exchange: scalingo.Exchange) -> None:
        with self._lock:
            self.requests[exchange.endpoint] += 1
            self.limited += exchange.status == LIMITED
            self.seconds += exchange.seconds
            self.bytes += exchange.bytes


def client_for(
    connection: Connection,
    *,
    kind: Kind,
    transport: httpx.BaseTransport | None = None,
    budget: Budget | None = None,
    on_wait: Callable[[float], None] | None = None,
    tally: Tally | None = None,
) -> scalingo.Client:
    """A client that reads with the connection's token in use.

    `on_wait` is told, about once a second, for how many more seconds a request waits. Raises
    `TokenUnavailable` when there is no token in use, or this process cannot open it.
    """
    if connection.sealed_token is None:
        raise TokenUnavailable(_("No token of this connection was accepted yet."))
    token = open_token(connection.sealed_token)
    return client_with(
        token, kind=kind, transport=transport, budget=budget, on_wait=on_wait, tally=tally
    )


def open_token(box: bytes | memoryview) -> str:
    """The token in a sealed box. Raises `TokenUnavailable`, chained to nothing."""
    try:
        return keys.open_sealed(bytes(box))
    except keys.NoKey as error:
        sentence = str(error)
    except sealing.CannotOpen:
        sentence = _("The token was sealed for a key that this process does not hold.")
    raise TokenUnavailable(sentence)


def client_with(
    token: str,
    *,
    kind: Kind,
    transport: httpx.BaseTransport | None = None,
    budget: Budget | None = None,
    on_wait: Callable[[float], None] | None = None,
    tally: Tally | None = None,
) -> scalingo.Client:
    """A client with a token that is not, or not yet, the one in use."""
    turns, counted = budget or shared(), tally or Tally()

    def before(endpoint: str) -> None:
        counted.add_wait(turns.take(kind, on_wait=on_wait))

    def after(exchange: scalingo.Exchange) -> None:
        counted.add(exchange)
        if exchange.status == LIMITED:
            turns.limited(exchange.retry_after)

    return scalingo.Client(
        token,
        auth_url=settings.SCALINGO_AUTH_URL,
        hosts=tuple(settings.SCALINGO_HOSTS),
        before=before,
        after=after,
        transport=transport,
    )
