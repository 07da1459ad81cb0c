"""What somebody chose about the pages themselves, in a cookie of a year: it is the browser's.

theme.chosen(request)  # "light" or "dark"; empty when the system decides
slash.chosen(request)  # "off" where "/" does not search; empty otherwise
"""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from governance.core.pages import see_other


@dataclass(frozen=True)
class Remembered:
    """One choice among words; none of them is what a browser has that was never asked."""

    name: str
    words: tuple[str, ...]

    @property
    def cookie(self) -> str:
        return f"__Host-{self.name}" if settings.HTTPS else self.name

    def chosen(self, request: HttpRequest) -> str:
        """One of the words; empty when nothing was chosen."""
        word = request.COOKIES.get(self.cookie, "")
        return word if word in self.words else ""

    @method_decorator((require_POST, login_not_required))
    def choose(self, request: HttpRequest) -> HttpResponse:
        """Remember it, and go back to where it was chosen. Anything unknown: nothing is."""
        response = (
            HttpResponse(status=204)
            if request.htmx  # type: ignore[attr-defined]
            else see_other(request, _back(request))
        )
        word = request.POST.get(self.name, "")
        if word not in self.words:
            response.delete_cookie(self.cookie, samesite="Lax")
            return response
        response.set_cookie(
            self.cookie,
            word,
            max_age=365 * 24 * 3600,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )
        return response


theme = Remembered("theme", ("light", "dark"))
slash = Remembered("slash", ("off",))


def _back(request: HttpRequest) -> str:
    address = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return address
    return "/"
