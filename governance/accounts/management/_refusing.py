"""Refusals at the terminal: they leave an event, as those on a page do."""

from datetime import datetime
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from governance.accounts.models import User
from governance.audit.actions import record_refusal
from governance.audit.events import Source
from governance.core.verdict import Verdict


def name_of(command: BaseCommand) -> str:
    """As it is typed."""
    return type(command).__module__.rpartition(".")[2]


def enforce(
    verdict: Verdict,
    *,
    by: User,
    at: datetime,
    command: str,
    app_id: UUID | None = None,
    person_id: UUID | None = None,
) -> None:
    """Raises `CommandError` with the reason, once it is on record who was refused what."""
    if verdict:
        return
    record_refusal(
        "user.refused",
        by=by,
        source=Source.TERMINAL,
        at=at,
        app_id=app_id,
        person_id=person_id,
        data={"command": command},
    )
    raise CommandError(verdict.reason)
