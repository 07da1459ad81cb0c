"""What the 2FA report keeps beside the inventory: its counters, reminders, and signed reviews.

`Standing` and `Tally` repeat what the inventory and the facts say, so that the report costs the
same however large they are. Triggers of the database note in `Moved` whose standing may be another
one; `counters.catch_up` writes it anew. docs/reports.md says how they are kept equal.
"""

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
