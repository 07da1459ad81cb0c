"""Say what shall happen: invite, change roles, remove, offboard. It ends in a plan to look at."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from governance.accounts.models import User
from governance.audit.events import Source
from governance.changes import addresses, permissions, plans
from governance.changes.forms import ROLES, AskForm, Ids, pairs_of
from governance.changes.models import Kind, Purpose
from governance.changes.plans import Plan, Wanted
from governance.changes.views import choosing, placing
from governance.core.pages import found_or_hidden, page, see_other
from governance.core.verdict import Verdict
from governance.inventory.models import Collaboration, Person, Role

# Whoever is selected on a page of a list, and on as many apps.
_MOST_PREFILLED = 200


@dataclass(frozen=True, slots=True)
class Asking:
    """One of the three pages with people and apps: what it is called, and what it plans."""

    name: str  # of its address
    purpose: Purpose
    kind: Kind
    title: Promise
    lede: Promise
    has_role: bool
    may: Callable[[User], Verdict]
    everything: Promise  # what "all apps" means here

    @property
    def url(self) -> str:
        return reverse(f"changes:{self.name}")


INVITE = Asking(
    "invite",
    Purpose.INVITE,
    Kind.INVITE,
    gettext_lazy("Invite"),
    gettext_lazy("Put these people on these apps. You see what will happen before it does."),
    has_role=True,
    may=permissions.may_change_access,
    everything=gettext_lazy("All apps"),
)
ROLE = Asking(
    "roles",
    Purpose.CHANGE_ROLE,
    Kind.CHANGE_ROLE,
    gettext_lazy("Change roles"),
    gettext_lazy("Give these people another role on these apps. You see the plan first."),
    has_role=True,
    may=permissions.may_change_access,
    everything=gettext_lazy("All apps that they are on"),
)
REMOVE = Asking(
    "removals",
    Purpose.REMOVE,
    Kind.REMOVE,
    gettext_lazy("Remove people"),
    gettext_lazy("Take these people off these apps. You see the plan first."),
    has_role=False,
    may=permissions.may_remove,
    everything=gettext_lazy("All apps that they are on"),
)


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """People and apps, with a role."""
    return _ask(request, INVITE)


@require_http_methods(["GET", "HEAD", "POST"])
def roles(request: HttpRequest) -> HttpResponse:
    """Another role for several people on several apps."""
    return _ask(request, ROLE)


@require_http_methods(["GET", "HEAD", "POST"])
def removals(request: HttpRequest) -> HttpResponse:
    """Several people off several apps."""
    return _ask(request, REMOVE)


ASKINGS = {asking.name: asking for asking in (INVITE, ROLE, REMOVE)}


def ask(request: HttpRequest, asking: Asking, filled_in: dict[str, Any]) -> HttpResponse:
    """The page with what a list brings along: the addresses of `people`, the ids of `app`."""
    return _ask(request, asking, filled_in)


def _ask(
    request: HttpRequest, asking: Asking, filled_in: dict[str, Any] | None = None
) -> HttpResponse:
    user = cast(User, request.user)
    asking.may(user).enforce()
    searching = "find" in request.POST
    if request.method != "POST":
        form = AskForm(initial={**_initial(request, user), **(filled_in or {})})
    elif searching:
        form = AskForm(initial=_typed(request))
    else:
        form = AskForm(request.POST)
        if form.is_valid() and (plan := _planned(form, asking, user)):
            return placing.show(request, plan)
    return page(
        request,
        "changes/ask.html",
        {
            "asking": asking,
            "form": form,
            "roles": ROLES,
            "choice": choosing.choice(
                user,
                request.POST.get("q", ""),
                apps=_ids(form, "app"),
                projects=_ids(form, "project"),
            ),
            "everything": form["everything"].value() in (True, "on", "1"),
        },
        partials={"choice"},
        status=422 if form.errors else 200,
    )


def _ids(form: AskForm, name: str) -> list[UUID]:
    return Ids().to_python(form[name].value())


def _typed(request: HttpRequest) -> dict[str, Any]:
    """What a form holds that only searches for apps: nothing of it is wrong yet."""
    post = request.POST
    return {
        "people": post.get("people", ""),
        "app": post.getlist("app"),
        "project": post.getlist("project"),
        "everything": "everything" in post,
        "role": post.get("role", Role.LIMITED.value),
    }


def _initial(request: HttpRequest, user: User) -> dict[str, Any]:
    """What a selection in a list, or a link, brings along: ids of people, apps and projects."""
    get = request.GET
    people = Ids().to_python(get.getlist("person")[:_MOST_PREFILLED])
    found: dict[str, Any] = {
        "app": get.getlist("app")[:_MOST_PREFILLED],
        "project": get.getlist("project")[:_MOST_PREFILLED],
        "everything": "everything" in get,
        "role": Role.LIMITED.value,
    }
    if people:
        known = Person.objects.visible_to(user).filter(pk__in=people, merged_into=None)
        found["people"] = "\n".join(known.order_by("email").values_list("email", flat=True))
    return found


# --- from what was asked for to a plan ------------------------------------------------------------


def _planned(form: AskForm, asking: Asking, user: User) -> Plan | None:
    """The plan, kept; None when the form cannot be one, and says why."""
    data = form.cleaned_data
    people: list[addresses.Address] = data["people"]
    if data["everything"] and asking is not INVITE:
        wanted = _everything_of(people, asking, data["role"])
        if not wanted:
            form.add_error("people", _("None of these people is on any app."))
            return None
        if not form.check_size(1, len(wanted)):
            return None
    else:
        apps = choosing.chosen(user, data)
        if not form.check_size(len(people), len(apps)):
            return None
        role = data["role"] if asking.has_role else ""
        wanted = [
            Wanted(asking.kind, one.text.strip(), app_id, role=role, line=one.line)
            for one in people
            for app_id in apps
        ]
    plan = plans.make(asking.purpose, wanted, by=user, at=timezone.now())
    return plans.keep(plan, by=user, source=Source.PAGE)


def _everything_of(people: Sequence[addresses.Address], asking: Asking, role: str) -> list[Wanted]:
    """One wish for each app that any of these people is on or invited to, but not for what is
    theirs. Whoever has none of those has one wish all the same, with why nothing comes of it.

    Empty where nothing would come of any.
    """
    keys = {addresses.key(one.text) for one in people}
    rows = (
        Collaboration.objects.open()
        .alias(address=Lower("person__email"))
        .filter(app__gone_at=None, address__in=keys)
        .select_related("person")
        .order_by("person__email", "app__name", "app_id", "collaborator_id")
    )
    met: set[str] = set()
    owners: set[str] = set()
    wanted = []
    for row in rows:
        if row.role == Role.OWNER:
            owners.add(addresses.key(row.person.email))
            continue
        met.add(addresses.key(row.person.email))
        wanted.append(
            Wanted(
                asking.kind,
                row.person.email,
                row.app_id,
                row.person_id,
                role if asking.has_role else "",
            )
        )
    left = [one for one in people if addresses.key(one.text) not in met]
    return wanted and [*wanted, *(_nothing_of(one, asking, owners) for one in left)]


def _nothing_of(one: addresses.Address, asking: Asking, owners: Collection[str]) -> Wanted:
    """A pasted address that is on nothing, with its line and why."""
    problem = "only_owner" if addresses.key(one.text) in owners else "on_nothing"
    return Wanted(
        asking.kind,
        one.text.strip(),
        None,
        line=one.line,
        problem=problem if one.is_one else "malformed",
    )


@require_POST
def offboard(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Everything that one person is on."""
    user = cast(User, request.user)
    permissions.may_remove(user).enforce()
    one_of = Person.objects.filter(merged_into=None)
    person = found_or_hidden(one_of.visible_to(user), one_of, person_id)
    plan = plans.plan_offboarding(person, by=user, at=timezone.now())
    if not plan.rows:
        messages.info(request, _("%(person)s is on no app.") % {"person": person.display_name})
        return see_other(request, reverse("dashboard:person", args=[person.pk]))
    return placing.show(request, plans.keep(plan, by=user, source=Source.PAGE))


