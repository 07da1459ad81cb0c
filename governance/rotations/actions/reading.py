"""Read what open duties are about, from what the sweep's budget has left, the oldest first.

Names of variables and database users once, events again and again; what could not be read is tried
again later, and says so. Nothing waits for the budget here: whatever it has not left is read the
next time.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from governance.connections.clients import TokenUnavailable
from governance.inventory.models import App
from governance.rotations.actions.asking import Answers, ask
from governance.rotations.actions.noting import note
from governance.rotations.models import Duty
from governance.scalingo import ScalingoError
from governance.sync.beside import Clients, a_sync_is_due, left_of_the_budget
from governance.sync.context import ClientFactory
from governance.sync.engine import sweeping

# Well within the 72 hours of events that Scalingo tells.
EVERY = timedelta(hours=6)
AGAIN = timedelta(hours=1)  # after something could not be read
LEASE = timedelta(minutes=10)  # while one worker reads, no other does
# An exchange, the regions, names, add-ons, a database's token and users, events; and some to spare.
REQUESTS_PER_APP = 10
# In one go, however much budget there is: a task must end.
MOST_APPS = 50
MOST_SECONDS = 10 * 60


def read_due(
    *,
    clock: Callable[[], datetime],
    client_for: ClientFactory | None = None,
    left: Callable[[], int] | None = None,
) -> int:
    """Read for the duties that are due, and return of how many apps something was asked.

    `left` says how many requests a sweep may still make this minute. A sync that waits or runs
    comes first.
    """
    left = left or left_of_the_budget
    if not Duty.objects.filter(next_read_at__lte=clock()).exists():
        return 0
    done, stop_at = 0, time.monotonic() + MOST_SECONDS
    with Clients(client_for or sweeping()) as clients:
        while done < MOST_APPS and time.monotonic() < stop_at:
            if a_sync_is_due() or left() < REQUESTS_PER_APP:
                break
            app_id = _claim(clock())
            if app_id is None:
                break
            _read(app_id, clients, clock)
            done += 1
    return done


@transaction.atomic
def _claim(at: datetime) -> UUID | None:
    """The app of the oldest duty that is due, now ours for a while: its other duties come along."""
    due = Duty.objects.filter(next_read_at__lte=at).order_by("opened_at", "pk")
    first = due.select_for_update(skip_locked=True).first()
    if first is None:
        return None
    Duty.objects.filter(app=first.app_id, next_read_at__isnull=False).update(
        next_read_at=at + LEASE
    )
    return first.app_id


def _read(app_id: UUID, clients: Clients, clock: Callable[[], datetime]) -> None:
    app = App.objects.select_related("region", "scope").get(pk=app_id)
    if app.gone_at is not None:
        Duty.objects.filter(app=app).update(next_read_at=None)
        return
    duties = list(Duty.objects.filter(app=app, next_read_at__isnull=False))
    try:
        opened = clients.of(app)
    except (ScalingoError, TokenUnavailable) as error:
        answers = Answers.none(str(error), at=clock())
    else:
        answers = ask(opened, app, duties, clock) if opened else _nobody(clock())
        if answers.hopeless and answers.connection_id:
            clients.give_up(answers.connection_id, answers.hopeless)
    note(app, answers, every=EVERY, again=AGAIN)


def _nobody(at: datetime) -> Answers:
    return Answers.none(_("No connection that is read with can see this app."), at=at)
