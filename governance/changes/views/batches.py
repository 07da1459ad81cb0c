"""Everything that was decided here, the newest first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.accounts.models import User
from governance.changes import permissions
from governance.changes.models import Batch, Change, Purpose, State
from governance.changes.views.standing import Standing, numbers
from governance.core import cursor, filters
from governance.core.filters import Choice, Chosen
from governance.core.pages import page

SIZE = 40


@require_safe
def batches(request: HttpRequest) -> HttpResponse:
    """Six queries, however much was decided."""
    user = cast(User, request.user)
    permissions.may_see(user).enforce()
    asked = _read(request.GET, _deciders(user))
    shown = cursor.paginate(
        _matching(user, asked).select_related("decided_by", "person"),
        "-decided_at",
        "id",
        after=request.GET.get("after"),
        before=request.GET.get("before"),
        size=SIZE,
    )
    return page(
        request,
        "changes/list.html",
        {
            "now": timezone.now(),
            "rows": _standings(shown.rows, user),
            "slice": shown,
            "asked": asked,
            "chips": asked.chips(request.GET),
            "may_act": permissions.may_change_access(user),
            "is_scoped": not user.sees_everything,
        },
        partials={"batches"},
    )


def _standings(found: list[Batch], user: User) -> list[Standing]:
    mine = Change.objects.visible_to(user).filter(batch__in=found)
    said = {row["batch_id"]: row for row in mine.values("batch_id").annotate(**numbers())}
    return [Standing.of(batch, said[batch.pk]) for batch in found if batch.pk in said]


def _matching(user: User, asked: "Asked") -> "QuerySet[Batch]":
    found = Batch.objects.visible_to(user)
    chosen = asked.chosen
    if chosen.of("kind"):
        found = found.filter(purpose__in=chosen.of("kind"))
    if chosen.of("by"):
        found = found.filter(decided_by__in=[UUID(value) for value in chosen.of("by")])
    of_changes = Q()
    if chosen.of("state"):
        of_changes &= Q(state__in=chosen.of("state"))
    if person := asked.texts.get("person"):
        of_changes &= Q(email__icontains=person) | Q(person__username__icontains=person)
    if app := asked.texts.get("app"):
        of_changes &= Q(app__name__icontains=app)
    if of_changes:
        mine = Change.objects.visible_to(user).filter(of_changes, batch=OuterRef("pk"))
        found = found.filter(Exists(mine))
    return found


# --- what is asked for ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: of known values, and parts of names of people and apps."""

    chosen: Chosen
    texts: Mapping[str, str]

    def chips(self, get: QueryDict) -> list[filters.Chip]:
        labels = {"person": _("Person"), "app": _("App")}
        extra = {name: f"{labels[name]}: {text}" for name, text in self.texts.items()}
        return filters.chips(get, self.chosen, extra)


def _read(get: QueryDict, deciders: tuple[tuple[str, str], ...]) -> Asked:
    choices = [
        Choice("state", _("State"), _("Any state"), filters.words(State)),
        Choice("kind", _("Kind"), _("Any kind"), filters.words(Purpose)),
        Choice("by", _("Decided by"), _("Decided by anybody"), deciders),
    ]
    texts = {name: filters.text_of(get.get(name, "")) for name in ("person", "app")}
    return Asked(filters.read(get, choices), {name: text for name, text in texts.items() if text})


def _deciders(user: User) -> tuple[tuple[str, str], ...]:
    """Everybody who decided something that `user` may see, by id."""
    decided = Batch.objects.visible_to(user).filter(decided_by=OuterRef("pk"))
    found: Iterable[tuple[UUID, str, str]] = (
        User.objects.filter(Exists(decided)).order_by("name").values_list("pk", "name", "email")
    )
    return tuple((str(pk), name or email) for pk, name, email in found)
