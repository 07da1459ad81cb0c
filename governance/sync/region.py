"""One connection in one region: its listings, its owned apps, the others, those that vanished."""

from collections.abc import Iterable, Set
from dataclasses import replace
from uuid import UUID

from django.utils.translation import gettext as _

from governance.inventory.models import App, Scope
from governance.sync import scopes
from governance.sync.apply import ListedApp
from governance.sync.collaborators import read_owned, read_singly
from governance.sync.context import Place
from governance.sync.known import KnownApp, known_apps, mark_apps_stale
from governance.sync.listings import Listed, apply_listed, look_up, read_apps, read_databases
from governance.sync.suspects import is_unlisted, look_for_unlisted

# Apps that have collaborators and stand in no listing are asked for; more than this many in one
# sync mean that the answer is odd, not that the apps are.
_LOOK_UPS = 3


def sync_region(place: Place) -> None:
    """Read everything that this connection decides on in this region, and write what differs.

    What cannot be read is noted on its scope and on the step; the rest goes on. Raises a
    `ScalingoError` only when nothing else of the connection can be read either.
    """
    apps = read_apps(place)
    databases = read_databases(place)
    known = _known(place, apps, databases)
    place.step.total = len(known)
    place.context.progress.tick()
    # What a whole listing no longer names is looked for by itself: nobody of it is missed here.
    unlisted = {app_id for app_id, app in known.items() if is_unlisted(app, apps, databases)}
    known |= _not_read_there(place, [known[app_id] for app_id in unlisted], reason="not_listed")
    there = {app_id: app for app_id, app in known.items() if app_id not in unlisted}
    there |= _not_read_there(
        place,
        [app for app in there.values() if not _is_read_here(place, app)],
        reason="read_otherwise",
    )
    owned = {app_id: app for app_id, app in there.items() if _is_owned(place, app)}
    maybe = {app_id: app for app_id, app in there.items() if app.owner_user_id is None}
    claimed = read_owned(place, owned, maybe)
    reading = place.start(Scope.Kind.APPS)
    _claim(place, [known[app_id] for app_id in sorted(claimed.owned)], reading)
    _set_aside(place, claimed.unknown & known.keys())
    _look_up(place, sorted(claimed.unknown - known.keys()), reading)
    others = {
        app_id: app
        for app_id, app in there.items()
        if app_id not in owned and app_id not in claimed.owned
    }
    read_singly(place, others.values())
    scopes.retire(place.connection.pk, place.region, set(others), at=reading.at)
    look_for_unlisted(place, known, apps, databases, reading)


def read_some(place: Place, app_ids: Set[UUID]) -> None:
    """Read only these apps, each by itself, whoever owns them.

    Where they are otherwise read in a listing of many, a late answer of that listing is refused
    from now on.
    """
    known = known_apps(place.region.pk, place.connection.pk)
    wanted = {app_id: app for app_id, app in known.items() if app.id in app_ids}
    place.step.total = len(wanted)
    listed = [app for app in wanted.values() if app.scope_kind != Scope.Kind.APP]
    if any(app.scope_kind == Scope.Kind.COLLABORATORS for app in listed):
        place.start(Scope.Kind.COLLABORATORS).enforce()
    wanted |= _not_read_there(place, listed, reason="read_otherwise")
    read_singly(place, wanted.values())


def _known(place: Place, apps: Listed, databases: Listed) -> dict[str, KnownApp]:
    """What is known of the region's apps; whoever is on a just created one came since we looked."""
    known = known_apps(place.region.pk, place.connection.pk)
    for listed in (apps, databases):
        for app_id in listed.created & known.keys():
            if known[app_id].previous is None:
                known[app_id] = replace(known[app_id], previous=listed.previous)
    return known


def _is_owned(place: Place, app: KnownApp) -> bool:
    return app.owner_user_id == place.connection.account_id


def _is_read_here(place: Place, app: KnownApp) -> bool:
    """Whether an app was last read in the scope that it is about to be read in."""
    kind = Scope.Kind.COLLABORATORS if _is_owned(place, app) else Scope.Kind.APP
    return (app.scope_kind, app.scope_connection_id) == (kind, place.connection.pk)


def _not_read_there(place: Place, apps: Iterable[KnownApp], *, reason: str) -> dict[str, KnownApp]:
    """Note that the scope these apps were read in says nothing of them any more.

    It may be read without them now; they stay as fresh as when they were read themselves. Returns
    them as they are known then.
    """
    fresh = [app for app in apps if app.previous and not app.stale_since]
    mark_apps_stale(fresh, reason=reason, at=place.context.clock())
    return {app.scalingo_id: replace(app, stale_since=app.previous) for app in fresh}


def _claim(place: Place, apps: list[KnownApp], reading: scopes.Reading) -> None:
    """Note the owner of apps that no listing gives one, and that the account's listing has."""
    connection = place.connection
    listed = [
        ListedApp(
            scalingo_id=app.scalingo_id,
            name=app.name,
            kind=app.kind,
            owner_id=connection.account_id,
            owner_email=connection.account_email,
            owner_username=connection.account_username,
        )
        for app in apps
        if app.owner_user_id is None
    ]
    if listed:
        apply_listed(place, listed, reading)


def _set_aside(place: Place, app_ids: Set[str]) -> None:
    """Say that the listing of all has rows of apps that the account does not own."""
    place.context.not_understood += len(app_ids)
    if app_ids:
        place.failed(
            Scope.Kind.COLLABORATORS,
            "foreign_rows",
            _("Scalingo names collaborators of apps that this account does not own; set aside."),
        )


def _look_up(place: Place, unknown: list[str], reading: scopes.Reading) -> None:
    for app_id in unknown[:_LOOK_UPS]:
        if App.objects.filter(region=place.region, scalingo_id=app_id).exists():
            continue
        if not look_up(place, app_id, reading):
            place.failed(
                Scope.Kind.COLLABORATORS,
                "unknown_app",
                _("Scalingo names collaborators of an app that it does not list; set aside."),
            )
    place.context.not_understood += len(unknown)
