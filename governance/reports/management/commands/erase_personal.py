"""`python manage.py erase_personal ID…`: forget somebody, where the record keeps their name."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from governance.audit import queries as log
from governance.audit.actions import erase_personal
from governance.audit.events import Source
from governance.changes import queries as changes
from governance.facts.notes import erase_notes
from governance.inventory.queries import people as inventory
from governance.reports.two_factor.review import actions as reviews
from governance.reports.two_factor.review.queries import naming


class Command(BaseCommand):
    """Says what it concerns, and erases with `--apply`. The log keeps verifying.

    It stands here since it reaches down into every domain that keeps such a record: the audit log
    with what it says of changes, the reviews of 2FA, and notes about people.
    """

    help = "Erase what the audit log, reviews of 2FA and notes keep of somebody."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "who",
            nargs="+",
            type=_who,
            metavar="ID",
            help="of a user or person, as in the address of their page; of somebody invited who"
            " has none: their address",
        )
        parser.add_argument("--apply", action="store_true", help="do it, instead of showing it")

    def handle(self, *args: Any, **options: Any) -> None:
        ids = [one for one in options["who"] if isinstance(one, UUID)]
        addresses = [one for one in options["who"] if isinstance(one, str)]
        people = {*ids, *inventory.all_ids_of({*ids, *inventory.ids_known_by(addresses)})}
        things = _of_changes(people, addresses)
        if not options["apply"]:
            events = log.with_personal_part({*people, *things}).count()
            self.stdout.write(f"Events with a personal part: {events}. Erase it with --apply.")
            self.stdout.write(f"Rows in reviews of 2FA: {naming(people).count()}.")
            return
        given: dict[str, Any] = {"by": None, "source": Source.TERMINAL, "at": timezone.now()}
        with transaction.atomic():
            notes = erase_notes(people, at=given["at"])
            rows = reviews.forget(people, **given)
            erased = erase_personal({*people, *things}, **given)
        self.stdout.write(f"Events whose personal part is erased: {len(erased)}.")
        self.stdout.write(f"Rows in reviews of 2FA without a name now: {rows}.")
        self.stdout.write(f"Notes about them that are emptied: {notes}.")


def _of_changes(people: set[UUID], addresses: Sequence[str]) -> set[UUID]:
    """The changes about them, and the batches that are about nobody else."""
    theirs = changes.about(people, {*addresses, *inventory.addresses_of(people)})
    batches = changes.batches_of_nobody_else(theirs)
    return {
        *theirs.values_list("pk", flat=True),
        *batches.values_list("pk", flat=True),
    }


def _who(text: str) -> UUID | str:
    """An id, or an address. Raises `ValueError`."""
    return text.strip() if "@" in text else UUID(text)
