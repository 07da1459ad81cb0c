"""What can be done from the rows of a list, and what is under way on them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, QuerySet
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_htmx.http import trigger_client_event

from governance.accounts.models import User
from governance.accounts.permissions import may_change_access
from governance.changes.models import Change, Kind, State
from governance.changes.queries import BADGES
from governance.core.pages import part_asked_for
from governance.core.templatetags.interface import badge, length
from governance.inventory.models import Role, Status

# So many are shown above a table; the rest is counted.
MOST = 20
_DOING = {
    Kind.INVITE: gettext_lazy("Being invited"),
    Kind.REMOVE: gettext_lazy("Being removed"),
    Kind.CANCEL: gettext_lazy("Invitation being cancelled"),
}
_HOW_FAR = {
    State.TELLING: gettext_lazy("Scalingo is being told"),
    State.TOLD: gettext_lazy("Scalingo said yes; not read again yet"),
    State.UNKNOWN: gettext_lazy("whether it was done is not known"),
}


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One change that is neither true yet nor given up, as a row shows it."""

    address: str
    person_id: UUID | None
    app_id: UUID
    name: str
    app: str
    badge: SafeString
    by: str  # who asked for it, and when
    far: str  # how far it is, beyond its badge
    url: str


def under_way(changes: "QuerySet[Change]") -> ArraySubquery:
    """A column with the open ones of `changes`: no query of its own. For `read`."""
    rows = changes.open().filter(held_back=False).order_by("-due_at")  # type: ignore[attr-defined]
    return ArraySubquery(
        rows.annotate(
            its_app=F("app__name"),
            its_person=F("person__username"),
            decider=F("batch__decided_by__name"),
            decided=F("batch__decided_at"),
        ).values(
            one=JSONObject(
                batch="batch_id",
                kind="kind",
                state="state",
                role="role",
                address="address",
                email="email",
                person="person_id",
                app="app_id",
                app_name="its_app",
                username="its_person",
                by="decider",
                at="decided",
                due="due_at",
            )
        )
    )


def read(found: Iterable[Mapping[str, Any]], now: datetime) -> list[UnderWay]:
    """What the column `under_way` holds."""
    return [_one(row, now) for row in found or ()]


def say_when_over(
    request: HttpRequest, answer: HttpResponse, going_on: list[UnderWay]
) -> HttpResponse:
    """To the part of a page that asked how far things are: that the rows are otherwise now."""
    if part_asked_for(request) == "going-on" and not going_on:
        return trigger_client_event(answer, "changes-over", after="settle")
    return answer


def _one(row: Mapping[str, Any], now: datetime) -> UnderWay:
    icon, tone = BADGES[row["state"]]
    at = timezone.localtime(datetime.fromisoformat(row["at"]))
    when = f"{at:%H:%M}" if at.date() == timezone.localdate(now) else f"{at:%Y-%m-%d %H:%M}"
    asked = _("asked by %(name)s %(when)s") % {"name": row["by"], "when": when}
    return UnderWay(
        address=row["address"],
        person_id=UUID(row["person"]) if row["person"] else None,
        app_id=UUID(row["app"]),
        name=row["username"] or row["email"],
        app=row["app_name"],
        badge=badge(icon, tone, _doing(row)),
        by=asked,
        far=_how_far(row, now),
        url=reverse("changes:detail", args=[row["batch"]]),
    )


def _doing(row: Mapping[str, Any]) -> str:
    if row["kind"] == Kind.CHANGE_ROLE:
        if row["role"] == Role.COLLABORATOR:
            return _("Becoming full")
        return _("Becoming limited")
    return str(_DOING[Kind(row["kind"])])


def _how_far(row: Mapping[str, Any], now: datetime) -> str:
    if row["state"] == State.WAITING:
        left = (datetime.fromisoformat(row["due"]) - now).total_seconds()
        if left > 0:
            return _("can be cancelled for %(span)s") % {"span": length(left)}
        return _("waits for its turn")
    return str(_HOW_FAR[State(row["state"])])


def mark(one: UnderWay | None) -> str:
    """What stands in the row of somebody about whom a change is under way."""
    if one is None:
        return ""
    return format_html(
        '{} <small class="under"><a href="{}">{}</a></small>', one.badge, one.url, one.by
    )


# --- a selection ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selection:
    """What can be selected of a list: the rows that are shown, and all that match its filters.

    `most` is how many a plan takes. `is_all`: all that match are selected, as the address says,
    and `filters` are those of the list, which find them again.
    """

    shown: int
    matching: int
    most: int
    is_all: bool
    filters: list[tuple[str, str]]
    route: str  # of the pages for all that match; they take a verb

    @property
    def has_more(self) -> bool:
        return self.matching > self.shown

    @property
    def is_too_many(self) -> bool:
        return self.matching > self.most


def selection(
    request: HttpRequest,
    route: str,
    filters: list[tuple[str, str]],
    *,
    shown: int,
    matching: int,
    most: int,
) -> Selection:
    """The selection of a list. Too many to select are never all selected."""
    is_all = request.GET.get("select") == "all" and shown < matching <= most
    return Selection(shown, matching, most, is_all, filters, route)


# --- buttons and boxes ----------------------------------------------------------------------------


def is_offered(user: User, role: str, one: UnderWay | None, gone_at: datetime | None) -> bool:
    """Whether a row has buttons: not the owner's, and not while something is under way."""
    return bool(may_change_access(user)) and role != Role.OWNER and not one and not gone_at


def buttons(*, pair: str, name: str, role: str, status: str) -> SafeString:
    """The buttons of one person on one app. `name` is who or what the row is about."""
    if status == Status.PENDING:
        verbs: list[tuple[str, str, str]] = [
            ("again", _("Invite again"), _("Invite again: %(name)s")),
            ("remove", _("Cancel"), _("Cancel the invitation: %(name)s")),
        ]
    else:
        verbs = [("remove", _("Remove"), _("Remove: %(name)s"))]
        if status == Status.ACCEPTED and role in _OTHER:
            other, short, long = _OTHER[role]
            verbs.insert(0, (other, str(short), str(long)))
    return format_html_join(
        "",
        '<button class="ghost" name="one" value="{}:{}" aria-label="{}">{}</button>',
        ((verb, pair, label % {"name": name}, word) for verb, word, label in verbs),
    )


_OTHER: Mapping[str, tuple[str, Promise, Promise]] = {
    Role.LIMITED: (
        Role.COLLABORATOR.value,
        gettext_lazy("Role"),
        gettext_lazy("Role: make full, %(name)s"),
    ),
    Role.COLLABORATOR: (
        Role.LIMITED.value,
        gettext_lazy("Role"),
        gettext_lazy("Role: make limited, %(name)s"),
    ),
}


def box(name: str, value: object, label: str, *, fixed: bool = False) -> SafeString:
    """A box to select a row with. It works as part of a form, without JavaScript.

    `fixed`: selected with all that match, and not by itself.
    """
    fixed_or_not = " checked disabled" if fixed else ""
    return format_html(
        f'<input type="checkbox" name="{{}}" value="{{}}" aria-label="{{}}"{fixed_or_not}>',
        name,
        value,
        _("Select %(name)s") % {"name": label},
    )
