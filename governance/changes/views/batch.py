"""One batch of changes: how far each is, live; stop it, try again, download the result."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from governance.accounts.models import User
from governance.accounts.permissions import may_export
from governance.audit import actions as audit
from governance.audit.events import Source
from governance.changes import actions, permissions, plans, queries, words
from governance.changes.forms import Ids
from governance.changes.models import Batch, Change, Kind, Purpose, State
from governance.changes.views import placing
from governance.changes.views.standing import Standing, numbers, within
from governance.core import cursor
from governance.core.pages import found_or_hidden, page, part_asked_for, see_other
from governance.inventory.models import Role, Status

# htmx stops asking when it is answered with this.
STOP_POLLING = 286
SIZE = 60
# Seconds between two looks: while Scalingo is being told, and while a reading is waited for.
_SOON, _LATER = 2, 8


@require_safe
def detail(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """For everybody who may see one of its apps."""
    return _detail(request, _standing(request, batch_id))


@require_POST
def cancel(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Stop what still waits: the changes that the form names, or all of them."""
    user, batch = cast(User, request.user), _standing(request, batch_id).batch
    permissions.may_cancel(user).enforce()
    named = Ids().to_python(request.POST.getlist("change"))
    of_it = Change.objects.filter(batch=batch)
    ids = of_it.filter(pk__in=named) if named else of_it
    status = 200
    try:
        stopped = actions.cancel(
            set(ids.values_list("pk", flat=True)), by=user, source=Source.PAGE, at=timezone.now()
        )
    except actions.TooLate as error:
        messages.warning(request, str(error))
        status = 409
    else:
        messages.success(
            request,
            ngettext(
                "%(n)d change is cancelled. Scalingo was told nothing of it.",
                "%(n)d changes are cancelled. Scalingo was told nothing of them.",
                len(stopped),
            )
            % {"n": len(stopped)},
        )
    if part_asked_for(request) == "progress" or status == 409:
        return _detail(request, _standing(request, batch_id), status=status)
    return see_other(request, _address_of(batch))


