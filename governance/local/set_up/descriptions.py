"""What the pretend company's admin has written down about its people and apps."""

from contextlib import suppress
from datetime import datetime, timedelta

from governance.accounts import actions as accounts
from governance.accounts.models import User
from governance.audit.events import Source
from governance.emulator import World
from governance.facts import actions as facts
from governance.facts.models import AppClass, Employment, PersonKind
from governance.inventory.models import App, Person, Project

_KINDS = {
    "service": (PersonKind.SERVICE, Employment.INTERNAL),
    "external": (PersonKind.HUMAN, Employment.EXTERNAL),
}


def describe(world: World, *, by: User, scoped: User, project: str, at: datetime) -> None:
    """Say who the agencies' people and the programs are, and what the apps are for.

    Repeating it changes nothing. Whoever is newly there at the end of the year is left for the
    newcomer to describe, as are ordinary colleagues.
    """
    projects = Project.objects.filter(name=project).values_list("pk", flat=True)
    with suppress(accounts.NothingToChange):
        accounts.change_scope(scoped, projects, by=None, source=Source.TERMINAL, at=at)
    old = at - timedelta(days=30)
    for person in Person.objects.filter(first_seen_at__lt=old, merged_into=None).order_by("email"):
        _describe_person(world, person, by=by, at=at)
    for app in App.objects.filter(first_seen_at__lt=old).select_related("project").order_by("name"):
        _describe_app(app, by=by, at=at)


def _describe_person(world: World, person: Person, *, by: User, at: datetime) -> None:
    account = world.account_of(person.email)
    if account is None or account.role not in _KINDS:
        return
    kind, employment = _KINDS[account.role]
    employer = account.company if employment is Employment.EXTERNAL else ""
    with suppress(facts.NothingNew):
        facts.describe_person(
            person,
            kind=kind,
            employment=employment,
            employer=employer,
            instead_of=None,
            by=by,
            source=Source.TERMINAL,
            at=at,
        )


def _describe_app(app: App, *, by: User, at: datetime) -> None:
    """Review apps and whatever is in no project stay undescribed."""
    if app.project is None or app.parent_name:
        return
    app_class = AppClass.STAGING if app.name.endswith("staging") else AppClass.PRODUCTION
    with suppress(facts.NothingNew):
        facts.describe_app(
            app,
            app_class=app_class,
            team=app.project.name,
            instead_of=None,
            by=by,
            source=Source.TERMINAL,
            at=at,
        )
