"""The page: what is otherwise at one instant than at an earlier one, and who did it."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.accounts.models import User
from governance.core import instants
from governance.core.pages import page
from governance.reports.asking import AUTHORS
from governance.reports.difference import asked as asking
from governance.reports.difference import rows, words

_FIRST = ("joined", "left", "role", "two_factor", "owner")


@require_safe
def difference(request: HttpRequest) -> HttpResponse:
    user, now = cast("User", request.user), timezone.now()
    wanted = asking.read(request.GET, user, now)
    context = {
        "now": now,
        "wanted": wanted,
        "form": wanted.form,
        "kinds": words.KINDS,
        "authors": dict(AUTHORS),
        "latest": instants.latest_day(now).isoformat(),
        "is_scoped": not user.sees_everything,
    }
    if wanted.is_whole:
        context |= _found(request, wanted)
    return page(
        request,
        "reports/difference.html",
        context,
        partials={"difference"},
        status=200 if wanted.is_whole else 422,
    )


def _found(request: HttpRequest, wanted: asking.Difference) -> dict[str, object]:
    totals = rows.totals(wanted.asked)
    if wanted.project and str(wanted.project) not in {id_ for id_, _name in totals.projects}:
        wanted.without_project()
        totals = rows.totals(wanted.asked)
    shown = rows.page(
        wanted.asked, after=request.GET.get("after"), before=request.GET.get("before")
    )
    since, until = asking.shown(wanted.asked)
    return {
        "totals": totals,
        "tiles": [(kind, words.KINDS[kind], totals.kinds.get(kind, 0)) for kind in _FIRST],
        "rest": [
            (kind, word, totals.kinds[kind])
            for kind, word in words.KINDS.items()
            if kind not in _FIRST and totals.kinds.get(kind)
        ],
        "slice": shown,
        "lines": [words.line(row, wanted.asked) for row in shown.rows],
        "since": since,
        "until": until,
    }
