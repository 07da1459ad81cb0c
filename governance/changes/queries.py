"""Questions about what was decided: how far a batch is, its result, what sync must know of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F, Q, QuerySet

from governance.changes import words
from governance.changes.addresses import key
from governance.changes.models import OPEN, UNDONE, Batch, Change, ChangeQuerySet, Purpose, State
from governance.changes.plans.making import access_of
from governance.inventory.models import App, Collaboration
from governance.inventory.queries.coverage import read_of

if TYPE_CHECKING:
    from governance.accounts.models import User

# Icon and tone of each state, for badges.
BADGES: Mapping[str, tuple[str, str]] = {
    State.WAITING: ("hourglass", "info"),
    State.TELLING: ("send", "info"),
    State.TOLD: ("check", "info"),
    State.VERIFIED: ("circle-check", "ok"),
    State.REFUSED: ("circle-x", "bad"),
    State.FAILED: ("circle-x", "bad"),
    State.CANCELLED: ("ban", "none"),
    State.UNKNOWN: ("circle-question-mark", "warn"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One change with how far it is, in words. `waits` are seconds until Scalingo is told."""

    change: Change
    at: datetime

    @property
    def icon(self) -> str:
        return BADGES[self.change.state][0]

    @property
    def tone(self) -> str:
        return BADGES[self.change.state][1]

    @property
    def word(self) -> str:
        return self.change.get_state_display()

    @property
    def what(self) -> str:
        return words.what_of(self.change)

    @property
    def sentence(self) -> str:
        return words.how_far(self.change)

    @property
    def waits(self) -> float:
        """Seconds until it may be told; 0 when it is not waiting for that."""
        if self.change.state != State.WAITING or self.change.held_back:
            return 0.0
        return max((self.change.due_at - self.at).total_seconds(), 0.0)

    @property
    def may_be_cancelled(self) -> bool:
        """Whether Scalingo was told nothing of it yet. Who may is asked of `permissions`."""
        return self.change.state == State.WAITING and self.change.tells == 0

    @property
    def may_be_retried(self) -> bool:
        return self.change.state in UNDONE


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: how many in each state, and how long what waits takes (seconds)."""

    counts: Mapping[str, int]
    seconds_left: int
    due_at: datetime | None  # when the first of those that wait may be told

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """Those of which nothing more is to come."""
        return sum(count for state, count in self.counts.items() if state not in OPEN)

    @property
    def is_over(self) -> bool:
        return self.done == self.total

    @property
    def is_live(self) -> bool:
        """Whether the page should ask again soon: somebody is told, or is about to be."""
        return any(self.counts.get(state) for state in (State.WAITING, State.TELLING))

    @property
    def may_be_cancelled(self) -> int:
        return self.counts.get(State.WAITING, 0)

    @property
    def may_be_retried(self) -> int:
        return sum(self.counts.get(state, 0) for state in UNDONE)


def of_batch(batch: Batch, user: "User", *, at: datetime) -> list[Line]:
    """The changes of a batch in the order of its plan."""
    found = batch.changes.visible_to(user).select_related(
        "app__region", "app__project", "person", "batch__decided_by", "cancelled_by"
    )
    return [Line(change, at) for change in found.order_by("position")]


def still_on(batch: Batch, user: "User") -> list[Collaboration]:
    """What somebody is on now whom this batch was to take off everything, as far as was read.

    Empty of any other batch. They may have come onto an app after it was placed, or own one.
    """
    if batch.purpose != Purpose.OFFBOARD or batch.person is None:
        return []
    return list(access_of(batch.person).visible_to(user).select_related("app__region"))


def apps_to_read(*, at: datetime) -> set[UUID]:
    """Apps that `sync` is asked to read now: something about them is not known, or waited for."""
    return set(Change.objects.filter(look_at__lte=at).values_list("app_id", flat=True))


# --- about somebody -------------------------------------------------------------------------------


def about(people: Collection[UUID], addresses: Collection[str] = ()) -> ChangeQuerySet:
    """The changes about these people: those decided before anybody was known by an address, too.

    A change about somebody else is not among them, whoever has their address today.
    """
    keys = {key(address) for address in addresses}
    return Change.objects.filter(Q(person__in=people) | Q(person=None, address__in=keys))


def batches_of_nobody_else(changes: QuerySet[Change]) -> QuerySet[Batch]:
    """The batches that `changes` are the whole of: their reasons speak of nobody else."""
    ids = changes.values("pk")
    return Batch.objects.filter(changes__in=ids).exclude(
        pk__in=Change.objects.exclude(pk__in=ids).values("batch")
    )


# --- the result, to be downloaded -----------------------------------------------------------------

COLUMNS = (
    "change", "app", "region", "email", "person", "what", "role", "role_before", "state",
    "sentence", "said", "reason", "decided_by", "decided_at", "told_at", "verified_at",
)  # fmt: skip


def result_rows(batch: Batch, user: "User", *, at: datetime) -> Iterator[Sequence[str]]:
    """The rows of `COLUMNS` for a batch. Times are ISO 8601 in UTC; cells are not neutralised."""
    for line in of_batch(batch, user, at=at):
        change = line.change
        yield (
            str(change.pk),
            change.app.name,
            change.app.region.name,
            change.email,
            change.person.display_name if change.person else "",
            change.kind,
            change.role,
            change.role_before,
            change.state,
            line.sentence,
            change.said,
            batch.reason,
            str(batch.decided_by),
            _instant(batch.decided_at),
            _instant(change.told_at),
            _instant(change.verified_at),
        )


def result_foot(batch: Batch, user: "User", *, at: datetime) -> Iterator[str]:
    """What the result rests on: how the apps of the batch were read, as lines below its rows."""
    of_it = batch.changes.visible_to(user).values("app")
    return words.rests_on(read_of(App.objects.filter(pk__in=of_it)), at=at)


def _instant(at: datetime | None) -> str:
    return at.isoformat() if at else ""


# --- for sync -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """A change of ours that Scalingo has heard, or may have: what it explains on the platform."""

    change_id: UUID
    kind: str
    app_id: UUID
    address: str
    collaborator_id: str
    role: str
    decided_by: UUID
    decider: str
    tried_at: datetime
    is_told: bool  # Scalingo said yes


def told_about(app_ids: Collection[UUID]) -> list[Told]:
    """What Scalingo has heard of us about these apps and was not seen yet."""
    heard = Q(state__in=[State.TELLING, State.TOLD, State.UNKNOWN]) | Q(
        state=State.FAILED, code="not_sent"
    )
    found = Change.objects.filter(heard, app_id__in=app_ids, tried_at__isnull=False)
    return [
        Told(
            change_id=change.pk,
            kind=change.kind,
            app_id=change.app_id,
            address=change.address,
            collaborator_id=change.collaborator_id,
            role=change.role,
            decided_by=change.batch.decided_by_id,
            decider=str(change.batch.decided_by),
            tried_at=change.tried_at,
            is_told=change.state == State.TOLD,
        )
        for change in found.select_related("batch__decided_by").order_by(F("tried_at"))
        if change.tried_at
    ]
