"""People and service accounts: by what they are known, and their 2FA over time."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import OuterRef, Q
from django.utils.translation import gettext_lazy as _

from governance.inventory.models.choices import TwoFactor
from governance.inventory.models.periods import counts_at
from governance.inventory.words import PERSON_NAME, PERSON_TEXT, Pieces

if TYPE_CHECKING:
    from governance.accounts.models import User
    from governance.inventory.models.collaborations import CollaborationQuerySet


def _collaborations() -> "CollaborationQuerySet":
    # They name people, so people cannot name them while the modules are read.
    from governance.inventory.models.collaborations import Collaboration

    return Collaboration.objects.all()


class PersonQuerySet(models.QuerySet["Person"]):
    def visible_to(self, user: "User") -> Self:
        """People on at least one app that `user` may see; everybody for who sees everything."""
        if user.sees_everything:
            return self
        return self.filter(
            models.Exists(_collaborations().visible_to(user).filter(person_id=OuterRef("pk")))
        )

    def with_access(self) -> Self:
        """People who are on an app now, invited ones included."""
        return self.filter(models.Exists(_collaborations().open().filter(person_id=OuterRef("pk"))))


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


class TwoFactorPeriodQuerySet(models.QuerySet["TwoFactorPeriod"]):
    def at(self, at: datetime) -> Self:
        """What counts as the 2FA at `at`; see `counts_at`."""
        return self.filter(counts_at(at))


TwoFactorPeriodManager = models.Manager.from_queryset(TwoFactorPeriodQuerySet)


class TwoFactorPeriod(models.Model):
    """How long a person's 2FA was on, off or unknown."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="two_factor_periods")
    value = models.CharField(max_length=10, choices=TwoFactor)
    started_after = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    ended_after = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = TwoFactorPeriodManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "person", condition=Q(ended_at=None), name="one_open_two_factor_period"
            )
        ]

    def __str__(self) -> str:
        return f"{self.value} since {self.started_at:%Y-%m-%d}"
