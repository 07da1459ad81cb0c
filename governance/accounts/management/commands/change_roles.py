"""Give somebody other roles."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.accounts import actions
from governance.accounts.management import _changing
from governance.accounts.models import Role
from governance.audit.events import Source


class Command(BaseCommand):
    """Replaces the roles of a person. Shows what it would do, and does it with `--apply`."""

    help = "Give somebody exactly these roles; none at all without --role."

    def add_arguments(self, parser: CommandParser) -> None:
        _changing.add_arguments(parser)
        parser.add_argument(
            "--role", action="append", default=[], choices=Role.values, help="may be repeated"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = _changing.found(options["email"])
        before = ", ".join(user.roles) or "no role"
        if not options["apply"]:
            after = ", ".join(options["role"]) or "no role"
            self.stdout.write(f"{user} has {before} and would have {after}. Do it with --apply.")
            return
        try:
            user = actions.change_roles(
                user, options["role"], by=None, source=Source.TERMINAL, at=timezone.now()
            )
        except actions.NothingToChange as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{user} had {before} and now has {', '.join(user.roles) or 'no role'}.")
