"""Decided here, not yet true there: what Scalingo must be told, and how far each of it is.

A `Preview` is a plan as somebody saw it. Placing it makes a `Batch` of `Change` rows, each told to
Scalingo by a worker and true only when `sync` has seen it.
"""

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from governance.audit.events import Source
from governance.inventory.models import App, Person, Role

if TYPE_CHECKING:
    from governance.accounts.models import User


class Kind(models.TextChoices):
    """What Scalingo is told about one person on one app."""

    INVITE = "invite", _("Invite")
    CHANGE_ROLE = "change_role", _("Change role")
    REMOVE = "remove", _("Remove")
    CANCEL = "cancel", _("Cancel invitation")


# What ends an access; telling it again does no harm.
ENDING = (Kind.REMOVE, Kind.CANCEL)


class Purpose(models.TextChoices):
    """What somebody set out to do, with as many changes as it takes."""

    INVITE = "invite", _("Invite")
    CHANGE_ROLE = "change_role", _("Change role")
    REMOVE = "remove", _("Remove")
    INVITE_AGAIN = "invite_again", _("Invite again")
    OFFBOARD = "offboard", _("Offboard")
    FILE = "file", _("From a file")
    RETRY = "retry", _("Try again")


class State(models.TextChoices):
    """How far a change is. Told: Scalingo said so; verified: it was read again and is so."""

    WAITING = "waiting", _("Waiting")
    TELLING = "telling", _("Being told")
    TOLD = "told", _("Told")
    VERIFIED = "verified", _("Verified")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    UNKNOWN = "unknown", _("Not known")


# While a change is one of these, no other may be made for the same address on the same app.
OPEN = (State.WAITING, State.TELLING, State.TOLD, State.UNKNOWN)
# What may be tried again.
UNDONE = (State.REFUSED, State.FAILED, State.CANCELLED)
# What came to nothing though nobody stopped it.
LOST = (State.REFUSED, State.FAILED)


class Preview(models.Model):
    """A plan as somebody saw it, row by row. Its id is what a form carries, and what is placed.

    `rows` holds those of `plans.values.Row`, each with the digest of the facts it rests on; emptied
    when it is too old to be placed. `wanted` is what was asked for, to plan it again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=12, choices=Purpose)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=Source)
    wanted = models.JSONField(default=list)
    rows = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["made_at"], name="preview_by_age")]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.made_at:%Y-%m-%d %H:%M}"


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, user: "User") -> Self:
        """Batches with at least one change on an app that `user` may see."""
        if user.sees_everything:
            return self
        mine = Change.objects.visible_to(user).filter(batch=models.OuterRef("pk"))
        return self.filter(models.Exists(mine))


BatchManager = models.Manager.from_queryset(BatchQuerySet)


class Batch(models.Model):
    """Changes that were decided together, by whom and why.

    The preview that it was made from is its key: the same form sent twice is the same batch.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    preview = models.OneToOneField(Preview, on_delete=models.PROTECT, related_name="batch")
    purpose = models.CharField(max_length=12, choices=Purpose)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    source = models.CharField(max_length=10, choices=Source)
    not_before = models.DateTimeField(null=True)  # a time that somebody set
    # Of whom everything is taken, when that is what it is for.
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    objects = BatchManager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="a_batch_has_a_reason", condition=~Q(reason="")),
        ]
        indexes = [models.Index(fields=["-decided_at", "id"], name="batch_by_time")]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, {self.decided_at:%Y-%m-%d %H:%M}"


class ChangeQuerySet(models.QuerySet["Change"]):
    def open(self) -> Self:
        """What is under way: neither true there nor given up."""
        return self.filter(state__in=OPEN)

    def visible_to(self, user: "User") -> Self:
        if user.sees_everything:
            return self
        return self.filter(app__project_id__in=user.projects)


ChangeManager = models.Manager.from_queryset(ChangeQuerySet)


