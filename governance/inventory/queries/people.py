"""The list of people: everybody whom somebody may see, narrowed, counted and put in order."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, UUIDField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Lower, NullIf

from governance.inventory.models import AppPeriod, Collaboration, Identity, Person, Status
from governance.inventory.queries.asof import two_factor_at
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


# As of an instant no index has their 2FA, nor their last change by then.
ORDERS_THEN = {name: ORDERS[name] for name in ("name", "email", "since")}


# For a query of collaborations: what the person is called.
THEIR_NAME = Coalesce(NullIf("person__username", Value("")), "person__email")


AGES = ("week", "month", "older")


def ages(now: datetime) -> tuple[datetime, datetime]:
    """Since when an invitation is at most a week old at `now`, and since when at most a month.

    Told by the hour, so that a page and the list behind its numbers mean the same, and a number
    that was counted is good for as long.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    return hour - timedelta(days=7), hour - timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Where:
    """The collaboration by which somebody is listed: one collaboration meets all of it.

    `gone` lists those who were on an app and are on none now; the rest of it then speaks of what
    they had. `invited` are those of `AGES` that an invitation may be of, as of `now`.
    """

    roles: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    app: str = ""  # its name
    project: UUID | None = None
    region: str = ""
    gone: bool = False
    invited: tuple[str, ...] = ()
    now: datetime | None = None
    at: datetime | None = None  # as of an instant; None: now

    def condition(self) -> Q:
        found = Q()
        if self.roles:
            found &= Q(role__in=self.roles)
        if self.statuses:
            found &= Q(status__in=self.statuses)
        if self.app:
            found &= self._app(name=self.app)
        if self.project:
            found &= self._app(project=self.project)
        if self.region:
            found &= Q(app__region__name=self.region)
        if self.invited and self.now:
            found &= Q(status=Status.PENDING) & self._invited(*ages(self.now))
        return found

    def _invited(self, week: datetime, month: datetime) -> Q:
        found = Q()
        for age, is_of_it in (
            ("week", Q(since_at__gt=week)),
            ("month", Q(since_at__lte=week, since_at__gt=month)),
            ("older", Q(since_at__lte=month)),
        ):
            if age in self.invited:
                found |= is_of_it
        return found

    def _app(self, **what: Any) -> Q:
        """What an app is, or was called and was in then."""
        if self.at is None:
            gone = {"app__gone_at": None} if "name" in what else {}
            return Q(**{f"app__{name}": value for name, value in what.items()}, **gone)
        return Q(app__in=AppPeriod.objects.at(self.at).filter(**what).values("app"))

    def begun(self, rows: "QuerySet[Collaboration]") -> "QuerySet[Collaboration]":
        """Those of `rows` that had begun."""
        return rows if self.at is None else rows.filter(started_at__lte=self.at)


_EARLIER = """ARRAY(
    WITH RECURSIVE earlier AS (
        SELECT p.id FROM inventory_person p WHERE p.merged_into_id = inventory_person.id
        UNION
        SELECT p.id FROM inventory_person p JOIN earlier ON p.merged_into_id = earlier.id
    ) SELECT id FROM earlier)"""


def earlier_ids() -> RawSQL:
    """For a query of people: the ids that each has had here before, however often they changed."""
    return RawSQL(_EARLIER, (), output_field=ArrayField(UUIDField()))  # noqa: S611  ours alone


_THE_SAME = """
WITH RECURSIVE later AS (
    SELECT id, merged_into_id FROM inventory_person WHERE id = ANY(%s::uuid[])
    UNION
    SELECT p.id, p.merged_into_id FROM inventory_person p JOIN later ON p.id = later.merged_into_id
), same AS (
    SELECT id FROM later
    UNION
    SELECT p.id FROM inventory_person p JOIN same ON p.merged_into_id = same.id
)
SELECT id FROM same
"""


def all_ids_of(people: Collection[UUID]) -> set[UUID]:
    """Every id that these people have and have had here (see `Person.merged_into`)."""
    with connection.cursor() as cursor:
        cursor.execute(_THE_SAME, [list(people)])
        return {identity for (identity,) in cursor.fetchall()}


