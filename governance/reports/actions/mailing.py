"""Reports on their way by mail: promised with the outcome, sent by `notifications`, noted once."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from governance.audit import actions as audit
from governance.audit.events import Source
from governance.core.nudges import after_commit
from governance.notifications.models import Delivery
from governance.reports import mails, permissions
from governance.reports.actions.taking import note_witness
from governance.reports.models import Export, Mailing, State

TOPIC = "reports.export"
# A file above this size is not sent: a link to its page is. Many mail servers refuse 10 MB.
LARGEST = 5 * 1024 * 1024


def promise(export: Export, *, at: datetime) -> None:
    """Promise what came of a scheduled report to each of its recipients who may still have it.

    In the transaction of the outcome. Whoever may not any more is left out.
    """
    if export.schedule is None:
        return
    attachment = _attachment(export)
    for user in export.schedule.recipients.order_by("email"):
        if not permissions.may_receive(user, export):
            continue
        delivery = Delivery.objects.create(
            topic=TOPIC,
            reference=str(export.pk),
            recipient=user.email,
            subject=mails.subject(export)[:200],
            body=mails.body(export, is_attached=attachment is not None),
            attachment_name=export.file_name if attachment is not None else "",
            attachment_bytes=attachment,
            created_at=at,
            due_at=at,
        )
        Mailing.objects.create(export=export, to=user, delivery=delivery, promised_at=at)
    after_commit("notifications.deliver_due")


def _attachment(export: Export) -> bytes | None:
    if export.state != State.READY or (export.bytes or 0) > LARGEST:
        return None
    pieces = export.chunks.filter(lease=export.lease).order_by("number")
    return b"".join(bytes(data) for data in pieces.values_list("data", flat=True))


def note_sent(*, at: datetime) -> int:
    """Note what became of the promised mails, each once with its event; how many were settled."""
    settled = 0
    while _note_one(at):
        settled += 1
    return settled


@transaction.atomic
def _note_one(at: datetime) -> bool:
    mailing = (
        Mailing.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(sent_at=None)
        # A lost one may be given another chance, and be sent after all.
        .filter(
            Q(delivery__state=Delivery.State.SENT)
            | Q(delivery__state=Delivery.State.LOST, lost_at=None)
        )
        .select_related("delivery", "export", "to")
        .order_by("promised_at", "pk")
        .first()
    )
    if mailing is None:
        return False
    is_sent = mailing.delivery.state == Delivery.State.SENT
    when = mailing.delivery.settled_at or at
    mailing.sent_at, mailing.lost_at = (when, None) if is_sent else (None, when)
    mailing.save(update_fields=["sent_at", "lost_at"])
    export = mailing.export
    if is_sent and mailing.delivery.attachment_name:
        note_witness(export, at=when)
    audit.record(
        "report.mailed" if is_sent else "report.mail_lost",
        by=None,
        source=Source.SCHEDULE,
        at=at,
        target=export,
        data={
            "report": export.report,
            "format": export.format,
            "user": mailing.to_id,
            "sha256": export.sha256,
        },
        personal={"to": str(mailing.to)},
    )
    return True
