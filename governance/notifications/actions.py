"""Promise a delivery, and keep the promise.

Sending is at least once: a worker that dies between the server's yes and our own note of it sends
again. Each is leased before it is sent and settled after, in transactions of their own.
"""

import logging
import smtplib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q

from governance.notifications.models import Attempt, Delivery

logger = logging.getLogger(__name__)

# The wait after each failure; after the last of them the mail is lost.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60, 120, 240, 480, 960))
_LEASE = timedelta(minutes=5)
_AT_ONCE = 50

Settled = Callable[[Delivery], None]


def promise(deliveries: Iterable[Delivery]) -> None:
    """Write down what is to be delivered; what was promised before is left as it is."""
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)


def deliver_due(*, at: datetime, sent: Settled = lambda delivery: None) -> int:
    """Try every delivery that is due, and tell `sent` of each that was taken; how many were."""
    taken = 0
    for _ in range(_AT_ONCE):
        delivery = _lease(at)
        if delivery is None:
            break
        error = _send(delivery)
        _settle(delivery, error, at)
        if not error:
            taken += 1
            sent(delivery)
    return taken


def try_again(ids: Iterable[UUID], *, at: datetime) -> int:
    """Give lost deliveries another chance, unless their file is gone; how many there were."""
    has_its_file = Q(attachment_name="") | ~Q(attachment="") | Q(attachment_bytes__isnull=False)
    lost = Delivery.objects.filter(has_its_file, pk__in=list(ids), state=Delivery.State.LOST)
    return lost.update(
        state=Delivery.State.WAITING, attempts=0, due_at=at, settled_at=None, leased_until=None
    )


def let_go(ids: Iterable[UUID], *, at: datetime) -> None:
    """Their files are past their time: what was not sent is lost, and no copy of them is kept."""
    found = Delivery.objects.filter(pk__in=list(ids))
    found.filter(state=Delivery.State.WAITING).update(state=Delivery.State.LOST, settled_at=at)
    found.update(attachment_bytes=None)


@transaction.atomic
def _lease(at: datetime) -> Delivery | None:
    """The next delivery that is due and that nobody is at, now ours for a while."""
    delivery = (
        Delivery.objects.select_for_update(skip_locked=True)
        .filter(Q(leased_until=None) | Q(leased_until__lt=at))
        .filter(state=Delivery.State.WAITING, due_at__lte=at)
        .order_by("due_at")
        .first()
    )
    if delivery is not None:
        delivery.leased_until = at + _LEASE
        delivery.save(update_fields=["leased_until"])
    return delivery


def _send(delivery: Delivery) -> str:
    """Hand it to the mail server; the kind of error, empty when it was taken."""
    if not settings.MAIL_URL:
        return "No mail server is set."
    message = EmailMessage(delivery.subject, delivery.body, to=[delivery.recipient])
    if delivery.attachment_name:
        # As bytes: nothing on the way may change a line's end.
        kept = delivery.attachment_bytes
        data = delivery.attachment.encode() if kept is None else bytes(kept)
        message.attach(delivery.attachment_name, data, "application/octet-stream")
    try:
        message.send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        logger.warning("mail not sent", extra={"delivery": str(delivery.pk), "error": _said(error)})
        return _said(error)
    return ""


def _said(error: Exception) -> str:
    """What the server said, without what may be in it of addresses."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


@transaction.atomic
def _settle(delivery: Delivery, error: str, at: datetime) -> None:
    Attempt.objects.create(delivery=delivery, at=at, error=error)
    changes: dict[str, object] = {"attempts": F("attempts") + 1, "leased_until": None}
    if not error:
        changes |= {"state": Delivery.State.SENT, "settled_at": at, "attachment_bytes": None}
    elif delivery.attempts < len(WAITS):
        changes |= {"due_at": at + WAITS[delivery.attempts]}
    else:
        changes |= {"state": Delivery.State.LOST, "settled_at": at}
    Delivery.objects.filter(pk=delivery.pk).update(**changes)
