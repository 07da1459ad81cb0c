"""One person: what can they reach, since when, and who gave it to them?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject, Lower
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from governance.accounts.models import User
from governance.accounts.permissions import may_change_access, may_remove
from governance.audit.events import Source
from governance.changes.models import Change
from governance.core.pages import found_or_hidden, page, see_other
from governance.core.templatetags.interface import length
from governance.dashboard import acting, asof, describing, lists, notes, rows, sentences
from governance.dashboard.templatetags import access
from governance.facts import actions, permissions
from governance.facts import queries as facts
from governance.facts.forms import NoteForm, PersonForm
from governance.facts.models import Employment, PersonKind
from governance.facts.notes import add_note
from governance.inventory.models import Collaboration, Person, Role, TwoFactor, TwoFactorPeriod
from governance.inventory.queries.access import PAST, Access, Found, apps_of
from governance.inventory.queries.asof import Knowledge
from governance.inventory.queries.history import changes_of_person
from governance.inventory.queries.people import earlier_ids, held
from governance.inventory.queries.tallies import Tally, tally
from governance.rotations import queries as rotations

_MOST_MERGES = 10


@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    user = lists.who(request)
    now = timezone.now()
    when = asof.read(request, now)
    one = found_or_hidden(_people(user, when.at), Person.objects.all(), person_id)
    if one.merged_into_id:
        return _moved(user, one.merged_into_id, when)
    is_note = "note" in request.POST
    form = PersonForm(None if is_note else request.POST or None, initial=_said(one))
    note = NoteForm(request.POST if is_note else None)
    answer = (_note if is_note else _describe)(request, note if is_note else form, one, now)
    if answer.kept:
        return see_other(request, reverse("dashboard:person", args=[one.pk]))
    if answer.status == 409:
        one = get_object_or_404(_people(user, None), pk=person_id)
        form = PersonForm(initial=_said(one))
    get = request.GET
    known_as = [one.pk, *one.merged]
    found = apps_of(known_as, user, after=get.get("after"), before=get.get("before"), at=when.at)
    going_on = [] if when.is_past else acting.read(one.under_way, now)
    changes = changes_of_person(
        known_as,
        user,
        after=get.get("changes-after"),
        before=get.get("changes-before"),
        at=when.at,
    )
    access_now = [_access(row, when, going_on, user) for row in found.page.rows]
    answered = page(
        request,
        "dashboard/person.html",
        {
            "now": now,
            "when": when,
            "may_act": bool(may_change_access(user)) and not when.is_past,
            "may_offboard": may_remove(user),
            "around": _around(found, when),
            "person": one,
            "tally": Tally(*(one.tally or ())),
            "is_service": one.fact_kind == PersonKind.SERVICE,
            "tags": rows.person_tags(one.email, one.fact_kind, one.fact_employment),
            "said": _words_of(one),
            "two_factor": _two_factor(one, when),
            "access": access_now,
            "boxes": sum(bool(row["box"]) for row in access_now),
            "begun": [_access(row, when, (), user) for row in found.begun],
            "going_on": going_on,
            "slice": found.page,
            "past": [_past(row, when) for row in found.past[:PAST]],
            "changes": sentences.rows(changes.rows, when),
            "changes_slice": changes,
            "others": [] if when.is_past else one.others,
            "form": form,
            "note": note,
            "notes": notes.read(one.written),
            "may_describe": permissions.may_describe(user),
            "duties": rotations.beside(one.rotations, now),
            "is_scoped": not user.sees_everything,
        },
        partials={"going-on", "access-now"},
        status=max(answer.status, when.status),
    )
    return acting.say_when_over(request, answered, going_on)


def _describe(request: HttpRequest, form: Form, one: Any, now: datetime) -> describing.Answer:
    """Keep who the person is, as a valid form says."""
    return describing.answer(
        request,
        form,
        lambda data: actions.describe_person(
            one,
            kind=PersonKind(data["kind"]),
            employment=Employment(data["employment"]),
            employer=data["employer"],
            instead_of=data["instead_of"],
            by=lists.who(request),
            source=Source.PAGE,
            at=now,
        ),
        _("What you said about %(person)s is kept.") % {"person": one.display_name},
    )


def _note(request: HttpRequest, form: Form, one: Any, now: datetime) -> describing.Answer:
    """Keep a note, as a valid form has it."""
    return describing.answer(
        request,
        form,
        lambda data: add_note(one, data["note"], by=lists.who(request), source=Source.PAGE, at=now),
        _("Your note about %(person)s is kept.") % {"person": one.display_name},
    )


def _moved(user: User, person_id: UUID, when: asof.When) -> HttpResponse:
    """Where somebody is found who was known by an invited address alone."""
    for _merge in range(_MOST_MERGES):
        one = found_or_hidden(Person.objects.visible_to(user), Person.objects.all(), person_id)
        if one.merged_into_id is None:
            address = reverse("dashboard:person", args=[one.pk])
            return HttpResponsePermanentRedirect(address + when.alone)
        person_id = one.merged_into_id
    raise Http404


def _people(user: User, at: datetime | None) -> "QuerySet[Any]":
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
    begun = TwoFactorPeriod.objects.filter(person=OuterRef("pk"))
    if at is not None:
        begun = begun.filter(started_at__lte=at)
    periods = begun.order_by("-started_at")[:20]
    found: QuerySet[Any] = facts.with_authors(
        facts.with_facts(Person.objects.visible_to(user))
    ).annotate(
        rotations=rotations.of_person(user),
        tally=tally(held(Collaboration.objects.visible_to(user), at), of="person"),
        merged=earlier_ids(),
        written=notes.column(),
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


def _around(found: Found, when: asof.When) -> str:
    """What the page rests on, as of an instant: where a row says nothing else, it is known."""
    if when.at is None:
        return ""
    rows = [row for row in found.page.rows if row.knowledge(when.at) != Knowledge.KNOWN]
    if not rows and not found.begun:
        return _("Every app below was read around then.")
    return _("Not every app below was read around then; its row says so.")


def _two_factor(one: Any, when: asof.When) -> dict[str, Any]:
    """2FA now or then, and how long it has been what it was before."""
    periods = [_period(period, when) for period in one.periods]
    value = one.two_factor
    if when.is_past:
        value = one.periods[0]["value"] if one.periods else TwoFactor.UNKNOWN
    return {
        "now": access.two_factor(value),
        "periods": periods,
    }


def _period(period: dict[str, Any], when: asof.When) -> dict[str, Any]:
    at = datetime.fromisoformat(period["at"])
    after = period["after"] and datetime.fromisoformat(period["after"])
    until = datetime.fromisoformat(period["until"]) if period["until"] else None
    is_over = until is not None and until <= when.clock
    return {
        "badge": access.two_factor(period["value"]),
        "for": length(((until if until and is_over else when.clock) - at).total_seconds()),
        "edge": sentences.edge(after, at),
        "is_now": not is_over,
    }


def _access(
    row: Access, when: asof.When, going_on: Sequence[acting.UnderWay], user: User
) -> dict[str, Any]:
    going = next((each for each in going_on if each.app_id == row.app_id), None)
    pair = f"{row.person_id}:{row.app_id}"
    offered = not when.is_past and acting.is_offered(user, row.role, going, row.app_gone_at)
    return {
        "dim": rows.is_dim(row.status),
        "url": rows.app_url(row.app_id) + when.alone,
        "app": row.app,
        "tags": rows.app_tags(kind=row.app_kind, parent_name=row.parent_name, health_data=None),
        "project": row.project or _("No project"),
        "region": row.region,
        "role": access.role(row.role),
        "status": rows.state(row, when.clock),
        "known": asof.of_access(row, when),
        "since": when.date(row.given_at or row.since_at),
        "edge": sentences.edge(row.since_after, row.since_at, row.given_at),
        "by": sentences.given(row),
        "going": acting.mark(going),
        "box": acting.box("pair", pair, row.app) if offered else "",
        "buttons": acting.buttons(pair=pair, name=row.app, role=row.role, status=row.status)
        if offered
        else "",
    }


def _past(row: Access, when: asof.When) -> dict[str, Any]:
    return {
        "url": rows.app_url(row.app_id) + when.alone,
        "app": row.app,
        "role": access.role(row.role),
        "now": _now(row.now_role),
        "since": sentences.edge(row.since_after, row.since_at, row.given_at),
        "until": when.date(row.ended_at) if row.ended_at else "",
        "edge": sentences.edge(row.ended_after, row.ended_at) if row.ended_at else "",
    }


def _now(role: str) -> str:
    """What stands beside an access that is over, where the person is on the app all the same."""
    if role == Role.OWNER:
        return _("is now owner")
    return _("is on it as %(role)s now") % {"role": access.role_noun(role)} if role else ""
