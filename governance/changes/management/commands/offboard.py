"""`python manage.py offboard EMAIL --by EMAIL --reason "…"`: off everything, everywhere."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.changes.management._acting import Acting, person_called
from governance.changes.plans import Plan, plan_offboarding


class Command(Acting):
    help = (
        "Take a person off everything, in every connection and region. Shows the plan, and does it"
        " with --apply --confirm EMAIL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--not-before",
            type=_time,
            metavar="TIME",
            help="not at once, but then: 2026-03-31T18:00 (of this installation's zone)",
        )
        super().add_arguments(parser)

    def plan(self, by: User, at: datetime, options: dict[str, Any]) -> Plan:
        return plan_offboarding(person_called(options["email"]), by=by, at=at)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(_("this is no time like 2026-03-31T18:00")) from None
    if timezone.is_naive(at):
        at = timezone.make_aware(at)
    if at <= timezone.now():
        raise ArgumentTypeError(_("this is in the past"))
    return at
