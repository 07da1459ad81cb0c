"""One app: its people, its invitations, what changed, and how well that is known."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import DateTimeField, OuterRef, PositiveIntegerField, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from governance.accounts.models import User
from governance.accounts.permissions import may_change_access
from governance.audit.events import Source
from governance.changes.models import Change
from governance.connections.models import Connection
from governance.core import filters
from governance.core.filters import Choice
from governance.core.pages import found_or_hidden, page, see_other
from governance.core.templatetags.interface import avatar
from governance.dashboard import acting, asof, describing, lists, rows, sentences
from governance.dashboard.templatetags import access
from governance.facts import actions, permissions
from governance.facts import queries as facts
from governance.facts.forms import AppForm
from governance.facts.models import AppClass, PersonKind
from governance.inventory.models import App, AppPeriod, Collaboration, Coverage, Status
from governance.inventory.queries.access import Access, people_of
from governance.inventory.queries.asof import Knowledge, Readings, readings_column
from governance.inventory.queries.history import changes_of_app
from governance.inventory.queries.people import THEIR_NAME, held
from governance.inventory.queries.tallies import Tally, tally
from governance.rotations import queries as rotations


@require_http_methods(["GET", "HEAD", "POST"])
def app(request: HttpRequest, app_id: UUID) -> HttpResponse:
    user = lists.who(request)
    now = timezone.now()
    when = asof.read(request, now)
    one = found_or_hidden(_apps(user, when.at), App.objects.all(), app_id)
    form = AppForm(request.POST or None, initial=_said(one))
    answer = describing.answer(
        request,
        form,
        lambda data: actions.describe_app(
            one,
            app_class=AppClass(data["app_class"]),
            team=data["team"],
            instead_of=data["instead_of"],
            by=user,
            source=Source.PAGE,
            at=now,
        ),
        _("What you said about %(app)s is kept.") % {"app": one.name},
    )
    if answer.kept:
        return see_other(request, reverse("dashboard:app", args=[one.pk]))
    if answer.status == 409:
        one = get_object_or_404(_apps(user, None), pk=app_id)
        form = AppForm(initial=_said(one))
    get = request.GET
    chosen = filters.read(get, _choices())
    found = people_of(
        one.pk,
        roles=chosen.of("role"),
        two_factor=chosen.of("two-factor"),
        statuses=chosen.of("status"),
        after=get.get("after"),
        before=get.get("before"),
        more=facts.OF_LEAVES,
        at=when.at,
    )
    going_on = [] if when.is_past else acting.read(one.under_way, now)
    changes = changes_of_app(
        one.pk, after=get.get("changes-after"), before=get.get("changes-before"), at=when.at
    )
    seen = _Seen(one, when, user, going_on)
    people = [_person(row, seen) for row in found.page.rows]
    answered = page(
        request,
        "dashboard/app.html",
        {
            "now": now,
            "when": when,
            "may_act": bool(may_change_access(user)) and not when.is_past,
            "may_invite": may_change_access(user),
            "around": _around(one, when),
            "then": _then(one, when),
            "app": one,
            "tally": Tally(*(one.tally or ())),
            "tags": rows.app_tags(
                kind=one.kind,
                parent_name=one.parent_name,
                health_data=one.health_data,
                suspect=None if when.is_past else one.suspect_since,
            ),
            "freshness": rows.freshness(one.read_at, _stale_since(one), now),
            "reading": _reading(one),
            "people": people,
            "boxes": sum(bool(row["box"]) for row in people),
            "begun": [_person(row, seen) for row in found.begun],
            "going_on": going_on,
            "slice": found.page,
            "chosen": chosen,
            "chips": filters.chips(get, chosen),
            "changes": sentences.rows(changes.rows, when),
            "changes_slice": changes,
            "names": [_name(period) for period in one.names],
            "class": AppClass(one.fact_class or AppClass.UNKNOWN).label,
            "form": form,
            "may_describe": permissions.may_describe(user),
            "duties": rotations.beside(one.rotations, now),
        },
        partials={"people", "going-on"},
        status=max(answer.status, when.status),
    )
    return acting.say_when_over(request, answered, going_on)


@lists.per_language
def _choices() -> list[Choice]:
    return [
        lists.role(),
        lists.two_factor(),
        Choice("status", _("Status"), _("Any status"), filters.words(Status)),
    ]


def _apps(user: User, at: datetime | None) -> "QuerySet[Any]":
    """Apps with everything about themselves that the page shows, in one query. Gone ones too."""
    people = held(Collaboration.objects.all(), at)
    latest = Coverage.objects.filter(scope=OuterRef("scope"), latest=True)
    connection = Connection.objects.filter(pk=OuterRef("scope__connection_id"))
    begun = AppPeriod.objects.filter(app=OuterRef("pk"))
    if at is not None:
        begun = begun.filter(started_at__lte=at)
    periods = begun.order_by("-started_at")[:20]
    visible = App.objects.visible_to(user).select_related(
        "region", "project", "scope", "scm_linker", "owner"
    )
    found: QuerySet[Any] = facts.with_authors(facts.apps_with_facts(visible)).annotate(
        rotations=rotations.of_app(user),
        tally=tally(people, of="app", about_people=True, at=at),
        read_at=Subquery(latest.values("until"), output_field=DateTimeField()),
        readings=Subquery(latest.values("readings"), output_field=PositiveIntegerField()),
        unchanged_since=Subquery(latest.values("since"), output_field=DateTimeField()),
        under_way=acting.under_way(Change.objects.filter(app=OuterRef("pk"))),
        read_with=Subquery(connection.values("name")),
        names=ArraySubquery(
            periods.values(
                one=JSONObject(
                    name="name",
                    project="project__name",
                    after="started_after",
                    at="started_at",
                    until="ended_at",
                )
            )
        ),
    )
    if at is None:
        return found
    owners = people.filter(app=OuterRef("pk"), collaborator_id=Collaboration.OWNER_ID)
    then: QuerySet[Any] = found.annotate(
        owner_then=Subquery(owners.values(one=THEIR_NAME)[:1]), around=readings_column(at)
    )
    return then


def _around(one: Any, when: asof.When) -> str:
    """What the page rests on, as of an instant."""
    if when.at is None:
        return ""
    readings = Readings.of(one.around)
    words = {
        Knowledge.KNOWN: _("This app was read around then: %(readings)s."),
        Knowledge.NOT_READ_BETWEEN: _(
            "This app was not read around then, and both readings agree: %(readings)s."
        ),
        Knowledge.UNKNOWN: _("What was so is unknown: %(readings)s."),
    }
    return words[readings.knowledge(when.at)] % {"readings": asof.edges(readings)}


def _then(one: Any, when: asof.When) -> dict[str, Any]:
    """What an app was called, where it was and whose; nothing of now."""
    if when.at is None:
        return {}
    held = (name for name in one.names if _was_so(name, when.at))
    named = next(held, None)
    return {
        "existed": named is not None,
        "name": named["name"] if named else one.name,
        "project": named["project"] if named else "",
        "owner": one.owner_then or "",
    }


def _was_so(period: dict[str, Any], at: datetime) -> bool:
    until = period["until"] and datetime.fromisoformat(period["until"])
    return datetime.fromisoformat(period["at"]) <= at and (not until or until > at)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Of which app, when, and by whom its rows are seen."""

    app: Any
    when: asof.When
    user: User
    going_on: list[acting.UnderWay]


