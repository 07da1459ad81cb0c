"""Keep a plan as it was shown, so that what is placed is what was seen."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit.events import Source
from governance.changes.models import Preview, Purpose
from governance.changes.plans.values import Pace, Plan, Row, Wanted

# Older ones are made again: too much may have changed.
GOOD_FOR = timedelta(hours=24)


class NoSuchPlan(Exception):
    """There is no such plan of this person, or it is too old to be placed."""

    def __init__(self) -> None:
        super().__init__(_("This plan is not there, or is older than a day. Make it again."))


def keep(plan: Plan, *, by: User, source: Source) -> Plan:
    """Keep `plan` as it is shown now; the same with its id. Whatever is too old is emptied."""
    preview = Preview.objects.create(
        purpose=plan.purpose,
        made_by=by,
        made_at=plan.at,
        source=source,
        wanted=[one.as_json() for one in plan.wanted],
        rows={
            "rows": [row.as_json() for row in plan.rows],
            "pace": asdict(plan.pace),
            "person_id": str(plan.person_id) if plan.person_id else None,
            "offboarded": plan.offboarded,
            "leavers": list(plan.leavers),
            "consequences": list(plan.consequences),
        },
    )
    return replace(plan, id=preview.pk)


def find(plan_id: UUID, *, by: User, at: datetime) -> Plan:
    """The plan as it was shown to `by`. Raises `NoSuchPlan`; somebody else's is none."""
    preview = Preview.objects.filter(pk=plan_id, made_by=by).first()
    if preview is None or not preview.rows or preview.made_at < at - GOOD_FOR:
        raise NoSuchPlan
    return read(preview)


def read(preview: Preview) -> Plan:
    """A kept plan, whoever it is of and however old."""
    said = preview.rows
    return Plan(
        purpose=Purpose(preview.purpose),
        rows=[Row.from_json(row) for row in said["rows"]],
        wanted=[Wanted.from_json(one) for one in preview.wanted],
        at=preview.made_at,
        pace=Pace(**said["pace"]),
        id=preview.pk,
        person_id=UUID(said["person_id"]) if said["person_id"] else None,
        offboarded=said["offboarded"],
        leavers=said.get("leavers", []),  # none in those kept by an earlier version
        consequences=said["consequences"],
    )


def forget_old(*, at: datetime) -> int:
    """Empty plans that nobody can place any more: they hold addresses. How many."""
    old = Preview.objects.filter(made_at__lt=at - GOOD_FOR).exclude(rows={})
    return old.filter(batch=None).delete()[0] + old.update(rows={}, wanted=[])
