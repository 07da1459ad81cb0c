"""Sessions that end in time, and refusals that are written down."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from governance.accounts import permissions
from governance.accounts.models import User
from governance.audit import actions as audit
from governance.audit.events import Source
from governance.core.verdict import Hidden, Refused

GetResponse = Callable[[HttpRequest], HttpResponseBase]

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
# Writing it at each request would cost one write per page.
_SEEN_EVERY = 60


class SessionAge:
    """End a session that was idle for `SESSION_IDLE`, or is older than `SESSION_COOKIE_AGE`.

    Django alone would let a session live on for as long as anything is stored in it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            _age(request)
        return self.get_response(request)


def begin(request: HttpRequest, *, at: float) -> None:
    """Start the clocks of a new session. `at` is in seconds since 1970."""
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = int(at)


def _age(request: HttpRequest) -> None:
    now = int(timezone.now().timestamp())
    begun = request.session.setdefault(SIGNED_IN_AT, now)
    seen = request.session.setdefault(SEEN_AT, now)
    idle = settings.SESSION_IDLE.total_seconds()
    if now - begun > settings.SESSION_COOKIE_AGE or now - seen > idle:
        logout(request)
    elif now - seen >= _SEEN_EVERY:
        request.session[SEEN_AT] = now


class Refusals:
    """Nobody without a role gets in, and every refusal leaves an event."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        """Ask for a role wherever a person must be signed in; raises `Refused`."""
        if not getattr(view, "login_required", True) or not isinstance(request.user, User):
            return
        verdict = permissions.may_enter(request.user)
        if not verdict:
            _record(request)
            raise Refused(verdict.reason)

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Write down what a view refused; the page for it is made elsewhere."""
        if isinstance(error, PermissionDenied | Hidden) and isinstance(request.user, User):
            _record(request)


def _record(request: HttpRequest) -> None:
    """Write down who was refused what, and about whom or which app, where the address says it."""
    match = request.resolver_match
    about = match.kwargs if match else {}
    audit.record_refusal(
        "user.refused",
        by=request.user if isinstance(request.user, User) else None,
        source=Source.PAGE,
        at=timezone.now(),
        app_id=_id(about.get("app_id")),
        person_id=_id(about.get("person_id")),
        data={
            "method": request.method or "",
            "route": match.view_name if match else "",
            "arguments": {key: str(value) for key, value in about.items()},
        },
    )


def _id(value: object) -> UUID | None:
    return value if isinstance(value, UUID) else None
