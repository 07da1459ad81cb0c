"""Reports: what there is, and what was made before."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.core import cursor
from governance.core.pages import page
from governance.core.templatetags.interface import length
from governance.reports import permissions
from governance.reports.models import Download, Export, Mailing, Schedule
from governance.reports.naming import PACK, title_of
from governance.reports.registers import REPORTS
from governance.reports.views.shown import Line, who

SIZE = 30
_ICONS = {
    "access-by-app": "boxes",
    "access-by-person": "users",
    "privileged": "key-round",
    "two-factor": "shield-check",
    "movers": "arrow-right",
    "invitations": "mail",
    "changes": "send",
    "coverage": "gauge",
    "audit": "scroll-text",
    "difference": "git-branch",
    PACK: "package",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A report that can be asked for."""

    name: str
    title: str
    sentence: str

    @property
    def url(self) -> str:
        return reverse("reports:report", args=[self.name])

    @property
    def icon(self) -> str:
        return _ICONS.get(self.name, "file-text")


def kinds() -> list[Kind]:
    """Everything that can be asked for, the pack of several first."""
    pack = Kind(
        PACK,
        title_of(PACK),
        _(
            "Several reports of one instant in a signed ZIP, with a manifest and the commands that"
            " check it, for somebody who has nothing of ours."
        ),
    )
    return [
        pack,
        *(Kind(one.name, str(one.title), str(one.sentence)) for one in REPORTS.values()),
    ]


@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """Five queries, however much was made."""
    user, now = who(request), timezone.now()
    shown = cursor.paginate(
        Export.objects.visible_to(user)
        .select_related("asked_by")
        .prefetch_related(
            Prefetch("downloads", Download.objects.select_related("by")),
            Prefetch("mailings", Mailing.objects.select_related("to")),
        ),
        "-asked_at",
        "id",
        after=request.GET.get("after"),
        before=request.GET.get("before"),
        size=SIZE,
    )
    return page(
        request,
        "reports/list.html",
        {
            "now": now,
            "kinds": kinds(),
            "lines": [Line(export) for export in shown.rows],
            "slice": shown,
            "schedules": Schedule.objects.visible_to(user).going_on().count(),
            "may_export": permissions.may_export(user),
            "kept": length(settings.EXPORTS_KEPT.total_seconds()),
            "is_scoped": not user.sees_everything,
        },
        partials={"exports"},
    )
