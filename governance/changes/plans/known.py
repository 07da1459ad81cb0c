"""What a plan rests on: who is on the apps in question, as last read, and what is under way."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import F

from governance.changes.addresses import key
from governance.changes.models import Change, State
from governance.connections.models import Connection
from governance.connections.models import State as ConnectionState
from governance.inventory.models import App, Collaboration, Coverage, Identity, Person, Role, Status


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody on an app now, or invited to it, as far as was read. The owner is one.

    `is_missing`: the last reading is without them, but whether they are gone is not settled.
    """

    email: str
    name: str
    collaborator_id: str
    person_id: UUID
    role: str
    status: str
    is_missing: bool = False

    @property
    def is_pending(self) -> bool:
        return self.status == Status.PENDING

    @property
    def may_deploy(self) -> bool:
        return self.role == Role.COLLABORATOR and self.status == Status.ACCEPTED


@dataclass(frozen=True, slots=True)
class Other:
    """A change that is under way: whose decision, and when.

    `set_for` is the time that was set for it, while Scalingo was told nothing of it.
    """

    by: str
    at: datetime
    batch_id: UUID
    set_for: datetime | None


@dataclass(slots=True)
class KnownApp:
    """One app. `read_at` is when its people were last believed; None if never.

    `teller` is the connection that may change who is on it; None when there is none. `readers` are
    the persons whose accounts connections read it with.
    """

    app: App
    read_at: datetime | None
    is_fresh: bool
    teller: UUID | None = None
    readers: frozenset[UUID] = frozenset()
    members: dict[str, Member] = field(default_factory=dict)  # by address key
    by_person: dict[UUID, Member] = field(default_factory=dict)
    by_id: dict[str, Member] = field(default_factory=dict)  # by collaborator id
    under_way: dict[str, Other] = field(default_factory=dict)  # by address key

    @property
    def deployers(self) -> set[str]:
        """The address keys of those who may deploy as last read, the owner not counted."""
        return {
            address
            for address, one in self.members.items()
            if one.may_deploy and not one.is_missing
        }

    def member(self, person_id: UUID | None, email: str) -> Member | None:
        """Who is meant by a person or an address. Whoever was read last goes before the missing."""
        found = self.by_person.get(person_id) if person_id else None
        same = self.members.get(key(email))
        return same if found is None or (found.is_missing and same) else found


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that a plan asks for: apps by id, and people by address key."""

    apps: Mapping[UUID, KnownApp]
    people: Mapping[str, Person]


def read(app_ids: Collection[UUID], emails: Iterable[str] = ()) -> Known:
    """What is known of these apps and addresses: eight queries, however many there are."""
    known = read_apps(app_ids)
    for change in _changes(known):
        batch = change.batch
        waits = change.state == State.WAITING and change.tells == 0
        known[change.app_id].under_way[change.address] = Other(
            str(batch.decided_by), batch.decided_at, batch.pk, batch.not_before if waits else None
        )
    return Known(known, _people(emails))


def read_apps(app_ids: Collection[UUID]) -> dict[UUID, KnownApp]:
    """The same of apps alone, without what is under way."""
    apps = {
        app.pk: app
        for app in App.objects.filter(pk__in=app_ids).select_related("region", "scope", "project")
    }
    read_until = dict(
        Coverage.objects.filter(
            latest=True, scope__in={app.scope_id for app in apps.values() if app.scope_id}
        ).values_list("scope_id", "until")
    )
    known = {pk: _known(app, read_until) for pk, app in apps.items()}
    for row in _open(apps):
        app_id, email, username, collaborator_id, person_id, role, status, missing_at = row
        of_app = known[app_id]
        member = Member(
            email,
            username or email,
            collaborator_id,
            person_id,
            role,
            status,
            is_missing=missing_at is not None,
        )
        of_app.members.setdefault(key(member.email), member)
        of_app.by_person.setdefault(member.person_id, member)
        of_app.by_id[member.collaborator_id] = member
    _name_tellers(known)
    return known


_Open = tuple[UUID, str, str, str, UUID, str, str, datetime | None]


def _open(apps: Collection[UUID]) -> Iterable[_Open]:
    """Everybody on these apps. Those missing come last, so that they hide nobody who was read."""
    found = Collaboration.objects.open().filter(app_id__in=apps)
    last = F("missing_at").asc(nulls_first=True)
    return found.order_by("app_id", last, "collaborator_id").values_list(
        "app_id", "person__email", "person__username", "collaborator_id", "person_id",
        "role", "status", "missing_at",
    )  # fmt: skip


def _changes(apps: Collection[UUID]) -> Iterable[Change]:
    found = Change.objects.open().filter(app_id__in=apps, held_back=False)
    return found.select_related("batch__decided_by")


def _known(app: App, read_until: Mapping[UUID, datetime]) -> KnownApp:
    read_at = app.stale_since or (read_until.get(app.scope_id) if app.scope_id else None)
    stale = app.stale_since or app.suspect_since or (app.scope and app.scope.stale_since)
    return KnownApp(app, read_at if app.digest else None, is_fresh=not stale)


def _people(emails: Iterable[str]) -> dict[str, Person]:
    asked = {variant for email in emails for variant in (email, key(email))}
    found = Person.objects.filter(email__in=asked, merged_into=None).order_by("-username")
    return {key(person.email): person for person in found}


# --- through whom Scalingo can be told ------------------------------------------------------------


def tellers(apps: Iterable[KnownApp]) -> dict[UUID, UUID]:
    """The connection to tell Scalingo through, by app; apps without one are left out.

    The owner's account first, then any full collaborator's. Those paused, refused or without an
    open token cannot tell anything.
    """
    working = Connection.objects.readable().filter(
        sealed_token__isnull=False,
        state__in=[ConnectionState.WORKING, ConnectionState.UNTESTED],
    )
    by_account = dict(working.values_list("account_id", "pk"))
    by_person = {
        person_id: by_account[account]
        for account, person_id in Identity.objects.filter(
            kind=Identity.Kind.USER_ID, value__in=by_account, ended_at=None
        ).values_list("value", "person_id")
    }
    found = {}
    for app in apps:
        able = [one for one in app.by_person.values() if one.person_id in by_person]
        owners = [one for one in able if one.role == Role.OWNER]
        full = [one for one in able if one.role in (Role.COLLABORATOR, Role.UNKNOWN)]
        app.readers = frozenset(one.person_id for one in able)
        if chosen := owners or full:
            found[app.app.pk] = by_person[chosen[0].person_id]
    return found


def _name_tellers(known: Mapping[UUID, KnownApp]) -> None:
    for app_id, connection_id in tellers(known.values()).items():
        known[app_id].teller = connection_id
