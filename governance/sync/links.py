"""Read who links each app to its source code, from what syncs leave of the budget, oldest first.

A link is asked for one app at a time, so it is never a part of a sync. What could not be read is
tried again later; until it is, nobody is said to be the linker, nor that there is none.
"""

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from governance.connections.clients import TokenUnavailable
from governance.connections.models import Connection
from governance.inventory.models import App
from governance.scalingo import ScalingoError
from governance.sync.apply import apply_link
from governance.sync.beside import Clients, a_sync_is_due, is_hopeless, left_of_the_budget
from governance.sync.context import ClientFactory
from governance.sync.engine import sweeping

EVERY = timedelta(days=1)
AGAIN = timedelta(hours=1)  # after it could not be read; no other worker asks meanwhile
# What open rotations need for one app is left to them.
KEPT = 10
# In one go: the schedule comes each minute, and others wait for this process.
MOST_SECONDS = 45


def read_due(
    *,
    clock: Callable[[], datetime] = timezone.now,
    client_for: ClientFactory | None = None,
    left: Callable[[], int] | None = None,
) -> int:
    """Read the links that are due, and return of how many apps it was asked.

    `left` says how many requests a sweep may still make this minute. A sync that waits or runs
    comes first.
    """
    left = left or left_of_the_budget
    done, stop_at = 0, time.monotonic() + MOST_SECONDS
    in_vain: set[UUID] = set()
    with Clients(client_for or sweeping()) as clients:
        while time.monotonic() < stop_at and not a_sync_is_due() and left() >= KEPT:
            at = clock()
            app = _claim(at, without=in_vain)
            if app is None:
                break
            if not _read(app, clients, at) and app.authority_id:
                in_vain.add(app.authority_id)
            done += 1
    return done


@transaction.atomic
def _claim(at: datetime, *, without: Collection[UUID]) -> App | None:
    """The app whose link was read longest ago, of those that are due; now ours for a while."""
    missed = Q(scm_read_at=None) | Q(scm_read_at__lt=F("scm_asked_at"))
    due = (
        Q(scm_asked_at=None)
        | Q(scm_asked_at__lte=at - EVERY)
        | missed & Q(scm_asked_at__lte=at - AGAIN)
    )
    readable = Connection.objects.readable().exclude(pk__in=without).values("pk")
    apps = App.objects.listed().filter(
        due, kind=App.Kind.APP, suspect_since=None, authority_id__in=readable
    )
    first = (
        apps.select_related("region", "scope")
        .select_for_update(of=["self"], skip_locked=True)
        .order_by(
            F("scm_read_at").asc(nulls_first=True), F("scm_asked_at").asc(nulls_first=True), "pk"
        )
        .first()
    )
    if first is not None:
        App.objects.filter(pk=first.pk).update(scm_asked_at=at)
    return first


def _read(app: App, clients: Clients, at: datetime) -> bool:
    """Ask for one link and write it. False where asking its connection for more is in vain.

    A link whose account is not named stays unknown.
    """
    try:
        opened = clients.of(app)
    except (ScalingoError, TokenUnavailable):
        return False
    if opened is None:
        return True
    try:
        linker = opened.client.scm_linker(opened.region, app.scalingo_id)
    except ScalingoError as error:
        return not is_hopeless(error)
    if linker is None or linker.id:
        apply_link(app.pk, linker, at=at)
    return True
