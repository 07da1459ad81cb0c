"""Runs: what was read, what it cost, what it found; and removals that wait for a person."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Run(models.Model):
    """One sync of one connection, or of all. The row is what counts; a message may be lost."""

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("Schedule")
        PAGE = "page", _("Page")
        TERMINAL = "terminal", _("Terminal")
        CHANGE = "change", _("A change")  # to see what became of it

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        COMPLETE = "complete", _("Complete")
        PARTIAL = "partial", _("Partial")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection_id = models.UUIDField(null=True)  # null: every connection
    apps = models.JSONField(default=list)  # ids of the only apps to read; empty: everything
    trigger = models.CharField(max_length=10, choices=Trigger)
    requested_by = models.UUIDField(null=True)  # of accounts
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    started_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)  # the worker's sign of life
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # How often it stopped by itself, to go on in another task: those attempts are no failures.
    pauses = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(null=True)
    # {"GET /apps": 2, …}
    requests = models.JSONField(default=dict)
    retries = models.PositiveIntegerField(default=0)
    waited = models.FloatField(default=0)  # seconds, for the rate limit
    # Numbers of apps, people, collaborations, joined, left, changed, two_factor, not_understood.
    found = models.JSONField(default=dict)
    # Numbers of apps: expected, read, failed.
    coverage = models.JSONField(default=dict)

    class Meta:
        constraints = [
            # Asking twice while one waits is asking once.
            models.UniqueConstraint(
                "connection_id",
                condition=Q(state="waiting"),
                nulls_distinct=False,
                name="one_waiting_run",
            ),
            models.UniqueConstraint("state", condition=Q(state="running"), name="one_running_run"),
        ]
        indexes = [models.Index(fields=["-requested_at"], name="run_by_time")]

    def __str__(self) -> str:
        return f"{self.requested_at:%Y-%m-%d %H:%M} {self.state}"

    @property
    def is_over(self) -> bool:
        return self.state in {self.State.COMPLETE, self.State.PARTIAL, self.State.FAILED}

    @property
    def request_count(self) -> int:
        return sum(self.requests.values())


class Step(models.Model):
    """How far a run is with one connection in one region (or with the connection itself)."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        READING = "reading", _("Reading")
        APPLYING = "applying", _("Writing")
        COMPLETE = "complete", _("Read")
        PARTIAL = "partial", _("Partly read")
        FAILED = "failed", _("Not read")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    connection_id = models.UUIDField()
    connection_name = models.CharField(max_length=80)
    region_name = models.CharField(max_length=60, blank=True)  # empty: the account itself
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    done = models.PositiveIntegerField(default=0)  # apps read so far
    total = models.PositiveIntegerField(default=0)  # apps expected
    # Until when it waits for Scalingo's limit, if it does.
    waits_until = models.DateTimeField(null=True)
    # [{"scope", "reason", "sentence"}]: what failed and what it means
    problems = models.JSONField(default=list)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "run", "connection_id", "region_name", name="one_step_per_connection_and_region"
            )
        ]
        ordering = ["connection_name", "region_name"]

    def __str__(self) -> str:
        return f"{self.connection_name} {self.region_name}".strip()


class HeldRemoval(models.Model):
    """Ends that a person must look at before the first is written (the guard).

    `plan` lists the ends, `digest` binds a decision to exactly them: a later reading that differs
    makes a new plan. Void after 24 hours.
    """

    class Reason(models.TextChoices):
        TOO_MANY = "too_many", _("More would end at once than the larger of 10 and 5 % of all.")
        ONE_APP = "one_app", _("More than half of the people of an app would be gone.")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for a decision")
        APPROVED = "approved", _("Approved")
        DISCARDED = "discarded", _("Kept as it was")
        APPLIED = "applied", _("Applied")
        VOID = "void", _("Void")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="held")
    reason = models.CharField(max_length=20, choices=Reason)
    # [{"collaboration": id, "app": uuid, "person": uuid, "role"}]; names are looked up when shown.
    # The first of them where there are very many; `total` says how many there are.
    plan = models.JSONField()
    total = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    held_at = models.DateTimeField()
    decided_by = models.UUIDField(null=True)  # of accounts
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "state", condition=Q(state="waiting"), name="one_waiting_held_removal"
            ),
            models.CheckConstraint(
                name="held_removal_decided_together",
                condition=Q(state__in=["waiting", "void"])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.total} removals, {self.state}"
