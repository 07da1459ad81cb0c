"""Bring every token under the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from governance.connections import actions, keys, sealing


class Command(BaseCommand):
    """Opens what was sealed for an older key and seals it for the one of now.

    Needs all the private keys, so run it where a worker runs. When it has been applied, the older
    private keys are of no use any more and can be taken out of SEALING_PRIVATE_KEY.
    """

    help = "Seal tokens that were sealed for an older key again. Says what it would do; --apply."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="do it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                count = actions.reseal(at=timezone.now())
                if not options["apply"]:
                    transaction.set_rollback(True)
        except keys.NoKey as error:
            raise CommandError(str(error)) from None
        except sealing.CannotOpen:
            raise CommandError(
                "A token was sealed for a key that is not in SEALING_PRIVATE_KEY."
                " Nothing was changed."
            ) from None
        self.stdout.write(_sentence(count, applied=options["apply"]))


def _sentence(count: int, *, applied: bool) -> str:
    tokens = "1 token" if count == 1 else f"{count} tokens"
    if not count:
        return "Every token is sealed for the newest key."
    return (
        f"{tokens} sealed again." if applied else f"{tokens} to seal again. Add --apply to do it."
    )
