"""Apps that are no longer listed: suspect first, gone only when Scalingo has said so three times.

An app missing from a listing may have been deleted, hidden from us, or left out by mistake. Only
three readings over a day, each with Scalingo's own "no such app", end what was known of it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from governance.audit.actions import record_many
from governance.audit.events import Entry, Source
from governance.inventory.models import App, AppPeriod, Collaboration
from governance.scalingo import NotFound, ScalingoError
from governance.sync.apply import AppChange, End
from governance.sync.context import Place
from governance.sync.known import KnownApp
from governance.sync.listings import Listed, raise_if_hopeless
from governance.sync.scopes import Reading

READINGS = 3
OVER = timedelta(hours=24)
_APART = OVER / (READINGS - 1)


def look_for_unlisted(
    place: Place, known: dict[str, KnownApp], apps: Listed, databases: Listed, reading: Reading
) -> None:
    """Say so of each app that its whole listing does not name; ask for it, at most twice a day."""
    for app in known.values():
        if not is_unlisted(app, apps, databases):
            continue
        place.failed(app.name, "not_listed", _("Scalingo no longer lists this app."))
        if app.suspect_read_at is None or reading.at - app.suspect_read_at >= _APART:
            _ask(place, app, reading)


def is_unlisted(app: KnownApp, apps: Listed, databases: Listed) -> bool:
    """Whether a whole listing has been read that should name `app`, and none does."""
    listed = apps if app.kind == App.Kind.APP else databases
    return listed.whole and app.scalingo_id not in apps.ids | databases.ids


def _ask(place: Place, app: KnownApp, reading: Reading) -> None:
    try:
        place.reader.one(lambda: place.client.app(place.api, app.scalingo_id))
    except NotFound as error:
        gone = error.resource == "app"
    except ScalingoError as error:
        raise_if_hopeless(error)
        gone = False
    else:
        gone = False
    since = app.suspect_since or reading.at
    readings = app.suspect_readings + 1 if gone else 0
    App.objects.filter(pk=app.id).update(
        suspect_since=since, suspect_readings=readings, suspect_read_at=reading.at
    )
    if readings >= READINGS and reading.at - since >= OVER:
        place.context.may_be_gone.add(app.id)
        place.context.staged += _all_of(app, reading)


def _all_of(app: KnownApp, reading: Reading) -> list[End]:
    """The end of everybody on an app, its owner included."""
    rows = Collaboration.objects.open().filter(app_id=app.id).select_related("person")
    return [
        End(
            change=AppChange(
                what="ended",
                app_id=app.id,
                collaborator_id=row.collaborator_id,
                collaboration_id=row.pk,
                person_id=row.person_id,
                old_person_id=row.person_id,
                role=row.role,
                old_role=row.role,
                status=row.status,
                old_status=row.status,
                email=row.person.email,
                username=row.person.username,
                previous=app.previous,
                missing_after=row.missing_after,
                # Three readings have confirmed it already.
                missing_at=row.missing_at or app.suspect_since,
            ),
            seen_at=reading.at,
            fence=reading.fence,
        )
        for row in rows
    ]


def bury(app_ids: set[UUID], *, at: datetime) -> int:
    """Note that these apps are gone, as far as nobody is left on them. How many are."""
    if not app_ids:
        return 0
    with transaction.atomic():
        gone = list(
            App.objects.select_for_update()
            .filter(pk__in=app_ids, gone_at=None)
            .exclude(collaborations__ended_at=None)
        )
        for app in gone:
            # Should it ever be listed again, it is read as if for the first time.
            App.objects.filter(pk=app.pk).update(gone_at=at, changed_at=at, digest=None)
            AppPeriod.objects.filter(app=app, ended_at=None).update(
                ended_after=app.suspect_since, ended_at=at
            )
        record_many(
            Entry(
                kind="platform.app_gone",
                at=at,
                source=Source.PLATFORM,
                actor_kind="unknown",
                target_kind="inventory.app",
                target_id=app.pk,
                app_id=app.pk,
                data={"name": app.name},
            )
            for app in gone
        )
    return len(gone)
