"""One report: what it holds, what it is narrowed to, as of when; asked for now or by mail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from governance.accounts.models import User
from governance.audit.events import Source
from governance.audit.sentences import SENTENCES
from governance.core import instants
from governance.core.pages import page, see_other
from governance.reports import actions, asking, making, permissions, sizes
from governance.reports.asked import as_json, asked_of
from governance.reports.asking import Filter, Narrowed
from governance.reports.forms import AskForm, MailForm
from governance.reports.models import Export, Format
from governance.reports.naming import PACK, title_of
from governance.reports.registers import REPORTS
from governance.reports.registers.base import Report
from governance.reports.views.export import streamed
from governance.reports.views.listing import kinds
from governance.reports.views.shown import who

# What a pack can be narrowed to, where all of its reports can.
OF_PACKS = ("project", "region")


@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, name: str) -> HttpResponseBase:
    """Small CSVs are given while they are made; whatever takes longer is made by a worker."""
    user, now = who(request), timezone.now()
    _exists(name)
    if request.method != "POST":
        return _page(request, name, user, _read(request.GET, name, user, now))
    permissions.may_export(user).enforce()
    asked = _read(request.POST, name, user, now)
    if not _is_whole(asked, name):
        return _page(request, name, user, asked, status=422)
    try:
        size = _size(asked, name, user, now)
        export = actions.ask(asked.wanted(name, now), by=user, source=Source.PAGE, at=now)
    except (making.CannotBeMade, actions.TooMany) as error:
        asked.form.add_error(None, str(error))
        return _page(request, name, user, asked, status=422)
    if size.is_small and (answer := streamed(export, by=user, is_whole=size.is_whole)):
        return answer
    return see_other(request, reverse("reports:export", args=[export.pk]))


@require_POST
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """Have the same made again and again, and mailed."""
    user, now = who(request), timezone.now()
    _exists(name)
    permissions.may_schedule(user).enforce()
    asked = _read(request.POST, name, user, now, is_scheduled=True)
    people = _recipients(user)
    form = MailForm(request.POST, people=people)
    if not (_is_whole(asked, name) and form.is_valid()):
        form.is_valid()
        return _page(request, name, user, asked, mail_form=form, status=422)
    chosen = set(form.cleaned_data["recipients"])
    actions.schedule(
        asked.wanted(name, now),
        every=form.cleaned_data["every"],
        recipients=[one for one in people if str(one.pk) in chosen],
        by=user,
        source=Source.PAGE,
        at=now,
    )
    messages.success(
        request, _("“{report}” comes by mail from now on.").format(report=title_of(name))
    )
    return see_other(request, reverse("reports:schedules"))


# --- what is asked for ----------------------------------------------------------------------------


class _Asked:
    """The form and the filters together, as an address or a form gives them."""

    def __init__(self, form: AskForm, narrowed: Narrowed) -> None:
        self.form, self.narrowed = form, narrowed

    def wanted(self, name: str, now: datetime) -> actions.Wanted:
        found = self.form.cleaned_data
        return actions.Wanted(
            report=name,
            format=self.form.kept_format,
            as_of=found.get("at") or now,
            asked=as_json(
                at=found.get("at"),
                since=found.get("since"),
                filters=self.narrowed.values,
                reports=found.get("reports", ()),
                formats=found.get("formats", ()),
            ),
            options=self.form.options,
        )


def _read(
    data: QueryDict, name: str, user: User, now: datetime, *, is_scheduled: bool = False
) -> _Asked:
    filters = OF_PACKS if name == PACK else REPORTS[name].filters
    given = data.copy()
    if not given.get("at"):
        given["at"] = _until(str(given.get("until", "")), now)
    if is_scheduled:
        # Each has its own time: the week, month or quarter that is over.
        given["at"], given["since"] = "", now.isoformat()
    narrowed = asking.read(filters, _families(dict(given.lists()), name), user, name)
    if name == PACK and "reports" not in given and not is_scheduled:
        given.setlist("reports", [one.name for one in REPORTS.values() if _is_usual(one, user)])
        given.setlist("formats", given.getlist("formats") or [Format.CSV, Format.PDF])
    return _Asked(AskForm(given, report=name, now=now), narrowed)


def _until(text: str, now: datetime) -> str:
    """The end of a list's period, as the audit log calls it. A day that is not over ends now."""
    end = instants.read(text)
    return "" if end and end > now and instants.is_date(text) else text