def addresses_of(people: Collection[UUID]) -> set[str]:
    """Every address that people with these ids have, or were known by."""
    now = Person.objects.filter(pk__in=people).values_list("email", flat=True)
    ever = Identity.objects.filter(
        person__in=people, kind__in=[Identity.Kind.EMAIL, Identity.Kind.CONTACT]
    )
    return {*now, *ever.values_list("value", flat=True)} - {""}


def ids_known_by(addresses: Collection[str]) -> set[UUID]:
    """The ids of those who have one of these addresses, or were known by it."""
    lowered = {address.lower() for address in addresses}
    now = Person.objects.alias(lowered=Lower("email")).filter(lowered__in=lowered)
    ever = Identity.objects.alias(lowered=Lower("value")).filter(
        lowered__in=lowered, kind__in=[Identity.Kind.EMAIL, Identity.Kind.CONTACT]
    )
    return {*now.values_list("pk", flat=True), *ever.values_list("person_id", flat=True)}


def listed(user: "User", where: Where | None = None) -> "QuerySet[Person]":
    """People with access on an app that `user` may see, as `where` says, now or as of its `at`."""
    where = where or Where()
    theirs = Collaboration.objects.visible_to(user).filter(person=OuterRef("pk"))
    found = theirs.filter(where.condition())
    if where.gone:
        return Person.objects.filter(
            Exists(where.begun(found)), ~Exists(held(theirs, where.at)), merged_into=None
        )
    return Person.objects.filter(Exists(held(found, where.at)))


def held(
    collaborations: "QuerySet[Collaboration]", at: datetime | None
) -> "QuerySet[Collaboration]":
    """Those that are there now, or count as being there at `at`."""
    rows: Any = collaborations
    found: QuerySet[Collaboration] = rows.open() if at is None else rows.at(at)
    return found


def matching(people: "QuerySet[Person]", text: str) -> "QuerySet[Person]":
    """Those whose name or address contains `text`, whatever its case."""
    if not text:
        return people
    return people.alias(text=Lower(PERSON_TEXT), pieces=Pieces(PERSON_TEXT)).filter(
        containing(text)
    )


def with_two_factor(
    people: "QuerySet[Person]", values: Collection[str], at: datetime | None
) -> "QuerySet[Person]":
    """Those whose 2FA is one of `values`, now or as of `at`."""
    if at is None:
        return people.filter(two_factor__in=values)
    return people.alias(their_two_factor=two_factor_at(at)).filter(their_two_factor__in=values)


def described(
    people: "QuerySet[Person]", user: "User", at: datetime | None = None
) -> "QuerySet[Person]":
    """With what a row shows: `sort_name`, `changed_at`, and `tally` over apps `user` may see."""
    return people.annotate(
        sort_name=PERSON_NAME,
        changed_at=F("last_change__at"),
        tally=tally(held(Collaboration.objects.visible_to(user), at), of="person"),
    )


def described_at(
    people: "QuerySet[Person]", user: "User", at: datetime, doubts: Collection[UUID]
) -> "QuerySet[Person]":
    """The same as of an instant, with what is known of each row.

    `two_factor_then`; `unsure`, whether one of their collaborations ended between the readings
    around it; `doubted`, which of `doubts` (places that were not read around it) they were in.
    """
    theirs = Collaboration.objects.visible_to(user).filter(person=OuterRef("pk"))
    ended = Q(ended_at__gt=at) & (Q(ended_after=None) | Q(ended_after__lt=at))
    found = described(people, user, at).annotate(
        two_factor_then=two_factor_at(at),
        unsure=Exists(theirs.filter(ended, started_at__lte=at)),
    )
    if not doubts:
        return found
    places = theirs.at(at).filter(app__scope__in=doubts).order_by().values("app__scope")
    return found.annotate(doubted=ArraySubquery(places.distinct()))


def sortable(people: "QuerySet[Person]", name: str) -> "QuerySet[Person]":
    """Without those that have no place in this order. `sync` gives everybody a last change."""
    return people.filter(last_change__isnull=False) if name == "changed" else people


def order(name: str, *, falling: bool) -> tuple[str, ...]:
    """The fields to page by, for one of `ORDERS`."""
    fields = [ORDERS[name], "email", "id"] if name == "two-factor" else [ORDERS[name], "id"]
    return tuple(f"-{field}" if falling else field for field in fields)
