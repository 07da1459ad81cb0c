"""Scopes and their coverage: what was read, when, and since when it could not be."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from governance.inventory.models import Coverage, Region, Scope
from governance.sync.fencing import Fence, next_number, too_late

_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """A scope about to be read: its fence, when it was read before, and what time to write.

    `digest` is of what it was found to be then, where that was asked for.
    """

    scope: Scope
    fence: Fence
    previous: datetime | None
    at: datetime
    digest: bytes | None = None

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


_COLUMNS = [field.attname for field in Scope._meta.concrete_fields]

# The scope, what is known of it, and the number of the observation that is about to be made.
_START = f"""
SELECT {", ".join(f"s.{name}" for name in _COLUMNS)},
       c.until, c.digest, nextval('sync_observation')
  FROM inventory_scope s LEFT JOIN inventory_coverage c ON c.scope_id = s.id AND c.latest
 WHERE s.connection_id = %(connection)s AND s.region_id = %(region)s
   AND s.kind = %(kind)s AND s.app_scalingo_id = %(app)s
"""  # noqa: S608  The names are the model's.


def start(
    connection_id: UUID,
    region: Region,
    kind: Scope.Kind,
    app_scalingo_id: str = "",
    *,
    at: datetime,
) -> Reading:
    """Begin to read the scope of a request, in one question. Call it before the request is sent.

    The scope is made at its first use, and in use again if it was retired.
    """
    names: dict[str, Any] = {
        "connection": connection_id,
        "region": region.pk,
        "kind": kind.value,
        "app": app_scalingo_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_START, names)
        row = cursor.fetchone()
    if row is None:
        return begin(scope_of(connection_id, region, kind, app_scalingo_id), at=at)
    *values, previous, digest, number = row
    scope = Scope.from_db(None, _COLUMNS, values)
    _use_again(scope)
    at = _after(previous, at)
    known = None if digest is None else bytes(digest)
    return Reading(scope, Fence(scope.pk, number, at), previous, at, known)


def scope_of(
    connection_id: UUID, region: Region, kind: Scope.Kind, app_scalingo_id: str = ""
) -> Scope:
    """The scope of a request; made at its first use, and in use again if it was retired."""
    scope, _ = Scope.objects.get_or_create(
        connection_id=connection_id, region=region, kind=kind, app_scalingo_id=app_scalingo_id
    )
    _use_again(scope)
    return scope


def _use_again(scope: Scope) -> None:
    if scope.retired_at:
        Scope.objects.filter(pk=scope.pk).update(retired_at=None)
        scope.retired_at = None


def begin(scope: Scope, *, at: datetime) -> Reading:
    """Draw the number of an observation. Call it before the request is sent."""
    previous = last_read(scope)
    at = _after(previous, at)
    return Reading(scope, Fence(scope.pk, next_number(), at), previous, at)


def _after(previous: datetime | None, at: datetime) -> datetime:
    """Times of one scope never go back: where the clock did, a moment after the last reading."""
    return previous + _TICK if previous and at <= previous else at


def last_read(scope: Scope) -> datetime | None:
    """When the scope was last believed; None if never."""
    return Coverage.objects.filter(scope=scope, latest=True).values_list("until", flat=True).first()


_EXTEND = """
UPDATE inventory_coverage SET until = GREATEST(until, %(at)s), readings = readings + 1
 WHERE scope_id = %(scope)s AND latest AND digest = %(digest)s AND until >= %(oldest)s
"""

# In this order, since each step takes its rows from the one before: nobody newer has been here; the
# span that was the latest no longer is; another one begins.
_ANOTHER = """
WITH fenced AS (
    UPDATE inventory_scope s
       SET applied = %(number)s, stale_since = NULL, stale_reason = '', stale_detail = ''
     WHERE s.id = %(scope)s AND s.applied <= %(number)s
       AND NOT EXISTS (SELECT 1 FROM inventory_coverage c
                        WHERE c.scope_id = s.id AND c.latest AND c.until > %(fence)s)
    RETURNING s.id
), closed AS (
    UPDATE inventory_coverage c SET latest = false
      FROM fenced WHERE c.scope_id = fenced.id AND c.latest
    RETURNING c.scope_id
)
INSERT INTO inventory_coverage (scope_id, since, until, readings, digest, latest)
SELECT fenced.id, %(at)s, %(at)s, 1, %(digest)s, true
  FROM fenced LEFT JOIN closed ON closed.scope_id = fenced.id
"""


def observed(reading: Reading, digest: bytes) -> None:
    """Note that the scope was read whole and found so. Equal to last time: one row is written.

    Raises `Fenced` when a newer observation that differs was noted meanwhile.
    """
    oldest = reading.at - Coverage.SILENCE * settings.SYNC_EVERY
    names: dict[str, Any] = {
        "at": reading.at,
        "scope": reading.scope.pk,
        "digest": digest,
        "oldest": oldest,
        "number": reading.fence.number,
        "fence": reading.fence.at,
    }
    with connection.cursor() as cursor:
        if _may_go_on(reading, digest, oldest):
            cursor.execute(_EXTEND, names)
            if cursor.rowcount:
                return
        cursor.execute(_ANOTHER, names)
        if cursor.rowcount == 0:
            raise too_late(reading.fence)
    reading.scope.stale_since = None


def _may_go_on(reading: Reading, digest: bytes, oldest: datetime) -> bool:
    """Whether the latest span may be extended; only the database knows for certain."""
    if reading.scope.stale_since is not None:
        return False
    if reading.digest is None or reading.previous is None:
        return True
    return reading.digest == digest and reading.previous >= oldest


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
