"""Which secrets somebody could still know, one duty per app and departure, until they are changed.

Names alone: of a variable or a database user nothing else is ever kept. What was read is `Secret`,
what Scalingo's timeline has shown since is `Evidence`.
"""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from governance.facts.models import AppClass
from governance.inventory.models import App, Collaboration, Person, Role

if TYPE_CHECKING:
    from governance.accounts.models import User


class Why(models.TextChoices):
    """How somebody's access became less."""

    LEFT = "left", _("Left the app")
    STEPPED_DOWN = "stepped_down", _("Became limited")
    GAVE_AWAY = "gave_away", _("Gave the app away")
    ACCOUNT_DELETED = "account_deleted", _("Account deleted")


class Knowledge(models.TextChoices):
    """What their role let them read. Limited collaborators see names of variables and no value."""

    VALUES = "values", _("Values of secrets")
    NAMES = "names", _("Names alone")


class State(models.TextChoices):
    """Offered: a change of a variable was seen since; somebody has to say whether that is all."""

    OPEN = "open", _("Open")
    OFFERED = "offered", _("Offered for closing")
    CLOSED = "closed", _("Closed")


UNDONE = (State.OPEN, State.OFFERED)


class DutyQuerySet(models.QuerySet["Duty"]):
    def visible_to(self, user: "User") -> Self:
        """Duties about apps that `user` may see."""
        if user.sees_everything:
            return self
        return self.filter(app__project_id__in=user.projects)

    def undone(self) -> Self:
        return self.filter(state__in=UNDONE)

    def overdue(self, at: datetime) -> Self:
        return self.undone().filter(due_at__lt=at)


DutyManager = models.Manager.from_queryset(DutyQuerySet)


class Duty(models.Model):
    """Secrets of one app that one person could read until a departure.

    One per ended period of the inventory. `departed_at` is when Scalingo says it was, else the
    first reading without the access; `full_until` when they could last read values. The three
    readings (names, databases, events) each have when they last succeeded, and since when and why
    they do not.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="duties")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="duties")
    # Null once the period has passed out of the inventory's retention.
    collaboration = models.OneToOneField(
        Collaboration, null=True, on_delete=models.SET_NULL, related_name="duty"
    )
    why = models.CharField(max_length=16, choices=Why)
    role = models.CharField(max_length=20, choices=Role)
    knowledge = models.CharField(max_length=8, choices=Knowledge)
    since_at = models.DateTimeField()
    full_until = models.DateTimeField(null=True)
    departed_after = models.DateTimeField(null=True)
    departed_at = models.DateTimeField()
    app_class = models.CharField(max_length=20, choices=AppClass)  # when it was opened
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    offered_at = models.DateTimeField(null=True)
    # Nobody, where there is nothing to rotate.
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)
    # Of whoever closed it, or opened it again, last.
    note = models.CharField(max_length=1000, blank=True)
    reopened_at = models.DateTimeField(null=True)

    names_read_at = models.DateTimeField(null=True)
    names_failing_since = models.DateTimeField(null=True)
    names_said = models.CharField(max_length=500, blank=True)
    databases_read_at = models.DateTimeField(null=True)
    databases_failing_since = models.DateTimeField(null=True)
    databases_said = models.CharField(max_length=500, blank=True)
    # Events of the time from `events_from` to `events_until` were looked at, without those between
    # the pairs of `events_missed` (ISO 8601): Scalingo tells no more than 72 hours.
    events_from = models.DateTimeField(null=True)
    events_until = models.DateTimeField(null=True)
    events_missed = models.JSONField(default=list)
    events_failing_since = models.DateTimeField(null=True)
    events_said = models.CharField(max_length=500, blank=True)
    next_read_at = models.DateTimeField(null=True)  # null: nothing more to read

    objects = DutyManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="closed_has_its_time",
                condition=Q(state=State.CLOSED, closed_at__isnull=False)
                | (~Q(state=State.CLOSED) & Q(closed_at=None, closed_by=None)),
            ),
            models.CheckConstraint(
                # By somebody, with a note; or nothing of it was secret.
                name="closed_by_somebody",
                condition=~Q(state=State.CLOSED)
                | (Q(closed_by__isnull=False) & ~Q(note=""))
                | Q(knowledge=Knowledge.NAMES),
            ),
            models.CheckConstraint(
                name="offered_has_its_time",
                condition=~Q(state=State.OFFERED) | Q(offered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="values_were_known_until",
                condition=Q(knowledge=Knowledge.VALUES, full_until__isnull=False)
                | Q(knowledge=Knowledge.NAMES, full_until=None),
            ),
            models.CheckConstraint(
                name="closed_is_not_read",
                condition=~Q(state=State.CLOSED) | Q(next_read_at=None),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="duty_by_due"),
            models.Index("due_at", name="duty_undone", condition=Q(state__in=UNDONE)),
            models.Index(
                "next_read_at", name="duty_to_read", condition=Q(next_read_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} on {self.app}"

    @property
    def is_closed(self) -> bool:
        return self.state == State.CLOSED

    def is_overdue(self, at: datetime) -> bool:
        return not self.is_closed and self.due_at < at


class Secret(models.Model):
    """The name of something that this person could read. Its value was never here."""

    class Kind(models.TextChoices):
        VARIABLE = "variable", _("Environment variable")
        DATABASE_USER = "database_user", _("Database user")
        ADD_ON = "add_on", _("Add-on")

    duty = models.ForeignKey(Duty, on_delete=models.CASCADE, related_name="secrets")
    kind = models.CharField(max_length=16, choices=Kind)
    place = models.CharField(max_length=200, blank=True)  # the database
    name = models.CharField(max_length=200)
    # The default database user: only Scalingo's support changes its password.
    needs_support = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("duty", "kind", "place", "name", name="one_secret_per_name")
        ]
        ordering = ["kind", "place", "name"]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Evidence(models.Model):
    """One variable that Scalingo's timeline names as changed since the departure."""

    class What(models.TextChoices):
        CHANGED = "changed", _("changed")
        REMOVED = "removed", _("removed")
        ADDED = "added", _("added")

    duty = models.ForeignKey(Duty, on_delete=models.CASCADE, related_name="evidence")
    event_id = models.CharField(max_length=80)
    variable = models.CharField(max_length=200)
    what = models.CharField(max_length=8, choices=What)
    at = models.DateTimeField()
    actor = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=254, blank=True)  # when it is nobody we know
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("duty", "event_id", "variable", "what", name="one_per_event")
        ]
        ordering = ["-at", "variable"]

    def __str__(self) -> str:
        return f"{self.variable} {self.what} {self.at:%Y-%m-%d %H:%M}"
