"""Erase the names and addresses that the audit log keeps of somebody."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from governance.audit import actions
from governance.audit.events import Source
from governance.audit.models import Event, Personal


class Command(BaseCommand):
    """Says how many events it concerns, and erases with `--apply`. The log keeps verifying."""

    help = "Erase the names and addresses that the audit log keeps of somebody."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "id", nargs="+", type=UUID, help="of a user or person, as in the address of their page"
        )
        parser.add_argument("--apply", action="store_true", help="do it, instead of showing it")

    def handle(self, *args: Any, **options: Any) -> None:
        ids = options["id"]
        if not options["apply"]:
            count = _kept(ids).count()
            self.stdout.write(f"Events with a personal part: {count}. Erase it with --apply.")
            return
        erased = actions.erase_personal(ids, by=None, source=Source.TERMINAL, at=timezone.now())
        self.stdout.write(f"Events whose personal part is erased: {len(erased)}.")


def _kept(ids: list[UUID]) -> models.QuerySet[Personal]:
    about = Event.objects.filter(
        Q(actor_id__in=ids) | Q(target_id__in=ids) | Q(person_id__in=ids),
        commitment__isnull=False,
    )
    return Personal.objects.filter(sequence__in=about.values("sequence"), fields__isnull=False)
