"""Everything that was decided here, the newest first."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast
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
from governance.core import cursor
from governance.core.pages import page

SIZE = 40
_LONGEST = 100


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
    if asked.of("kind"):
        found = found.filter(purpose__in=asked.of("kind"))
    if asked.of("by"):
        found = found.filter(decided_by__in=[UUID(value) for value in asked.of("by")])
    of_changes = Q()
    if asked.of("state"):
        of_changes &= Q(state__in=asked.of("state"))
    if person := asked.texts.get("person"):
        of_changes &= Q(email__icontains=person) | Q(person__username__icontains=person)
    if app := asked.texts.get("app"):
        of_changes &= Q(app__name__icontains=app)
    if of_changes:
        mine = Change.objects.visible_to(user).filter(of_changes, batch=OuterRef("pk"))
        found = found.filter(Exists(mine))
    return found


# --- what is asked for ----------------------------------------------------------------------------


@dataclass(slots=True)
class Asked:
    """What the address asks for, without what is not known; `ignored` says what that was."""

    options: dict[str, tuple[str, dict[str, str]]]  # by name: label, and words by value
    values: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    def of(self, name: str) -> list[str]:
        return self.values.get(name, [])

    @property
    def selects(self) -> list[dict[str, Any]]:
        """The filters of known values, as the form shows them."""
        return [
            {
                "name": name,
                "label": label,
                "value": ",".join(self.of(name)),
                "options": self._options(name, words),
            }
            for name, (label, words) in self.options.items()
        ]

    def _options(self, name: str, words: dict[str, str]) -> list[tuple[str, str]]:
        force = self.of(name)
        several = [(",".join(force), " / ".join(words[value] for value in force))]
        return (several if len(force) > 1 else []) + list(words.items())

    def chips(self, get: QueryDict) -> list[dict[str, str]]:
        found = [
            {
                "text": f"{label}: {words[value]}",
                "remove": _without(get, name, [one for one in self.of(name) if one != value]),
            }
            for name, (label, words) in self.options.items()
            for value in self.of(name)
        ]
        labels = {"person": _("Person"), "app": _("App")}
        found += [
            {"text": f"{labels[name]}: {text}", "remove": _without(get, name)}
            for name, text in self.texts.items()
        ]
        return found


def _read(get: QueryDict, deciders: dict[str, str]) -> Asked:
    asked = Asked(
        {
            "state": (_("State"), {str(value): str(word) for value, word in State.choices}),
            "kind": (_("Kind"), {str(value): str(word) for value, word in Purpose.choices}),
            "by": (_("Decided by"), deciders),
        }
    )
    for name, (label, words) in asked.options.items():
        for value in _values(get.getlist(name)):
            if value in words:
                asked.values.setdefault(name, []).append(value)
            else:
                asked.ignored.append(
                    _("%(filter)s: “%(value)s” is not known, so the list is shown without it.")
                    % {"filter": label, "value": value[:_LONGEST]}
                )
    for name in ("person", "app"):
        if text := " ".join(get.get(name, "").replace("\0", "").split())[:_LONGEST]:
            asked.texts[name] = text
    return asked


def _values(given: Iterable[str]) -> list[str]:
    found = [word.strip() for value in given for word in value.split(",")]
    return list(dict.fromkeys(word for word in found if word))[:20]


def _without(get: QueryDict, name: str, rest: Iterable[str] = ()) -> str:
    query = get.copy()
    for gone in (name, "after", "before"):
        query.pop(gone, None)
    query.setlist(name, list(rest))
    return f"?{query.urlencode(safe=',')}"


def _deciders(user: User) -> dict[str, str]:
    """Everybody who decided something that `user` may see, by id."""
    decided = Batch.objects.visible_to(user).filter(decided_by=OuterRef("pk"))
    found: Iterable[tuple[UUID, str, str]] = (
        User.objects.filter(Exists(decided)).order_by("name").values_list("pk", "name", "email")
    )
    return {str(pk): name or email for pk, name, email in found}
