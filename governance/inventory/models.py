"""What Scalingo says, and what it said. Written by `sync` alone.

History is rows with two-sided edges: `…_after` is the last reading without the fact, `…_at` the
first with it, so the truth changed between the two. An open row has no end. Nothing is
overwritten: a change closes one row and opens another.
"""

import uuid
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from governance.inventory.words import PERSON_NAME, PERSON_TEXT, Pieces

if TYPE_CHECKING:
    from governance.accounts.models import User


class Role(models.TextChoices):
    """What a person may do on an app. `UNKNOWN` is what Scalingo did not say: never an end."""

    OWNER = "owner", _("Owner")
    COLLABORATOR = "collaborator", _("Collaborator")
    LIMITED = "limited", _("Limited")
    UNKNOWN = "unknown", _("Role unknown")


class Status(models.TextChoices):
    """Whether an invitation was accepted, and whether the account still exists."""

    ACCEPTED = "accepted", _("Accepted")
    PENDING = "pending", _("Pending")
    DELETED = "deleted", _("Account deleted")
    UNKNOWN = "unknown", _("Status unknown")


class TwoFactor(models.TextChoices):
    """Unknown is never shown as off, never counted as on and never left out of a total."""

    ON = "on", _("On")
    OFF = "off", _("Off")
    UNKNOWN = "unknown", _("Unknown")


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


class PersonQuerySet(models.QuerySet["Person"]):
    def visible_to(self, user: "User") -> Self:
        """People on at least one app that `user` may see; everybody for who sees everything."""
        if user.sees_everything:
            return self
        return self.filter(
            models.Exists(
                Collaboration.objects.visible_to(user).filter(person_id=models.OuterRef("pk"))
            )
        )

    def with_access(self) -> Self:
        """People who are on an app now, invited ones included."""
        return self.filter(
            models.Exists(Collaboration.objects.open().filter(person_id=models.OuterRef("pk")))
        )


PersonManager = models.Manager.from_queryset(PersonQuerySet)


class Person(models.Model):
    """One human or service account, across apps and regions.

    Known by the Scalingo `user_id`, or by a lower-cased address while only invited: see
    `Identity`. `email`, `username` and `two_factor` are the latest that was read.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.CharField(max_length=254)
    username = models.CharField(max_length=200, blank=True)
    two_factor = models.CharField(max_length=10, choices=TwoFactor, default=TwoFactor.UNKNOWN)
    two_factor_read_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    # Set when the last of an invited address's collaborations became somebody's: their page is
    # where this one's address leads.
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")

    objects = PersonManager()

    class Meta:
        indexes = [
            models.Index("email", "id", name="person_by_email"),
            models.Index("two_factor", "email", "id", name="person_by_two_factor"),
            models.Index(PERSON_NAME, "id", name="person_by_name"),
            models.Index("first_seen_at", "id", name="person_by_first_seen"),
            GinIndex(Pieces(PERSON_TEXT), name="person_by_words"),
            # Small, since most have it on: how many of an app have not is read from it alone.
            models.Index(
                "id",
                name="person_without_two_factor",
                include=["two_factor"],
                condition=~Q(two_factor="on"),
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The username where there is one, else the address."""
        return self.username or self.email


class LastChange(models.Model):
    """When anything of a person was last seen to change.

    A table of its own because a sync writes it often: a person's row has indexes over names that
    would be written along.
    """

    person = models.OneToOneField(
        Person, primary_key=True, on_delete=models.CASCADE, related_name="last_change"
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index("at", "person", name="person_by_change")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.at:%Y-%m-%d %H:%M}"


class Identity(models.Model):
    """What a person was known by, and since when: a Scalingo user id, an address, a username."""

    class Kind(models.TextChoices):
        USER_ID = "user_id", _("Scalingo user id")
        EMAIL = "email", _("Address")  # while only invited: this is the key
        CONTACT = "contact", _("Address of the account")  # history; never a key
        USERNAME = "username", _("Username")

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=10, choices=Kind)
    value = models.CharField(max_length=254)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "kind",
                "value",
                condition=Q(kind__in=["user_id", "email"], ended_at=None),
                name="one_person_per_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class TwoFactorPeriod(models.Model):
    """How long a person's 2FA was on, off or unknown."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="two_factor_periods")
    value = models.CharField(max_length=10, choices=TwoFactor)
    started_after = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    ended_after = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "person", condition=Q(ended_at=None), name="one_open_two_factor_period"
            )
        ]

    def __str__(self) -> str:
        return f"{self.value} since {self.started_at:%Y-%m-%d}"


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
    scm_read_at = models.DateTimeField(null=True)
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


class AppPeriod(models.Model):
    """What an app was called and which project it was in. Its owner is a collaboration."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="periods")
    name = models.CharField(max_length=200)
    project = models.ForeignKey(Project, null=True, on_delete=models.PROTECT, related_name="+")
    started_after = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    ended_after = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("app", condition=Q(ended_at=None), name="one_open_app_period")
        ]

    def __str__(self) -> str:
        return f"{self.name} since {self.started_at:%Y-%m-%d}"


class CollaborationQuerySet(models.QuerySet["Collaboration"]):
    def open(self) -> Self:
        """What is true now, as far as was read."""
        return self.filter(ended_at=None)

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

    def __str__(self) -> str:
        return f"{self.kind} {self.app_scalingo_id}".strip()


class Coverage(models.Model):
    """An unbroken run of equal readings of one scope: the truth inside it is known.

    An idle sync extends `until` of one row per scope and writes nothing else. A failed reading, a
    different answer or a long silence starts another row.
    """

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