@require_POST
def selected(request: HttpRequest) -> HttpResponse:
    """What a button beside a row wants (`one=remove:person:app`), or one below several rows.

    The verbs: `remove`, `again`, and the roles themselves, `limited` and `collaborator`.
    """
    user = cast(User, request.user)
    verb, _colon, pair = request.POST.get("one", "").partition(":")
    pairs = pairs_of([pair] if pair else request.POST.getlist("pair"))
    verb = verb or request.POST.get("do", "")
    asked = permissions.may_remove if verb == "remove" else permissions.may_change_access
    asked(user).enforce()
    if not pairs or verb not in _PLANS:
        messages.warning(request, _("Select somebody first."))
        return see_other(request, _back(request))
    plan = _PLANS[verb](pairs, user)
    return placing.show(request, plans.keep(plan, by=user, source=Source.PAGE))


_Pairs = list[tuple[UUID, UUID]]
_PLANS: dict[str, Callable[[_Pairs, User], Plan]] = {
    "remove": lambda pairs, user: plans.plan_removals(pairs, by=user, at=timezone.now()),
    "again": lambda pairs, user: plans.plan_again(pairs, by=user, at=timezone.now()),
    "limited": lambda pairs, user: plans.plan_roles(
        pairs, Role.LIMITED, by=user, at=timezone.now()
    ),
    "collaborator": lambda pairs, user: plans.plan_roles(
        pairs, Role.COLLABORATOR, by=user, at=timezone.now()
    ),
}


def _back(request: HttpRequest) -> str:
    """The page of the app or person that was acted on, else the list of changes."""
    for name in ("app", "person"):
        try:
            return reverse(f"dashboard:{name}", args=[UUID(request.POST.get(f"of_{name}", ""))])
        except ValueError:
            continue
    return reverse("changes:list")
