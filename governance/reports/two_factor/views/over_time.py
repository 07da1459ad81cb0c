"""2FA over the past year: the trend, how much lay open, and how long people take."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.core.pages import page
from governance.reports.two_factor.history import charts
from governance.reports.two_factor.history import over_time as history
from governance.reports.two_factor.views import who


@require_safe
def over_time(request: HttpRequest) -> HttpResponse:
    """Six queries, whatever the size of the company."""
    user, now = who(request), timezone.now()
    weeks = history.read_trend(user, at=now)
    months = history.read_exposure(user, at=now)
    return page(
        request,
        "two_factor/over-time.html",
        {
            "now": now,
            "weeks": weeks,
            "stack": charts.stack(weeks),
            "months": months,
            "bars": charts.bars(months),
            "total": sum(month.days for month in months),
            "turning": history.read_turning(user, at=now),
            "is_scoped": not user.sees_everything,
        },
    )
