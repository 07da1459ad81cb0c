"""Scopes and their coverage: what was read, when, and since when it could not be."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from governance.inventory.models import Coverage, Region, Scope
from governance.sync.fencing import Fence, next_number

# Equal readings further apart than this many intervals are not "in a row": what lay between was
# not read, and is shown so.
_SILENCE = 3
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """A scope about to be read: its fence, when it was read before, and what time to write."""

    scope: Scope
    fence: Fence
    previous: datetime | None
    at: datetime

    def enforce(self) -> None:
        """Refuse from now on what was asked for before this. Raises `Fenced` if we are too late."""
        with transaction.atomic(), connection.cursor() as cursor:
            self.fence.enforce(cursor)


def going_forward(clock: Callable[[], datetime]) -> Callable[[], datetime]:
    """`clock`, but never behind what was read already, nor behind itself.

    A clock that was set back would otherwise let readings end before they began.
    """
    latest = Coverage.objects.filter(latest=True).aggregate(until=Max("until"))["until"]

    def now() -> datetime:
        nonlocal latest
        latest = max(clock(), latest or datetime.min.replace(tzinfo=UTC))
        return latest

    return now


def scope_of(
    connection_id: UUID, region: Region, kind: Scope.Kind, app_scalingo_id: str = ""
) -> Scope:
    """The scope of a request; made at its first use, and in use again if it was retired."""
    scope, _ = Scope.objects.get_or_create(
        connection_id=connection_id, region=region, kind=kind, app_scalingo_id=app_scalingo_id
    )
    if scope.retired_at:
        Scope.objects.filter(pk=scope.pk).update(retired_at=None)
        scope.retired_at = None
    return scope


def begin(scope: Scope, *, at: datetime, latest: datetime | None = None) -> Reading:
    """Draw the number of an observation. Call it before the request is sent.

    Times of one scope never go back: where the clock did, the reading is written a moment after
    the last one. `latest` is when the scope was last read, where the caller knows.
    """
    previous = latest or last_read(scope)
    if previous and at <= previous:
        at = previous + _TICK
    return Reading(scope, Fence(scope.pk, next_number(), at), previous, at)


def last_read(scope: Scope) -> datetime | None:
    """When the scope was last believed; None if never."""
    return Coverage.objects.filter(scope=scope, latest=True).values_list("until", flat=True).first()


_EXTEND = """
UPDATE inventory_coverage SET until = GREATEST(until, %(at)s), readings = readings + 1
 WHERE scope_id = %(scope)s AND latest AND digest = %(digest)s AND until >= %(oldest)s
"""


def observed(reading: Reading, digest: bytes) -> None:
    """Note that the scope was read whole and found so. Equal to last time: one row is written.

    Raises `Fenced` when a newer observation that differs was noted meanwhile.
    """
    oldest = reading.at - _SILENCE * settings.SYNC_EVERY
    if reading.scope.stale_since is None:
        with connection.cursor() as cursor:
            cursor.execute(
                _EXTEND,
                {
                    "at": reading.at,
                    "scope": reading.scope.pk,
                    "digest": digest,
                    "oldest": oldest,
                },
            )
            if cursor.rowcount:
                return
    with transaction.atomic(), connection.cursor() as cursor:
        reading.fence.enforce(cursor)
        Coverage.objects.filter(scope=reading.scope, latest=True).update(latest=False)
        Coverage.objects.create(
            scope=reading.scope, since=reading.at, until=reading.at, digest=digest
        )
        if reading.scope.stale_since is not None:
            Scope.objects.filter(pk=reading.scope.pk).update(
                stale_since=None, stale_reason="", stale_detail=""
            )
            reading.scope.stale_since = None


def not_observed(scope: Scope, *, reason: str, detail: str, at: datetime) -> None:
    """Note that the scope could not be read. Since when is kept; why is the latest reason."""
    since = scope.stale_since or at
    changed = Scope.objects.filter(pk=scope.pk).exclude(
        stale_since__isnull=False, stale_reason=reason, stale_detail=detail[:500]
    )
    changed.update(stale_since=since, stale_reason=reason, stale_detail=detail[:500])
    scope.stale_since = since


def retire(
    scopes_of_connection: UUID, region: Region, keep_apps: set[str], *, at: datetime
) -> None:
    """Stop reading apps one by one that are read otherwise now, or not at all."""
    Scope.objects.filter(
        connection_id=scopes_of_connection,
        region=region,
        kind=Scope.Kind.APP,
        retired_at=None,
    ).exclude(app_scalingo_id__in=keep_apps).update(
        retired_at=at, stale_since=None, stale_reason="", stale_detail=""
    )
