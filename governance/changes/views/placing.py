"""A plan as it was shown, and the decision to place it."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from governance.accounts.models import User
from governance.audit.events import Source
from governance.changes import actions, permissions, plans
from governance.changes.forms import PlaceForm
from governance.changes.models import Batch, Kind, Preview, Purpose
from governance.changes.plans import Plan
from governance.changes.views import shown
from governance.core.pages import page, part_asked_for, see_other
from governance.core.verdict import Hidden
from governance.inventory.models import Person, Role


@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """What will happen, to be placed or left. Somebody else's plan does not exist."""
    user, now = cast(User, request.user), timezone.now()
    permissions.may_change_access(user).enforce()
    placed = Batch.objects.filter(preview_id=plan_id, decided_by=user).first()
    if placed:
        return _placed_before(request, placed)
    try:
        found = plans.find(plan_id, by=user, at=now)
    except plans.NoSuchPlan:
        others = Preview.objects.filter(pk=plan_id).exclude(made_by=user)
        raise (Hidden if others.exists() else Http404) from None
    form = _form(found, now, request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _place(request, found, form, user, now)
    return _page(request, found, form, status=422 if form.errors else 200)


def show(request: HttpRequest, found: Plan) -> HttpResponse:
    """Where a plan that was just kept is looked at: in the dialog where one was asked for and it
    is about one person and one app, else on its page.
    """
    if part_asked_for(request) == "confirm" and is_small(found):
        return _page(request, found, _form(found, found.at, None))
    return see_other(request, _address_of(found))


def is_small(found: Plan) -> bool:
    """Whether a dialog is enough: one person, one app, and not everything they have."""
    return len({(row.app_id, row.email) for row in found.rows}) == 1 and not found.offboarded


def _place(
    request: HttpRequest, found: Plan, form: PlaceForm, user: User, now: datetime
) -> HttpResponse:
    assert found.id is not None  # noqa: S101  A kept plan has one.
    data = form.cleaned_data
    try:
        placed = actions.place(
            found.id,
            by=user,
            reason=data["reason"],
            source=Source.PAGE,
            at=now,
            not_before=data["not_before"],
            typed=data.get("typed", ""),
        )
    except actions.NothingToDo as error:
        messages.warning(request, str(error))
        return _page(request, found, form, status=409)
    except actions.PlanIsOld as error:
        messages.warning(request, str(error))
        return see_other(request, _address_of(_again(found, user, now)))
    if not placed.is_new:
        return _placed_before(request, placed.batch)
    _say_what_differs(request, placed.batch, len(found.happening))
    return see_other(request, reverse("changes:detail", args=[placed.batch.pk]))


def _placed_before(request: HttpRequest, batch: Batch) -> HttpResponse:
    if request.method == "POST":
        messages.info(request, _("This was sent before: it is the same changes, once."))
    return see_other(request, reverse("changes:detail", args=[batch.pk]))


def _say_what_differs(request: HttpRequest, batch: Batch, planned: int) -> None:
    refused = batch.changes.filter(state="refused").count()
    if refused:
        messages.warning(
            request,
            ngettext(
                "%(n)d of %(all)d was not placed: something changed since the plan was shown.",
                "%(n)d of %(all)d were not placed: something changed since the plan was shown.",
                refused,
            )
            % {"n": refused, "all": planned},
        )


def _again(found: Plan, user: User, now: datetime) -> Plan:
    """The plan of an offboarding, as of now."""
    assert found.person_id is not None  # noqa: S101  Only offboardings grow old.
    person = Person.objects.get(pk=found.person_id)
    again = plans.plan_offboarding(person, by=user, at=now)
    return plans.keep(again, by=user, source=Source.PAGE)


def _form(found: Plan, now: datetime, data: Any) -> PlaceForm:
    return PlaceForm(data, typed=found.typed, at=now, may_wait=bool(found.offboarded))


def _page(request: HttpRequest, found: Plan, form: PlaceForm, *, status: int = 200) -> HttpResponse:
    for name in form.errors:
        if name in form.fields:
            # Where the next word is to be typed: the focus was on a button that is gone.
            form.fields[name].widget.attrs["autofocus"] = True
            break
    one = found.happening[0] if found.happening else found.rows[0] if found.rows else None
    table = shown.shown(found, request.GET.get("page", ""))
    return page(
        request,
        "changes/plan.html",
        {
            "now": timezone.now(),
            "plan": found,
            "form": form,
            "table": table,
            "one": one,
            "title": title_of(found),
            "button": button_of(found),
            "raised": any(_is_raised(row) for row in found.happening),
            "mails": sum(row.kind == Kind.INVITE for row in found.happening),
            "rotations": len({row.app_id for row in found.rows if shown.opens_a_rotation(row)}),
            "grace": settings.CHANGES_GRACE.total_seconds(),
            "is_small": is_small(found),
            "cells": [shown.cell(row) for row in found.happening] if is_small(found) else [],
        },
        partials={"confirm"} if is_small(found) else set(),
        status=status,
    )


def _is_raised(row: Any) -> bool:
    return row.kind in (Kind.CHANGE_ROLE, Kind.INVITE) and row.role_then == Role.COLLABORATOR


def _address_of(found: Plan) -> str:
    return reverse("changes:plan", args=[found.id])


# --- its words ------------------------------------------------------------------------------------


def title_of(found: Plan) -> str:
    """What the plan asks: "Remove Ana from billing-api?"."""
    if found.purpose == Purpose.OFFBOARD:
        name = found.rows[0].name or found.offboarded
        return _("Offboard %(name)s?") % {"name": name}
    if found.rows and is_small(found):
        return _question(found)
    people = len({row.email for row in found.happening})
    apps = len({row.app_id for row in found.happening})
    if not found.happening:
        return _("Nothing of this would happen")
    return str(_TITLES[found.purpose]) % {
        "people": ngettext("%(n)d person", "%(n)d people", people) % {"n": people},
        "apps": ngettext("%(n)d app", "%(n)d apps", apps) % {"n": apps},
    }


def _question(found: Plan) -> str:
    row = found.rows[0]
    names = {"name": row.name or row.email, "app": row.app_name}
    if found.is_again:
        return _("Invite %(name)s to %(app)s again?") % names
    if row.kind == Kind.CHANGE_ROLE:
        if row.role_then == Role.COLLABORATOR:
            return _("Make %(name)s a full collaborator on %(app)s?") % names
        return _("Make %(name)s a limited collaborator on %(app)s?") % names
    return str(_QUESTIONS[Kind(row.kind)]) % names


def button_of(found: Plan) -> str:
    """What the button does: "Send 23 invitations", "Remove Ana"."""
    n = len(found.happening)
    row = found.rows[0] if found.rows else None
    if row is None or not n:
        return ""
    name = row.name or row.email
    if found.purpose == Purpose.OFFBOARD:
        return _("Offboard %(name)s") % {"name": name}
    if is_small(found):
        return _button_of_one(found, name)
    kinds = {row.kind for row in found.happening}
    many = _MANY[Kind(kinds.pop())] if len(kinds) == 1 else _any_many
    return many(n) % {"n": n}


def _button_of_one(found: Plan, name: str) -> str:
    row = found.rows[0]
    if found.is_again:
        return _("Cancel and invite again")
    words = {
        Kind.INVITE: _("Invite %(name)s"),
        Kind.CHANGE_ROLE: _("Make %(name)s full")
        if row.role_then == Role.COLLABORATOR
        else _("Make %(name)s limited"),
        Kind.REMOVE: _("Remove %(name)s"),
        Kind.CANCEL: _("Cancel the invitation"),
    }
    return words[Kind(row.kind)] % {"name": name}


def _send(n: int) -> str:
    return ngettext("Send %(n)d invitation", "Send %(n)d invitations", n)


def _change(n: int) -> str:
    return ngettext("Change %(n)d role", "Change %(n)d roles", n)


def _remove(n: int) -> str:
    return ngettext("Make %(n)d removal", "Make %(n)d removals", n)


def _cancel(n: int) -> str:
    return ngettext("Cancel %(n)d invitation", "Cancel %(n)d invitations", n)


def _any_many(n: int) -> str:
    return ngettext("Make %(n)d change", "Make %(n)d changes", n)


_MANY = {
    Kind.INVITE: _send,
    Kind.CHANGE_ROLE: _change,
    Kind.REMOVE: _remove,
    Kind.CANCEL: _cancel,
}
_QUESTIONS = {
    Kind.INVITE: gettext_lazy("Invite %(name)s to %(app)s?"),
    Kind.REMOVE: gettext_lazy("Remove %(name)s from %(app)s?"),
    Kind.CANCEL: gettext_lazy("Cancel the invitation of %(name)s to %(app)s?"),
}
_TITLES = {
    Purpose.INVITE: gettext_lazy("Invite %(people)s to %(apps)s?"),
    Purpose.CHANGE_ROLE: gettext_lazy("Change the role of %(people)s on %(apps)s?"),
    Purpose.REMOVE: gettext_lazy("Remove %(people)s from %(apps)s?"),
    Purpose.INVITE_AGAIN: gettext_lazy("Invite %(people)s to %(apps)s again?"),
    Purpose.FILE: gettext_lazy("Make these changes to %(people)s on %(apps)s?"),
    Purpose.RETRY: gettext_lazy("Try again for %(people)s on %(apps)s?"),
}
