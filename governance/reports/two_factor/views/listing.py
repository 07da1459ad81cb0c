"""The report as a page: the three denominators, and people, riskiest first."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.accounts.permissions import may_export
from governance.core import instants
from governance.core.pages import page
from governance.reports.two_factor import asked, words
from governance.reports.two_factor.queries import read_page
from governance.reports.two_factor.review.queries import next_due
from governance.reports.two_factor.views import who


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """By default whoever lacks it, off or unknown."""
    user, now = who(request), timezone.now()
    wanted = asked.read(request.GET, now)
    found = read_page(
        user, wanted, after=request.GET.get("after"), before=request.GET.get("before")
    )
    numbers = found.numbers
    return page(
        request,
        "two_factor/list.html",
        {
            "now": now,
            "asked": wanted,
            "selects": asked.selects(wanted),
            "chips": asked.chips(request.GET, wanted),
            "at": instants.words(wanted.moment.at) if wanted.is_past else "",
            "latest": instants.latest_day(now),
            "around": found.around,
            "numbers": numbers,
            "lacking": ",".join(wanted.values.get("two-factor", ("off", "unknown"))),
            "shares": words.shares(numbers),
            "rows": [words.row(row, wanted.moment, found.around) for row in found.slice.rows],
            "slice": found.slice,
            "sort": wanted.sort,
            "is_scoped": not user.sees_everything,
            "may_export": may_export(user),
            "review": next_due(now),
        },
        partials={"people"},
        status=wanted.status,
    )
