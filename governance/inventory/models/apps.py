"""Regions, projects and apps, and what apps were called."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from governance.inventory.models.people import Person
from governance.inventory.models.periods import counts_at
from governance.inventory.words import Pieces

if TYPE_CHECKING:
    from governance.accounts.models import User


class Region(models.Model):
    """A place where apps run, as discovered at each sync."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60, unique=True)
    display_name = models.CharField(max_length=120, blank=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Project(models.Model):
    """A group of apps on Scalingo. Access is per app: a project grants nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="projects")
    scalingo_id = models.CharField(max_length=80)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint("region", "scalingo_id", name="one_project_per_region_and_id")
        ]
        indexes = [models.Index("name", "id", name="project_by_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AppQuerySet(models.QuerySet["App"]):
    def visible_to(self, user: "User") -> Self:
        """The apps that `user` may see. Every question about the inventory starts here."""
        if user.sees_everything:
            return self
        return self.filter(project_id__in=user.projects)

    def listed(self) -> Self:
        """Apps that exist as far as we know: suspect ones too, gone ones not."""
        return self.filter(gone_at=None)


AppManager = models.Manager.from_queryset(AppQuerySet)


class App(models.Model):
    """A Scalingo application, or the app underneath a dedicated database.

    One per region and id, however many connections see it. `authority` is the connection whose
    readings may end anything here: the owner's where we have it.
    """

    class Kind(models.TextChoices):
        APP = "app", _("App")
        DATABASE = "database", _("Dedicated database")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="apps")
    scalingo_id = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.APP)
    parent_name = models.CharField(max_length=200, blank=True)  # not empty: a review app
    project = models.ForeignKey(Project, null=True, on_delete=models.PROTECT, related_name="apps")
    owner = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="owned")
    health_data = models.BooleanField(null=True)
    scm_linker = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    # Of whom it is known: when it was last read, and when it was last asked for. Not read: unknown.
    scm_read_at = models.DateTimeField(null=True)
    scm_asked_at = models.DateTimeField(null=True)
    authority_id = models.UUIDField(null=True)  # of connections
    # Where this app's collaborators are read: a listing of many apps, or this app alone.
    scope = models.ForeignKey("Scope", null=True, on_delete=models.SET_NULL, related_name="apps")
    # Of its canonical rows, as last applied. Equal: nothing is written.
    digest = models.BinaryField(max_length=32, null=True)
    # Last reading that was believed, while this app's rows in an otherwise good listing are not.
    stale_since = models.DateTimeField(null=True)
    stale_reason = models.CharField(max_length=40, blank=True)
    # Not listed any more, but not yet believed gone.
    suspect_since = models.DateTimeField(null=True)
    suspect_readings = models.PositiveSmallIntegerField(default=0)
    suspect_read_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = AppManager()

    class Meta:
        constraints = [
            models.UniqueConstraint("region", "scalingo_id", name="one_app_per_region_and_id")
        ]
        indexes = [
            models.Index("name", "id", name="app_by_name", condition=Q(gone_at=None)),
            models.Index("project", "name", "id", name="app_by_project", condition=Q(gone_at=None)),
            GinIndex(Pieces(F("name")), name="app_by_words"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_review_app(self) -> bool:
        return bool(self.parent_name)


class AppPeriodQuerySet(models.QuerySet["AppPeriod"]):
    def at(self, at: datetime) -> Self:
        """What counts as the name and the project at `at`; see `counts_at`."""
        return self.filter(counts_at(at))


AppPeriodManager = models.Manager.from_queryset(AppPeriodQuerySet)


class AppPeriod(models.Model):
    """What an app was called and which project it was in. Its owner is a collaboration."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="periods")
    name = models.CharField(max_length=200)
    project = models.ForeignKey(Project, null=True, on_delete=models.PROTECT, related_name="+")
    started_after = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    ended_after = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = AppPeriodManager()

    class Meta:
        constraints = [
            models.UniqueConstraint("app", condition=Q(ended_at=None), name="one_open_app_period")
        ]
        indexes = [GinIndex(Pieces(F("name")), name="app_period_by_words")]

    def __str__(self) -> str:
        return f"{self.name} since {self.started_at:%Y-%m-%d}"
