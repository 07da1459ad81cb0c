"""Let a viewer see some projects only, or everything."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.accounts import actions
from governance.accounts.management import _changing
from governance.accounts.models import User
from governance.audit.events import Source


class Command(BaseCommand):
    """Replaces the scope of a person. Shows what it would do, and does it with `--apply`."""

    help = "Let a viewer see the apps of some projects only, or of all."

    def add_arguments(self, parser: CommandParser) -> None:
        _changing.add_arguments(parser)
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--everything", action="store_true", help="all apps")
        scope.add_argument(
            "--project",
            action="append",
            type=UUID,
            metavar="ID",
            help="the apps of this project, by its id here; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = _changing.found(options["email"])
        projects = None if options["everything"] else options["project"]
        if not options["apply"]:
            now, then = _words(user), _count(projects)
            self.stdout.write(f"{user} sees {now} and would see {then}. Do it with --apply.")
            return
        try:
            user = actions.change_scope(
                user, projects, by=None, source=Source.TERMINAL, at=timezone.now()
            )
        except actions.NothingToChange as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{user} now sees {_words(user)}.")


def _words(user: User) -> str:
    return _count(user.projects if user.scoped else None)


def _count(projects: list[UUID] | None) -> str:
    if projects is None:
        return "all apps"
    return "1 project" if len(projects) == 1 else f"{len(projects)} projects"
