"""What the commands share that change who has access: who acts, which apps, the plan as text."""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.accounts.management._refusing import enforce, name_of
from governance.accounts.models import User, plain_address
from governance.audit.events import Source
from governance.changes import actions, plans
from governance.changes.permissions import Confirmation, may_change
from governance.changes.plans import Plan
from governance.core.templatetags.interface import length
from governance.core.verdict import Refused
from governance.inventory.models import App, Person


def user_called(email: str) -> User:
    """Whoever acts: an active person of this dashboard. Raises `CommandError`."""
    user = User.objects.filter(email=plain_address(email)).first()
    if user is None or not user.is_active:
        raise CommandError(_("Nobody signs in here as {email}.").format(email=email))
    return user


def person_called(email: str) -> Person:
    """Whoever has this address on Scalingo. Raises `CommandError` when nobody is known by it."""
    found = Person.objects.filter(email__iexact=email.strip(), merged_into=None)
    person = found.order_by("-username").first()
    if person is None:
        raise CommandError(_("Nobody is known by the address {email}.").format(email=email))
    return person


def apps_called(names: Iterable[str], by: User) -> list[UUID]:
    """The apps of these names, each `name` or `region/name`. Raises `CommandError`."""
    found = []
    for name in names:
        region, slash, rest = name.rpartition("/")
        apps = App.objects.visible_to(by).listed().filter(name=rest if slash else name)
        if slash:
            apps = apps.filter(region__name=region)
        ids = list(apps.values_list("pk", flat=True))
        if not ids:
            raise CommandError(_("There is no app called {name}.").format(name=name))
        if len(ids) > 1:
            why = _("Several apps are called {name}: write it as region/{name}.")
            raise CommandError(why.format(name=name))
        found += ids
    return found


def add_by(parser: ArgumentParser) -> None:
    """Who acts: whoever is named, else the admin of the setting `ACT_AS`."""
    parser.add_argument(
        "--by",
        required=not settings.ACT_AS,
        default=settings.ACT_AS,
        metavar="EMAIL",
        help="who acts: an admin of this dashboard; ACT_AS where it is set",
    )


class Acting(BaseCommand):
    """Prints a plan, and does nothing without `--apply`."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_by(parser)
        parser.add_argument("--reason", default="", help="why; needed with --apply")
        parser.add_argument("--apply", action="store_true", help="do it, instead of showing it")
        parser.add_argument(
            "--confirm", default="", metavar="TEXT", help="what the plan asks to be typed"
        )

    def plan(self, by: User, at: datetime, options: dict[str, Any]) -> Plan:
        """What the command is about. Raises `CommandError`."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        by, at = user_called(options["by"]), timezone.now()
        plan = self.plan(by, at, options)
        show(plan, self.stdout)
        if not options["apply"]:
            self.stdout.write(_("Nothing was done. Do it with --apply."))
            return
        kept = plans.keep(plan, by=by, source=Source.TERMINAL)
        place(kept, self.stdout, by=by, at=at, command=name_of(self), options=options)


def place(
    plan: Plan,
    out: OutputWrapper,
    *,
    by: User,
    at: datetime,
    command: str,
    options: dict[str, Any],
) -> None:
    """Place a kept plan and say what came of it. Raises `CommandError`.

    Whoever may not is on record with it.
    """
    if plan.id is None:
        raise CommandError(_("This plan was not kept."))
    try:
        placed = actions.place(
            plan.id,
            by=by,
            reason=options["reason"],
            source=Source.TERMINAL,
            at=at,
            not_before=options.get("not_before"),
            typed=options["confirm"],
        )
    except Refused as error:
        _enforce(plan, by=by, at=at, command=command)
        raise CommandError(str(error)) from None  # theirs to decide, and something is missing
    except (actions.NothingToDo, actions.PlanIsOld, plans.NoSuchPlan) as error:
        raise CommandError(str(error)) from None
    if not placed.is_new:
        out.write(_("This plan was placed before, at {at}.").format(at=placed.batch.decided_at))
        return
    changes = placed.batch.changes.all()
    waiting = [change for change in changes if change.is_open]
    out.write(
        _("{n} changes wait; Scalingo is told from {due} on. Batch {batch}.").format(
            n=len(waiting),
            due=min((change.due_at for change in waiting), default=at).isoformat(" ", "seconds"),
            batch=placed.batch.pk,
        )
    )


def _enforce(plan: Plan, *, by: User, at: datetime, command: str) -> None:
    """Ask for the right to decide it; an attempt about one person or app is found by them."""
    people = {row.person_id for row in plan.happening}
    apps = {row.app_id for row in plan.happening}
    enforce(
        may_change(by, {row.kind for row in plan.happening}),
        by=by,
        at=at,
        command=command,
        app_id=apps.pop() if len(apps) == 1 else None,
        person_id=people.pop() if len(people) == 1 else None,
    )


def show(plan: Plan, out: OutputWrapper) -> None:
    """Print a plan: each row, what follows, how long it takes."""
    for line in _lines(plan):
        out.write(line)


def _lines(plan: Plan) -> Iterator[str]:
    for row in plan.rows:
        where = _("line {n}: ").format(n=row.line) if row.line else ""
        yield f"  {'+' if row.happens else '-'} {where}{row.what if row.happens else row.reason}"
        for warning in row.warned:
            yield f"      {warning}"
    yield _("{n} of {total} would happen, in about {span} (at most {most}).").format(
        n=len(plan.happening),
        total=len(plan.rows),
        span=length(plan.pace.seconds),
        most=length(plan.pace.at_most),
    )
    yield from plan.consequences
    if plan.typed.what is not Confirmation.NOTHING:
        yield _("To apply it, add --confirm {text}").format(text=plan.typed.text)
