"""How often somebody may try to sign in.

An attempt is written down before the password is looked at, and counts until it succeeds: however
many come at once, no more than the limit are ever checked. It is kept in Postgres, so that a lost
cache opens nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from governance.accounts.models import SignInAttempt

WINDOW = timedelta(minutes=15)
# For one address, wherever it is tried from.
PER_ADDRESS = 5
# For one network address, whoever it tries: many people may share one office.
PER_NETWORK = 50


class TooMany(Exception):
    """No further attempt before `again_at`."""

    def __init__(self, again_at: datetime) -> None:
        self.again_at = again_at
        super().__init__(f"No further attempt before {again_at.isoformat()}.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that may be made. `number` is 1 for the first in its window."""

    address: bytes
    number: int

    @property
    def is_the_last(self) -> bool:
        """Whether the next one is turned away if this one fails."""
        return self.number >= PER_ADDRESS


@transaction.atomic
def reserve(address: str, *, network: str, at: datetime) -> Attempt:
    """Take one of the attempts for `address`, as `plain_address` writes it.

    Raises `TooMany`. Attempts for one address queue behind each other here, for the length of a few
    small queries.
    """
    by_address, by_network = _key("address", address), _key("network", network)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(by_address[:8], signed=True)]
        )
    SignInAttempt.objects.filter(at__lte=at - WINDOW).delete()
    failed = _instants(address=by_address)
    _enforce(failed, PER_ADDRESS)
    _enforce(_instants(network=by_network), PER_NETWORK)
    SignInAttempt.objects.create(address=by_address, network=by_network, at=at)
    return Attempt(by_address, len(failed) + 1)


def succeeded(attempt: Attempt) -> None:
    """Forget what failed before for the address of `attempt`."""
    SignInAttempt.objects.filter(address=attempt.address).delete()


def _instants(**key: bytes) -> list[datetime]:
    """When the attempts of the window were made, oldest first; as many as could ever matter."""
    found = SignInAttempt.objects.filter(**key).order_by("at").values_list("at", flat=True)
    return list(found[:PER_NETWORK])


def _enforce(instants: list[datetime], limit: int) -> None:
    if len(instants) >= limit:
        raise TooMany(instants[-limit] + WINDOW)


def _key(purpose: str, value: str) -> bytes:
    return salted_hmac(
        f"governance.accounts.throttle.{purpose}", value, algorithm="sha256"
    ).digest()
