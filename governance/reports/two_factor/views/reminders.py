"""Remind everybody without 2FA: who gets a mail, who does not and why, and then the sending."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from governance.audit.events import Source
from governance.core.pages import page, see_other
from governance.core.templatetags.interface import length
from governance.inventory.queries.asof import Around, Moment
from governance.reports.two_factor import permissions, reminding, words
from governance.reports.two_factor.views import who


@require_http_methods(["GET", "HEAD", "POST"])
def remind(request: HttpRequest) -> HttpResponse:
    """GET shows it, POST sends it to those who may be reminded then."""
    user, now = who(request), timezone.now()
    if request.method != "POST":
        permissions.may_see_reminders(user).enforce()
    people = reminding.look(user, at=now)
    if request.method == "POST":
        ids = [one.row.person_id for one in people if not one.why_not]
        sent = reminding.remind(ids, by=user, source=Source.PAGE, at=now)
        messages.success(request, _said(len(sent)))
        return see_other(request, reverse("two-factor:list"))
    moment = Moment(now)
    rows = [{**words.row(one.row, moment, Around()), "why_not": one.why_not} for one in people]
    return page(
        request,
        "two_factor/remind.html",
        {
            "now": now,
            "rows": rows,
            "mails": sum(not one.why_not for one in people),
            "every": length(reminding.every().total_seconds()),
            "may_remind": permissions.may_remind(user),
        },
    )


def _said(number: int) -> str:
    if not number:
        return _("Nobody is reminded: everybody was lately, or is excepted.")
    return ngettext(
        "%(n)d person is being reminded.", "%(n)d people are being reminded.", number
    ) % {"n": number}