class Change(models.Model):
    """One thing that Scalingo must be told about one address on one app.

    Leased and committed before it is told, told outside any transaction, and its outcome committed
    with its event. `lease` counts those who took it: only the last may write an outcome.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="changes")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="changes")
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="changes")
    email = models.CharField(max_length=254)  # as Scalingo is told it
    address = models.CharField(max_length=254)  # the same in small letters: the key
    collaborator_id = models.CharField(max_length=80, blank=True)  # of an invitation: once told
    role = models.CharField(max_length=20, choices=Role, blank=True)  # as it shall be
    role_before = models.CharField(max_length=20, choices=Role, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    # Why it is in this state (`words.sentence`), and what Scalingo said, in its words.
    code = models.CharField(max_length=30, blank=True)
    said = models.CharField(max_length=500, blank=True)
    due_at = models.DateTimeField()
    # The one that must be verified first, and whether it still has to be.
    follows = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="followed_by"
    )
    held_back = models.BooleanField(default=False)
    lease = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    tells = models.PositiveSmallIntegerField(default=0)  # how often Scalingo may have heard it
    tries = models.PositiveSmallIntegerField(default=0)  # how often it was taken to be told
    tried_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    # Readings since then that do not show it, and when the last of those began.
    unseen = models.PositiveSmallIntegerField(default=0)
    read_at = models.DateTimeField(null=True)
    # When `sync` is asked to read the app for it, and how often it was.
    look_at = models.DateTimeField(null=True)
    looks = models.PositiveSmallIntegerField(default=0)
    verified_at = models.DateTimeField(null=True)  # when the reading that shows it began
    ended_at = models.DateTimeField(null=True)  # when it came to its last state
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = ChangeManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "app",
                "address",
                condition=Q(state__in=OPEN, held_back=False),
                name="one_open_change",
            ),
            models.UniqueConstraint("batch", "position", name="one_change_per_position"),
            models.CheckConstraint(
                name="leased_while_telling",
                condition=Q(state=State.TELLING, leased_until__isnull=False)
                | (~Q(state=State.TELLING) & Q(leased_until=None)),
            ),
            models.CheckConstraint(
                name="verified_by_a_reading",
                condition=Q(state=State.VERIFIED, verified_at__isnull=False)
                | (~Q(state=State.VERIFIED) & Q(verified_at=None)),
            ),
            models.CheckConstraint(
                name="told_is_told", condition=~Q(state=State.TOLD) | Q(told_at__isnull=False)
            ),
            models.CheckConstraint(
                name="over_has_its_time",
                condition=Q(state__in=OPEN, ended_at=None)
                | (~Q(state__in=OPEN) & Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                # By somebody, or because the one that it follows came to nothing.
                name="cancelled_by_somebody",
                condition=~Q(state=State.CANCELLED)
                | Q(cancelled_by__isnull=False)
                | Q(follows__isnull=False),
            ),
            models.CheckConstraint(
                name="held_back_waits", condition=Q(held_back=False) | Q(follows__isnull=False)
            ),
            models.CheckConstraint(
                name="who_is_given_a_role",
                condition=Q(
                    kind__in=[Kind.INVITE, Kind.CHANGE_ROLE],
                    role__in=[Role.LIMITED, Role.COLLABORATOR],
                )
                | Q(kind__in=ENDING, role=""),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="change_due", condition=Q(state=State.WAITING)),
            models.Index(fields=["state"], name="change_open", condition=Q(state__in=OPEN)),
            models.Index(
                fields=["look_at"], name="change_to_look_at", condition=Q(look_at__isnull=False)
            ),
            models.Index(fields=["ended_at"], name="change_lost", condition=Q(state__in=LOST)),
            models.Index(fields=["app", "-due_at"], name="change_of_app"),
            models.Index(fields=["person", "-due_at"], name="change_of_person"),
            models.Index(fields=["address"], name="change_of_address"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.email} on {self.app_id}: {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_limited(self) -> bool:
        """What Scalingo is told of the role, always."""
        return self.role == Role.LIMITED
