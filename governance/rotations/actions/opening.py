"""Open a duty for every departure that a sync has written.

The unique period makes a second one impossible, so this may run at any time and as often as it
likes: the sweep of the schedule does, each minute.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from governance.accounts.models import User
from governance.accounts.permissions import may_remove
from governance.audit.actions import record_many
from governance.audit.events import Entry, Source
from governance.changes.models import Change
from governance.facts.models import AppFact
from governance.inventory.models import Attribution, Collaboration, Coverage, Role, Status
from governance.rotations.departures import Departure, departure
from governance.rotations.due import class_of, due_at
from governance.rotations.models import Duty, Knowledge, State

# Departures longer ago open nothing: an installation that is new, or that was away for long, must
# not begin with a year of work that nobody can do any more.
OPENED_WITHIN = timedelta(days=30)
_HELD = (Status.ACCEPTED, Status.UNKNOWN)


def open_duties(*, at: datetime) -> list[Duty]:
    """Write down a duty for each departure of the last thirty days that has none yet."""
    candidates = list(_candidates(at))
    if not candidates:
        return []
    chains = _chains(candidates)
    settled = _settled(candidates)
    found = []
    for one in candidates:
        chain = chains[one.app_id, one.person_id]
        if what := departure(one, chain, settled):
            found.append((one, what))
            # What it says was known is this duty's matter, and not the next one's.
            settled.add(one.pk)
    return _open(found, chains, at=at) if found else []


def _candidates(at: datetime) -> "QuerySet[Collaboration]":
    """Ended periods without a duty, on apps that still exist.

    When an app itself is gone, nobody has left it and there is nothing to change there. The end of
    an owner's period comes from the listing of apps: whether they stayed as a collaborator is known
    once the app's people have been read since.
    """
    read_since = Coverage.objects.filter(
        scope=OuterRef("app__scope"), latest=True, until__gte=OuterRef("ended_at")
    )
    return (
        Collaboration.objects.filter(
            ended_at__gt=at - OPENED_WITHIN,
            status__in=_HELD,
            duty=None,
            app__gone_at=None,
        )
        .filter(~Q(role=Role.OWNER) | Exists(read_since))
        .select_related("app", "person")
        .order_by("ended_at", "pk")
    )


_Chains = Mapping[tuple[UUID, UUID], Sequence[Collaboration]]


def _chains(candidates: Iterable[Collaboration]) -> _Chains:
    """Every period of each person on each app that is in question."""
    wanted = {(one.app_id, one.person_id) for one in candidates}
    rows = Collaboration.objects.filter(
        app_id__in={app for app, _ in wanted}, person_id__in={person for _, person in wanted}
    )
    chains: dict[tuple[UUID, UUID], list[Collaboration]] = defaultdict(list)
    for row in rows:
        if (row.app_id, row.person_id) in wanted:
            chains[row.app_id, row.person_id].append(row)
    return chains


def _settled(candidates: Iterable[Collaboration]) -> set[int]:
    found = Duty.objects.filter(app_id__in={one.app_id for one in candidates})
    found = found.filter(collaboration__isnull=False)
    return set(found.values_list("collaboration__id", flat=True))


def _open(
    found: Sequence[tuple[Collaboration, Departure]], chains: _Chains, *, at: datetime
) -> list[Duty]:
    said = _said({one.app_id for one, _ in found})
    causes = _causes([one for one, _ in found], chains)
    deciders = _deciders(causes.values())
    duties = []
    for one, what in found:
        cause = causes.get(one.pk)
        duty = _duty(one, what, said.get(one.app_id), cause, at=at)
        duty.owner = deciders.get(cause.change_id) if cause and cause.change_id else None
        duties.append(duty)
    with transaction.atomic():
        Duty.objects.bulk_create(duties, ignore_conflicts=True)
        written = set(
            Duty.objects.filter(pk__in=[duty.pk for duty in duties]).values_list("pk", flat=True)
        )
        opened = [duty for duty in duties if duty.pk in written]
        record_many(_event(duty, at) for duty in opened)
    return opened


def _duty(
    ended: Collaboration,
    what: Departure,
    app_class: str | None,
    cause: Attribution | None,
    *,
    at: datetime,
) -> Duty:
    assert ended.ended_at is not None  # noqa: S101  Candidates have ended.
    departed = cause.happened_at if cause and cause.happened_at else ended.ended_at
    full_until = departed if what.full_until == ended.ended_at else what.full_until
    for_ = class_of(app_class, is_review_app=ended.app.is_review_app)
    return Duty(
        app=ended.app,
        person=ended.person,
        collaboration=ended,
        why=what.why,
        role=ended.role,
        knowledge=what.knowledge,
        since_at=ended.since_at,
        full_until=full_until,
        departed_after=ended.ended_after,
        departed_at=departed,
        app_class=for_,
        opened_at=at,
        due_at=due_at(for_, departed),
        # With nothing to rotate it is done at once: it is there to say so.
        state=State.OPEN if what.full_until else State.CLOSED,
        closed_at=None if what.full_until else at,
        next_read_at=at if what.full_until else None,
    )


def _said(app_ids: Iterable[UUID]) -> dict[UUID, str]:
    facts = AppFact.objects.filter(app_id__in=list(app_ids), current=True)
    return dict(facts.values_list("app_id", "app_class"))


def _causes(ended: Sequence[Collaboration], chains: _Chains) -> dict[int, Attribution]:
    """Who made each end, where that is known: at the end itself, or at the start after it."""
    # Of a change of role, the start of the next period says who made it.
    ends = {one.pk: one.pk for one in ended}
    starts = {
        after.pk: one.pk
        for one in ended
        for after in chains[one.app_id, one.person_id]
        if after.started_at == one.ended_at
    }
    found = Attribution.objects.filter(
        Q(collaboration_id__in=list(ends), edge=Attribution.Edge.END)
        | Q(collaboration_id__in=list(starts), edge=Attribution.Edge.START)
    )
    causes = {}
    for one in found:
        of = ends if one.edge == Attribution.Edge.END else starts
        causes[of[one.collaboration_id]] = one
    return causes


def _deciders(causes: Iterable[Attribution]) -> dict[UUID, User]:
    """Who decided each change that was ours, if they may still see to what follows from it."""
    ids = [cause.change_id for cause in causes if cause.change_id]
    changes = Change.objects.filter(pk__in=ids).select_related("batch__decided_by")
    return {
        one.pk: one.batch.decided_by
        for one in changes
        if one.batch.decided_by.is_active and may_remove(one.batch.decided_by)
    }


def _event(duty: Duty, at: datetime) -> Entry:
    nothing = duty.knowledge == Knowledge.NAMES
    return Entry(
        kind="rotation.nothing_to_rotate" if nothing else "rotation.opened",
        at=at,
        source=Source.SCHEDULE,
        target_kind=Duty._meta.label_lower,
        target_id=duty.pk,
        app_id=duty.app_id,
        person_id=duty.person_id,
        data={"why": duty.why, "role": duty.role, "due_at": duty.due_at},
    )
