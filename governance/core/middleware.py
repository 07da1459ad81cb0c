"""Headers that every answer carries, and a session that ends while htmx is at work."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# None of these is asked for anywhere.
_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": _POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SecurityHeaders:
    """Names and rights stay out of caches, and pages out of other sites' hands.

    First of all middleware, so that the answers of the others carry the headers too. Static files
    bring a `Cache-Control` of their own; everything else is `no-store`.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class SessionOver:
    """Send the whole page to sign in, where htmx would put the form into a table cell.

    Stands between `HtmxMiddleware` and `LoginRequiredMiddleware`, whose redirect it turns into
    an `HX-Redirect` that comes back to the page the person was on.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.htmx and _asks_to_sign_in(response):  # type: ignore[attr-defined]
            return _sign_in_and_come_back(request)
        return response


def _asks_to_sign_in(response: HttpResponseBase) -> bool:
    location = response.headers.get("Location", "")
    return response.status_code == 302 and location.split("?")[0] == resolve_url(settings.LOGIN_URL)


def _sign_in_and_come_back(request: HttpRequest) -> HttpResponse:
    here = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
    address = resolve_url(settings.LOGIN_URL)
    return HttpResponseClientRedirect(f"{address}?{urlencode({'next': here})}" if here else address)
