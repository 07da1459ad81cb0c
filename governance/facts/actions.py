"""Say who a person is to the company, and what an app is for.

A fact is never overwritten: the new one holds, the old one stays with who said it and when.
"""

from datetime import datetime
from typing import TypeVar

from django.db import models, transaction
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit import actions as audit
from governance.audit.events import Source
from governance.facts import permissions
from governance.facts.models import AppClass, AppFact, Employment, PersonFact, PersonKind
from governance.inventory.models import App, Person

Fact = TypeVar("Fact", AppFact, PersonFact)


class AlreadyDescribed(Exception):
    """Somebody said something else since the page was read. `fact` is what holds now."""

    def __init__(self, fact: AppFact | PersonFact) -> None:
        self.fact = fact
        super().__init__(
            _("%(person)s changed this while you were writing. Nothing of yours was kept.")
            % {"person": fact.said_by}
        )


class NothingNew(Exception):
    """What was said is what holds already. `fact` says since when, and from whom."""

    def __init__(self, fact: AppFact | PersonFact) -> None:
        self.fact = fact
        super().__init__(_("%(person)s said the same already.") % {"person": fact.said_by})


@transaction.atomic
def describe_person(
    person: Person,
    *,
    kind: PersonKind,
    employment: Employment,
    employer: str,
    instead_of: int | None,
    by: User,
    source: Source,
    at: datetime,
) -> PersonFact:
    """Write down who a person is to the company.

    `instead_of` is the id of the fact that `by` was looking at, None when there was none. Locks
    the person first, so that of two who write at once the second is told. Raises
    `AlreadyDescribed`, `NothingNew` and `Refused`.
    """
    person = Person.objects.select_for_update().get(pk=person.pk)
    permissions.may_describe(by).enforce()
    fact = PersonFact(
        person=person,
        kind=kind,
        employment=employment,
        employer=employer,
        said_by=by,
        said_at=at,
    )
    _replace(PersonFact.objects.filter(person=person), fact, instead_of)
    audit.record(
        "fact.person_described",
        by=by,
        source=source,
        at=at,
        target=person,
        person_id=person.pk,
        data={"kind": str(kind), "employment": str(employment)},
        personal={"employer": employer} if employer else {},
    )
    return fact


@transaction.atomic
def describe_app(
    app: App,
    *,
    app_class: AppClass,
    team: str,
    instead_of: int | None,
    by: User,
    source: Source,
    at: datetime,
) -> AppFact:
    """Write down what an app is for and whose it is. As `describe_person`, of an app."""
    app = App.objects.select_for_update().get(pk=app.pk)
    permissions.may_describe(by).enforce()
    fact = AppFact(app=app, app_class=app_class, team=team, said_by=by, said_at=at)
    _replace(AppFact.objects.filter(app=app), fact, instead_of)
    audit.record(
        "fact.app_described",
        by=by,
        source=source,
        at=at,
        target=app,
        app_id=app.pk,
        data={"class": str(app_class), "team": team},
    )
    return fact


def _replace(of_this: "models.QuerySet[Fact]", fact: Fact, instead_of: int | None) -> None:
    """Let `fact` hold from now on, unless something else does than what was looked at."""
    current = of_this.filter(current=True).select_related("said_by").first()
    if current is not None and current.says_the_same(fact):
        raise NothingNew(current)
    if current is not None and current.pk != instead_of:
        raise AlreadyDescribed(current)
    of_this.filter(current=True).update(current=False)
    fact.save(force_insert=True)
