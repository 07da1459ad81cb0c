"""From what somebody wants to a plan: what was asked for, row by row, as of now."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from math import ceil
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Lower

from governance.accounts.models import User
from governance.changes import words
from governance.changes.addresses import key
from governance.changes.models import UNDONE, Batch, Change, Kind, Purpose, State
from governance.changes.plans import known as facts
from governance.changes.plans.judging import judge
from governance.changes.plans.values import Pace, Plan, Row, Wanted, ends_of
from governance.inventory.models import (
    App,
    Collaboration,
    CollaborationQuerySet,
    Person,
    Role,
    Status,
)

# Seconds that one request takes, with its answer.
_EACH = 0.5
_MOST_MERGES = 10
Pairs = Iterable[tuple[UUID, UUID]]  # person, app


def plan_invitations(
    emails: Iterable[str],
    app_ids: Sequence[UUID],
    *,
    by: User,
    at: datetime,
    role: str = Role.LIMITED,
) -> Plan:
    """Invite each address, as it was written, to each app."""
    wanted = [
        Wanted(Kind.INVITE, email.strip(), app_id, role=role)
        for email in emails
        for app_id in app_ids
    ]
    return make(Purpose.INVITE, wanted, by=by, at=at)


def plan_roles(pairs: Pairs, role: str, *, by: User, at: datetime) -> Plan:
    """Give each of these people on these apps another role."""
    wanted = [
        Wanted(Kind.CHANGE_ROLE, email, app_id, person_id, role)
        for person_id, app_id, email in _named(pairs)
    ]
    return make(Purpose.CHANGE_ROLE, wanted, by=by, at=at)


def plan_removals(pairs: Pairs, *, by: User, at: datetime) -> Plan:
    """Take each of these people off these apps; where they are only invited, cancel that."""
    return make(Purpose.REMOVE, _ends(_named(pairs)), by=by, at=at)


def plan_again(pairs: Pairs, *, by: User, at: datetime, role: str = "") -> Plan:
    """Cancel these invitations and, when that is true, invite again; as before without `role`."""
    named = _named(pairs)
    roles = {
        (person_id, app_id): had
        for person_id, app_id, had in Collaboration.objects.open()
        .filter(person_id__in={one[0] for one in named}, app_id__in={one[1] for one in named})
        .values_list("person_id", "app_id", "role")
    }
    wanted = []
    for person_id, app_id, email in named:
        had = roles.get((person_id, app_id), "")
        then = role or (had if had in (Role.LIMITED, Role.COLLABORATOR) else Role.LIMITED)
        wanted += [
            Wanted(Kind.CANCEL, email, app_id, person_id),
            Wanted(Kind.INVITE, email, app_id, person_id, then, follows=True),
        ]
    return make(Purpose.INVITE_AGAIN, wanted, by=by, at=at)


def plan_offboarding(person: Person, *, by: User, at: datetime) -> Plan:
    """Take a person off everything, invitations to the same address included.

    What they own is in the plan too, with the reason why it stays theirs.
    """
    return make(Purpose.OFFBOARD, everything_of(person), by=by, at=at, offboarded=person)


def everything_of(person: Person) -> list[Wanted]:
    """What it takes to leave `person` nothing, by what is known now.

    Where a reading was without them but their end is not settled, they are told off too: it does no
    harm where they are gone, and is the only end where the reading was wrong.
    """
    rows = access_of(person).select_related("person")
    return _ends((row.person_id, row.app_id, row.person.email) for row in rows)


def access_of(person: Person) -> CollaborationQuerySet:
    """Everything that somebody is on, with invitations to the same address, by region and app."""
    person = as_known_now(person)
    same = Person.objects.annotate(lowered=Lower("email")).filter(
        Q(pk=person.pk) | Q(lowered=person.email.lower(), merged_into=None)
    )
    return (
        Collaboration.objects.open()
        .filter(person__in=same, app__gone_at=None)
        .order_by("app__region__name", "app__name", "collaborator_id")
    )


def as_known_now(person: Person) -> Person:
    """Whoever was known by an invited address alone, as the account that accepted it."""
    for _merge in range(_MOST_MERGES):
        if person.merged_into is None:
            break
        person = person.merged_into
    return person


def plan_retry(batch: Batch, *, by: User, at: datetime) -> Plan:
    """What of a batch was refused, failed or cancelled, once more.

    Of an offboarding, everything that they are on now: less was never meant.
    """
    if batch.purpose == Purpose.OFFBOARD and batch.person:
        return plan_offboarding(as_known_now(batch.person), by=by, at=at)
    undone = list(batch.changes.filter(state__in=UNDONE).order_by("position"))
    ids = {change.pk for change in undone}
    # What had to be true first is, where it is not to be tried again itself.
    wanted = [again(change, follows=change.follows_id in ids) for change in undone]
    return make(Purpose.RETRY, wanted, by=by, at=at)


def again(change: Change, *, follows: bool) -> Wanted:
    """The same wish as a change had."""
    return Wanted(
        change.kind, change.email, change.app_id, change.person_id, change.role, follows=follows
    )


def make(
    purpose: Purpose,
    wanted: Sequence[Wanted],
    *,
    by: User,
    at: datetime,
    offboarded: Person | None = None,
) -> Plan:
    """Judge what was asked for by what is known now. Apps that `by` may not see are no apps."""
    asked = {one.app_id for one in wanted if one.app_id}
    seen = set(App.objects.visible_to(by).filter(pk__in=asked).values_list("pk", flat=True))
    known = facts.read(seen, {one.email for one in wanted})
    rows = judge(_fitting(wanted, known), known, own=key(by.email), at=at)
    return Plan(
        purpose=purpose,
        rows=rows,
        wanted=wanted,
        at=at,
        pace=_pace(rows, known, at=at),
        person_id=offboarded.pk if offboarded else None,
        offboarded=offboarded.email if offboarded else "",
        leavers=_leavers(rows),
        consequences=_consequences(purpose, rows),
    )


def _fitting(wanted: Sequence[Wanted], known: facts.Known) -> list[Wanted]:
    """A removal of somebody who is only invited is the end of the invitation."""
    return [_as_it_is(one, known) for one in wanted]


def _as_it_is(one: Wanted, known: facts.Known) -> Wanted:
    app = known.apps.get(one.app_id) if one.app_id else None
    if app is None or one.kind != Kind.REMOVE:
        return one
    member = app.member(one.person_id, one.email)
    pending = member is not None and member.status == Status.PENDING
    return Wanted(
        Kind.CANCEL if pending else Kind.REMOVE,
        one.email,
        one.app_id,
        one.person_id,
        line=one.line,
        problem=one.problem,
    )


def _named(pairs: Pairs) -> list[tuple[UUID, UUID, str]]:
    """Each pair once, with the person's address. People who do not exist are left out."""
    each = list(dict.fromkeys(pairs))
    emails = dict(Person.objects.filter(pk__in={one for one, _ in each}).values_list("pk", "email"))
    return [(person, app, emails[person]) for person, app in each if person in emails]


