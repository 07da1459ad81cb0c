"""HTTP of the audit log: the page and its export."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from governance.accounts import permissions
from governance.audit import export as exporting
from governance.audit import queries
from governance.audit.events import Source
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


@require_POST
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The whole log as a file: with its checkpoints, and what checks them."""
    user, now = lists.who(request), timezone.now()
    permissions.may_export(user).enforce()
    asked = exporting.ask(by=user, source=Source.PAGE, at=now)
    newest = exporting.covered(asked)
    name = f"audit-log-{now:%Y%m%dT%H%M%SZ}.zip"
    return StreamingHttpResponse(
        exporting.archive(asked, newest, timezone.now),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