def _families(given: dict[str, list[str]], name: str) -> dict[str, list[str]]:
    """The kinds of events that the audit log's page calls by their family: user, change, …"""
    if name != "audit":
        return given
    words = [word for value in given.get("kind", []) for word in value.split(",")]
    kinds = [
        [kind for kind in SENTENCES if kind.partition(".")[0] == word] or [word] for word in words
    ]
    return {**given, "kind": [kind for family in kinds for kind in family]}


def _is_usual(one: Report, user: User) -> bool:
    """What a pack holds unless somebody chooses otherwise: what needs no first day."""
    return not one.speaks_of_a_period and (user.sees_everything or not one.needs_everything)


def _is_whole(asked: _Asked, name: str) -> bool:
    """Whether it can be asked for as it stands; the form says why not."""
    if asked.form.is_valid():
        asked.form.ask()
    if name == PACK:
        for filter_ in asked.narrowed.values:
            for one in asked.form.chosen:
                if filter_ not in REPORTS[one].filters:
                    asked.form.add_error(
                        "reports",
                        _("“%(report)s” cannot be narrowed to a %(filter)s: leave one of them out.")
                        % {"report": REPORTS[one].title, "filter": filter_},
                    )
    return not asked.form.errors


def _size(asked: _Asked, name: str, user: User, now: datetime) -> sizes.Size:
    """Whether it is given at once. Raises `CannotBeMade` for what would fail in any case."""
    wanted = asked.wanted(name, now)
    unsaved = Export(
        report=name,
        asked=wanted.asked,
        as_of=wanted.as_of,
        everything=user.sees_everything,
        projects=[] if user.sees_everything else list(user.projects),
    )
    for one in asked.form.chosen:
        making.report_of(asked_of(unsaved, one))
    if wanted.format != Format.CSV:
        return sizes.Size(is_small=False, is_whole=False)
    return sizes.look(asked_of(unsaved))


def _exists(name: str) -> None:
    if name != PACK and name not in REPORTS:
        raise Http404


# --- the page -------------------------------------------------------------------------------------


def _page(
    request: HttpRequest,
    name: str,
    user: User,
    asked: _Asked,
    *,
    mail_form: MailForm | None = None,
    status: int = 200,
) -> HttpResponse:
    may_export = permissions.may_export(user)
    is_valid = asked.form.is_valid() if status == 200 else False
    mail_form = mail_form or MailForm(None, people=_recipients(user) if may_export else ())
    return page(
        request,
        "reports/report.html",
        {
            "now": timezone.now(),
            "name": name,
            "is_pack": name == PACK,
            "kind": next(one for one in kinds() if one.name == name),
            "report": REPORTS.get(name),
            "form": asked.form,
            "mail_form": mail_form,
            "fields": [_field(one, asked.narrowed.values) for one in asked.narrowed.filters],
            "ignored": asked.narrowed.ignored,
            "at_once": sizes.AT_ONCE,
            "may_export": may_export,
            "may_schedule": permissions.may_schedule(user),
        },
        status=status if status != 200 or is_valid else 422,
    )


def _field(one: Filter, values: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """A filter as the form shows it. Several values in force are an option of their own."""
    force = values.get(one.name, ())
    options = list(one.options or ())
    if len(force) > 1:
        options.insert(0, (",".join(force), " / ".join(map(one.word, force))))
    return {"filter": one, "value": ",".join(force), "options": options}


def _recipients(user: User) -> list[User]:
    """Those to whom what `user` reads may be mailed."""
    reads = Export(
        everything=user.sees_everything,
        projects=[] if user.sees_everything else list(user.projects),
    )
    people = User.objects.filter(is_active=True).order_by("name", "email")
    return [one for one in people if permissions.may_receive(one, reads)]