def _ends(named: Iterable[tuple[UUID, UUID, str]]) -> list[Wanted]:
    return [Wanted(Kind.REMOVE, email, app_id, person_id) for person_id, app_id, email in named]


def _leavers(rows: Sequence[Row]) -> list[str]:
    """The addresses of those who are on several apps, and after this on none but their own."""
    ends: dict[str, set[UUID]] = {}
    for row in ends_of(rows):
        if row.app_id:
            ends.setdefault(key(row.email), set()).add(row.app_id)
    several = {address: apps for address, apps in ends.items() if len(apps) > 1}
    if not several:
        return []
    held = (
        Collaboration.objects.open()
        .alias(address=Lower("person__email"))
        .filter(address__in=several, app__gone_at=None)
        .exclude(role=Role.OWNER)
        .values_list("person__email", "app_id")
    )
    stay = {key(email) for email, app_id in held if app_id not in several.get(key(email), ())}
    return [address for address in several if address not in stay]


# --- how long, and what follows -------------------------------------------------------------------


def _pace(rows: Collection[Row], known: facts.Known, *, at: datetime) -> Pace:
    happening = [row for row in rows if row.happens]
    connections = {known.apps[row.app_id].teller for row in happening if row.app_id}
    requests = len(happening) + 2 * len(connections)
    ahead = Change.objects.filter(
        state__in=[State.WAITING, State.TELLING], held_back=False, due_at__lte=at
    ).count()
    return pace(requests, ahead)


def pace(requests: int, ahead: int) -> Pace:
    """How long so many requests take, after those `ahead`."""
    limit, period = settings.SCALINGO_RATE_LIMIT, settings.SCALINGO_RATE_PERIOD
    reserve = max(min(settings.SCALINGO_RATE_RESERVE, limit), 1)
    total = requests + ahead
    windows = max(total - 1, 0) // limit
    busy = max(total - 1, 0) // reserve
    return Pace(
        requests=requests,
        ahead=ahead,
        seconds=ceil(windows * period + (total - windows * limit) * _EACH),
        at_most=ceil((busy + 1) * period) if total else 0,
    )


def _consequences(purpose: Purpose, rows: Collection[Row]) -> list[str]:
    happening = [row for row in rows if row.happens]
    codes: list[str] = []
    if any(row.kind == Kind.REMOVE for row in happening):
        codes += ["secrets", "tokens", "deploys", "no_undo"]
    elif any(row.role_then == Role.LIMITED and row.kind == Kind.CHANGE_ROLE for row in happening):
        codes.append("step_down")
    if any(row.follows for row in happening):
        codes.append("again")
    return [str(words.CONSEQUENCES[code]) for code in codes]
