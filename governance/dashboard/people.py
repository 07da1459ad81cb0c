"""People: who has access to anything?"""

from dataclasses import replace
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from governance.accounts.models import User
from governance.accounts.permissions import may_change_access
from governance.changes.forms import MOST_ROWS
from governance.core import cursor, filters
from governance.core.filters import Choice, Chosen
from governance.core.pages import page
from governance.core.templatetags.interface import avatar
from governance.dashboard import acting, asof, lists, rows
from governance.dashboard.moments import moment
from governance.dashboard.templatetags import access
from governance.facts import queries as facts
from governance.facts.models import PersonKind
from governance.inventory.models import Person, Status
from governance.inventory.queries import people as inventory
from governance.inventory.queries.asof import Knowledge
from governance.inventory.queries.tallies import Tally
from governance.inventory.queries.totals import Counted, Place, Totals, counting, totals

GONE = "gone"  # a status of ours: on no app any more
SIZE = 50


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    tidy = lists.tidy_address(request, {"sort": next(iter(inventory.ORDERS))})
    if tidy is not None and not request.htmx:  # type: ignore[attr-defined]
        return HttpResponseRedirect(tidy)
    elsewhere = asof.moved(request)
    if elsewhere is not None:
        return elsewhere
    user = lists.who(request)
    when = asof.read(request, timezone.now())
    chosen, numbers = _asked(request, user, when)
    orders = inventory.ORDERS_THEN if when.is_past else inventory.ORDERS
    sort = lists.sort_of(request, orders, chosen)
    by = sort.removeprefix("-")
    shown = cursor.paginate(
        facts.with_facts(
            _described(inventory.sortable(_found(user, chosen, when), by), user, when, numbers)
        ),
        *inventory.order(by, falling=sort.startswith("-")),
        after=request.GET.get("after"),
        before=request.GET.get("before"),
        size=SIZE,
    )
    app, may_act = chosen.one("app"), bool(may_change_access(user)) and not when.is_past
    selection = acting.selection(
        request,
        "dashboard:matching-people",
        chosen.in_address(),
        shown=len(shown.rows),
        matching=numbers.shown,
        most=MOST_ROWS,
    )
    response = page(
        request,
        "dashboard/people.html",
        {
            "now": when.now,
            "when": when,
            "may_act": may_act,
            "may_invite": may_change_access(user),
            "selection": selection,
            "rows": [
                _row(person, when, numbers, selection if may_act else None) for person in shown.rows
            ],
            "around": asof.notice(numbers.around) if when.is_past else "",
            "slice": shown,
            "sort": sort,
            "app": app,
            "chosen": chosen,
            "chips": filters.chips(
                request.GET, chosen, {"app": _("App: %(name)s") % {"name": app}} if app else {}
            ),
            "summary": _summary(numbers, chosen),
            "totals": numbers,
            "is_gone": GONE in chosen.of("status"),
            "is_scoped": not user.sees_everything,
        },
        partials={"people"},
        status=when.status,
    )
    return lists.answered(request, response, tidy)


# --- what is asked for ----------------------------------------------------------------------------


@lists.per_language
def _choices() -> list[Choice]:
    return [
        lists.two_factor(),
        lists.role(),
        Choice(
            "status",
            _("Status"),
            _("Any status"),
            (*filters.words(Status), (GONE, _("No access any more"))),
        ),
        Choice(
            "pending",
            _("Invited"),
            _("Invited whenever"),
            (
                ("week", _("Up to a week ago")),
                ("month", _("Up to a month ago")),
                ("older", _("Longer ago")),
            ),
            is_first=False,
        ),
        Choice(
            "external",
            _("External"),
            _("Internal and external"),
            (("yes", _("External")), ("no", _("Internal"))),
            is_first=False,
        ),
        Choice(
            "kind",
            _("Kind"),
            _("Any kind"),
            tuple(choice for choice in filters.words(PersonKind) if choice[0] != "unknown"),
            is_first=False,
        ),
    ]


def _asked(request: HttpRequest, user: User, when: asof.When) -> tuple[Chosen, Totals]:
    """What the address asks for, without what does not exist, and how many that is."""
    get = request.GET
    chosen = filters.read(get, _choices())
    place = lists.place_of(get)
    named = {"app": place.app, "project": str(place.project or ""), "region": place.region}
    asked = {**chosen.values, **{name: (value,) for name, value in named.items() if value}}
    numbers = _totals(user, replace(chosen, values=asked), place, when)
    lists.choose_place(get, chosen, place, numbers)
    if chosen.values != asked:
        numbers = _totals(user, chosen, place, when)
    chosen.choices = [*chosen.choices, *lists.places(numbers)]
    return chosen, numbers


def _totals(user: User, chosen: Chosen, place: Place, when: asof.When) -> Totals:
    def compose() -> Counted:
        shown, values = counting(_found(user, chosen, when), "shown")
        everybody, more = counting(inventory.listed(user, inventory.Where(at=when.at)), "all")
        return Counted(shown, everybody, {**values, **more})

    # What is so many days old is so for an hour.
    until = inventory.ages(when.clock) if chosen.of("pending") else ()
    question = (chosen.text, tuple(sorted(chosen.values.items())), until)
    return totals(user, "people", question, compose, place=place, at=when.at)


