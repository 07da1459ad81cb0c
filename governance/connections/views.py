"""Settings, Connections: the accounts that we read with."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.accounts.models import User
from governance.connections import actions, keys, permissions, queries
from governance.connections.forms import AddForm, TokenForm
from governance.connections.models import Connection
from governance.core.pages import page, see_other
from governance.core.verdict import Hidden

# htmx stops asking when it is answered with this.
STOP_POLLING = 286


@require_safe
def connections(request: HttpRequest) -> HttpResponse:
    """All of them. For those who may look; only operators may do anything about them."""
    user, now = _who_may_see(request), timezone.now()
    rows = queries.rows(at=now)
    return page(
        request,
        "connections/list.html",
        {
            "rows": rows,
            "reading": sum(row.is_read_with for row in rows),
            "may_manage": permissions.may_manage_connections(user),
            "now": now,
        },
    )


@sensitive_post_parameters("token")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Give the token of one more account."""
    user = _who_may_see(request)
    permissions.may_manage_connections(user).enforce()
    form = AddForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            connection = actions.add(
                form.cleaned_data["name"],
                form.cleaned_data["token"],
                by=user,
                at=timezone.now(),
            )
        except actions.NameTaken as error:
            form.add_error("name", str(error))
        except keys.NoKey as error:
            form.add_error(None, str(error))
        else:
            return see_other(request, _address_of(connection.pk))
    return page(request, "connections/add.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One connection. While its token is being tested, the page asks again by itself.

    It then says what it shows already, as `known`, and is told when there is something else.
    """
    user, now = _who_may_see(request), timezone.now()
    connection = get_object_or_404(Connection, pk=pk)
    row = queries.row_of(connection, at=now)
    asked_by_itself = bool(getattr(request, "htmx", None)) and "known" in request.GET
    if asked_by_itself and not connection.waits_for_a_test:
        return HttpResponse(status=STOP_POLLING, headers={"HX-Refresh": "true"})
    if asked_by_itself and request.GET["known"] == row.mark:
        return HttpResponse(status=204)
    return page(
        request,
        "connections/detail.html",
        {
            "row": row,
            "connection": connection,
            "may_manage": permissions.may_manage_connections(user),
            "now": now,
        },
        partials={"state"},
    )


@sensitive_post_parameters("token")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def replace_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give a new token of the same account."""
    user = _who_may_see(request)
    connection = get_object_or_404(Connection, pk=pk)
    permissions.may_manage_connections(user).enforce()
    form = TokenForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.replace_token(
                connection, form.cleaned_data["token"], by=user, at=timezone.now()
            )
        except keys.NoKey as error:
            form.add_error(None, str(error))
        else:
            return see_other(request, _address_of(pk))
    return page(
        request,
        "connections/replace-token.html",
        {"form": form, "connection": connection},
        status=422 if form.errors else 200,
    )


@require_POST
def test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have the token in use tried once more."""
    return _act(request, pk, actions.ask_for_test)


@require_POST
def pause(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read nothing with it until it is resumed."""
    return _act(request, pk, actions.pause, said=_("Nothing is read with {name} from now on."))


@require_POST
def resume(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read with it again."""
    return _act(request, pk, actions.resume, said=_("The next sync reads with {name} again."))


@require_POST
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget one that nothing was ever read with."""
    return _act(request, pk, actions.remove, said=_("{name} was removed."), onward="list")


def _act(
    request: HttpRequest,
    pk: UUID,
    action: Callable[..., object],
    *,
    said: str = "",
    onward: str = "",
) -> HttpResponse:
    """Do one thing with one connection, say so, and go back to it or to `onward`."""
    user, now = _who_may_see(request), timezone.now()
    connection = get_object_or_404(Connection, pk=pk)
    try:
        action(connection, by=user, at=now)
    except Connection.DoesNotExist:
        raise Http404 from None
    except (actions.AlreadyPaused, actions.NotPaused, actions.InUse) as error:
        messages.warning(request, str(error))
        return see_other(request, _address_of(pk))
    if said:
        messages.success(request, said.format(name=connection))
    return see_other(request, reverse(f"connections:{onward}") if onward else _address_of(pk))


def _address_of(pk: UUID) -> str:
    return reverse("connections:detail", args=[pk])


def _who_may_see(request: HttpRequest) -> User:
    """Who is asking. To those who may not look, none of this exists."""
    user = request.user
    if not isinstance(user, User) or not permissions.may_see_connections(user):
        raise Hidden
    return user
