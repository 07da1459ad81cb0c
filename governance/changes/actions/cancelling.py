"""Stop what Scalingo was not told yet."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit.events import Source
from governance.changes import permissions
from governance.changes.models import Change, State
from governance.changes.moves import move, save


class TooLate(Exception):
    """Nothing of what should be cancelled still waits: Scalingo is being told, or was."""

    def __init__(self) -> None:
        super().__init__(_("It is too late to cancel: Scalingo is being told, or was told."))


def cancel(change_ids: Collection[UUID], *, by: User, source: Source, at: datetime) -> list[Change]:
    """Cancel those that wait, and what follows them; returns what was cancelled.

    Those that do not wait any more stay as they are. Raises `TooLate` when none does, `Refused`.
    """
    permissions.may_cancel(by).enforce()
    with transaction.atomic():
        ids = {*change_ids, *_followers(change_ids)}
        waiting = list(
            Change.objects.select_for_update()
            .filter(pk__in=ids, state=State.WAITING, tells=0)
            .order_by("pk")
        )
        if not waiting:
            raise TooLate
        entries = []
        for change in waiting:
            change.cancelled_by, change.held_back = by, False
            entries.append(move(change, State.CANCELLED, at=at, by=by, source=source))
        save(waiting, entries)
    return waiting


def _followers(change_ids: Collection[UUID]) -> set[UUID]:
    return set(Change.objects.filter(follows__in=change_ids).values_list("pk", flat=True))
