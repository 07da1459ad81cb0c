"""Settings, beside the connections: the people of this dashboard, and where its mail goes.

An operator changes them; admins and auditors may look. To everybody else they do not exist.
"""

import secrets
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.accounts import actions, permissions
from governance.accounts.models import Role, User
from governance.audit.events import Source
from governance.connections.models import Connection
from governance.core import cursor
from governance.core.pages import page, see_other
from governance.core.verdict import Hidden
from governance.dashboard.settings.forms import PersonForm, RightsForm, rights_of
from governance.inventory.models import Project

SIZE = 50


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What there is to set, and what the installation itself was started with."""
    _who_may_see(request)
    return page(
        request,
        "dashboard/settings/home.html",
        {
            "connections": Connection.objects.count(),
            "people": User.objects.filter(is_active=True).count(),
            "has_mail": bool(settings.MAIL_URL),
            "mail_from": settings.DEFAULT_FROM_EMAIL,
            "checkpoints_by_mail": settings.CHECKPOINT_MAIL,
            "checkpoints_folder": settings.CHECKPOINTS_DIR,
            "signs": bool(settings.AUDIT_SIGNING_KEY),
        },
    )


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody who signs in here, also those who may not any more."""
    user = _who_may_see(request)
    shown = cursor.paginate(
        User.objects.all(),
        "email",
        "id",
        after=request.GET.get("after"),
        before=request.GET.get("before"),
        size=SIZE,
    )
    names = _names_of({one for person in shown.rows for one in person.projects})
    return page(
        request,
        "dashboard/settings/people.html",
        {
            "now": timezone.now(),
            "rows": [_row(person, names) for person in shown.rows],
            "slice": shown,
            "may_manage": permissions.may_manage_users(user),
        },
    )


@sensitive_variables("password")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Let somebody new sign in. The password is shown this once, to be handed over."""
    user, now = _who_may_see(request), timezone.now()
    permissions.may_manage_users(user).enforce()
    form = PersonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        password, data = _new_password(), form.cleaned_data
        how: dict[str, Any] = {"by": user, "source": Source.PAGE, "at": now}
        try:
            with transaction.atomic():
                person = actions.add_user(
                    data["email"], name=data["name"], roles=data["roles"], password=password, **how
                )
                if form.scope is not None:
                    actions.change_scope(person, form.scope, **how)
        except actions.AlreadyExists as error:
            form.add_error("email", str(error))
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            return _shown_once(request, person, password)
    status = 422 if form.errors else 200
    return page(request, "dashboard/settings/add.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """One of them: what they may do here, and what an operator may do about it."""
    user, now = _who_may_see(request), timezone.now()
    one = get_object_or_404(User, pk=user_id)
    verdict = permissions.may_change_user(user, one)
    form = RightsForm(request.POST if request.method == "POST" else None, initial=rights_of(one))
    if request.method == "POST":
        verdict.enforce()
        if form.is_valid():
            _give(request, one, form, by=user)
            return see_other(request, _address_of(one))
    return page(
        request,
        "dashboard/settings/person.html",
        {
            "now": now,
            "one": one,
            **_row(one, _names_of(set(one.projects))),
            "form": form,
            "may_change": verdict,
        },
        status=422 if form.errors else 200,
    )


@require_POST
def deactivate(request: HttpRequest, user_id: UUID) -> HttpResponse:
    return _set_active(request, user_id, active=False, said=_("{name} may no longer sign in."))


@require_POST
def activate(request: HttpRequest, user_id: UUID) -> HttpResponse:
    return _set_active(request, user_id, active=True, said=_("{name} may sign in again."))


@sensitive_variables("password")
@require_POST
def new_password(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Replace a password that was lost. The new one is shown this once."""
    user, now = _who_may_see(request), timezone.now()
    one = get_object_or_404(User, pk=user_id)
    permissions.may_change_user(user, one).enforce()
    password = _new_password()
    actions.set_password(one, password, by=user, source=Source.PAGE, at=now)
    return _shown_once(request, one, password)


def _give(request: HttpRequest, one: User, form: RightsForm, *, by: User) -> None:
    """Roles and scope as the form has them, each with its own event; both or none."""
    how: dict[str, Any] = {"by": by, "source": Source.PAGE, "at": timezone.now()}
    changes: list[Callable[[], object]] = [
        lambda: actions.change_roles(one, form.cleaned_data["roles"], **how),
        lambda: actions.change_scope(one, form.scope, **how),
    ]
    changed = False
    with transaction.atomic():
        for change in changes:
            try:
                change()
            except actions.NothingToChange:
                continue
            changed = True
    if changed:
        messages.success(
            request, _("What {name} may do counts from their next page on.").format(name=one)
        )
    else:
        messages.info(request, _("{name} may exactly that already.").format(name=one))


def _set_active(request: HttpRequest, user_id: UUID, *, active: bool, said: str) -> HttpResponse:
    user = _who_may_see(request)
    one = get_object_or_404(User, pk=user_id)
    try:
        actions.set_active(one, active=active, by=user, source=Source.PAGE, at=timezone.now())
    except actions.NothingToChange as error:
        messages.info(request, str(error))
    else:
        messages.success(request, said.format(name=one))
    return see_other(request, _address_of(one))


@sensitive_variables()
def _shown_once(request: HttpRequest, one: User, password: str) -> HttpResponse:
    return page(request, "dashboard/settings/password.html", {"one": one, "password": password})


def _new_password() -> str:
    return secrets.token_urlsafe(18)


def _row(one: User, names: dict[UUID, str]) -> dict[str, Any]:
    return {
        "person": one,
        "roles": [str(Role(role).label) for role in one.roles],
        "sees": _sees(one, names),
    }


def _sees(one: User, names: dict[UUID, str]) -> str:
    if not one.roles:
        return _("nothing, without a role")
    if one.sees_everything:
        return _("all apps")
    known = sorted(names[pk] for pk in one.projects if pk in names)
    return ", ".join(known) or _("no project")


def _names_of(projects: set[UUID]) -> dict[UUID, str]:
    return dict(Project.objects.filter(pk__in=projects).values_list("pk", "name"))


def _address_of(one: User) -> str:
    return reverse("dashboard:settings-person", args=[one.pk])


def _who_may_see(request: HttpRequest) -> User:
    """Who is asking. To those who may not look, none of this exists."""
    user = request.user
    if not isinstance(user, User) or not permissions.may_see_users(user):
        raise Hidden
    return user
