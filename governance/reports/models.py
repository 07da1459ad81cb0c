"""Reports that were asked for, the files they became, who took them, and those that come by mail.

An `Export` is a row before it is a file: leased and committed, made outside of its transaction, and
its outcome committed with its event. The file lies in the database too (`Chunk`), because the web
process and the worker may be different machines; it is given up after a set time, the row stays.
"""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from governance.audit.events import Source
from governance.audit.models import Checkpoint
from governance.notifications.models import Delivery

if TYPE_CHECKING:
    from governance.accounts.models import User


class Format(models.TextChoices):
    """What a report is written as. A pack holds several reports with their manifest, signed."""

    CSV = "csv", _("CSV")
    XLSX = "xlsx", _("XLSX")
    JSON = "json", _("JSON")
    PDF = "pdf", _("PDF")
    ZIP = "zip", _("Evidence pack (ZIP)")


class State(models.TextChoices):
    """How far an export is. Deleted: its file is gone after its time, what is known of it stays."""

    WAITING = "waiting", _("Waiting")
    MAKING = "making", _("Being made")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    DELETED = "deleted", _("Deleted after its time")


# Of these nothing more is made.
OVER = (State.READY, State.FAILED, State.DELETED)
# Those that have, or had, a file.
MADE = (State.READY, State.DELETED)


class Every(models.TextChoices):
    """How often a report comes by mail: when the week, month or quarter is over."""

    WEEK = "week", _("Every week")
    MONTH = "month", _("Every month")
    QUARTER = "quarter", _("Every quarter")


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def visible_to(self, user: "User") -> Self:
        """Those that `user` made, and those that read nothing that is hidden from `user`."""
        return self if user.sees_everything else self.filter(_within(user) | Q(made_by=user))

    def going_on(self) -> Self:
        return self.filter(ended_at=None)

    def due(self, at: datetime) -> Self:
        return self.filter(ended_at=None, paused_at=None, next_at__lte=at)


ScheduleManager = models.Manager.from_queryset(ScheduleQuerySet)


