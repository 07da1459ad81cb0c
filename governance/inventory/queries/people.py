"""The list of people: everybody whom somebody may see, narrowed, counted and put in order."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import Exists, F, OuterRef, Q, QuerySet, UUIDField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from governance.inventory.models import Collaboration, Person
from governance.inventory.queries.tallies import tally
from governance.inventory.words import PERSON_NAME, PERSON_TEXT, Pieces, containing

if TYPE_CHECKING:
    from governance.accounts.models import User

# What a list of people may be sorted by: each is an index.
ORDERS = {
    "name": "sort_name",
    "email": "email",
    "two-factor": "two_factor",
    "since": "first_seen_at",
    "changed": "last_change__at",
}


@dataclass(frozen=True, slots=True)
class Where:
    """The collaboration by which somebody is listed: one collaboration meets all of it.

    `gone` lists those who were on an app and are on none now; the rest of it then speaks of what
    they had.
    """

    roles: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    app: str = ""  # its name
    project: UUID | None = None
    region: str = ""
    gone: bool = False

    def condition(self) -> Q:
        found = Q()
        if self.roles:
            found &= Q(role__in=self.roles)
        if self.statuses:
            found &= Q(status__in=self.statuses)
        if self.app:
            found &= Q(app__name=self.app, app__gone_at=None)
        if self.project:
            found &= Q(app__project=self.project)
        if self.region:
            found &= Q(app__region__name=self.region)
        return found


_EARLIER = """ARRAY(
    WITH RECURSIVE earlier AS (
        SELECT p.id FROM inventory_person p WHERE p.merged_into_id = inventory_person.id
        UNION
        SELECT p.id FROM inventory_person p JOIN earlier ON p.merged_into_id = earlier.id
    ) SELECT id FROM earlier)"""


def earlier_ids() -> RawSQL:
    """For a query of people: the ids that each has had here before, however often they changed."""
    return RawSQL(_EARLIER, (), output_field=ArrayField(UUIDField()))  # noqa: S611  ours alone


def listed(user: "User", where: Where | None = None) -> "QuerySet[Person]":
    """People with access now, on an app that `user` may see, as `where` says."""
    where = where or Where()
    theirs = Collaboration.objects.visible_to(user).filter(person=OuterRef("pk"))
    found = theirs.filter(where.condition())
    if where.gone:
        return Person.objects.filter(Exists(found), ~Exists(theirs.open()), merged_into=None)
    return Person.objects.filter(Exists(found.open()))


def matching(people: "QuerySet[Person]", text: str) -> "QuerySet[Person]":
    """Those whose name or address contains `text`, whatever its case."""
    if not text:
        return people
    return people.alias(text=Lower(PERSON_TEXT), pieces=Pieces(PERSON_TEXT)).filter(
        containing(text)
    )


def described(people: "QuerySet[Person]", user: "User") -> "QuerySet[Person]":
    """With what a row shows: `sort_name`, `changed_at`, and `tally` over apps `user` may see."""
    return people.annotate(
        sort_name=PERSON_NAME,
        changed_at=F("last_change__at"),
        tally=tally(Collaboration.objects.visible_to(user).open(), of="person"),
    )


def sortable(people: "QuerySet[Person]", name: str) -> "QuerySet[Person]":
    """Without those that have no place in this order. `sync` gives everybody a last change."""
    return people.filter(last_change__isnull=False) if name == "changed" else people


def order(name: str, *, falling: bool) -> tuple[str, ...]:
    """The fields to page by, for one of `ORDERS`."""
    fields = [ORDERS[name], "email", "id"] if name == "two-factor" else [ORDERS[name], "id"]
    return tuple(f"-{field}" if falling else field for field in fields)
