"""What was read, when, and since when it could not be."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from governance.inventory.models.apps import Region


class Scope(models.Model):
    """What one request reads, and how fresh that is.

    Of a connection and a region: the apps, the collaborators of all apps it owns, the databases,
    or the collaborators of one app. `stale_since` is set while the latest attempt was no
    observation; everything known of the scope stays as it was.
    """

    class Kind(models.TextChoices):
        APPS = "apps", _("Apps")
        COLLABORATORS = "collaborators", _("Collaborators of owned apps")
        DATABASES = "databases", _("Dedicated databases")
        APP = "app", _("Collaborators of one app")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection_id = models.UUIDField()  # of connections
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="scopes")
    kind = models.CharField(max_length=20, choices=Kind)
    app_scalingo_id = models.CharField(max_length=80, blank=True)  # for the kind `app` alone
    # For the kind `collaborators`: the app whose canary disagreed with the listing last time, and
    # since when every app is read one by one because one did so twice.
    doubted_app = models.CharField(max_length=80, blank=True)
    one_by_one_since = models.DateTimeField(null=True)
    stale_since = models.DateTimeField(null=True)
    stale_reason = models.CharField(max_length=40, blank=True)
    stale_detail = models.CharField(max_length=500, blank=True)
    # Fencing: the number of the observation last applied. An older one is refused.
    applied = models.BigIntegerField(default=0)
    retired_at = models.DateTimeField(null=True)  # no longer read: connection gone, app not ours

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "connection_id", "region", "kind", "app_scalingo_id", name="one_scope"
            )
        ]
        indexes = [
            # Where an app was ever read by itself, whoever reads it now.
            models.Index("app_scalingo_id", name="scope_of_one_app", condition=Q(kind="app"))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.app_scalingo_id}".strip()


class Coverage(models.Model):
    """An unbroken run of equal readings of one scope: the truth inside it is known.

    An idle sync extends `until` of one row per scope and writes nothing else. A failed reading, a
    different answer or a long silence starts another row.
    """

    # Equal readings further apart than this many intervals are not "in a row": what lay between was
    # not read, and is shown so.
    SILENCE = 3

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="coverage")
    since = models.DateTimeField()
    until = models.DateTimeField()
    readings = models.PositiveIntegerField(default=1)
    digest = models.BinaryField(max_length=32)
    latest = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("scope", condition=Q(latest=True), name="one_latest_coverage")
        ]
        indexes = [models.Index(fields=["scope", "-until"], name="coverage_by_end")]

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M}"
