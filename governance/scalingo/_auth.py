"""The API token, the bearer that it is exchanged for, and when to exchange again."""

import base64
import binascii
import copy
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from ._cutter import NOT_JSON
from ._errors import DeadToken, ScalingoError

# A bearer whose expiry cannot be read is used this long (they last an hour).
UNREADABLE_LASTS = 55 * 60.0
# Renewed this long before it expires.
EARLY = 5 * 60.0
# A bearer that is already within EARLY of its expiry when it comes (or a clock of ours that is
# wrong) must not mean an exchange for each request.
SHORTEST = 60.0
# A 401 so soon after an exchange that an earlier 401 forced is an answer about rights.
TRUSTED_FOR = 60.0


class Secret:
    """A text that shows itself to nobody who does not ask for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. To be put into a header and nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token was exchanged for. `renew_at` is by the clock of its `BearerKeeper`."""

    secret: Secret
    account_id: str | None
    renew_at: float
    forced_at: float | None = None


class _Claims(msgspec.Struct):
    exp: float | None = None
    iat: float | None = None


class _Who(msgspec.Struct):
    uuid: str | None = None


def _payload(jwt: str) -> bytes:
    parts = jwt.split(".")
    if len(parts) != 3:
        return b"{}"
    try:
        return base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (binascii.Error, ValueError):
        return b"{}"


def _lifetime(payload: bytes, now: float) -> float | None:
    """Seconds that a bearer lasts, from its own two times where it has both: then a clock of
    ours that is wrong does no harm."""
    try:
        claims = msgspec.json.decode(payload, type=_Claims)
    except NOT_JSON:
        return None
    if claims.exp is None:
        return None
    lifetime = claims.exp - (now if claims.iat is None else claims.iat)
    return lifetime if abs(lifetime) < 10 * 365 * 86400 else None


def read_bearer(jwt: str, *, now: float) -> Bearer:
    """A bearer as it came, with what can be read of it. The signature is not ours to check."""
    payload = _payload(jwt)
    lifetime = _lifetime(payload, now)
    try:
        account_id = msgspec.json.decode(payload, type=_Who).uuid
    except NOT_JSON:
        account_id = None
    if lifetime is None:
        last = UNREADABLE_LASTS
    else:
        last = lifetime - EARLY if lifetime > EARLY else SHORTEST
    return Bearer(Secret(jwt), account_id or None, now + last)


class BearerKeeper:
    """Holds the one bearer that all threads use, and has it renewed by one of them at a time."""

    def __init__(self, exchange: Callable[[], str], clock: Callable[[], float]) -> None:
        self._exchange = exchange
        self._clock = clock
        self._lock = threading.Lock()
        self._bearer: Bearer | None = None
        self._failed: ScalingoError | None = None
        self._tries = 0

    @property
    def account_id(self) -> str | None:
        bearer = self._bearer
        return bearer.account_id if bearer else None

    def current(self) -> Bearer:
        """A bearer that is good for some minutes; exchanged first where needed.

        Raises `DeadToken` for good once the token was refused, and what the exchange raises.
        """
        bearer = self._bearer
        if bearer and self._clock() < bearer.renew_at:
            return bearer
        return self._renew(bearer)

    def after_refusal(self, refused: Bearer) -> Bearer | None:
        """Another bearer than the one refused, or None where that one was fresh already."""
        if refused.forced_at is not None and time.monotonic() - refused.forced_at < TRUSTED_FOR:
            return None
        return self._renew(refused, forced=True)

    def exchange(self) -> Bearer:
        """Exchange now, whatever we hold: the way to find out if the token works."""
        with self._lock:
            return self._exchanged(forced=False)

    def _renew(self, old: Bearer | None, *, forced: bool = False) -> Bearer:
        tries = self._tries
        with self._lock:
            if self._bearer is not None and self._bearer is not old:
                return self._bearer
            if self._failed and (self._tries != tries or isinstance(self._failed, DeadToken)):
                raise copy.copy(self._failed)
            return self._exchanged(forced=forced)

    def _exchanged(self, *, forced: bool) -> Bearer:
        self._tries += 1
        failed: ScalingoError | None = None
        try:
            jwt = self._exchange()
        except ScalingoError as error:
            failed = error
        if failed:
            self._failed = failed
            raise failed
        self._failed = None
        bearer = read_bearer(jwt, now=self._clock())
        if forced:
            bearer = Bearer(
                bearer.secret, bearer.account_id, bearer.renew_at, forced_at=time.monotonic()
            )
        self._bearer = bearer
        return bearer
