"""Light, dark, or as the system has it: a person's choice, kept in a cookie of a year."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from governance.core.pages import see_other

CHOICES = ("light", "dark")
COOKIE = "__Host-theme" if settings.HTTPS else "theme"


def chosen(request: HttpRequest) -> str:
    """`light` or `dark`; empty when the system decides."""
    word = request.COOKIES.get(COOKIE, "")
    return word if word in CHOICES else ""


@require_POST
@login_not_required
def choose(request: HttpRequest) -> HttpResponse:
    """Remember the choice, and go back to where it was made. Anything unknown: the system's."""
    response = (
        HttpResponse(status=204)
        if request.htmx  # type: ignore[attr-defined]
        else see_other(request, _back(request))
    )
    word = request.POST.get("theme", "")
    if word not in CHOICES:
        response.delete_cookie(COOKIE, samesite="Lax")
        return response
    response.set_cookie(
        COOKIE,
        word,
        max_age=365 * 24 * 3600,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response


def _back(request: HttpRequest) -> str:
    address = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return address
    return "/"
