"""What the 2FA report keeps beside the inventory: its counters, reminders, and signed reviews.

`Standing` and `Tally` repeat what the inventory and the facts say, so that the report costs the
same however large they are. Triggers of the database note in `Moved` whose standing may be another
one; `counters.catch_up` writes it anew. docs/reports.md says how they are kept equal.
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.inventory.models import Person, TwoFactor
from governance.notifications.models import Delivery


class Belongs(models.TextChoices):
    """How somebody with access belongs to us. Each is in the first that fits, and so in one."""

    ACCEPTED = "accepted", _("Accepted")
    OWNER = "owner", _("Owner alone")
    PENDING = "pending", _("Invited alone")
    DELETED = "deleted", _("Account deleted")
    UNKNOWN = "unknown", _("Status unknown")


class Risk(models.IntegerChoices):
    """How much depends on it, the most first. Sensitive apps are in production or health data."""

    OFF_SENSITIVE = 1, _("Without 2FA, full role on a sensitive app")
    OFF_FULL = 2, _("Without 2FA, full role")
    OFF = 3, _("Without 2FA")
    UNKNOWN_SENSITIVE = 4, _("Unknown, full role on a sensitive app")
    UNKNOWN_FULL = 5, _("Unknown, full role")
    UNKNOWN = 6, _("Unknown")
    UNKNOWN_INVITED = 7, _("Unknown until the invitation is accepted")
    ON = 8, _("2FA on")


class Standing(models.Model):
    """One person with access now: how they belong, their 2FA, and what they can reach."""

    person = models.OneToOneField(
        Person, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    belongs = models.CharField(max_length=10, choices=Belongs)
    two_factor = models.CharField(max_length=10, choices=TwoFactor)
    # The first reading of the 2FA that is in force; of who was never read: when first seen.
    since = models.DateTimeField()
    risk = models.PositiveSmallIntegerField(choices=Risk)
    apps = models.PositiveIntegerField()
    full_role = models.PositiveIntegerField()  # owner or full collaborator, accepted
    limited = models.PositiveIntegerField()
    owned = models.PositiveIntegerField()
    pending = models.PositiveIntegerField()
    production = models.PositiveIntegerField()
    health_data = models.PositiveIntegerField()
    sensitive = models.PositiveIntegerField()  # those of `full_role` that are either of the two

    class Meta:
        indexes = [
            models.Index(fields=["risk", "since", "person"], name="standing_by_risk"),
            models.Index(fields=["since", "person"], name="standing_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.two_factor}, {self.apps} apps"


class Tally(models.Model):
    """How many people of each kind there are: what the three denominators are added up from."""

    belongs = models.CharField(max_length=10, choices=Belongs)
    two_factor = models.CharField(max_length=10, choices=TwoFactor)
    risk = models.PositiveSmallIntegerField(choices=Risk)
    people = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint("belongs", "two_factor", "risk", name="one_tally_of_each")
        ]

    def __str__(self) -> str:
        return f"{self.people} {self.belongs} {self.two_factor}"


class Moved(models.Model):
    """A person, or everybody of an app, whose standing is to be looked at again.

    Written by triggers in the transaction that moved something, taken by `counters.catch_up`.
    Nobody waits for anybody: there is nothing here to lock.
    """

    person_id = models.UUIDField(null=True)
    app_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="moved_is_one_of_the_two",
                condition=models.Q(person_id=None, app_id__isnull=False)
                | models.Q(person_id__isnull=False, app_id=None),
            )
        ]

    def __str__(self) -> str:
        return str(self.person_id or self.app_id)


class Reminder(models.Model):
    """A mail to somebody without 2FA, and who had it sent."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="reminders")
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["person", "-at"], name="reminders_of_person")]

    def __str__(self) -> str:
        return f"reminder of {self.at:%Y-%m-%d}"


class Review(models.Model):
    """A sign-off of the report as it was at an instant: its numbers, and who lacked 2FA then.

    Once signed, the database lets nobody change or remove anything of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Nobody: it opened by itself, as it was due.
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    as_of = models.DateTimeField()
    due_at = models.DateTimeField()
    numbers = models.JSONField()  # the three denominators then, as on, off, unknown
    rows = models.PositiveIntegerField()  # how many people lacked 2FA
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    signed_at = models.DateTimeField(null=True)
    statement = models.CharField(max_length=1000, blank=True)
    # By the number of the row: why no reminder or exception came of what was decided.
    nothing_followed = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="signed_by_somebody_with_a_statement",
                condition=models.Q(signed_at=None, signed_by=None, statement="")
                | (
                    models.Q(signed_at__isnull=False, signed_by__isnull=False)
                    & ~models.Q(statement="")
                ),
            )
        ]
        indexes = [models.Index(fields=["-as_of"], name="review_by_time")]

    def __str__(self) -> str:
        return f"review as of {self.as_of:%Y-%m-%d}"

    @property
    def is_signed(self) -> bool:
        return self.signed_at is not None


class Reviewed(models.Model):
    """One person who lacked 2FA, as they stood when the review began. Frozen.

    Of its columns the address and the name alone may ever be emptied: somebody may have to be
    forgotten.
    """

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="people")
    number = models.PositiveIntegerField()
    person_id = models.UUIDField()  # of inventory; it outlives the person there
    email = models.CharField(max_length=254, blank=True)
    username = models.CharField(max_length=200, blank=True)
    belongs = models.CharField(max_length=10, choices=Belongs)
    risk = models.PositiveSmallIntegerField(choices=Risk)
    since = models.DateTimeField()
    days = models.PositiveIntegerField()
    apps = models.PositiveIntegerField()
    full_role = models.PositiveIntegerField()
    owned = models.PositiveIntegerField()
    production = models.PositiveIntegerField()
    health_data = models.PositiveIntegerField()
    reminders = models.PositiveIntegerField()
    exception_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("review", "number", name="one_reviewed_per_number"),
            models.UniqueConstraint("review", "person_id", name="one_reviewed_per_person"),
        ]
        ordering = ["number"]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.username or self.email or str(self.person_id)


class Decision(models.Model):
    """What somebody decided about one person of a review. The newest holds; all of them stay."""

    class What(models.TextChoices):
        REMIND = "remind", _("Remind")
        EXCEPT = "except", _("Exception until a day")
        STEP_DOWN = "step_down", _("Step down to limited")
        REMOVE = "remove", _("Remove")

    reviewed = models.ForeignKey(Reviewed, on_delete=models.PROTECT, related_name="decisions")
    what = models.CharField(max_length=10, choices=What)
    note = models.CharField(max_length=500, blank=True)
    until = models.DateTimeField(null=True)  # of an exception
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="exceptions_of_reviews_end",
                condition=models.Q(what="except", until__isnull=False) & ~models.Q(note="")
                | (~models.Q(what="except") & models.Q(until=None)),
            ),
            models.CheckConstraint(
                name="decisions_say_why", condition=models.Q(what="remind") | ~models.Q(note="")
            ),
        ]
        indexes = [models.Index(fields=["reviewed", "-id"], name="decisions_newest_first")]

    def __str__(self) -> str:
        return f"{self.what} by {self.by}"
