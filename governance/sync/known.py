"""What we know of a region's apps before reading them: one query, whatever their number."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from governance.inventory.models import Coverage


@dataclass(frozen=True, slots=True)
class KnownApp:
    """An app that a connection is the authority of.

    `previous` is when its collaborators were last believed; None if never. `scope_id` is of the
    scope that they were read in. `missing_at` is set while people were not found there and their
    end waits.
    """

    id: UUID
    scalingo_id: str
    name: str
    kind: str
    digest: bytes | None
    owner_user_id: str | None
    scope_id: UUID | None
    scope_kind: str | None
    scope_connection_id: UUID | None
    stale_since: datetime | None
    previous: datetime | None
    missing_at: datetime | None
    suspect_since: datetime | None
    suspect_readings: int
    suspect_read_at: datetime | None


_KNOWN = """
SELECT a.id, a.scalingo_id, a.name, a.kind, a.digest, i.value, a.scope_id,
       s.kind, s.connection_id, a.stale_since, m.missing_at, a.suspect_since,
       a.suspect_readings, a.suspect_read_at
  FROM inventory_app a
  LEFT JOIN inventory_scope s ON s.id = a.scope_id
  LEFT JOIN inventory_identity i
    ON i.person_id = a.owner_id AND i.kind = 'user_id' AND i.ended_at IS NULL
  LEFT JOIN (SELECT app_id, min(missing_at) AS missing_at FROM inventory_collaboration
              WHERE missing_at IS NOT NULL AND ended_at IS NULL GROUP BY app_id) m
    ON m.app_id = a.id
 WHERE a.region_id = %s AND a.authority_id = %s AND a.gone_at IS NULL
"""


def known_apps(region_id: UUID, connection_id: UUID) -> dict[str, KnownApp]:
    """The apps of a region that this connection's readings decide on, by Scalingo id."""
    read_at = dict(
        Coverage.objects.filter(latest=True, scope__region=region_id).values_list("scope", "until")
    )
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [region_id, connection_id])
        return {
            scalingo_id: KnownApp(
                pk,
                scalingo_id,
                name,
                kind,
                digest and bytes(digest),
                owner,
                scope_id,
                scope_kind,
                scope_connection,
                stale_since,
                (stale_since or read_at.get(scope_id)) if digest else None,
                *others,
            )
            for (
                pk, scalingo_id, name, kind, digest, owner,
                scope_id, scope_kind, scope_connection, stale_since, *others
            ) in cursor.fetchall()
        }  # fmt: skip


_STALE = """
UPDATE inventory_app SET stale_since = COALESCE(stale_since, %(since)s), stale_reason = %(reason)s
 WHERE id = ANY(%(apps)s)
"""


# In a scope that was never read whole, an app keeps the time of its last reading until this one
# counts: a worker may die before.
_BELIEVED = """
UPDATE inventory_app a
   SET stale_since = CASE WHEN k.known THEN NULL ELSE a.stale_since END,
       stale_reason = CASE WHEN k.known THEN '' ELSE a.stale_reason END,
       scope_id = %(scope)s
  FROM (SELECT EXISTS (SELECT 1 FROM inventory_coverage WHERE scope_id = %(scope)s)) AS k(known)
 WHERE a.id = ANY(%(apps)s)
"""

_SETTLED = """
UPDATE inventory_app a SET stale_since = NULL, stale_reason = ''
 WHERE a.stale_since IS NOT NULL AND a.gone_at IS NULL
   AND (a.id = ANY(%s)
        OR (EXISTS (SELECT 1 FROM inventory_coverage c WHERE c.scope_id = a.scope_id AND c.latest)
            AND NOT EXISTS (SELECT 1 FROM inventory_coverage c
                             WHERE c.scope_id = a.scope_id AND c.since <= a.stale_since)))
"""


def mark_apps_stale(apps: Collection[KnownApp], *, reason: str, at: datetime) -> None:
    """Keep what these apps had: their rows in an otherwise good listing could not be believed."""
    with connection.cursor() as cursor:
        for app in apps:
            cursor.execute(
                _STALE, {"apps": [app.id], "since": app.previous or at, "reason": reason}
            )


def note_unchanged(apps: Collection[KnownApp], *, scope_id: UUID) -> None:
    """These were read in a scope and found as they were: believed again, and fresh by it.

    Nothing is written for those that are believed already and were read there before.
    """
    news = [app.id for app in apps if app.stale_since or app.scope_id != scope_id]
    if news:
        with connection.cursor() as cursor:
            cursor.execute(_BELIEVED, {"apps": news, "scope": scope_id})


def settle(app_ids: Collection[UUID]) -> None:
    """Believe these, whose readings count now, and the apps of scopes read for the first time.

    Until then each keeps the time of its last reading.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, [list(app_ids)])
