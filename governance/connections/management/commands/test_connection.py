"""Try the token of a connection from here."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.audit.events import Source
from governance.connections import actions
from governance.connections.models import Connection, State

_GOOD = {actions.Outcome.WORKS, actions.Outcome.NOTHING_TO_DO}


class Command(BaseCommand):
    """Does what a worker would do, and says what Scalingo said.

    Needs the private key. The token given last is tried, else the one in use once more.
    """

    help = "Ask Scalingo whether a connection's token works."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = Connection.objects.filter(name__iexact=options["name"].strip()).first()
        if connection is None:
            raise CommandError(f"There is no connection called {options['name']}.")
        now = timezone.now()
        if not connection.waits_for_a_test:
            actions.ask_for_test(connection, by=None, at=now, source=Source.TERMINAL)
        outcome = actions.test(connection.pk, at=now, source=Source.TERMINAL)
        connection.refresh_from_db()
        # A worker may have been quicker: then its answer counts.
        if connection.state != State.WORKING or outcome not in _GOOD:
            raise CommandError(f"{connection}: {connection.said}")
        self.stdout.write(f"{connection} reads as {connection.account_email}: it works.")
