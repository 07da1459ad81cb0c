"""Open a review by itself when one is due, and tell those who decide in it."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.accounts.models import User
from governance.audit.events import Source
from governance.core.nudges import after_commit
from governance.core.templatetags.interface import exactly
from governance.notifications import actions as notifications
from governance.notifications.models import Delivery
from governance.reports.registers.base import Asked
from governance.reports.standing import standing
from governance.reports.two_factor import permissions
from governance.reports.two_factor.models import Review
from governance.reports.two_factor.review import actions
from governance.reports.two_factor.review.queries import next_due

logger = logging.getLogger(__name__)

TOPIC = "review.two_factor"


def open_due(*, at: datetime) -> Review | None:
    """Begin the review that is due; None where none is, one is open, or it has to wait.

    The log says why it waits, and so does the page.
    """
    due = next_due(at)
    if due.open or not due.is_overdue:
        return None
    why = why_not(at)
    if not why:
        try:
            return _open(at)
        except actions.NotNow as error:
            if next_due(at).open:  # another was first
                return None
            why = [str(error)]
    logger.warning("review of 2FA is due and not open", extra={"why": " ".join(why)})
    return None


def why_not(at: datetime) -> list[str]:
    """Why none opens by itself now, in sentences: it would not be of everybody."""
    asked = Asked("two-factor", at, is_now=True, everything=True)
    return standing(asked, _Reader()).why_partial()


@transaction.atomic
def _open(at: datetime) -> Review:
    """With the mails: whoever is told of a review finds it."""
    review = actions.begin(by=None, source=Source.SCHEDULE, at=at)
    if settings.MAIL_URL:
        notifications.promise(_delivery(review, user) for user in _deciders())
        after_commit("notifications.deliver_due")
    return review


def _deciders() -> list[User]:
    people = User.objects.filter(is_active=True).order_by("email")
    return [user for user in people if permissions.may_review(user)]


def _delivery(review: Review, user: User) -> Delivery:
    return Delivery(
        topic=TOPIC,
        reference=str(review.pk),
        recipient=user.email,
        subject=_("A review of 2FA is open until %(day)s") % {"day": exactly(review.due_at)[:10]},
        body=_body(review),
        created_at=review.as_of,
        due_at=review.as_of,
    )


def _body(review: Review) -> str:
    opened = ngettext(
        "A review of 2FA was due and has opened: %(n)s person was without it as of %(as_of)s.",
        "A review of 2FA was due and has opened: %(n)s people were without it as of %(as_of)s.",
        review.rows,
    ) % {"n": f"{review.rows:,}", "as_of": exactly(review.as_of)}
    until = _(
        "Please decide about each of them and sign it off by %(due)s. Nobody decides about"
        " themselves, and whoever is in it does not sign it."
    ) % {"due": exactly(review.due_at)}
    where = _("It is on the page Reviews of 2FA of the dashboard.")
    if settings.SITE_URL:
        where = f"{settings.SITE_URL}{reverse('two-factor:review', args=[review.pk])}"
    return f"{opened}\n\n{until}\n\n{where}\n\n{settings.SITE_NAME}\n"


class _Reader:
    """This connection, as `standing` reads."""

    def row(self, sql: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return self.rows(sql, values)[0]

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found
