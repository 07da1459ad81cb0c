"""The first page: is our access in order today?"""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.accounts import permissions
from governance.accounts.models import User
from governance.core.pages import page
from governance.dashboard.overview import charts
from governance.dashboard.overview.changes import read_lines
from governance.dashboard.overview.figures import read_figures
from governance.dashboard.overview.trend import read_trend


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Three queries of its own, whatever the size of the company."""
    user = cast(User, request.user)
    permissions.may_browse(user).enforce()
    now = timezone.now()
    weeks = read_trend(user, at=now)
    return page(
        request,
        "dashboard/overview.html",
        {
            "now": now,
            "figures": read_figures(user, at=now),
            "lines": read_lines(user),
            "weeks": weeks,
            "coverage": charts.coverage(weeks),
            "turnover": charts.turnover(weeks),
            "people_line": charts.line([week.people for week in weeks]),
            "is_scoped": not user.sees_everything,
            "may_connect": permissions.may_manage_connections(user),
        },
    )
