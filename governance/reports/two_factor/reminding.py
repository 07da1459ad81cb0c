"""Have a mail sent to people without 2FA: whom, whom not and why, and the sending itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.accounts.models import User
from governance.audit.actions import record_many
from governance.audit.events import Entry, Source
from governance.inventory.models import Person, TwoFactor
from governance.inventory.queries.asof import Moment
from governance.notifications import actions as notifications
from governance.notifications.models import Delivery
from governance.reports.two_factor import permissions, words
from governance.reports.two_factor.models import Belongs, Reminder
from governance.reports.two_factor.queries import Row, read_lacking, read_people

TOPIC = "reminder.two_factor"
MOST = 1000  # at once


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody without 2FA, and why no mail goes to them; empty where one does."""

    row: Row
    why_not: str


def every() -> timedelta:
    """The shortest time between two reminders of one person."""
    span: timedelta = settings.TWO_FACTOR_REMIND_EVERY
    return span


def look(user: User, *, at: datetime) -> list[Asked]:
    """Everybody whose 2FA is off, riskiest first, with who gets no mail and why."""
    rows = read_lacking(user, Moment(at), MOST)
    return [Asked(row, why_not(row, at)) for row in rows if row.two_factor == TwoFactor.OFF]


def why_not(row: Row, at: datetime) -> str:
    """Why nobody reminds them now, as a sentence; empty where they may be."""
    if row.two_factor != TwoFactor.OFF:
        return _("Their 2FA is not known to be off.")
    if row.belongs == Belongs.DELETED:
        return _("The account was deleted.")
    if "@" not in row.email:
        return _("No address of theirs is known.")
    if row.exception_until is not None:
        return _("Excepted until %(day)s.") % {"day": words.day(row.exception_until)}
    if row.reminded_at is not None and at - row.reminded_at < every():
        return _("Reminded on %(day)s already.") % {"day": words.day(row.reminded_at)}
    return ""


@transaction.atomic
def remind(people: Iterable[UUID], *, by: User, source: Source, at: datetime) -> list[UUID]:
    """Promise a mail to each of `people` who may be reminded now; who that is. Raises `Refused`.

    Locks them first, so that of two who remind at once the second finds them reminded.
    """
    permissions.may_remind(by).enforce()
    locked = Person.objects.select_for_update().filter(pk__in=list(people)).order_by("pk")
    ids = [person.pk for person in locked]
    rows = [row for row in read_people(by, Moment(at), ids) if not why_not(row, at)]
    return promise(rows, by=by, source=source, at=at)


def promise(rows: Iterable[Row], *, by: User, source: Source, at: datetime) -> list[UUID]:
    """Write the mails and what is told of them. Call it inside a transaction that asked."""
    deliveries = {row.person_id: _delivery(row, at) for row in rows}
    notifications.promise(deliveries.values())
    Reminder.objects.bulk_create(_reminders(deliveries, by, at))
    record_many(_entry(person, by, source, at) for person in deliveries)
    return list(deliveries)


def _reminders(deliveries: Mapping[UUID, Delivery], by: User, at: datetime) -> list[Reminder]:
    return [
        Reminder(person_id=person, sent_by=by, at=at, delivery=delivery)
        for person, delivery in deliveries.items()
    ]


def _delivery(row: Row, at: datetime) -> Delivery:
    return Delivery(
        topic=TOPIC,
        reference=f"{row.person_id} {at.isoformat()}",
        recipient=row.email,
        subject=_("Please turn on two-factor authentication at Scalingo"),
        body=_body(row, at),
        created_at=at,
        due_at=at,
    )


def _body(row: Row, at: datetime) -> str:
    reached = ngettext(
        "With your Scalingo account %(name)s you can reach %(apps)s app of ours.",
        "With your Scalingo account %(name)s you can reach %(apps)s apps of ours.",
        row.apps,
    ) % {"name": row.display_name, "apps": row.apps}
    known = _("It had no two-factor authentication when we read it last; so it was seen %(days)s.")
    asked = _(
        "Please sign in to https://dashboard.scalingo.com, open the settings of your account and"
        " turn two-factor authentication on. A code from an app on your phone is asked for then"
        " beside the password.\n\n"
        "If you cannot, please tell whoever looks after access in your company: an exception has"
        " a reason and an end. Nobody will ask you for your password or for a code."
    )
    days = words.days((at - row.since).days)
    since = known % {"days": _("for %(days)s") % {"days": days}}
    return f"{reached} {since}\n\n{asked}\n\n{settings.SITE_NAME}\n"


def _entry(person: UUID, by: User, source: Source, at: datetime) -> Entry:
    return Entry(
        kind="two_factor.reminded",
        at=at,
        source=source,
        actor_id=by.pk,
        actor_kind="user",
        target_kind="inventory.person",
        target_id=person,
        person_id=person,
        data={},
    )
