"""Checkpoints of the audit log, mailed to those who keep them outside: `CHECKPOINT_MAIL`."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from governance.audit import checkpoints as audit
from governance.audit.models import Checkpoint, Witness
from governance.notifications import actions
from governance.notifications.models import Delivery

TOPIC = "audit.checkpoint"
# After a long time without mail, the newest speak for all before them.
_AT_ONCE = 24


def promise(recipients: Sequence[str], *, at: datetime) -> None:
    """Promise each recipient the checkpoints that were taken since their last one."""
    for recipient in recipients:
        actions.promise(_deliveries(recipient, at))


def deliver(*, at: datetime) -> int:
    """Deliver whatever is due, and note which checkpoints left the database by it."""
    return actions.deliver_due(at=at, sent=lambda delivery: _note(delivery, at))


def _deliveries(recipient: str, at: datetime) -> Iterator[Delivery]:
    last = Delivery.objects.filter(topic=TOPIC, recipient=recipient).order_by("created_at").last()
    newer = Checkpoint.objects.filter(id__gt=int(last.reference) if last else 0)
    for checkpoint in reversed(newer.order_by("-id")[:_AT_ONCE]):
        yield Delivery(
            topic=TOPIC,
            reference=str(checkpoint.pk),
            recipient=recipient,
            subject=_("Audit log checkpoint: %(n)s events") % {"n": f"{checkpoint.size:,}"},
            body=_body(checkpoint),
            attachment_name=checkpoint.file_name,
            attachment=checkpoint.note,
            created_at=at,
            due_at=at,
        )


def _note(delivery: Delivery, at: datetime) -> None:
    if delivery.topic == TOPIC:
        checkpoint = Checkpoint.objects.filter(pk=int(delivery.reference))
        audit.witnessed(checkpoint, Witness.Kind.MAIL, at=at)


def _body(checkpoint: Checkpoint) -> str:
    words = _(
        "Please keep this mail. It proves what the audit log of the access dashboard held when it"
        " was signed: %(n)s events, up to the hash below. Whoever rewrites the log or cuts off its"
        " end cannot change what you hold.\n\n"
        "The attached file %(name)s is the same text. To check the log against it, put it into a"
        " folder and run: python manage.py verify_audit --checkpoints FOLDER"
    )
    said = words % {"n": f"{checkpoint.size:,}", "name": checkpoint.file_name}
    return f"{said}\n\n{checkpoint.note}"
