"""`python manage.py invite EMAIL… --app NAME… --by EMAIL --reason "…"`."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from governance.accounts.models import User
from governance.changes.management._acting import Acting, apps_called
from governance.changes.plans import Plan, plan_invitations
from governance.inventory.models import Role


class Command(Acting):
    help = "Invite people to apps. Shows the plan, and does it with --apply."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="+")
        parser.add_argument("--app", nargs="+", required=True, metavar="NAME", dest="apps")
        parser.add_argument(
            "--role", choices=[Role.LIMITED, Role.COLLABORATOR], default=Role.LIMITED
        )
        super().add_arguments(parser)

    def plan(self, by: User, at: datetime, options: dict[str, Any]) -> Plan:
        apps = apps_called(options["apps"], by)
        return plan_invitations(options["email"], apps, by=by, at=at, role=options["role"])
