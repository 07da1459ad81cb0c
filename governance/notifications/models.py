"""What is to be delivered, and each attempt at it. Rows in, attempts out."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Delivery(models.Model):
    """One message to one recipient.

    The row is the promise; a message of the queue only hurries it. `topic` and `reference` say what
    it is about, so that nothing is promised twice to the same recipient.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        LOST = "lost", _("Lost")  # tried until there was no sense in it any more

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    topic = models.CharField(max_length=60)
    reference = models.CharField(max_length=80)
    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    # A file that comes with it, byte for byte: a text, or anything. `attachment_bytes` go when the
    # mail was taken, or the file is past its time: who promised it keeps the file.
    attachment_name = models.CharField(max_length=120, blank=True)
    attachment = models.TextField(blank=True)
    attachment_bytes = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    # While one worker is at it; a worker that died gives it back by this time.
    leased_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "topic", "reference", "recipient", name="one_delivery_to_each_recipient"
            ),
            models.CheckConstraint(
                name="settled_deliveries_say_when",
                condition=Q(state="waiting", settled_at=None)
                | (~Q(state="waiting") & Q(settled_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="delivery_due", condition=Q(state="waiting")),
            models.Index(fields=["topic", "state", "created_at"], name="delivery_by_topic"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.reference}"


class Attempt(models.Model):
    """One try to deliver, and what came of it; `error` is empty when it was taken."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["delivery", "at"], name="attempts_of_delivery")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.error or 'taken'}"