def _stale_since(one: Any) -> datetime | None:
    since: datetime | None = one.stale_since or (one.scope and one.scope.stale_since)
    return since


def _reading(one: Any) -> dict[str, str]:
    """Where and how an app is read, and why it could not be."""
    if one.scope is None:
        return {"where": _("Not read: no connection can see its collaborators.")}
    why = one.scope.stale_detail if one.stale_since is None else _unbelieved(one.stale_reason)
    return {
        "where": _("%(scope)s, %(region)s")
        % {"scope": one.scope.get_kind_display(), "region": one.region},
        "with": one.read_with or _("a connection that is gone"),
        "why": why if _stale_since(one) else "",
    }


def _unbelieved(reason: str) -> str:
    """Why an app keeps what it had, while the listing that it was read in is good."""
    match reason:
        case "not_listed":
            return _("Scalingo's last list does not name it, so it was not read.")
        case "read_otherwise":
            return _("It is read in another way now, and was not yet read so.")
        case _:
            return _("Its rows in the last reading could not be believed, so it keeps what it had.")


def _said(one: Any) -> dict[str, Any]:
    """What the form shows first: the fact that holds now."""
    return {
        "app_class": one.fact_class or AppClass.UNKNOWN,
        "team": one.fact_team or "",
        "instead_of": one.fact_id,
    }


def _name(period: dict[str, Any]) -> dict[str, str]:
    after = period["after"] and datetime.fromisoformat(period["after"])
    return {
        "name": period["name"],
        "project": period["project"] or _("no project"),
        "edge": sentences.edge(after, datetime.fromisoformat(period["at"])),
    }


def _person(row: Access, seen: _Seen) -> dict[str, Any]:
    kind, employment = row.more
    one, when = seen.app, seen.when
    going = next((each for each in seen.going_on if _is_about(each, row)), None)
    pair = f"{row.person_id}:{one.pk}"
    offered = not when.is_past and acting.is_offered(seen.user, row.role, going, one.gone_at)
    tags = rows.person_tags(row.email, kind, employment)
    if row.person_id == one.scm_linker_id and not when.is_past:
        tags += rows.tag(
            _("SCM linker"), _("The link to the source code was made by this account.")
        )
    return {
        "dim": rows.is_dim(row.status),
        "url": rows.person_url(row.person_id) + when.alone,
        "avatar": avatar(row.person_id, row.name, "service" if kind == PersonKind.SERVICE else ""),
        "name": row.name,
        "email": row.email if row.username else "",
        "tags": tags,
        "role": access.role(row.role),
        "two_factor": access.two_factor(row.two_factor),
        "status": rows.state(row, when.clock),
        "known": asof.of_access(row, when),
        "since": when.date(row.given_at or row.since_at),
        "edge": sentences.edge(row.since_after, row.since_at, row.given_at),
        "by": sentences.given(row),
        "going": acting.mark(going),
        "box": acting.box("pair", pair, row.name) if offered else "",
        "buttons": acting.buttons(pair=pair, name=row.name, role=row.role, status=row.status)
        if offered
        else "",
    }


def _is_about(change: acting.UnderWay, row: Access) -> bool:
    return change.person_id == row.person_id or change.address == row.email.lower()
