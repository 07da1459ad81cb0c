"""Reports that come by mail: which, to whom, when the next is due; pause, resume, end."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.accounts.models import User
from governance.audit.events import Source
from governance.core.pages import found_or_hidden, page, see_other
from governance.reports import actions, periods, permissions
from governance.reports.models import Every, Export, Schedule
from governance.reports.naming import title_of
from governance.reports.views.shown import Line, who

# The latest reports of each that are shown.
LATEST = 3


@require_safe
def schedules(request: HttpRequest) -> HttpResponse:
    """Those that go on, the next due first."""
    return _page(request, who(request))


@require_POST
def pause(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    return _do(request, schedule_id, actions.pause, _("“{report}” is paused."))


@require_POST
def resume(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    return _do(request, schedule_id, actions.resume, _("“{report}” comes by mail again."))


@require_POST
def end(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    return _do(request, schedule_id, actions.end, _("“{report}” does not come by mail any more."))


def _do(
    request: HttpRequest, schedule_id: UUID, action: Callable[..., Schedule], said: str
) -> HttpResponse:
    user = who(request)
    visible = Schedule.objects.visible_to(user)
    one = found_or_hidden(visible, Schedule.objects.all(), schedule_id)
    permissions.may_export(user).enforce()
    try:
        action(one, by=user, source=Source.PAGE, at=timezone.now())
    except actions.AlreadySo as error:
        messages.warning(request, str(error))
        return _page(request, user, status=409)
    messages.success(request, said.format(report=title_of(one.report)))
    return see_other(request, reverse("reports:schedules"))


def _page(request: HttpRequest, user: User, *, status: int = 200) -> HttpResponse:
    found = (
        Schedule.objects.visible_to(user)
        .going_on()
        .select_related("made_by")
        .prefetch_related(
            "recipients",
            Prefetch("exports", Export.objects.order_by("-as_of"), to_attr="made"),
        )
        .order_by("next_at", "pk")
    )
    return page(
        request,
        "reports/schedules.html",
        {
            "now": timezone.now(),
            "rows": [_row(one) for one in found],
            "may_export": permissions.may_export(user),
            "may_schedule": permissions.may_schedule(user),
            "is_mailed": bool(settings.MAIL_URL),
        },
        status=status,
    )


def _row(one: Any) -> dict[str, Any]:
    filters = one.asked.get("filters") or {}
    return {
        "schedule": one,
        "title": title_of(one.report),
        "next": periods.name_of(Every(one.every), one.next_at),
        "narrowed": " · ".join(f"{name}: {', '.join(found)}" for name, found in filters.items()),
        "recipients": ", ".join(sorted(map(str, one.recipients.all()))),
        "made": [
            (periods.name_of(Every(one.every), export.as_of), Line(export))
            for export in one.made[:LATEST]
        ],
    }
