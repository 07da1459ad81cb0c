"""The door: sign in, sign out."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from governance.accounts import actions, middleware, throttle
from governance.accounts.forms import SignInForm
from governance.accounts.models import User, plain_address
from governance.accounts.network import network_of
from governance.core.pages import page, see_other


@sensitive_post_parameters("password")
@login_not_required
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for address and password; come back to `next`, if it is a path of ours."""
    onward = _onward(request)
    if request.user.is_authenticated:
        return see_other(request, onward)
    form = SignInForm(request.POST if request.method == "POST" else None)
    status = 422 if form.errors else 200

    if form.is_valid():
        now = timezone.now()
        try:
            if _let_in(request, form, at=now):
                return see_other(request, onward)
        except throttle.TooMany as error:
            form.add_error(None, _wait_until(error.again_at, now))
            status = 429
        else:
            form.add_error(None, _("This address and this password do not belong together."))
            status = 422

    return page(request, "accounts/sign-in.html", {"form": form}, status=status)


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session on the server, not in the browser alone."""
    if isinstance(request.user, User):
        with transaction.atomic():
            user = request.user
            logout(request)
            actions.signed_out(user, at=timezone.now())
    return see_other(request, resolve_url(settings.LOGIN_URL))


@sensitive_variables("form", "password")
def _let_in(request: HttpRequest, form: SignInForm, *, at: datetime) -> bool:
    """Whether the password was right; then the session is theirs. Raises `throttle.TooMany`."""
    address = plain_address(form.cleaned_data["email"])
    password = form.cleaned_data["password"]
    network = network_of(request)
    attempt = throttle.reserve(address, network=network, at=at)
    user = authenticate(request, username=address, password=password)
    with transaction.atomic():
        if not isinstance(user, User):
            actions.sign_in_failed(address, attempt, network=network, at=at)
            return False
        login(request, user)
        middleware.begin(request, at=at.timestamp())
        actions.signed_in(user, attempt, network=network, at=at)
    return True


def _wait_until(again_at: datetime, now: datetime) -> str:
    minutes = max(1, round((again_at - now).total_seconds() / 60))
    return ngettext(
        "Too many attempts for this address. Try again in {minutes} minute.",
        "Too many attempts for this address. Try again in {minutes} minutes.",
        minutes,
    ).format(minutes=minutes)


def _onward(request: HttpRequest) -> str:
    """Where to go after signing in: `next` if it is a path of this site, else the overview."""
    wanted = request.GET.get("next", "")
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return resolve_url(settings.LOGIN_REDIRECT_URL)
