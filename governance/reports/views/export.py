"""One report that was asked for: how far it is, live, and its file."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.accounts.models import User
from governance.audit.events import Source
from governance.core import instants
from governance.core.pages import found_or_hidden, page, part_asked_for
from governance.reports import actions, making, permissions
from governance.reports.asked import asked_of
from governance.reports.asking import filters_of
from governance.reports.models import Export, Format
from governance.reports.naming import attachment, title_of
from governance.reports.views.shown import Line, Progress, query_of, who

# htmx stops asking when it is answered with this.
STOP_POLLING = 286


@require_safe
def export(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """For whoever may see all that it holds, and for whoever asked for it."""
    user = who(request)
    return _page(request, user, _one(user, export_id))


@require_POST
def download(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """Give the file; that somebody took it is an event."""
    user = who(request)
    one = _one(user, export_id)
    permissions.may_export(user).enforce()
    try:
        return given(one, by=user)
    except actions.NoFile as error:
        messages.warning(request, str(error))
        return _page(request, user, _one(user, export_id), status=409)


def given(export: Export, *, by: User) -> StreamingHttpResponse:
    """The file as an answer, once it is on record. Raises `actions.NoFile`."""
    pieces = actions.download(export, by=by, source=Source.PAGE, at=timezone.now())
    return StreamingHttpResponse(
        pieces,
        content_type=_media_type(export),
        headers={
            "Content-Disposition": attachment(export.file_name),
            # A file that was cut on its way is shorter than this.
            "Content-Length": str(export.bytes),
        },
    )


def streamed(export: Export, *, by: User, is_whole: bool) -> StreamingHttpResponse | None:
    """The file as an answer that begins while it is made; None where somebody else makes it.

    How long it will be is not known: its last line tells whether it was cut on its way.
    """
    pieces = actions.stream_now(export, by=by, source=Source.PAGE, clock=timezone.now)
    if pieces is None:
        return None
    export.refresh_from_db(fields=["as_of"])
    name = making.file_name(asked_of(export), export.format, complete=is_whole)
    return StreamingHttpResponse(
        pieces,
        content_type=_media_type(export),
        headers={"Content-Disposition": attachment(name)},
    )


def _media_type(export: Export) -> str:
    if export.format == Format.ZIP:
        return "application/zip"
    return making.media_type(export.format)


def _one(user: User, export_id: UUID) -> Export:
    visible = Export.objects.visible_to(user).select_related("asked_by", "schedule")
    return found_or_hidden(visible, Export.objects.all(), export_id)


def _page(request: HttpRequest, user: User, one: Export, *, status: int = 200) -> HttpResponse:
    asks_by_itself = request.method == "GET" and part_asked_for(request) == "progress"
    if status == 200 and one.is_over and asks_by_itself:
        status = STOP_POLLING
    return page(
        request,
        "reports/export.html",
        {
            "now": timezone.now(),
            "line": Line(one),
            "export": one,
            "progress": Progress.of(one),
            "facts": _facts(one, user),
            "downloads": one.downloads.select_related("by"),
            "mailings": one.mailings.select_related("to").order_by("to__name"),
            "may_export": permissions.may_export(user),
            "again": f"{reverse('reports:report', args=[one.report])}?{query_of(one)}",
            "address": reverse("reports:export", args=[one.pk]),
        },
        partials={"progress"},
        status=status,
    )


def _facts(one: Export, user: User) -> list[tuple[str, str]]:
    """What it is of and what it was narrowed to, in words."""
    said = [(_("As of"), instants.words(one.as_of))]
    if since := one.asked.get("since"):
        said.append((_("From"), instants.words(instants.read(since) or one.as_of)))
    if one.asked.get("reports"):
        said.append((_("Reports"), ", ".join(map(title_of, one.asked["reports"]))))
        said.append((_("Each as"), ", ".join(one.asked["formats"]).upper()))
    filters = one.asked.get("filters") or {}
    said += [
        (known.label, ", ".join(map(known.word, filters[known.name])))
        for known in filters_of(list(filters), user, one.report)
    ]
    scope = _("everything") if one.everything else _("the apps of some projects")
    said.append((_("Reads"), scope))
    said.append((_("Asked for by"), f"{one.asked_by} ({', '.join(one.roles)})"))
    return said
