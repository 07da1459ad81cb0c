"""Read and apply what a region lists: its apps and its dedicated databases."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar

import msgspec
from django.db import connection
from django.utils.translation import gettext as _

from governance.inventory.models import App as InventoryApp
from governance.inventory.models import Scope
from governance.scalingo import App, Database, Listing, Problem, ScalingoError
from governance.sync import scopes
from governance.sync.apply import Difference, ListedApp, apply_apps
from governance.sync.apply.apps import Applied
from governance.sync.causes import ask_who
from governance.sync.context import Place
from governance.sync.rows import storable

T = TypeVar("T", App, Database)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a listing gave. `whole` is False where absence from it means nothing."""

    ids: frozenset[str]
    whole: bool
    created: frozenset[str] = frozenset()
    previous: datetime | None = None


NOTHING = Listed(frozenset(), whole=False)


def read_apps(place: Place) -> Listed:
    """The apps of a region: owned ones, and those where the account collaborates."""
    return _read(place, Scope.Kind.APPS, lambda: place.client.apps(place.api), _from_app)


def read_databases(place: Place) -> Listed:
    """The dedicated databases of a region; each is an app underneath."""
    return _read(
        place, Scope.Kind.DATABASES, lambda: place.client.databases(place.api), _from_database
    )


def look_up(place: Place, scalingo_id: str, reading: scopes.Reading) -> bool:
    """Ask once for an app that has collaborators and is in no listing. Whether there is one."""
    try:
        app = place.reader.one(lambda: place.client.app(place.api, scalingo_id))
    except ScalingoError:
        return False
    apply_listed(place, [_from_app(app)], reading)
    return True


def apply_listed(place: Place, apps: list[ListedApp], reading: scopes.Reading) -> Applied:
    """Write apps into the inventory, as `place` sees them."""
    applied = apply_apps(
        apps,
        region_id=place.region.pk,
        connection_id=place.connection.pk,
        account_id=place.connection.account_id,
        live_connections=place.context.live_connections,
        fence=reading.fence,
        previous=reading.previous,
        at=max(reading.at, place.context.clock()),
        who=lambda ids, changes: ask_who(place, ids, changes, keep=True),
    )
    place.context.count(Difference(applied.owners, []))
    return applied


def _read(
    place: Place,
    kind: Scope.Kind,
    ask: Callable[[], Listing[T]],
    convert: Callable[[T], ListedApp],
) -> Listed:
    reading = place.start(kind)
    scope = reading.scope
    try:
        listing = place.reader.one(ask)
    except ScalingoError as error:
        scopes.not_observed(scope, reason=error.code, detail=error.sentence, at=reading.at)
        place.failed(kind, error.code, error.sentence)
        raise_if_hopeless(error)
        return NOTHING
    with listing:
        apps = list({app.scalingo_id: app for app in map(convert, listing)}.values())
        problems = list(listing.problems)
    digest = _digest(apps, place)
    created: frozenset[str] = frozenset()
    if scope.stale_since or reading.digest != digest or _has_some_to_take_over(place, apps):
        applied = apply_listed(place, apps, reading)
        by_id = {pk: scalingo_id for scalingo_id, pk in applied.ids.items()}
        created = frozenset(by_id[pk] for pk in applied.created)
    if problems:
        place.context.not_understood += len(problems)
        detail = sentence_of(problems[0])
        scopes.not_observed(scope, reason="not_understood", detail=detail, at=reading.at)
        place.failed(kind, "not_understood", detail)
    else:
        scopes.observed(reading, digest)
    return Listed(
        frozenset(app.scalingo_id for app in apps),
        whole=not problems,
        created=created,
        previous=reading.previous,
    )


def raise_if_hopeless(error: ScalingoError) -> None:
    """Raise `error` again when nothing else of the connection can be read either."""
    if error.code in {"dead_token", "blocked"}:
        raise error


def sentence_of(problem: Problem) -> str:
    """What could not be believed, as a sentence for the page."""
    return _("A row of Scalingo's answer cannot be believed: {field} {why}.").format(
        field=problem.field or _("it"), why=problem.why
    )


# Apps that the connection they have does not list any more, and apps of this very account that
# another connection decided on while this one was paused.
_TO_TAKE_OVER = """
SELECT a.scalingo_id FROM inventory_app a
 WHERE a.region_id = %(region)s AND a.gone_at IS NULL
   AND (a.suspect_since IS NOT NULL
        OR (a.authority_id <> %(connection)s AND a.owner_id =
            (SELECT i.person_id FROM inventory_identity i
              WHERE i.kind = 'user_id' AND i.value = %(account)s AND i.ended_at IS NULL)))
"""


def _has_some_to_take_over(place: Place, apps: list[ListedApp]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            _TO_TAKE_OVER,
            {
                "region": place.region.pk,
                "connection": place.connection.pk,
                "account": place.connection.account_id,
            },
        )
        ids = {row[0] for row in cursor.fetchall()}
    return bool(ids) and any(app.scalingo_id in ids for app in apps)


def _digest(apps: Iterable[ListedApp], place: Place) -> bytes:
    # Which connection decides on an app depends on the others that we read with.
    total = blake2b(msgspec.json.encode(sorted(place.context.live_connections)), digest_size=32)
    for app in sorted(apps, key=lambda app: app.scalingo_id):
        total.update(msgspec.json.encode(app))
    return total.digest()


def _from_app(app: App) -> ListedApp:
    return ListedApp(
        scalingo_id=storable(app.id, 80),
        name=storable(app.name, 200),
        kind=InventoryApp.Kind.APP.value,
        parent_name=storable(app.parent_name, 200),
        project_scalingo_id=storable(app.project_id or "", 80),
        project_name=storable(app.project_name or "", 200),
        owner_id=storable(app.owner_id, 254),
        owner_email=storable(app.owner_email, 254),
        owner_username=storable(app.owner_username, 200),
        health_data=app.health_data,
        created_at=app.created_at,
    )


def _from_database(database: Database) -> ListedApp:
    return ListedApp(
        scalingo_id=storable(database.id, 80),
        name=storable(database.name, 200),
        kind=InventoryApp.Kind.DATABASE.value,
        project_scalingo_id=storable(database.project_id or "", 80),
        project_name=storable(database.project_name or "", 200),
        owner_id=storable(database.owner_id or "", 254),
        owner_email=storable(database.owner_email, 254),
        owner_username=storable(database.owner_username, 200),
        created_at=database.created_at,
    )