def _found(user: User, chosen: Chosen, when: asof.When) -> "QuerySet[Person]":
    statuses = chosen.of("status")
    where = inventory.Where(
        roles=chosen.of("role"),
        statuses=() if GONE in statuses else statuses,
        app=chosen.one("app"),
        project=filters.uuid_of(chosen.one("project")),
        region=chosen.one("region"),
        gone=GONE in statuses,
        invited=chosen.of("pending"),
        now=when.clock,
        at=when.at,
    )
    found = inventory.matching(inventory.listed(user, where), chosen.text)
    if chosen.of("two-factor"):
        found = inventory.with_two_factor(found, chosen.of("two-factor"), when.at)
    for name, conditions in _OF_FACTS.items():
        if chosen.of(name):
            found = found.filter(_any(conditions[value]() for value in chosen.of(name)))
    return found


def emails_of_matching(
    request: HttpRequest, user: User, when: asof.When, *, most: int
) -> tuple[list[str], list[str]]:
    """The addresses of all whom the filters find, but no more than `most`; and what was ignored."""
    chosen, _numbers = _asked(request, user, when)
    found = _found(user, chosen, when).filter(merged_into=None)
    return list(found.order_by("email").values_list("email", flat=True)[:most]), chosen.ignored


def _described(
    people: "QuerySet[Person]", user: User, when: asof.When, numbers: Totals
) -> "QuerySet[Person]":
    if when.at is None:
        return inventory.described(people, user)
    return inventory.described_at(people, user, when.at, numbers.around.doubts)


_OF_FACTS: dict[str, dict[str, Any]] = {
    "external": {"yes": facts.external, "no": facts.internal},
    "kind": {kind: partial(facts.of_kind, kind) for kind in PersonKind},
}


def _any(conditions: Any) -> Q:
    found = Q()
    for condition in conditions:
        found |= condition
    return found


# --- what is shown --------------------------------------------------------------------------------


def _summary(numbers: Totals, chosen: Chosen) -> str:
    """How many are shown, and of how many."""
    if GONE in chosen.of("status"):
        return ngettext(
            "%(shown)s person without access any more",
            "%(shown)s people without access any more",
            numbers.shown,
        ) % {"shown": f"{numbers.shown:,}"}
    if numbers.shown == numbers.all:
        return ngettext("%(all)s person", "%(all)s people", numbers.all) % {
            "all": f"{numbers.all:,}"
        }
    return ngettext("%(shown)s person of %(all)s", "%(shown)s people of %(all)s", numbers.shown) % {
        "shown": f"{numbers.shown:,}",
        "all": f"{numbers.all:,}",
    }


def _row(
    person: Any, when: asof.When, numbers: Totals, selection: acting.Selection | None
) -> dict[str, Any]:
    """A person as the table shows them. A dictionary, since templates read those quickest."""
    tally = Tally(*(person.tally or ()))
    service = person.fact_kind == PersonKind.SERVICE
    return {
        "url": rows.person_url(person.pk) + when.alone,
        "box": acting.box("person", person.pk, person.display_name, fixed=selection.is_all)
        if selection
        else "",
        "avatar": avatar(person.pk, person.display_name, "service" if service else ""),
        "name": person.display_name,
        "email": person.email if person.username else "",
        "tags": rows.person_tags(person.email, person.fact_kind, person.fact_employment),
        "two_factor": access.two_factor(
            person.two_factor_then if when.is_past else person.two_factor
        ),
        "apps": f"{tally.all:,}",
        "roles": roles(tally),
        "since": when.date(person.first_seen_at),
        "changed": _known(person, numbers) if when.is_past else _changed(person, when),
        "dim": bool(tally.all) and tally.all == tally.pending + tally.deleted,
    }


def _changed(person: Any, when: asof.When) -> str:
    return moment(person.changed_at, when.now) if person.changed_at else "—"


def _known(person: Any, numbers: Totals) -> str:
    """How far it is known that this person had what the row says."""
    worst = numbers.around.worst(getattr(person, "doubted", ()))
    if person.unsure:
        return asof.known(Knowledge.UNKNOWN, worst) if worst else asof.differs()
    if worst is None:
        return ""
    return asof.known(Knowledge.NOT_READ_BETWEEN if worst.next else Knowledge.UNKNOWN, worst)


def roles(tally: Tally) -> str:
    """ "3 full · 2 limited · 1 owner · 1 pending"; nothing for nobody."""
    parts = (
        (tally.full, _("%(n)s full")),
        (tally.limited, _("%(n)s limited")),
        (tally.owner, _("%(n)s owner")),
        (tally.role_unknown, _("%(n)s role unknown")),
        (tally.pending, _("%(n)s pending")),
        (tally.deleted, _("%(n)s account deleted")),
    )
    return " · ".join(words % {"n": f"{number:,}"} for number, words in parts if number)
