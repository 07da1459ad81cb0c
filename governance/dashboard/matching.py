"""All people, or all apps, that match the filters of a list: on to the page that plans for them."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.accounts.models import User
from governance.changes.forms import MOST_ROWS
from governance.changes.views import asking
from governance.changes.views.choosing import SHOWN
from governance.dashboard import asof, lists
from governance.dashboard.people import emails_of_matching
from governance.dashboard.tree import ids_of_matching

MOST_PEOPLE = MOST_ROWS  # a row each, on one app
MOST_APPS = SHOWN  # as many as can be chosen on that page


@require_safe
def people(request: HttpRequest, verb: str) -> HttpResponse:
    """What `verb` asks, with the addresses of all people that match."""
    return _ask(request, verb, "people", MOST_PEOPLE, emails_of_matching, "\n".join)


@require_safe
def apps(request: HttpRequest, verb: str) -> HttpResponse:
    """What `verb` asks, with all apps that match."""
    return _ask(request, verb, "apps", MOST_APPS, ids_of_matching, list)


def _ask(
    request: HttpRequest,
    verb: str,
    what: str,
    most: int,
    find: Callable[..., tuple[Sequence[Any], list[str]]],
    fill_in: Callable[[Sequence[Any]], Any],
) -> HttpResponse:
    page = asking.ASKINGS.get(verb)
    if page is None:
        raise Http404
    user: User = lists.who(request)
    page.may(user).enforce()
    found, ignored = find(request, user, asof.When(timezone.now()), most=most + 1)
    if len(found) > most:
        words = _("More than %(most)s match, and a plan takes no more. Narrow the list.")
        messages.warning(request, words % {"most": f"{most:,}"})
    if ignored or len(found) > most:
        # Without a filter that is not known, more would be meant than was asked for.
        return HttpResponseRedirect(f"{reverse(f'dashboard:{what}')}?{request.GET.urlencode()}")
    return asking.ask(request, page, {"app" if what == "apps" else what: fill_in(found)})
