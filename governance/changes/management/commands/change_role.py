"""`python manage.py change_role EMAIL… --app NAME… --role limited --by EMAIL --reason "…"`."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from governance.accounts.models import User
from governance.changes.management._acting import Acting, apps_called, person_called
from governance.changes.plans import Plan, plan_roles
from governance.inventory.models import Role


class Command(Acting):
    help = "Give people another role on apps. Shows the plan, and does it with --apply."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="+")
        parser.add_argument("--app", nargs="+", required=True, metavar="NAME", dest="apps")
        parser.add_argument("--role", choices=[Role.LIMITED, Role.COLLABORATOR], required=True)
        super().add_arguments(parser)

    def plan(self, by: User, at: datetime, options: dict[str, Any]) -> Plan:
        people = [person_called(email).pk for email in options["email"]]
        apps = apps_called(options["apps"], by)
        pairs = [(who, app) for who in people for app in apps]
        return plan_roles(pairs, options["role"], by=by, at=at)