@require_POST
def retry(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Plan once more what came to nothing; what was done is left alone."""
    user, batch = cast(User, request.user), _standing(request, batch_id).batch
    permissions.may_change_access(user).enforce()
    plan = plans.plan_retry(batch, by=user, at=timezone.now())
    if not plan.rows:
        nothing = _("Nothing of this came to nothing.")
        if batch.purpose == Purpose.OFFBOARD and batch.person:
            nothing = _("%(person)s is on no app.") % {"person": batch.person.display_name}
        messages.info(request, nothing)
        return see_other(request, _address_of(batch))
    return placing.show(request, plans.keep(plan, by=user, source=Source.PAGE))


@require_POST
def download(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The result as it is now, as CSV for a spreadsheet. That somebody took it is an event."""
    user, batch, now = cast(User, request.user), _standing(request, batch_id).batch, timezone.now()
    may_export(user).enforce()
    rows = list(queries.result_rows(batch, user, at=now))
    with transaction.atomic():
        audit.record(
            "change.result_downloaded",
            by=user,
            source=Source.PAGE,
            at=now,
            target=batch,
            data={"changes": len(rows)},
        )
    text = _csv([queries.COLUMNS, *rows])
    text += "".join(f"{line}\n" for line in queries.result_foot(batch, user, at=now))
    # The mark says UTF-8 to those spreadsheets that would guess otherwise.
    response = HttpResponse("\ufeff" + text, content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="changes-{now:%Y%m%dT%H%M%SZ}.csv"'
    return response


def _csv(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    for row in rows:
        writer.writerow([neutral(cell) for cell in row])
    return text.getvalue()


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, on none of its lines."""
    if any(line.lstrip().startswith(_FORMULA) for line in cell.splitlines()) or cell[:1] in "\t\r":
        return f"'{cell}" if cell else cell
    return cell


_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


# --- the page -------------------------------------------------------------------------------------


def _standing(request: HttpRequest, batch_id: UUID) -> Standing:
    user = cast(User, request.user)
    permissions.may_see(user).enforce()
    found = (
        Batch.objects.visible_to(user)
        .select_related("decided_by", "person")
        .annotate(**numbers("changes__", within(user, "changes__")))
    )
    batch = found_or_hidden(found, Batch.objects.all(), batch_id)
    return Standing.of(batch, vars(batch))


def _detail(request: HttpRequest, standing: Standing, *, status: int = 200) -> HttpResponse:
    user, now = cast(User, request.user), timezone.now()
    batch = standing.batch
    progress = standing.progress(at=now)
    shown = cursor.paginate(
        batch.changes.visible_to(user).select_related("app__region", "person", "cancelled_by"),
        "position",
        after=request.GET.get("after"),
        before=request.GET.get("before"),
        size=SIZE,
    )
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    if status == 200 and progress.is_over and _asks_by_itself(request):
        status = STOP_POLLING
    return page(
        request,
        "changes/detail.html",
        {
            "now": now,
            "batch": batch,
            "standing": standing,
            "progress": progress,
            "grace_left": _left(progress.due_at, now),
            "every": _SOON if progress.is_live else _LATER,
            "lines": [_line(change, now) for change in shown.rows],
            "slice": shown,
            "address": f"{_address_of(batch)}{query}",
            "query": query,
            "is_one": standing.said["total"] == 1,
            **(_still_on(batch, user) if progress.is_over else {}),
            "may_act": permissions.may_change_access(user),
            "may_export": may_export(user),
        },
        partials={"progress"},
        status=status,
    )


def _still_on(batch: Batch, user: User) -> dict[str, Any]:
    """Each app that an offboarding has not taken somebody off, with who they are by now."""
    rows = queries.still_on(batch, user)
    if not rows or batch.person is None:
        return {}
    invited, there = _("invited as %(role)s"), _("as %(role)s")
    return {
        "still_on": [
            {
                "app": row.app,
                "what": (invited if row.status == Status.PENDING else there)
                % {"role": words.role_word(row.role)},
            }
            for row in rows
        ],
        "leaver": plans.as_known_now(batch.person),
        "may_offboard": permissions.may_remove(user)
        and any(row.role != Role.OWNER for row in rows),
    }


def _line(change: Change, now: datetime) -> dict[str, Any]:
    line = queries.Line(change, now)
    return {
        "line": line,
        "change": change,
        "name": change.person.display_name if change.person else change.email,
        "email": change.email if change.person and change.person.username else "",
        "do": _do(change),
        "far": _far(line),
        "at": change.verified_at or change.told_at or change.ended_at,
    }


def _do(change: Change) -> str:
    """What shall be done, never as if it were done: "Invite as limited collaborator"."""
    if change.kind == Kind.INVITE:
        return _("Invite as %(role)s") % {"role": words.role_word(change.role)}
    if change.kind == Kind.CHANGE_ROLE:
        return _("Make %(role)s") % {"role": words.role_word(change.role)}
    return str(change.get_kind_display())


def _far(line: queries.Line) -> str:
    """How far it is, with the names of those who came first or stopped it."""
    change = line.change
    if change.code == "under_way" and change.said:
        return _("%(name)s decided about them first.") % {"name": change.said}
    if change.state == State.CANCELLED and change.cancelled_by:
        return _("%(name)s cancelled it before Scalingo was told.") % {"name": change.cancelled_by}
    return line.sentence


def _asks_by_itself(request: HttpRequest) -> bool:
    return request.method == "GET" and part_asked_for(request) == "progress"


def _left(due_at: datetime | None, now: datetime) -> float:
    """Seconds of grace: how long all of it can still be stopped."""
    return max((due_at - now).total_seconds(), 0) if due_at else 0


def _address_of(batch: Batch) -> str:
    return reverse("changes:detail", args=[batch.pk])
