"""The append-only record: who did what, when. `docs/audit-chain.md` says how to check it.

The three tables of the chain are written by two functions of the database alone
(`0002_append_only`), which belong to the role that owns the tables; those models only read. Beside
them stand checkpoints, where copies of them are, and what checks of the log have found: rows that
the application adds and nobody changes (`0003_checkpoints`).
"""

import json
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from governance.audit.events import Source

PERSONAL_ERASED = "personal.erased"
KEY_ADDED, KEY_REVOKED = "audit.key_added", "audit.key_revoked"


class EventQuerySet(models.QuerySet["Event"]):
    """Filters of the log."""

    def of_kind(self, *kinds: str) -> Self:
        return self.filter(kind__in=kinds)


EventManager = models.Manager.from_queryset(EventQuerySet)


class Event(models.Model):
    """One line of the record. Written once; never edited, never deleted.

    No foreign keys: the record must outlive what it speaks of. `line` holds exactly the bytes that
    were hashed; every other column repeats a part of it so that it can be searched, and the
    verifier compares the two. Names and addresses stand in `Personal`.
    """

    sequence = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=64)
    source = models.CharField(max_length=16, choices=Source)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.UUIDField(null=True)
    target_kind = models.CharField(max_length=64, blank=True)
    target_id = models.UUIDField(null=True)
    app_id = models.UUIDField(null=True)
    person_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    commitment = models.BinaryField(max_length=32, null=True)
    line = models.TextField()
    hash = models.BinaryField(max_length=32)

    objects = EventManager()

    class Meta:
        constraints = [
            # So that these words need no escaping in the line.
            models.CheckConstraint(
                name="audit_words_are_plain",
                condition=Q(kind__regex=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")
                & Q(target_kind__regex=r"^[a-z0-9_.]*$"),
            ),
            models.CheckConstraint(
                name="audit_source_is_known", condition=Q(source__in=list(Source.values))
            ),
            models.CheckConstraint(
                name="audit_actor_is_known",
                condition=Q(actor_kind__in=["user", "person"], actor_id__isnull=False)
                | Q(actor_kind__in=["system", "unknown"], actor_id__isnull=True),
            ),
        ]
        indexes = [
            # Each in the order of the page, so that its deepest page costs what the first does.
            models.Index(fields=["occurred_at", "sequence"], name="audit_in_time"),
            models.Index(fields=["kind", "occurred_at", "sequence"], name="audit_kind_in_time"),
            models.Index(fields=["source", "occurred_at", "sequence"], name="audit_source_in_time"),
            models.Index(
                fields=["actor_id", "occurred_at", "sequence"],
                name="audit_actor_in_time",
                condition=Q(actor_id__isnull=False),
            ),
            models.Index(
                fields=["target_id", "occurred_at", "sequence"],
                name="audit_target_in_time",
                condition=Q(target_id__isnull=False),
            ),
            models.Index(
                fields=["app_id", "occurred_at", "sequence"],
                name="audit_app_in_time",
                condition=Q(app_id__isnull=False),
            ),
            models.Index(
                fields=["person_id", "occurred_at", "sequence"],
                name="audit_person_in_time",
                condition=Q(person_id__isnull=False),
            ),
        ]
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind}"

    @property
    def data(self) -> dict[str, Any]:
        """What the event says beside its columns: integers, texts, booleans, null, nested."""
        found: dict[str, Any] = json.loads(self.line)["event"]["data"]
        return found


class Personal(models.Model):
    """The names and addresses of one event, under the salted commitment that the event holds.

    Erased means `salt` and `fields` are null; the row stays, and an event says who erased it.
    """

    sequence = models.BigIntegerField(primary_key=True)
    salt = models.BinaryField(max_length=32, null=True)
    fields = models.TextField(null=True)  # noqa: DJ001  Null is "erased", "" would be a value.

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="audit_personal_is_whole_or_erased",
                condition=Q(salt__isnull=True, fields__isnull=True)
                | Q(salt__isnull=False, fields__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"personal part of {self.sequence}"


class Head(models.Model):
    """The newest sequence and its hash, in the one row whose lock orders all writers."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.CheckConstraint(name="audit_has_one_head", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"head at {self.sequence}"


class Checkpoint(models.Model):
    """A signed statement that the log had `size` events then, the last with `hash`.

    What counts is a copy of it that left this database: see `Witness`. `note` is the whole of it
    (`signing.py`); the other columns repeat it so that it can be found.
    """

    id = models.BigAutoField(primary_key=True)
    size = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    key_id = models.CharField(max_length=8)
    note = models.TextField()

    class Meta:
        indexes = [
            models.Index(fields=["size", "id"], name="checkpoint_by_size"),
            models.Index(fields=["at", "id"], name="checkpoint_by_time"),
        ]

    def __str__(self) -> str:
        return f"checkpoint {self.pk} at event {self.size}"

    @property
    def file_name(self) -> str:
        """000000018204-20261121T170000.000000Z.checkpoint: names in the order of the log."""
        return f"{self.size:012}-{self.at:%Y%m%dT%H%M%S.%fZ}.checkpoint"


class Witness(models.Model):
    """A copy of a checkpoint that is outside of this database."""

    class Kind(models.TextChoices):
        FILE = "file", _("File")
        MAIL = "mail", _("Mail")
        EXPORT = "export", _("Export")

    id = models.BigAutoField(primary_key=True)
    # Nothing is ever deleted from either table, so there is nothing for the database to watch.
    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.DO_NOTHING, related_name="witnesses", db_constraint=False
    )
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("checkpoint", "kind", name="one_witness_of_each_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.checkpoint_id}"


class Check(models.Model):
    """What one verification of the log has found.

    It recomputed the events after `first` up to `last`; the checkpoint at `first` vouches for those
    before it. One runs at a time, so the one with the highest id began last. `faults` are
    dictionaries with kind, first, last and words, the first hundred of `fault_count`.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    checked = models.BigIntegerField()
    checkpoints = models.IntegerField()  # how many agreed
    fault_count = models.IntegerField()
    faults = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"check at {self.at:%Y-%m-%d %H:%M}: {self.fault_count} faults"

    @property
    def is_whole(self) -> bool:
        """Whether it began with the first event."""
        return self.first == 0
