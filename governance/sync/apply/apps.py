"""Keep the list of apps, their names, projects and owners, as a listing of a region has them.

Owners are collaborations of ours ("owner"), because Scalingo never lists them among the
collaborators.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from governance.audit.actions import record_many
from governance.audit.events import Entry, Source
from governance.inventory.models import Collaboration, Role, Status, TwoFactor
from governance.sync.apply.collaborations import NO_CAUSES, Causes, write_changes
from governance.sync.apply.compare import APPS_PER_BATCH, AppChange, Batch, find_changes
from governance.sync.fencing import Fence

# Who made these changes; the apps' Scalingo ids, by ours.
Who = Callable[[Mapping[UUID, str], Sequence[AppChange]], Causes]


@dataclass(frozen=True, slots=True)
class ListedApp:
    """An app or dedicated database as a listing names it. Empty text: it was not said."""

    scalingo_id: str
    name: str
    kind: str
    parent_name: str = ""
    project_scalingo_id: str = ""
    project_name: str = ""
    owner_id: str = ""
    owner_email: str = ""
    owner_username: str = ""
    health_data: bool | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a listing gave: our ids by Scalingo's, which of them are new, owners changed.

    `created` are the new ones that Scalingo made since the last listing: whoever is on them came
    after it. The others were there before we could see them.
    """

    ids: Mapping[str, UUID]
    new: frozenset[UUID]
    created: frozenset[UUID]
    owners: list[AppChange]


_TABLE = """
CREATE TEMP TABLE IF NOT EXISTS listed (
    scalingo_id text NOT NULL, name text NOT NULL, kind text NOT NULL, parent_name text NOT NULL,
    project_scalingo_id text NOT NULL, project_name text NOT NULL, health_data boolean,
    owned_by_authority boolean NOT NULL
);
TRUNCATE listed;
"""

_PROJECTS = """
INSERT INTO inventory_project (id, region_id, scalingo_id, name)
SELECT DISTINCT ON (project_scalingo_id)
       gen_random_uuid(), %(region)s, project_scalingo_id, project_name
  FROM listed WHERE project_scalingo_id <> ''
 ORDER BY project_scalingo_id, project_name
ON CONFLICT (region_id, scalingo_id) DO UPDATE SET name = EXCLUDED.name
 WHERE inventory_project.name <> EXCLUDED.name AND EXCLUDED.name <> ''
"""

_CHANGED = """
CREATE TEMP TABLE moved ON COMMIT DROP AS
SELECT a.id, a.name AS old_name, l.name, a.project_id AS old_project, p.id AS project
  FROM listed l
  JOIN inventory_app a ON a.region_id = %(region)s AND a.scalingo_id = l.scalingo_id
  LEFT JOIN inventory_project p
    ON p.region_id = %(region)s AND p.scalingo_id = l.project_scalingo_id
 WHERE a.gone_at IS NULL AND (a.name <> l.name
    OR (l.project_scalingo_id <> '' AND a.project_id IS DISTINCT FROM p.id))
"""

# An app keeps the authority it has unless the owner's own connection lists it, or the one it has
# does not any more: only its authority's readings may end anything.
_UPSERT = """
INSERT INTO inventory_app
       (id, region_id, scalingo_id, name, kind, parent_name, project_id, health_data,
        authority_id, stale_reason, suspect_readings, first_seen_at, changed_at)
SELECT gen_random_uuid(), %(region)s, l.scalingo_id, l.name, l.kind, l.parent_name, p.id,
       l.health_data, %(connection)s, '', 0, %(at)s, %(at)s
  FROM listed l LEFT JOIN inventory_project p
    ON p.region_id = %(region)s AND p.scalingo_id = l.project_scalingo_id
ON CONFLICT (region_id, scalingo_id) DO UPDATE
   SET name = EXCLUDED.name, parent_name = EXCLUDED.parent_name,
       kind = CASE WHEN EXCLUDED.kind = 'database' THEN EXCLUDED.kind ELSE inventory_app.kind END,
       project_id = COALESCE(EXCLUDED.project_id, inventory_app.project_id),
       health_data = COALESCE(EXCLUDED.health_data, inventory_app.health_data),
       authority_id = CASE WHEN EXCLUDED.scalingo_id IN
                           (SELECT scalingo_id FROM listed WHERE owned_by_authority)
                           OR inventory_app.authority_id IS NULL
                           OR inventory_app.authority_id <> ALL(%(live)s::uuid[])
                           OR inventory_app.suspect_since IS NOT NULL
                      THEN EXCLUDED.authority_id ELSE inventory_app.authority_id END,
       suspect_since = NULL, suspect_readings = 0, suspect_read_at = NULL, gone_at = NULL,
       changed_at = CASE WHEN inventory_app.name <> EXCLUDED.name
                           OR EXCLUDED.project_id IS DISTINCT FROM inventory_app.project_id
                         THEN EXCLUDED.changed_at ELSE inventory_app.changed_at END
"""

_PERIODS = """
UPDATE inventory_appperiod p
   SET ended_after = GREATEST(p.started_at, %(previous)s),
       ended_at = GREATEST(p.started_at + interval '1 microsecond', %(at)s)
  FROM moved m WHERE p.app_id = m.id AND p.ended_at IS NULL;
INSERT INTO inventory_appperiod (app_id, name, project_id, started_after, started_at)
SELECT a.id, a.name, a.project_id, %(previous)s, %(at)s
  FROM listed l JOIN inventory_app a
    ON a.region_id = %(region)s AND a.scalingo_id = l.scalingo_id
 WHERE NOT EXISTS (SELECT 1 FROM inventory_appperiod p
                    WHERE p.app_id = a.id AND p.ended_at IS NULL);
"""

