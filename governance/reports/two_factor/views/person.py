"""One person's 2FA: what is known of it, what somebody vouched for, and whoever reminded them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.accounts.models import User
from governance.audit.events import Source
from governance.core.pages import found_or_hidden, page, see_other
from governance.facts import permissions as facts
from governance.facts import vouching
from governance.facts.forms import AttestationForm, ExceptionForm
from governance.inventory.models import Person
from governance.inventory.queries.asof import Around, Moment
from governance.reports.two_factor import permissions, reminding, words
from governance.reports.two_factor.history.person import read_history
from governance.reports.two_factor.queries import read_people
from governance.reports.two_factor.views import who


@require_safe
def person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    user = who(request)
    one = _found(user, person_id)
    if one.merged_into_id:
        return redirect("two-factor:person", one.merged_into_id, permanent=True)
    return _page(request, user, one)


@require_POST
def attest(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Say that an owner has it on, with what that rests on."""
    return _say(request, person_id, AttestationForm, vouching.attest, "attest_form")


@require_POST
def let_go(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Let somebody go without it for a while."""
    return _say(request, person_id, ExceptionForm, vouching.except_from_two_factor, "except_form")


@require_POST
def withdraw(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Say that what was attested does not hold any more."""
    return _end(request, person_id, vouching.withdraw_attestation, _("The attestation has ended."))


@require_POST
def end_exception(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """End an exception before its day."""
    return _end(request, person_id, vouching.end_exception, _("The exception has ended."))


@require_POST
def remind(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Send one person a mail."""
    user = who(request)
    one = _found(user, person_id)
    sent = reminding.remind([one.pk], by=user, source=Source.PAGE, at=timezone.now())
    if sent:
        messages.success(request, _("%(person)s is being reminded.") % {"person": one})
    else:
        messages.warning(request, _("%(person)s is not reminded now.") % {"person": one})
    return see_other(request, _address(one.pk))


def _found(user: User, person_id: UUID) -> Person:
    return found_or_hidden(Person.objects.visible_to(user), Person.objects.all(), person_id)


def _say(
    request: HttpRequest, person_id: UUID, form_class: Any, action: Callable[..., Any], name: str
) -> HttpResponse:
    user, now = who(request), timezone.now()
    one = _found(user, person_id)
    facts.may_vouch_for(user, one).enforce()
    form = form_class(request.POST, today=timezone.localdate(now))
    if not form.is_valid():
        return _page(request, user, one, {name: form}, status=422)
    try:
        action(one, **form.cleaned_data, by=user, source=Source.PAGE, at=now)
    except vouching.NotNeeded as error:
        messages.warning(request, str(error))
        return _page(request, user, one, {name: form}, status=409)
    messages.success(request, _("What you said about %(person)s is kept.") % {"person": one})
    return see_other(request, _address(one.pk))


def _end(
    request: HttpRequest, person_id: UUID, action: Callable[..., Any], said: str
) -> HttpResponse:
    user = who(request)
    one = _found(user, person_id)
    try:
        action(one, by=user, source=Source.PAGE, at=timezone.now())
    except vouching.NotNeeded as error:
        messages.warning(request, str(error))
        return _page(request, user, one, status=409)
    messages.success(request, said)
    return see_other(request, _address(one.pk))


def _address(person_id: UUID) -> str:
    return reverse("two-factor:person", args=[person_id])


def _page(
    request: HttpRequest,
    user: User,
    one: Person,
    forms: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    moment, today = Moment(now), timezone.localdate(now)
    found = read_people(user, moment, [one.pk])
    row = found[0] if found else None
    history = read_history(one, at=now)
    return page(
        request,
        "two_factor/person.html",
        {
            "now": now,
            "person": one,
            "row": words.row(row, moment, Around()) if row else None,
            "value": words.two_factor(one.two_factor),
            "history": history,
            "why_not": reminding.why_not(row, now) if row else _("They have no access now."),
            "may_remind": permissions.may_remind(user),
            "may_vouch": facts.may_vouch_for(user, one),
            "is_attestable": bool(row and row.owned and one.two_factor == "unknown"),
            "is_exceptable": bool(row) and one.two_factor != "on",
            "attest_form": AttestationForm(today=today, auto_id="attest_%s"),
            "except_form": ExceptionForm(today=today, auto_id="except_%s"),
            **(forms or {}),
        },
        status=status,
    )
