"""Add an account to read with."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.audit.events import Source
from governance.connections import actions, keys


class Command(BaseCommand):
    """Keeps the account's API token, sealed. A worker tries it before anything is read with it."""

    help = "Add a Scalingo account to read with. Asks for its API token."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--token-stdin",
            action="store_true",
            help="read the token from the first line of standard input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 0 < len(name) <= actions.LONGEST_NAME:
            raise CommandError(f"A name has 1 to {actions.LONGEST_NAME} characters.")
        try:
            connection = actions.add(
                name,
                _token(from_stdin=options["token_stdin"]),
                by=None,
                at=timezone.now(),
                source=Source.TERMINAL,
            )
        except (actions.NameTaken, actions.NotAToken, keys.NoKey) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{connection} was added. A worker tests it before it is used.")


def _token(*, from_stdin: bool) -> str:
    """The token; never an argument, which every user of the machine could read."""
    if from_stdin:
        return sys.stdin.readline()
    if not sys.stdin.isatty():
        raise CommandError("Nobody can be asked for a token here: use --token-stdin.")
    return getpass.getpass("API token: ")
