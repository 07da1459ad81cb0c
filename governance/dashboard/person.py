"""One person: what can they reach, since when, and who gave it to them?"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject, Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from governance.accounts.models import User
from governance.audit.events import Source
from governance.changes.models import Change
from governance.core.pages import found_or_hidden, page, see_other
from governance.core.templatetags.interface import length
from governance.dashboard import acting, describing, lists, rows, sentences
from governance.dashboard.moments import moment
from governance.dashboard.templatetags import access
from governance.facts import actions, permissions
from governance.facts import queries as facts
from governance.facts.forms import PersonForm
from governance.facts.models import Employment, PersonKind
from governance.inventory.models import Collaboration, Person, TwoFactorPeriod
from governance.inventory.queries.access import PAST, Access, apps_of
from governance.inventory.queries.history import changes_of_person
from governance.inventory.queries.people import earlier_ids
from governance.inventory.queries.tallies import Tally, tally
from governance.rotations import queries as rotations

_MOST_MERGES = 10


@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    user = lists.who(request)
    one = found_or_hidden(_people(user), Person.objects.all(), person_id)
    if one.merged_into_id:
        return _moved(user, one.merged_into_id)
    now = timezone.now()
    form = PersonForm(request.POST or None, initial=_said(one))
    answer = describing.answer(
        request,
        form,
        lambda data: actions.describe_person(
            one,
            kind=PersonKind(data["kind"]),
            employment=Employment(data["employment"]),
            employer=data["employer"],
            instead_of=data["instead_of"],
            by=user,
            source=Source.PAGE,
            at=now,
        ),
        _("What you said about %(person)s is kept.") % {"person": one.display_name},
    )
    if answer.kept:
        return see_other(request, reverse("dashboard:person", args=[one.pk]))
    if answer.status == 409:
        one = get_object_or_404(_people(user), pk=person_id)
        form = PersonForm(initial=_said(one))
    get = request.GET
    known_as = [one.pk, *one.merged]
    found, past = apps_of(known_as, user, after=get.get("after"), before=get.get("before"))
    going_on = acting.read(one.under_way, now)
    changes = changes_of_person(
        known_as, user, after=get.get("changes-after"), before=get.get("changes-before")
    )
    answered = page(
        request,
        "dashboard/person.html",
        {
            "now": now,
            "person": one,
            "tally": Tally(*(one.tally or ())),
            "is_service": one.fact_kind == PersonKind.SERVICE,
            "tags": rows.person_tags(one.email, one.fact_kind, one.fact_employment),
            "said": _words_of(one),
            "two_factor": _two_factor(one, now),
            "access": [_access(row, now, going_on, user) for row in found.rows],
            "going_on": going_on,
            "slice": found,
            "past": [_past(row, now) for row in past[:PAST]],
            "changes": sentences.rows(changes.rows, now),
            "changes_slice": changes,
            "others": one.others,
            "form": form,
            "may_describe": permissions.may_describe(user),
            "duties": rotations.beside(one.rotations, now),
            "is_scoped": not user.sees_everything,
        },
        partials={"going-on", "access-now"},
        status=answer.status,
    )
    return acting.say_when_over(request, answered, going_on)


def _moved(user: User, person_id: UUID) -> HttpResponse:
    """Where somebody is found who was known by an invited address alone."""
    for _merge in range(_MOST_MERGES):
        one = found_or_hidden(Person.objects.visible_to(user), Person.objects.all(), person_id)
        if one.merged_into_id is None:
            return HttpResponsePermanentRedirect(reverse("dashboard:person", args=[one.pk]))
        person_id = one.merged_into_id
    raise Http404


def _people(user: User) -> "QuerySet[Any]":
    """People with everything about themselves that the page shows, in one query."""
    same_address = (
        Person.objects.visible_to(user)
        .filter(email=OuterRef("email"), merged_into=None)
        .exclude(pk=OuterRef("pk"))
        .order_by("username", "pk")
    )
    about = Change.objects.visible_to(user).filter(
        Q(person=OuterRef("pk")) | Q(person__merged_into=OuterRef("pk")) | _same_address()
    )
    periods = TwoFactorPeriod.objects.filter(person=OuterRef("pk")).order_by("-started_at")[:20]
    found: QuerySet[Any] = facts.with_authors(
        facts.with_facts(Person.objects.visible_to(user))
    ).annotate(
        rotations=rotations.of_person(user),
        tally=tally(Collaboration.objects.visible_to(user).open(), of="person"),
        merged=earlier_ids(),
        under_way=acting.under_way(about),
        others=ArraySubquery(
            same_address.values(one=JSONObject(id="pk", name="username", email="email"))
        ),
        periods=ArraySubquery(
            periods.values(
                one=JSONObject(
                    value="value", after="started_after", at="started_at", until="ended_at"
                )
            )
        ),
    )
    return found


def _same_address() -> Q:
    """Changes of an address, which may be of somebody who was not known then."""
    return Q(address=Lower(OuterRef("email")))


def _said(one: Any) -> dict[str, Any]:
    """What the form shows first: the fact that holds now."""
    return {
        "kind": one.fact_kind or PersonKind.UNKNOWN,
        "employment": one.fact_employment or Employment.UNKNOWN,
        "employer": one.fact_employer or "",
        "instead_of": one.fact_id,
    }


def _words_of(one: Any) -> dict[str, str]:
    """Who a person is to the company, in words; from the address where nobody said."""
    external = facts.is_external(one.email, one.fact_employment)
    said = one.fact_employment in {Employment.INTERNAL, Employment.EXTERNAL}
    if external is None:
        employment = _("Not said")
    elif said:
        employment = str(Employment(one.fact_employment).label)
    elif external:
        employment = _("External, by the domain of the address")
    else:
        employment = _("Internal, by the domain of the address")
    return {
        "kind": str(PersonKind(one.fact_kind or PersonKind.UNKNOWN).label),
        "employment": employment,
        "employer": one.fact_employer or "",
    }


def _two_factor(one: Any, now: datetime) -> dict[str, Any]:
    """2FA now, and how long it has been what it was before."""
    periods = [_period(period, now) for period in one.periods]
    return {
        "now": access.two_factor(one.two_factor),
        "periods": periods,
    }


def _period(period: dict[str, Any], now: datetime) -> dict[str, Any]:
    at = datetime.fromisoformat(period["at"])
    after = period["after"] and datetime.fromisoformat(period["after"])
    until = datetime.fromisoformat(period["until"]) if period["until"] else now
    return {
        "badge": access.two_factor(period["value"]),
        "for": length((until - at).total_seconds()),
        "edge": sentences.edge(after, at),
        "is_now": period["until"] is None,
    }


def _access(
    row: Access, now: datetime, going_on: list[acting.UnderWay], user: User
) -> dict[str, Any]:
    going = next((each for each in going_on if each.app_id == row.app_id), None)
    pair = f"{row.person_id}:{row.app_id}"
    offered = acting.is_offered(user, row.role, going, row.app_gone_at)
    return {
        "dim": rows.is_dim(row.status),
        "url": rows.app_url(row.app_id),
        "app": row.app,
        "tags": rows.app_tags(kind=row.app_kind, parent_name=row.parent_name, health_data=None),
        "project": row.project or _("No project"),
        "region": row.region,
        "role": access.role(row.role),
        "status": rows.state(row, now),
        "since": moment(row.given_at or row.since_at, now),
        "edge": sentences.edge(row.since_after, row.since_at, row.given_at),
        "by": sentences.given(row),
        "going": acting.mark(going),
        "box": acting.box("pair", pair, row.app) if offered else "",
        "buttons": acting.buttons(pair=pair, name=row.app, role=row.role, status=row.status)
        if offered
        else "",
    }


def _past(row: Access, now: datetime) -> dict[str, Any]:
    return {
        "url": rows.app_url(row.app_id),
        "app": row.app,
        "role": access.role(row.role),
        "since": sentences.edge(row.since_after, row.since_at, row.given_at),
        "until": moment(row.ended_at, now) if row.ended_at else "",
        "edge": sentences.edge(row.ended_after, row.ended_at) if row.ended_at else "",
    }