_IDS = """
SELECT a.scalingo_id, a.id, a.first_seen_at = %(at)s
  FROM listed l JOIN inventory_app a
    ON a.region_id = %(region)s AND a.scalingo_id = l.scalingo_id
"""

_OWNERS = """
UPDATE inventory_app a SET owner_id = c.person_id
  FROM inventory_collaboration c JOIN incoming b ON b.app_id = c.app_id
 WHERE b.what = 'app' AND a.id = c.app_id AND c.collaborator_id = 'owner' AND c.ended_at IS NULL
   AND a.owner_id IS DISTINCT FROM c.person_id
"""


def apply_apps(
    listed: Sequence[ListedApp],
    *,
    region_id: UUID,
    connection_id: UUID,
    account_id: str,
    live_connections: Sequence[UUID],
    fence: Fence,
    previous: datetime | None,
    at: datetime,
    who: Who = lambda *_: NO_CAUSES,
) -> Applied:
    """Write a listing: new apps, names, projects, owners. Nothing ends here.

    `who` is asked, outside any transaction, who gave an app to another owner. Raises `Fenced`
    when a newer listing was applied meanwhile.
    """
    names: dict[str, Any] = {
        "region": region_id,
        "connection": connection_id,
        "live": list(live_connections),
        "previous": previous,
        "at": at,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        fence.enforce(cursor)
        _copy(cursor, listed, account_id)
        for statement in (_PROJECTS, _CHANGED, _UPSERT, _PERIODS, _IDS):
            cursor.execute(statement, names)
        found = cursor.fetchall()
        ids = {scalingo_id: pk for scalingo_id, pk, _ in found}
        new = frozenset(pk for _, pk, is_new in found if is_new)
        created = frozenset(
            ids[app.scalingo_id]
            for app in listed
            if previous and app.created_at and app.created_at > previous
        )
        record_many(_entries(cursor, new if previous else frozenset(), at))
    changes: list[AppChange] = []
    owned = [app for app in listed if app.owner_id and app.scalingo_id in ids]
    for start in range(0, len(owned), APPS_PER_BATCH):
        batch = owned[start : start + APPS_PER_BATCH]
        changes += _apply_owners(
            batch, ids, new - created, fence=fence, previous=previous, at=at, who=who
        )
    return Applied(ids=ids, new=new, created=new & created, owners=changes)


def _copy(cursor: CursorWrapper, listed: Sequence[ListedApp], account_id: str) -> None:
    cursor.execute(_TABLE)
    with cursor.copy("COPY listed FROM STDIN") as copy:
        for app in listed:
            copy.write_row(
                (
                    app.scalingo_id,
                    app.name,
                    app.kind,
                    app.parent_name,
                    app.project_scalingo_id,
                    app.project_name,
                    app.health_data,
                    app.owner_id == account_id,
                )
            )


def _entries(cursor: CursorWrapper, new: frozenset[UUID], at: datetime) -> list[Entry]:
    cursor.execute("SELECT id, old_name, name, old_project, project FROM moved ORDER BY id")
    entries = []
    for pk, old_name, name, old_project, project in cursor.fetchall():
        if name != old_name:
            entries.append(
                _entry("platform.app_renamed", pk, at, {"before": old_name, "after": name})
            )
        if project and project != old_project:
            moved = {"before": str(old_project or ""), "after": str(project)}
            entries.append(_entry("platform.app_moved", pk, at, moved))
    if new:
        cursor.execute(
            "SELECT id, name FROM inventory_app WHERE id = ANY(%s) ORDER BY name", [list(new)]
        )
        entries += [
            _entry("platform.app_listed", pk, at, {"name": name}) for pk, name in cursor.fetchall()
        ]
    return entries


def _entry(kind: str, app_id: UUID, at: datetime, data: dict[str, str]) -> Entry:
    return Entry(
        kind=kind,
        at=at,
        source=Source.PLATFORM,
        actor_kind="unknown",
        target_kind="inventory.app",
        target_id=app_id,
        app_id=app_id,
        data=data,
    )


def _apply_owners(
    apps: Sequence[ListedApp],
    ids: Mapping[str, UUID],
    first_read: frozenset[UUID],
    *,
    fence: Fence,
    previous: datetime | None,
    at: datetime,
    who: Who,
) -> list[AppChange]:
    batches = [
        Batch(
            ids[app.scalingo_id],
            digest=None,
            previous=None if ids[app.scalingo_id] in first_read else previous,
        )
        for app in apps
    ]
    rows = [(ids[app.scalingo_id], _owner_row(app), None) for app in apps]
    # The listing of apps says nothing of 2FA.
    found = replace(find_changes(batches, rows, at=at), two_factor=[])
    given = [change for change in found.changes if change.what == "changed"]
    by_id = {ids[app.scalingo_id]: app.scalingo_id for app in apps}
    causes = who(by_id, given) if given else NO_CAUSES
    write_changes(
        found,
        fence=fence,
        scope_id=None,
        at=at,
        causes=causes,
        also=lambda cursor: cursor.execute(_OWNERS),
    )
    return found.changes


def _owner_row(app: ListedApp) -> tuple[str, ...]:
    return (
        Collaboration.OWNER_ID,
        "user_id",
        app.owner_id,
        app.owner_email,
        app.owner_username,
        Role.OWNER.value,
        Status.ACCEPTED.value,
        "",
        TwoFactor.UNKNOWN.value,
    )
