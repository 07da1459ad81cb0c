"""What admins wrote down about a person, and the withdrawal of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q
from django.db.models.functions import JSONObject
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from governance.audit.events import Source
from governance.core.pages import found_or_hidden, see_other
from governance.dashboard import lists
from governance.facts import notes, permissions
from governance.facts.models import PersonNote
from governance.inventory.models import Person

MOST = 50  # of the newest that a page shows


def column() -> ArraySubquery:
    """A column for a query of people: their notes. For `read`."""
    about = PersonNote.objects.filter(
        Q(person=OuterRef("pk")) | Q(person__merged_into=OuterRef("pk")), erased_at=None
    )
    return ArraySubquery(
        about.annotate(author=F("said_by__name"), withdrawer=F("withdrawn_by__name"))
        .order_by("-said_at", "pk")
        .values(
            one=JSONObject(
                id="pk",
                text="text",
                by="author",
                at="said_at",
                withdrawn_by="withdrawer",
                withdrawn_at="withdrawn_at",
            )
        )[:MOST]
    )


def read(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The notes that the column holds, the newest first."""
    return [
        {**one, "at": _moment(one["at"]), "withdrawn_at": _moment(one["withdrawn_at"])}
        for one in found or ()
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@require_POST
def withdraw(request: HttpRequest, person_id: UUID, note_id: UUID) -> HttpResponse:
    """Say that a note does not hold any more. It stays, with who said so."""
    user = lists.who(request)
    one = found_or_hidden(Person.objects.visible_to(user), Person.objects.all(), person_id)
    permissions.may_describe(user).enforce()
    note = PersonNote.objects.filter(
        Q(person=one) | Q(person__merged_into=one), pk=note_id, erased_at=None
    ).first()
    if note is None:
        raise Http404
    try:
        notes.withdraw_note(note, by=user, source=Source.PAGE, at=timezone.now())
    except notes.AlreadyWithdrawn as error:
        messages.info(request, str(error))
    else:
        messages.success(request, _("The note is withdrawn."))
    return see_other(request, reverse("dashboard:person", args=[one.pk]) + "#notes")
