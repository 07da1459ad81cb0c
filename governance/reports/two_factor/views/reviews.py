"""Reviews of 2FA: the list, one of them, deciding, signing off."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.accounts.models import User
from governance.audit.events import Source
from governance.core.pages import found_or_hidden, page, see_other
from governance.core.verdict import Hidden
from governance.reports.two_factor import permissions
from governance.reports.two_factor.models import Decision, Review, Reviewed
from governance.reports.two_factor.review import actions, following, opening, queries
from governance.reports.two_factor.review.forms import DecisionForm, SignOffForm
from governance.reports.two_factor.views import who


@require_safe
def reviews(request: HttpRequest) -> HttpResponse:
    """All of them, and when the next one is due."""
    user, now = _who(request), timezone.now()
    due = queries.next_due(now)
    waits = due.is_overdue and not due.open
    return page(
        request,
        "two_factor/reviews.html",
        {
            "now": now,
            "reviews": queries.reviews()[:50],
            "due": due,
            "why_not": opening.why_not(now) if waits else [],
            "is_mailed": bool(settings.MAIL_URL),
            "may_review": permissions.may_review(user),
        },
    )


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Freeze the report as it is now."""
    user = _who(request)
    permissions.may_review(user).enforce()
    try:
        review = actions.start(by=user, source=Source.PAGE, at=timezone.now())
    except actions.NotNow as error:
        messages.warning(request, str(error))
        return see_other(request, reverse("two-factor:reviews"))
    return see_other(request, _address(review.pk))


@require_safe
def review(request: HttpRequest, review_id: UUID) -> HttpResponse:
    user = who(request)
    return _page(request, user, _found(user, review_id))


@require_POST
def decide(request: HttpRequest, review_id: UUID, number: int) -> HttpResponse:
    """Decide about one person of it."""
    user, now = who(request), timezone.now()
    found = _found(user, review_id)
    one = get_object_or_404(Reviewed, review=found, number=number)
    actions.may_decide(user, one).enforce()
    form = DecisionForm(request.POST, today=timezone.localdate(now), auto_id=f"id_{number}_%s")
    if not form.is_valid():
        return _page(request, user, found, forms={number: form}, status=422)
    data = form.cleaned_data
    try:
        actions.decide(
            one,
            what=Decision.What(data["what"]),
            note=data["note"],
            until=data["until"],
            by=user,
            source=Source.PAGE,
            at=now,
        )
    except actions.NotNow as error:
        messages.warning(request, str(error))
        return _page(request, user, found, status=409)
    messages.success(request, _("What you decided about %(name)s is kept.") % {"name": one})
    return see_other(request, f"{_address(review_id)}#person-{number}")


@require_POST
def sign_off(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Sign it off: from then on nothing of it changes."""
    user, now = who(request), timezone.now()
    found = _found(user, review_id)
    permissions.may_review(user).enforce()
    form = SignOffForm(request.POST)
    if not form.is_valid():
        return _page(request, user, found, sign_form=form, status=422)
    try:
        actions.sign_off(
            found,
            statement=form.cleaned_data["statement"],
            by=user,
            source=Source.PAGE,
            at=now,
        )
    except actions.NotNow as error:
        messages.warning(request, str(error))
        return _page(request, user, found, status=409)
    messages.success(request, _("The review is signed off."))
    return see_other(request, _address(review_id))


def _who(request: HttpRequest) -> User:
    """A review speaks of everybody: who sees some apps alone is told that there is none."""
    user = who(request)
    if not user.sees_everything:
        raise Hidden
    return user


def _found(user: User, review_id: UUID) -> Review:
    visible = queries.reviews() if user.sees_everything else queries.reviews().none()
    return found_or_hidden(visible, Review.objects.all(), review_id)


def _address(review_id: UUID) -> str:
    return reverse("two-factor:review", args=[review_id])


def _page(
    request: HttpRequest,
    user: User,
    found: Review,
    *,
    forms: dict[int, DecisionForm] | None = None,
    sign_form: SignOffForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    lines = queries.lines(found)
    came = following.came(found, {line.reviewed.person_id: line.reviewed.number for line in lines})
    foreseen = _foreseen(lines, user, found, now)
    return page(
        request,
        "two_factor/review.html",
        {
            "now": now,
            "review": found,
            "lines": _lines(lines, user, found, now, forms or {}, came),
            "follows": following.count(foreseen),
            "nothing_follows": [one for one in foreseen if one.why_not],
            "mails": following.mails_of(came.values()),
            "granted": sum(one.is_excepted for one in came.values()),
            "outcome": queries.outcome(lines),
            "is_overdue": not found.is_signed and found.due_at < now,
            "may_sign": actions.may_sign(user, found),
            "sign_form": sign_form or SignOffForm(),
        },
        status=status,
    )


def _foreseen(
    lines: list[queries.Line], user: User, found: Review, now: datetime
) -> list[following.Foreseen]:
    """What signing it would do, for whoever may sign such a thing."""
    if found.is_signed or not permissions.may_review(user):
        return []
    decisions = [line.decision for line in lines if line.decision]
    return following.foresee(decisions, by=user, at=now)


def _lines(
    lines: list[queries.Line],
    user: User,
    found: Review,
    now: datetime,
    forms: dict[int, DecisionForm],
    came: dict[int, following.Came],
) -> list[dict[str, Any]]:
    """Each with its form where there is one; that of the first who is not decided is open."""
    rows = [
        {**_line(line, user, found, now, forms), "came": came.get(line.reviewed.number)}
        for line in lines
    ]
    following = next((row for row in rows if row["form"] and not row["decision"]), None)
    if following and not forms:
        following["is_next"] = True
    return rows


def _line(
    line: queries.Line,
    user: User,
    found: Review,
    now: datetime,
    forms: dict[int, DecisionForm],
) -> dict[str, Any]:
    one, decision = line.reviewed, line.decision
    verdict = actions.may_decide(user, one)
    form = forms.get(one.number)
    if form is None and verdict and not found.is_signed:
        form = DecisionForm(
            today=timezone.localdate(now),
            auto_id=f"id_{one.number}_%s",
            initial={"what": decision.what, "note": decision.note} if decision else None,
        )
    return {
        "one": one,
        "decision": decision,
        "earlier": line.earlier,
        "form": form,
        "verdict": verdict,
    }
