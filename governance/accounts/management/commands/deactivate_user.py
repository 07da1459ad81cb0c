"""Take the right to sign in from somebody, or give it back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.accounts import actions
from governance.accounts.management import _changing
from governance.audit.events import Source


class Command(BaseCommand):
    """Ends somebody's sign-in and open sessions. Shows what it would do; `--apply` does it."""

    help = "Take the right to sign in from somebody, or give it back."

    def add_arguments(self, parser: CommandParser) -> None:
        _changing.add_arguments(parser)
        parser.add_argument("--undo", action="store_true", help="give the right back")

    def handle(self, *args: Any, **options: Any) -> None:
        user = _changing.found(options["email"])
        may = "may sign in again" if options["undo"] else "may no longer sign in"
        if not options["apply"]:
            self.stdout.write(f"From then on {user} {may}. Do it with --apply.")
            return
        try:
            actions.set_active(
                user,
                active=options["undo"],
                by=None,
                source=Source.TERMINAL,
                at=timezone.now(),
            )
        except actions.NothingToChange as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{user} {may}.")
