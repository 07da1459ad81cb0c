"""The Sync page: is what I read here fresh, and what goes on?"""

from datetime import datetime
from functools import cache
from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.accounts import permissions
from governance.accounts.models import User
from governance.core.pages import page, part_asked_for, see_other
from governance.core.templatetags.interface import ago
from governance.sync import actions
from governance.sync.models import Run
from governance.sync.queries.health import read_health
from governance.sync.queries.history import read_history
from governance.sync.queries.ongoing import SHOWN, read_ongoing

_PARTS = frozenset({"progress", "sync", "history"})
STOP_POLLING = 286


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Everybody who may browse may read it."""
    return _status(request)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Ask for a sync now; the second who asks is told who was first."""
    user, now = cast(User, request.user), timezone.now()
    try:
        actions.request(by=user, at=now)
    except actions.AlreadyAsked as error:
        messages.warning(request, _who_was_first(error.run, user, now))
    else:
        messages.success(request, _("A sync is about to start."))
    return see_other(request, reverse("sync:status"))


@require_POST
def decide(request: HttpRequest, held_id: UUID) -> HttpResponse:
    """Let held removals through, or keep everything as it was."""
    approve = request.POST.get("decision") == "approve"
    try:
        held = actions.decide_held(
            held_id,
            request.POST.get("digest", ""),
            approve=approve,
            by=cast(User, request.user),
            at=timezone.now(),
        )
    except actions.AlreadyDecided as error:
        messages.warning(request, str(error))
        return _status(request, status=409)
    said = (
        _("The next sync takes %(n)d removals over.")
        if approve
        else _("Everything stays as it was. The %(n)d removals are not asked about for 24 hours.")
    )
    messages.success(request, said % {"n": held.total})
    return see_other(request, reverse("sync:status"))


def _status(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    user, now = cast(User, request.user), timezone.now()
    permissions.may_browse(user).enforce()
    shown = None if request.GET.get("held") == "all" else SHOWN
    runs, held = read_ongoing(user, at=now, shown=shown)
    state = request.GET.get("state", "")
    if part_asked_for(request) == "progress" and not runs:
        status = STOP_POLLING
    return page(
        request,
        "sync/status.html",
        {
            "now": now,
            "every": settings.SYNC_EVERY.total_seconds(),
            "runs": runs,
            "held": held,
            # Asked for by the template, and not by the part that is polled.
            "health": cache(lambda: read_health(user, at=now)),
            "history": cache(
                lambda: read_history(
                    state=state,
                    after=request.GET.get("after"),
                    before=request.GET.get("before"),
                )
            ),
            "state": state if state in _OVER else "",
            "states": _OVER,
            "is_scoped": not user.sees_everything,
            "may_start": permissions.may_start_sync(user),
            "may_decide": permissions.may_decide_held_removals(user),
        },
        partials=_PARTS,
        status=status,
    )


_OVER = {
    str(one.value): one.label for one in (Run.State.COMPLETE, Run.State.PARTIAL, Run.State.FAILED)
}


def _who_was_first(run: Run, user: User, now: datetime) -> str:
    when = ago(run.requested_at, now)
    if run.requested_by is None:
        return _of_nobody(run) % {"when": when}
    if run.requested_by == user.pk:
        return _("You asked for a sync %(when)s; it is still under way.") % {"when": when}
    first = User.objects.filter(pk=run.requested_by).first()
    return _("%(name)s asked for a sync %(when)s; it is still under way.") % {
        "name": first or _("Somebody"),
        "when": when,
    }


def _of_nobody(run: Run) -> str:
    """The sentence about a run that nobody who signs in here has asked for."""
    match Run.Trigger(run.trigger):
        case Run.Trigger.SCHEDULE:
            return _("The schedule asked for a sync %(when)s; it is still under way.")
        case Run.Trigger.TERMINAL:
            return _("Somebody asked for a sync in a terminal %(when)s; it is still under way.")
        case _:
            return _("A sync was asked for %(when)s; it is still under way.")
