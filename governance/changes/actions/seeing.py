"""Compare what Scalingo was told with what was read since: verified, told again, or given up.

Asks the inventory alone, so it may be called at any time and by anybody, any number of times. Only
a reading that began after Scalingo was told says anything.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from governance.audit.events import Entry
from governance.changes.addresses import key
from governance.changes.models import ENDING, Change, Kind, State
from governance.changes.moves import move, save
from governance.core.nudges import after_commit
from governance.inventory.models import App, Collaboration, Coverage

# Readings that do not show what Scalingo said yes to, before it is given up.
MOST_UNSEEN = 3
# How often a removal or a role is told at most. An invitation is told once.
MOST_TELLS = 3
# Lists may lag behind: what they still show so soon is not told again.
LAG = timedelta(seconds=60)
# For so long after a reading showed that an invitation never arrived, it may still turn up.
STRAY = timedelta(days=1)
# Until an app is asked for again that did not show it, and twice as long each further time.
PAUSE = timedelta(seconds=30)
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class There:
    """Somebody on an app, as far as was read. `missing`: not any more, but not settled yet."""

    collaborator_id: str
    person_id: UUID
    role: str
    missing: datetime | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last reading of an app says about one change.

    `row` is where they are on it now; None when they are not. `read_at` is when the reading
    began.
    """

    read_at: datetime
    row: "There | None"
    app_is_gone: bool = False


def seen(*, at: datetime) -> int:
    """Settle whatever was read since it was told; how many changes went to another state.

    `sync` calls it when it has read something.
    """
    candidates = list(_candidates(at).values_list("pk", "app_id"))
    if not candidates:
        return 0
    readings = _readings({app_id for _, app_id in candidates})
    due = [pk for pk, app_id in candidates if app_id in readings]
    return sum(
        _settle(due[start : start + _AT_ONCE], readings, at)
        for start in range(0, len(due), _AT_ONCE)
    )


def _candidates(at: datetime) -> QuerySet[Change]:
    stray = Q(state=State.FAILED, code="not_sent", kind=Kind.INVITE, ended_at__gte=at - STRAY)
    return Change.objects.filter(Q(state__in=[State.TOLD, State.UNKNOWN]) | stray)


