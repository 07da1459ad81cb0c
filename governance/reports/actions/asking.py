"""Ask for a report: a row that a worker finds, whatever becomes of the message that hurries it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit import actions as audit
from governance.audit.events import Source
from governance.core.nudges import after_commit
from governance.reports import permissions
from governance.reports.models import Export, Schedule

# Somebody who asks for more at once has probably pressed a button too often.
MOST_WAITING = 20


class TooMany(Exception):
    """So many reports of theirs are under way already."""

    def __init__(self) -> None:
        super().__init__(
            _("%(n)d reports of yours are being made. Wait until one of them is ready.")
            % {"n": MOST_WAITING}
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for, before anybody knows whether they may.

    `asked` is what a `registers.base.Asked` is made from again: instants as text, filters as lists.
    """

    report: str
    format: str
    as_of: datetime
    asked: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def ask(
    wanted: Wanted,
    *,
    by: User,
    source: Source,
    at: datetime,
    schedule: Schedule | None = None,
) -> Export:
    """Write down that `by` wants this, with their roles and scope of now, and ring for a worker.

    Raises `Refused` for somebody who may not export, and `TooMany`.
    """
    permissions.may_export(by).enforce()
    if schedule is None and Export.objects.under_way().filter(asked_by=by).count() >= MOST_WAITING:
        raise TooMany
    scope = schedule or by
    everything = schedule.everything if schedule else by.sees_everything
    export = Export.objects.create(
        report=wanted.report,
        asked=dict(wanted.asked),
        options=dict(wanted.options),
        format=wanted.format,
        as_of=wanted.as_of,
        asked_by=by,
        roles=list(by.roles),
        asked_at=at,
        source=source,
        schedule=schedule,
        everything=everything,
        projects=[] if everything else list(scope.projects),
    )
    after_commit("reports.make")
    audit.record(
        "report.asked",
        by=by,
        source=source,
        at=at,
        target=export,
        data={
            "report": wanted.report,
            "format": wanted.format,
            "as_of": wanted.as_of,
            "roles": list(by.roles),
            "everything": everything,
            "schedule": schedule.pk if schedule else None,
        },
        personal=_personal(wanted.asked),
    )
    return export


def _personal(asked: Mapping[str, Any]) -> dict[str, str]:
    """What it was narrowed to. Names stand there: it can be erased."""
    filters: Mapping[str, Sequence[str]] = asked.get("filters") or {}
    if not filters:
        return {}
    return {"filters": "; ".join(f"{name}: {', '.join(found)}" for name, found in filters.items())}