class Schedule(models.Model):
    """A report that is made whenever a week, month or quarter is over, and mailed to people here.

    It reads with the scope of whoever made it, and is paused when they may not export any more.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    report = models.CharField(max_length=40)
    # Filters and the like, as an export keeps them; of times there is none: each has its own.
    asked = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    format = models.CharField(max_length=8, choices=Format)
    every = models.CharField(max_length=8, choices=Every)
    recipients = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()
    everything = models.BooleanField()
    projects = ArrayField(models.UUIDField(), default=list, blank=True)
    next_at = models.DateTimeField()  # the end of the time that the next one is about
    paused_at = models.DateTimeField(null=True)
    # Why, when nobody did it; nobody where that is so.
    paused_because = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = ScheduleManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="schedule_has_its_scope", condition=Q(everything=False) | Q(projects=[])
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                name="schedule_due",
                condition=Q(ended_at=None, paused_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report} {self.every}"


class ExportQuerySet(models.QuerySet["Export"]):
    def visible_to(self, user: "User") -> Self:
        """Those that `user` asked for, and those that hold nothing that is hidden from `user`."""
        return self if user.sees_everything else self.filter(_within(user) | Q(asked_by=user))

    def under_way(self) -> Self:
        return self.filter(state__in=[State.WAITING, State.MAKING])

    def due(self, at: datetime) -> Self:
        """What nobody is at: it waits, or whoever made it never came back."""
        return self.under_way().filter(Q(leased_until=None) | Q(leased_until__lt=at))


ExportManager = models.Manager.from_queryset(ExportQuerySet)


def _within(user: "User") -> Q:
    return Q(everything=False, projects__contained_by=list(user.projects))


class Export(models.Model):
    """One report, or pack of them, that somebody asked for: in which roles, and with which scope.

    `lease` counts those who took it: only the last may write its outcome, and only the pieces of
    the last are its file. What is known of a file (`rows`, `bytes`, `sha256`, whether it is
    complete) stays when the file itself is deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    report = models.CharField(max_length=40)
    # What `registers.base.Asked` is made from again: times, filters, the reports of a pack.
    asked = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    format = models.CharField(max_length=8, choices=Format)
    as_of = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    roles = ArrayField(models.CharField(max_length=20))  # that they held when they asked
    asked_at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=Source)
    schedule = models.ForeignKey(
        Schedule, null=True, on_delete=models.PROTECT, related_name="exports"
    )
    everything = models.BooleanField()
    projects = ArrayField(models.UUIDField(), default=list, blank=True)

    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    lease = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    done = models.PositiveBigIntegerField(default=0)
    expected = models.PositiveBigIntegerField(null=True)  # null: not counted yet

    file_name = models.CharField(max_length=120, blank=True)
    rows = models.PositiveBigIntegerField(null=True)
    bytes = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    totals = models.JSONField(default=dict)
    equation = models.TextField(blank=True)
    coverage = models.TextField(blank=True)
    complete = models.BooleanField(null=True)  # null: nobody knows yet
    partial_because = models.JSONField(default=list)
    # That of the audit log which is in the file. Nothing is ever deleted there.
    checkpoint = models.ForeignKey(
        Checkpoint, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    said = models.CharField(max_length=500, blank=True)  # why it failed
    ended_at = models.DateTimeField(null=True)  # when it was made, or failed
    expires_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = ExportManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="leased_while_making",
                condition=Q(state=State.MAKING, leased_until__isnull=False)
                | (~Q(state=State.MAKING) & Q(leased_until=None)),
            ),
            models.CheckConstraint(
                name="over_says_when",
                condition=Q(state__in=OVER, ended_at__isnull=False)
                | (~Q(state__in=OVER) & Q(ended_at=None)),
            ),
            models.CheckConstraint(
                name="made_says_what",
                condition=Q(
                    state__in=MADE,
                    rows__isnull=False,
                    bytes__isnull=False,
                    complete__isnull=False,
                    expires_at__isnull=False,
                )
                & ~Q(sha256="")
                | (~Q(state__in=MADE) & Q(sha256="", expires_at=None, complete=None)),
            ),
            models.CheckConstraint(
                name="failed_says_why", condition=~Q(state=State.FAILED) | ~Q(said="")
            ),
            models.CheckConstraint(
                name="deleted_says_when",
                condition=Q(state=State.DELETED, deleted_at__isnull=False)
                | (~Q(state=State.DELETED) & Q(deleted_at=None)),
            ),
            models.CheckConstraint(
                name="partial_says_why", condition=~Q(complete=False) | ~Q(partial_because=[])
            ),
            models.CheckConstraint(
                name="export_has_its_scope", condition=Q(everything=False) | Q(projects=[])
            ),
            # The report of one period is made once, however often the schedule is looked at.
            models.UniqueConstraint(
                "schedule",
                "as_of",
                condition=Q(schedule__isnull=False),
                name="one_export_per_period",
            ),
        ]
        indexes = [
            models.Index(fields=["-asked_at", "id"], name="export_by_time"),
            models.Index(
                fields=["asked_at"],
                name="export_under_way",
                condition=Q(state__in=[State.WAITING, State.MAKING]),
            ),
            models.Index(
                fields=["expires_at"], name="export_expires", condition=Q(state=State.READY)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report} {self.format}, {self.state}"

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def is_partial(self) -> bool:
        return self.complete is False


class Chunk(models.Model):
    """A piece of a file. Pieces of two that made it at once never mix: each has its own lease."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="chunks")
    lease = models.PositiveIntegerField()
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint("export", "lease", "number", name="one_chunk_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.export_id} {self.lease}/{self.number}"


class Download(models.Model):
    """Somebody took a file."""

    export = models.ForeignKey(Export, on_delete=models.PROTECT, related_name="downloads")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["export", "-at"], name="downloads_of_export")]
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.by} {self.at:%Y-%m-%d %H:%M}"


class Mailing(models.Model):
    """A file, or why there is none, on its way to one recipient of a schedule.

    The delivery is kept by `notifications`; what became of it is noted here, once, with its event.
    """

    export = models.ForeignKey(Export, on_delete=models.PROTECT, related_name="mailings")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="+")
    promised_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    lost_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("export", "to", name="one_mail_to_each"),
            models.CheckConstraint(
                name="sent_or_lost", condition=Q(sent_at=None) | Q(lost_at=None)
            ),
        ]
        indexes = [
            models.Index(
                fields=["promised_at"],
                name="mailing_open",
                condition=Q(sent_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.export_id} to {self.to}"
