"""Let a viewer see the apps of some projects only, named as on the pages."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.accounts import actions
from governance.accounts.management import _changing
from governance.audit.events import Source
from governance.inventory.models import Project


class Command(BaseCommand):
    """Replaces the scope of a person. Shows which apps that is, and does it with `--apply`.

    A name that several regions have is written with its region, `billing@osc-fr1`. To let somebody
    see everything again: `change_scope EMAIL --everything --apply`.
    """

    help = "Let a viewer see the apps of these projects alone."

    def add_arguments(self, parser: CommandParser) -> None:
        _changing.add_arguments(parser)
        parser.add_argument(
            "--project",
            action="append",
            required=True,
            metavar="NAME",
            help="a project's name, with @region where several regions have it; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = _changing.found(options["email"])
        projects = [_project(name) for name in options["project"]]
        for project in projects:
            number = project.apps.listed().count()
            apps = "1 app" if number == 1 else f"{number} apps"
            self.stdout.write(f"{project.name}, {project.region}: {apps}")
        if user.roles and set(user.roles) != {"viewer"}:
            self.stdout.write(f"{user} sees everything by another role, whatever is named here.")
        if not options["apply"]:
            self.stdout.write(f"{user} would see these alone. Do it with --apply.")
            return
        try:
            actions.change_scope(
                user,
                [project.pk for project in projects],
                by=None,
                source=Source.TERMINAL,
                at=timezone.now(),
            )
        except actions.NothingToChange as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{user} sees these alone.")


def _project(words: str) -> Project:
    """The project of that name. Raises `CommandError` when there is none, or more than one."""
    name, _at, region = words.partition("@")
    found = list(
        Project.objects.filter(name=name).select_related("region").order_by("region__name")
    )
    if region:
        found = [project for project in found if project.region.name == region]
    if not found:
        raise CommandError(f"No project is called {words}.")
    if len(found) > 1:
        places = ", ".join(f"{name}@{project.region}" for project in found)
        raise CommandError(f"Several projects are called {name}. Say which: {places}.")
    return found[0]
