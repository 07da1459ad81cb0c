"""`python manage.py remove EMAIL… --app NAME… --by EMAIL --reason "…"`."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from governance.accounts.models import User
from governance.changes.management._acting import Acting, apps_called, person_called
from governance.changes.plans import Plan, plan_removals


class Command(Acting):
    help = (
        "Remove people from apps, or cancel their invitations. Shows the plan, and does it with"
        " --apply."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="+")
        parser.add_argument("--app", nargs="+", required=True, metavar="NAME", dest="apps")
        super().add_arguments(parser)

    def plan(self, by: User, at: datetime, options: dict[str, Any]) -> Plan:
        people = [person_called(email).pk for email in options["email"]]
        apps = apps_called(options["apps"], by)
        return plan_removals([(who, app) for who in people for app in apps], by=by, at=at)
