"""Write who links an app to its source code."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from governance.inventory.models import App, Identity, LastChange, Person, TwoFactorPeriod
from governance.scalingo import Linker
from governance.sync.rows import storable


def apply_link(app_id: UUID, linker: Linker | None, *, at: datetime) -> None:
    """Write what was read at `at`, unless something later is known. None: nobody links the app."""
    person_id = _person(linker, at=at) if linker else None
    older = Q(scm_read_at=None) | Q(scm_read_at__lt=at)
    App.objects.filter(older, pk=app_id).update(scm_linker=person_id, scm_read_at=at)


def _person(linker: Linker, *, at: datetime) -> UUID:
    """Whoever has this account. Who is on no app that we know becomes a person all the same."""
    account = storable(linker.id, 254)
    known = Identity.objects.filter(kind=Identity.Kind.USER_ID, value=account, ended_at=None)
    found = known.values_list("person_id", flat=True).first()
    if found is None:
        try:
            found = _make(account, linker, at=at)
        except IntegrityError:  # a sync was first
            found = known.values_list("person_id", flat=True).get()
    return found


@transaction.atomic
def _make(account: str, linker: Linker, *, at: datetime) -> UUID:
    email, username = storable(linker.email, 254), storable(linker.username, 200)
    person = Person.objects.create(email=email, username=username, first_seen_at=at)
    LastChange.objects.create(person=person, at=at)
    TwoFactorPeriod.objects.create(person=person, value=person.two_factor, started_at=at)
    named = [
        (Identity.Kind.USER_ID, account),
        (Identity.Kind.CONTACT, email),
        (Identity.Kind.USERNAME, username),
    ]
    Identity.objects.bulk_create(
        Identity(person=person, kind=kind, value=value, started_at=at)
        for kind, value in named
        if value
    )
    return person.pk
