"""`python manage.py apply_plan ID --by EMAIL --reason "…"`: do what plan_access showed."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from governance.accounts.management._refusing import name_of
from governance.changes import plans
from governance.changes.management._acting import add_by, place, user_called


class Command(BaseCommand):
    help = "Place a plan that plan_access has printed, within a day and by the same person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=UUID)
        add_by(parser)
        parser.add_argument("--reason", required=True, help="why")
        parser.add_argument(
            "--confirm", default="", metavar="TEXT", help="what the plan asks to be typed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        by, at = user_called(options["by"]), timezone.now()
        try:
            plan = plans.find(options["id"], by=by, at=at)
        except plans.NoSuchPlan as error:
            raise CommandError(str(error)) from None
        place(plan, self.stdout, by=by, at=at, command=name_of(self), options=options)
