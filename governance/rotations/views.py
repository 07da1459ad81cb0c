"""Rotations: which secrets could a leaver still know, and who has changed them?"""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.accounts.models import User
from governance.audit.events import Source
from governance.core.pages import found_or_hidden, page, see_other
from governance.rotations import actions, chips, filters, permissions, words
from governance.rotations.forms import NoteForm, OwnerForm
from governance.rotations.models import Duty
from governance.rotations.queries import detail_rows, read_detail, read_page


@require_safe
def duties(request: HttpRequest) -> HttpResponse:
    """The list. By default what is not closed, by due date."""
    user, now = _who(request), timezone.now()
    asked = filters.read(request.GET)
    found = read_page(
        user, asked, at=now, after=request.GET.get("after"), before=request.GET.get("before")
    )
    return page(
        request,
        "rotations/list.html",
        {
            "now": now,
            "asked": asked,
            "found": found,
            "slice": found.slice,
            "sort": asked.sort,
            "states": filters.STATES,
            "nobody": filters.NOBODY,
            "chips": chips.of(request.GET, asked, found),
            "is_scoped": not user.sees_everything,
        },
        partials={"duties"},
    )


@require_safe
def duty(request: HttpRequest, duty_id: UUID) -> HttpResponse:
    """One of them: what they could read, what was seen since, what is left to do."""
    return _detail(request, duty_id)


@require_POST
def close(request: HttpRequest, duty_id: UUID) -> HttpResponse:
    """Say with a note that it is done."""
    return _settle(request, duty_id, actions.close, _("The duty about {app} is closed."))


@require_POST
def reopen(request: HttpRequest, duty_id: UUID) -> HttpResponse:
    """Say with a note that it was not done after all."""
    return _settle(request, duty_id, actions.reopen, _("The duty about {app} is open again."))


@require_POST
def assign(request: HttpRequest, duty_id: UUID) -> HttpResponse:
    """Say whose duty it is."""
    user, now = _who(request), timezone.now()
    one = found_or_hidden(Duty.objects.visible_to(user), Duty.objects.all(), duty_id)
    permissions.may_settle(user).enforce()
    people = _possible_owners()
    form = OwnerForm(request.POST, people=people)
    if not form.is_valid():
        return _detail(request, duty_id, owner_form=form, status=422)
    chosen = form.cleaned_data["owner"]
    to = next((who for who in people if str(who.pk) == chosen), None)
    actions.assign(one, to=to, by=user, source=Source.PAGE, at=now)
    said = _("This is {name}'s duty now.").format(name=to) if to else _("It is nobody's duty now.")
    messages.success(request, said)
    return see_other(request, _address_of(duty_id))


def _settle(request: HttpRequest, duty_id: UUID, action: Any, said: str) -> HttpResponse:
    user, now = _who(request), timezone.now()
    visible = Duty.objects.visible_to(user).select_related("app")
    one = found_or_hidden(visible, Duty.objects.all(), duty_id)
    permissions.may_settle(user).enforce()
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _detail(request, duty_id, note_form=form, status=422)
    try:
        action(one, by=user, note=form.cleaned_data["note"], source=Source.PAGE, at=now)
    except actions.AlreadySettled as error:
        messages.warning(request, str(error))
        return _detail(request, duty_id, status=409)
    messages.success(request, said.format(app=one.app))
    return see_other(request, _address_of(duty_id))


def _detail(
    request: HttpRequest,
    duty_id: UUID,
    *,
    note_form: NoteForm | None = None,
    owner_form: OwnerForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user, now = _who(request), timezone.now()
    one = found_or_hidden(detail_rows(user), Duty.objects.all(), duty_id)
    may_settle = permissions.may_settle(user)
    if may_settle and owner_form is None:
        owner_form = OwnerForm(initial={"owner": one.owner_id or ""}, people=_possible_owners(one))
    return page(
        request,
        "rotations/detail.html",
        {
            "now": now,
            "duty": one,
            "detail": read_detail(one),
            "why": words.why(one),
            "role": words.role(one),
            "could_read": words.could_read(one),
            "days": (one.due_at - one.departed_at).days,
            "due": words.due(one, now),
            "overdue": one.is_overdue(now),
            "may_settle": may_settle,
            "note_form": note_form or NoteForm(),
            "owner_form": owner_form,
        },
        status=status,
    )


def _possible_owners(duty: Duty | None = None) -> Sequence[User]:
    """Whoever may own one, and who owns this one although they may not any more."""
    people = [who for who in User.objects.order_by("name", "pk") if permissions.may_own(who)]
    if duty and duty.owner and duty.owner not in people:
        people.append(duty.owner)
    return people


def _who(request: HttpRequest) -> User:
    user = cast(User, request.user)
    permissions.may_see(user).enforce()
    return user


def _address_of(duty_id: UUID) -> str:
    return reverse("rotations:detail", args=[duty_id])
