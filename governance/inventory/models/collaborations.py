"""Who is on which app, as what, since when; and who made each change."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from governance.inventory.models.apps import App
from governance.inventory.models.choices import Role, Status
from governance.inventory.models.people import Person
from governance.inventory.models.periods import counts_at

if TYPE_CHECKING:
    from governance.accounts.models import User


class CollaborationQuerySet(models.QuerySet["Collaboration"]):
    def open(self) -> Self:
        """What is true now, as far as was read."""
        return self.filter(ended_at=None)

    def at(self, at: datetime) -> Self:
        """What counts as being there at `at`; see `counts_at`."""
        return self.filter(counts_at(at))

    def visible_to(self, user: "User") -> Self:
        if user.sees_everything:
            return self
        return self.filter(app__project_id__in=user.projects)


CollaborationManager = models.Manager.from_queryset(CollaborationQuerySet)


class Collaboration(models.Model):
    """One person on one app, for a period, with a role and a status.

    A change of role, of status or of person ends one row and starts the next; `since_at` is
    carried along, so it is when this membership began. The owner, whom Scalingo never lists, has
    a row of ours with `collaborator_id` "owner".
    """

    OWNER_ID = "owner"

    # No index of their own: those below begin with them.
    app = models.ForeignKey(
        App, on_delete=models.CASCADE, related_name="collaborations", db_index=False
    )
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="collaborations", db_index=False
    )
    collaborator_id = models.CharField(max_length=80)
    role = models.CharField(max_length=20, choices=Role)
    status = models.CharField(max_length=20, choices=Status)
    # Scalingo's word where it is none of those we know.
    status_said = models.CharField(max_length=60, blank=True)
    since_after = models.DateTimeField(null=True)
    since_at = models.DateTimeField()
    started_after = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    ended_after = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Of Scalingo's row, to tell in one look whether anything of it changed. Owners have none.
    digest = models.BinaryField(max_length=16, null=True)
    # First found missing, while its end waits for a second reading or for a person.
    missing_after = models.DateTimeField(null=True)
    missing_at = models.DateTimeField(null=True)

    objects = CollaborationManager()

    class Meta:
        constraints = [
            # With what a sync compares, so that it is read from the index alone.
            models.UniqueConstraint(
                "app",
                "collaborator_id",
                condition=Q(ended_at=None),
                include=["digest", "missing_at"],
                name="one_open_collaboration",
            ),
            models.CheckConstraint(
                name="a_collaboration_ends_after_it_started",
                condition=Q(ended_at=None) | Q(ended_at__gt=F("started_at")),
            ),
            models.CheckConstraint(
                name="collaboration_edges_are_ordered",
                condition=(Q(started_after=None) | Q(started_after__lte=F("started_at")))
                & (Q(ended_after=None) | Q(ended_after__lte=F("ended_at"))),
            ),
        ]
        indexes = [
            models.Index("person", "app", name="open_by_person", condition=Q(ended_at=None)),
            models.Index("app", "role", "status", name="open_by_app", condition=Q(ended_at=None)),
            models.Index(fields=["person", "-started_at"], name="collaboration_of_person"),
            models.Index(fields=["app", "-started_at"], name="collaboration_of_app"),
            models.Index(fields=["-started_at"], name="collaboration_by_start"),
            models.Index(
                fields=["-ended_at"], name="ended_by_end", condition=Q(ended_at__isnull=False)
            ),
            models.Index("app", name="missing_by_app", condition=Q(missing_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.status} since {self.started_at:%Y-%m-%d}"


class Attribution(models.Model):
    """Who made one edge: our own change, somebody whom an event names, or nobody we know."""

    class Edge(models.TextChoices):
        START = "start", _("Start")
        END = "end", _("End")

    class Source(models.TextChoices):
        OURS = "ours", _("Ours")
        EVENT = "event", _("Scalingo")
        UNEXPLAINED = "unexplained", _("Unexplained")

    collaboration = models.ForeignKey(
        Collaboration, on_delete=models.CASCADE, related_name="attributions"
    )
    edge = models.CharField(max_length=5, choices=Edge)
    source = models.CharField(max_length=12, choices=Source)
    happened_at = models.DateTimeField(null=True)  # as the event says; null when unexplained
    event_id = models.CharField(max_length=80, blank=True)
    actor = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=254, blank=True)  # when the actor is nobody we know
    change_id = models.UUIDField(null=True)  # of changes, when ours

    class Meta:
        constraints = [
            models.UniqueConstraint("collaboration", "edge", name="one_attribution_per_edge")
        ]

    def __str__(self) -> str:
        return f"{self.edge} {self.source}"
