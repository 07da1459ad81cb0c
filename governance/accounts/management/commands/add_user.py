"""Let somebody sign in here."""

import getpass
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.accounts import actions
from governance.accounts.models import Role
from governance.audit.events import Source


class Command(BaseCommand):
    """Adds a person with a password, which is asked for or read from standard input.

    Somebody added without `--role` can sign in and sees a page that says so.
    """

    help = "Let somebody sign in here. Asks for the password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--role", action="append", default=[], choices=Role.values, help="may be repeated"
        )
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the first line of standard input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = actions.add_user(
                options["email"],
                name=options["name"],
                roles=options["role"],
                password=_password(from_stdin=options["password_stdin"]),
                by=None,
                source=Source.TERMINAL,
                at=timezone.now(),
            )
        except actions.AlreadyExists as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        roles = ", ".join(user.roles) or "no role yet"
        self.stdout.write(f"{user} may sign in as {user.email}: {roles}.")


def _password(*, from_stdin: bool) -> str:
    """The password; never an argument, which every user of the machine could read."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandError("Nobody can be asked for a password here: use --password-stdin.")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password again: "):
        raise CommandError("The two passwords differ.")
    return password
