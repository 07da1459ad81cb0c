"""Reports that come by themselves: when a week, month or quarter is over, the report of it."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit import actions as audit
from governance.audit.events import Json, Source
from governance.reports import periods, permissions
from governance.reports.actions.asking import Wanted, ask
from governance.reports.models import Every, Export, Schedule

# After a long time without workers, periods are made up for, so many in one go.
MOST_AT_ONCE = 24


class AlreadySo(Exception):
    """It was paused, resumed or ended before."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        said = _("It was ended before.") if schedule.ended_at else _("Somebody did so before.")
        super().__init__(said)


@transaction.atomic
def schedule(
    wanted: Wanted,
    *,
    every: str,
    recipients: Collection[User],
    by: User,
    source: Source,
    at: datetime,
) -> Schedule:
    """Have this made whenever `every` is over, and mailed. Raises `Refused`.

    The first is of the week, month or quarter that is going on at `at`.
    """
    permissions.may_schedule(by).enforce()
    made = Schedule.objects.create(
        report=wanted.report,
        asked=dict(wanted.asked),
        options=dict(wanted.options),
        format=wanted.format,
        every=every,
        made_by=by,
        made_at=at,
        everything=by.sees_everything,
        projects=[] if by.sees_everything else list(by.projects),
        next_at=periods.end_of(Every(every), at),
    )
    for user in recipients:
        permissions.may_receive(user, made).enforce()
    made.recipients.set(recipients)
    _record(
        "report.schedule_made",
        made,
        by,
        source,
        at,
        personal={"to": ", ".join(sorted(map(str, recipients)))},
        format=wanted.format,
        users=[user.pk for user in recipients],
    )
    return made


@transaction.atomic
def pause(schedule: Schedule, *, by: User, source: Source, at: datetime) -> Schedule:
    """Make none of it until it is resumed. Raises `Refused` and `AlreadySo`."""
    one = _mine(schedule, by)
    if one.paused_at:
        raise AlreadySo(one)
    one.paused_at, one.paused_because = at, ""
    one.save(update_fields=["paused_at", "paused_because"])
    _record("report.schedule_paused", one, by, source, at)
    return one


@transaction.atomic
def resume(schedule: Schedule, *, by: User, source: Source, at: datetime) -> Schedule:
    """Go on with the period that is going on now: what it slept through is not made up for.

    Raises `Refused` and `AlreadySo`.
    """
    one = _mine(schedule, by)
    if not one.paused_at:
        raise AlreadySo(one)
    permissions.may_schedule(by).enforce()
    permissions.may_be_made(one, one.made_by).enforce()
    one.paused_at, one.paused_because = None, ""
    one.next_at = periods.end_of(Every(one.every), at)
    one.save(update_fields=["paused_at", "paused_because", "next_at"])
    _record("report.schedule_resumed", one, by, source, at)
    return one


@transaction.atomic
def end(schedule: Schedule, *, by: User, source: Source, at: datetime) -> Schedule:
    """Make none of it any more. Raises `Refused` and `AlreadySo`."""
    one = _mine(schedule, by)
    one.ended_at = at
    one.save(update_fields=["ended_at"])
    _record("report.schedule_ended", one, by, source, at)
    return one


def schedule_due(*, at: datetime) -> list[Export]:
    """Ask for the reports of all periods that are over, each once, the oldest first."""
    asked: list[Export] = []
    while len(asked) < MOST_AT_ONCE:
        found = _ask_next(at)
        if found is None:
            break
        if isinstance(found, Export):
            asked.append(found)
    return asked


@transaction.atomic
def _ask_next(at: datetime) -> Export | Schedule | None:
    due = Schedule.objects.due(at).select_for_update(of=("self",), skip_locked=True)
    one = due.select_related("made_by").order_by("next_at", "pk").first()
    if one is None:
        return None
    verdict = permissions.may_be_made(one, one.made_by)
    if not verdict:
        one.paused_at, one.paused_because = at, verdict.reason
        one.save(update_fields=["paused_at", "paused_because"])
        _record("report.schedule_paused", one, None, Source.SCHEDULE, at, because=verdict.reason)
        return one
    over = one.next_at
    one.next_at = periods.end_of(Every(one.every), over)
    one.save(update_fields=["next_at"])
    wanted = Wanted(
        report=one.report,
        format=one.format,
        as_of=over,
        asked={
            **one.asked,
            "at": over.isoformat(),
            "since": periods.start_of(Every(one.every), over).isoformat(),
        },
        options=one.options,
    )
    return ask(wanted, by=one.made_by, source=Source.SCHEDULE, at=at, schedule=one)


def _mine(schedule: Schedule, by: User) -> Schedule:
    """It, locked; raises `Refused`, and `AlreadySo` once it was ended."""
    permissions.may_export(by).enforce()
    one = (
        Schedule.objects.select_for_update(of=("self",))
        .select_related("made_by")
        .get(pk=schedule.pk)
    )
    if one.ended_at:
        raise AlreadySo(one)
    return one


def _record(
    kind: str,
    one: Schedule,
    by: User | None,
    source: Source,
    at: datetime,
    *,
    personal: dict[str, str] | None = None,
    **data: Json,
) -> None:
    audit.record(
        kind,
        by=by,
        source=source,
        at=at,
        target=one,
        data={"report": one.report, "every": one.every, **data},
        personal=personal,
    )
