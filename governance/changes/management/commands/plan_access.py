"""`python manage.py plan_access access.csv --by EMAIL`: what the file would change, as a plan."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.audit.events import Source
from governance.changes import files, plans
from governance.changes.management._acting import add_by, show, user_called
from governance.changes.models import Purpose


class Command(BaseCommand):
    help = "Show what an edited file of export_access would change. Applies nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        add_by(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        by, at = user_called(options["by"]), timezone.now()
        try:
            file = files.read(options["file"].read_bytes(), by=by)
            wanted = files.difference(file)
        except OSError as error:
            raise CommandError(str(error)) from None
        except files.NotSuchAFile as error:
            raise CommandError(str(error)) from None
        if not wanted:
            self.stdout.write(_("The file says what is so already."))
            return
        plan = plans.make(Purpose.FILE, wanted, by=by, at=at)
        show(plan, self.stdout)
        if plan.happening:
            kept = plans.keep(plan, by=by, source=Source.TERMINAL)
            self.stdout.write(
                _("Nothing was done. Within a day: apply_plan {id} --by {email} --reason …").format(
                    id=kept.id, email=by.email
                )
            )
