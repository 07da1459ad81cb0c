"""The append-only record: who did what, when. `docs/audit-chain.md` says how to check it.

The three tables are written by two functions of the database alone (`0002_append_only`), which
belong to the role that owns the tables. These models only read.
"""

import json
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from governance.audit.events import Source

PERSONAL_ERASED = "personal.erased"


class EventQuerySet(models.QuerySet["Event"]):
    """Filters of the log. Each has its own index, in the order of the chain."""

    def about_app(self, app_id: UUID) -> Self:
        return self.filter(app_id=app_id)

    def about_person(self, person_id: UUID) -> Self:
        return self.filter(person_id=person_id)

    def by_actor(self, actor_id: UUID) -> Self:
        return self.filter(actor_id=actor_id)

    def of_kind(self, *kinds: str) -> Self:
        return self.filter(kind__in=kinds)

    def from_source(self, source: Source) -> Self:
        return self.filter(source=source)

    def between(self, since: datetime | None, until: datetime | None) -> Self:
        """What occurred from `since` on and before `until`; None leaves that side open."""
        found = self if since is None else self.filter(occurred_at__gte=since)
        return found if until is None else found.filter(occurred_at__lt=until)

    def older_than(self, sequence: int) -> Self:
        return self.filter(sequence__lt=sequence)

    def newer_than(self, sequence: int) -> Self:
        return self.filter(sequence__gt=sequence)

    def newest_first(self) -> Self:
        return self.order_by("-sequence")


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
            models.Index(fields=["kind", "sequence"], name="audit_by_kind"),
            models.Index(
                fields=["actor_id", "sequence"],
                name="audit_by_actor",
                condition=Q(actor_id__isnull=False),
            ),
            models.Index(
                fields=["app_id", "sequence"],
                name="audit_by_app",
                condition=Q(app_id__isnull=False),
            ),
            models.Index(
                fields=["person_id", "sequence"],
                name="audit_by_person",
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