def _readings(app_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When the last reading that was believed began, by app; those not read lately are left out."""
    apps = App.objects.filter(pk__in=app_ids)
    gone = {app.pk: app.gone_at for app in apps.filter(gone_at__isnull=False) if app.gone_at}
    read = Coverage.objects.filter(
        latest=True, scope__apps__in=apps.filter(stale_since=None, suspect_since=None, gone_at=None)
    )
    return {**gone, **dict(read.values_list("scope__apps", "until"))}


def _settle(ids: Collection[UUID], readings: Mapping[UUID, datetime], at: datetime) -> int:
    with transaction.atomic():
        changes = list(
            Change.objects.select_for_update(of=("self",))
            .filter(pk__in=ids)
            .select_related("app")
            .order_by("pk")
        )
        found = _rows(changes)
        touched: list[Change] = []
        entries: list[Entry] = []
        for change in changes:
            read_at = readings[change.app_id]
            if _says_something(change, read_at):
                row = found.get((change.app_id, change.collaborator_id)) or (
                    found.get((change.app_id, change.address))
                    if not change.collaborator_id
                    else None
                )
                entry = _judge(change, Seen(read_at, row, bool(change.app.gone_at)), at)
                touched.append(change)
                entries += [entry] if entry else []
        save(touched, entries, at=at)
        if any(change.state == State.WAITING for change in touched):
            after_commit("changes.tell")
    return len(entries)


def _says_something(change: Change, read_at: datetime) -> bool:
    """Whether this reading began after Scalingo was told, and was not counted yet."""
    since = change.told_at if change.state == State.TOLD else change.tried_at
    return bool(
        change.state in (State.TOLD, State.UNKNOWN, State.FAILED)
        and since
        and read_at > since
        and read_at != change.read_at
    )


def _rows(changes: Iterable[Change]) -> dict[tuple[UUID, str], There]:
    """Open collaborations of the changes' apps, by id and by address key."""
    apps = {change.app_id for change in changes}
    found: dict[tuple[UUID, str], There] = {}
    rows = Collaboration.objects.open().filter(app_id__in=apps)
    for app_id, email, collaborator_id, person_id, role, missing in rows.values_list(
        "app_id", "person__email", "collaborator_id", "person_id", "role", "missing_at"
    ):
        row = There(collaborator_id, person_id, role, missing)
        found[app_id, row.collaborator_id] = found[app_id, key(email)] = row
    return found


# --- what it means --------------------------------------------------------------------------------


def _judge(change: Change, seen: Seen, at: datetime) -> Entry | None:
    """Move `change` as far as `seen` allows; the event of the step, if there was one."""
    if seen.app_is_gone:
        if change.kind in ENDING:
            return _verify(change, seen, at, code="gone_app")
        return move(change, State.FAILED, at=at, code="gone_app") if change.is_open else None
    if seen.row and seen.row.missing:
        return None  # whether they are gone is not settled yet
    if _is_so(change, seen.row):
        code = "" if change.state == State.TOLD else "seen"
        return _verify(change, seen, at, code=code)
    if change.state == State.UNKNOWN:
        return _was_not_done(change, seen, at)
    return _is_not_seen(change, seen, at) if change.state == State.TOLD else None


def _is_so(change: Change, row: There | None) -> bool:
    if change.kind in ENDING:
        return row is None
    if change.kind == Kind.INVITE:
        return row is not None
    return row is not None and row.role == change.role


def _verify(change: Change, seen: Seen, at: datetime, *, code: str) -> Entry:
    # Whom it is about is known now, and the event says so.
    if seen.row and not change.person_id:
        change.person_id = seen.row.person_id
    if seen.row and not change.collaborator_id:
        change.collaborator_id = seen.row.collaborator_id
    entry = move(change, State.VERIFIED, at=at, code=code)
    change.verified_at = change.read_at = seen.read_at
    return entry


def _was_not_done(change: Change, seen: Seen, at: datetime) -> Entry | None:
    """A reading shows that an order of unknown outcome has no effect."""
    if seen.read_at < change.due_at:
        return None  # it may still be on its way
    change.read_at = seen.read_at
    if change.kind == Kind.INVITE:
        return move(change, State.FAILED, at=at, code="not_sent")
    return _again(change, seen, at, otherwise="not_done")


def _is_not_seen(change: Change, seen: Seen, at: datetime) -> Entry | None:
    """Scalingo said yes, and this reading does not show it."""
    change.read_at = seen.read_at
    change.unseen += 1
    change.code = "still_there"
    settled = change.told_at is not None and seen.read_at >= change.told_at + LAG
    if change.kind in ENDING and settled and change.tells < MOST_TELLS:
        return _again(change, seen, at, otherwise="not_seen")
    if change.unseen >= MOST_UNSEEN or (change.kind == Kind.CHANGE_ROLE and seen.row is None):
        return _again(change, seen, at, otherwise="not_seen", most=0)
    return None


def _again(
    change: Change, seen: Seen, at: datetime, *, otherwise: str, most: int | None = None
) -> Entry:
    """Tell it again, if it was not told too often and there is somebody to tell it about."""
    if change.kind == Kind.CHANGE_ROLE and seen.row is None:
        return move(change, State.FAILED, at=at, code="no_such_person")
    if change.tells >= (MOST_TELLS if most is None else most):
        return move(change, State.FAILED, at=at, code=otherwise)
    change.due_at = at
    return move(change, State.WAITING, at=at, code="again")


# --- readings that are asked for ------------------------------------------------------------------


def looked(app_ids: Collection[UUID], *, at: datetime) -> None:
    """Note that these apps were read as asked, or could not be: when to ask again, if need be."""
    with transaction.atomic():
        asked = list(
            Change.objects.select_for_update()
            .filter(app_id__in=app_ids, look_at__lte=at)
            .order_by("pk")
        )
        for change in asked:
            change.looks = min(change.looks + 1, 100)
            pause = PAUSE * (1 << min(change.looks, 7))
            earliest = change.due_at if change.state == State.UNKNOWN else at
            change.look_at = max(at + pause, earliest) if change.looks > 1 else max(at, earliest)
        Change.objects.bulk_update(asked, ["look_at", "looks"])
