"""Write what an app answered to its duties, and offer those of which something was changed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from governance.audit.actions import record_many
from governance.audit.events import Entry, Source
from governance.inventory.models import App, Identity
from governance.rotations.actions.asking import Answers, Database
from governance.rotations.evidence import Touched, touched, unseen
from governance.rotations.models import Duty, Evidence, Secret, State
from governance.scalingo import DatabaseUser
from governance.sync.rows import storable

_READ = [
    "names_read_at", "names_failing_since", "names_said", "databases_read_at",
    "databases_failing_since", "databases_said", "events_from", "events_until", "events_missed",
    "events_failing_since", "events_said", "next_read_at", "state", "offered_at",
]  # fmt: skip


@transaction.atomic
def note(app: App, answers: Answers, *, every: timedelta, again: timedelta) -> None:
    """Write down what was read, and what was not and why. What is closed by now stays as it is."""
    duties = list(
        Duty.objects.select_for_update().filter(app=app, next_read_at__isnull=False).order_by("pk")
    )
    people = _people(answers)
    entries = []
    for duty in duties:
        _names(duty, answers)
        _databases(duty, answers)
        if _events(duty, answers, people):
            entries.append(_offer(duty, answers.at))
        _failures(duty, answers)
        duty.next_read_at = answers.at + (again if answers.said else every)
    Duty.objects.bulk_update(duties, _READ)
    record_many(entry for entry in entries if entry)


def _names(duty: Duty, answers: Answers) -> None:
    if answers.names is None or duty.names_read_at is not None:
        return
    names = dict.fromkeys(storable(name, 200) for name in answers.names if name)
    Secret.objects.bulk_create(
        [Secret(duty=duty, kind=Secret.Kind.VARIABLE, name=name) for name in names],
        ignore_conflicts=True,
    )
    duty.names_read_at = answers.at


def _databases(duty: Duty, answers: Answers) -> None:
    if answers.databases is None or duty.databases_read_at is not None:
        return
    secrets = [one for found in answers.databases for one in _of_database(duty, found)]
    Secret.objects.bulk_create(secrets, ignore_conflicts=True)
    duty.databases_read_at = answers.at


def _of_database(duty: Duty, found: Database) -> Iterable[Secret]:
    place = storable(found.add_on.resource or found.add_on.provider, 200)
    if not found.users:
        name = storable(found.add_on.provider, 200)
        return [Secret(duty=duty, kind=Secret.Kind.ADD_ON, place=place, name=name)]
    return [
        Secret(
            duty=duty,
            kind=Secret.Kind.DATABASE_USER,
            place=place,
            name=storable(user.name, 200),
            needs_support=_is_default(user, found),
        )
        for user in found.users
    ]


def _is_default(user: DatabaseUser, found: Database) -> bool:
    """Whether it is the protected user; where that is not said, the one named as the database."""
    if user.is_protected is not None:
        return user.is_protected
    return user.name == found.add_on.resource


def _events(duty: Duty, answers: Answers, people: dict[str, UUID]) -> bool:
    """Keep what the events show since the departure. Whether a variable was changed that was not
    known to be."""
    if answers.events is None or answers.events_at is None:
        return False
    at = answers.events_at
    wanted_from = duty.events_until or duty.departed_at
    missed = unseen(wanted_from, at)
    if missed:
        duty.events_missed = [*duty.events_missed, [edge.isoformat() for edge in missed]]
    if duty.events_from is None:
        duty.events_from = missed[1] if missed else wanted_from
    duty.events_until = max(at, wanted_from)
    found = list(touched(answers.events, since=duty.departed_at))
    known = set(duty.evidence.values_list("event_id", "variable", "what"))
    fresh = [one for one in found if _key(one) not in known]
    Evidence.objects.bulk_create(
        [_evidence(duty, one, people, at) for one in fresh], ignore_conflicts=True
    )
    return any(one.is_change for one in fresh)


def _key(one: Touched) -> tuple[str, str, str]:
    return storable(one.event.id, 80), storable(one.variable, 200), one.what


def _evidence(duty: Duty, one: Touched, people: dict[str, UUID], at: datetime) -> Evidence:
    event_id, variable, what = _key(one)
    actor = people.get(storable(one.event.actor_id or "", 254))
    name = "" if actor else one.event.actor_username or one.event.actor_email
    return Evidence(
        duty=duty,
        event_id=event_id,
        variable=variable,
        what=what,
        at=one.event.at,
        actor_id=actor,
        actor_name=storable(name, 254),
        seen_at=at,
    )


def _offer(duty: Duty, at: datetime) -> Entry | None:
    if duty.state != State.OPEN:
        return None
    duty.state, duty.offered_at = State.OFFERED, at
    return Entry(
        kind="rotation.offered",
        at=at,
        source=Source.SCHEDULE,
        target_kind=Duty._meta.label_lower,
        target_id=duty.pk,
        app_id=duty.app_id,
        person_id=duty.person_id,
    )


def _failures(duty: Duty, answers: Answers) -> None:
    """Since when and why each of the three readings fails; nothing, where it went well."""
    for what, is_needed in (
        ("names", duty.names_read_at is None),
        ("databases", duty.databases_read_at is None),
        ("events", True),
    ):
        said = answers.said.get(what, "") if is_needed else ""
        since = (getattr(duty, f"{what}_failing_since") or answers.at) if said else None
        setattr(duty, f"{what}_said", storable(said, 500))
        setattr(duty, f"{what}_failing_since", since)


def _people(answers: Answers) -> dict[str, UUID]:
    """The people behind the accounts that the events name."""
    events = answers.events or ()
    ids = {storable(event.actor_id, 254) for event in events if event.actor_id}
    if not ids:
        return {}
    found = Identity.objects.filter(kind=Identity.Kind.USER_ID, value__in=ids, ended_at=None)
    return dict(found.values_list("value", "person_id"))
