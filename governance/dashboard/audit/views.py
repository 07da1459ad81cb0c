"""HTTP of the audit log: the page."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.accounts import permissions
from governance.audit import queries
from governance.core.pages import page
from governance.dashboard import lists
from governance.dashboard.audit import asked as asking
from governance.dashboard.audit.integrity import read_integrity
from governance.dashboard.audit.lines import lines
from governance.dashboard.audit.standing import standing


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """Everybody who may browse reads it, over the apps that they may see."""
    tidy = lists.tidy_address(request, {})
    if tidy is not None and not request.htmx:  # type: ignore[attr-defined]
        return HttpResponseRedirect(tidy)
    user, now = lists.who(request), timezone.now()
    permissions.may_browse(user).enforce()
    asked = asking.read(request.GET, user, now)
    shown = queries.page(
        asked.where, after=request.GET.get("after"), before=request.GET.get("before")
    )
    integrity = read_integrity()
    response = page(
        request,
        "audit/log.html",
        {
            "now": now,
            "lines": lines(shown.rows, user, now),
            "slice": shown,
            "asked": asked,
            "chips": asked.chips(request.GET),
            "integrity": integrity,
            "standing": standing(integrity, now=now),
            "may_export": permissions.may_export(user),
            "is_scoped": not user.sees_everything,
        },
        partials={"events"},
        status=200 if asked.period.is_valid() else 422,
    )
    return lists.answered(request, response, tidy)
