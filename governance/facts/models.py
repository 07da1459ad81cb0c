"""What people add about apps and persons: never overwritten, with who said so and when.

The newest row of a subject is what holds. Ids of inventory are kept as foreign keys: a fact about
nobody means nothing.
"""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.inventory.models import App, Person


class AppClass(models.TextChoices):
    PRODUCTION = "production", _("Production")
    STAGING = "staging", _("Staging")
    DEVELOPMENT = "development", _("Development")
    UNKNOWN = "unknown", _("Not said")


class PersonKind(models.TextChoices):
    HUMAN = "human", _("Person")
    SERVICE = "service", _("Service account")
    UNKNOWN = "unknown", _("Not said")


class Employment(models.TextChoices):
    INTERNAL = "internal", _("Internal")
    EXTERNAL = "external", _("External")
    UNKNOWN = "unknown", _("Not said")


class AppFact(models.Model):
    """What an app is for, as somebody said."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="facts")
    app_class = models.CharField(max_length=20, choices=AppClass)
    team = models.CharField(max_length=120, blank=True)
    said_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    said_at = models.DateTimeField()
    current = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "app", condition=models.Q(current=True), name="one_current_app_fact"
            )
        ]

    def __str__(self) -> str:
        return " · ".join(filter(None, [str(AppClass(self.app_class).label), self.team]))

    def says_the_same(self, other: "AppFact") -> bool:
        return (self.app_class, self.team) == (other.app_class, other.team)


class PersonFact(models.Model):
    """Who a person is to the company, as somebody said."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="facts")
    kind = models.CharField(max_length=20, choices=PersonKind)
    employment = models.CharField(max_length=20, choices=Employment)
    employer = models.CharField(max_length=120, blank=True)
    said_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    said_at = models.DateTimeField()
    current = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "person", condition=models.Q(current=True), name="one_current_person_fact"
            )
        ]

    def __str__(self) -> str:
        words = (PersonKind(self.kind).label, Employment(self.employment).label, self.employer)
        return " · ".join(str(word) for word in words if word)

    def says_the_same(self, other: "PersonFact") -> bool:
        mine = (self.kind, self.employment, self.employer)
        return mine == (other.kind, other.employment, other.employer)


class _Until(models.Model):
    """What somebody says of a person's 2FA, which holds until a day at most.

    The row with no `ended_at` is the one that holds; another, or a withdrawal, ends it and leaves
    it as it is.
    """

    said_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    said_at = models.DateTimeField()
    until = models.DateTimeField()  # the end of the last day on which it holds
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        abstract = True

    def holds(self, at: datetime) -> bool:
        is_open = self.ended_at is None or self.ended_at > at
        return self.said_at <= at <= self.until and is_open


class OwnerAttestation(_Until):
    """That an owner, whose 2FA Scalingo does not tell, has it on; with what it rests on."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="attestations")
    evidence = models.CharField(max_length=500)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "person", condition=models.Q(ended_at=None), name="one_open_attestation"
            ),
            models.CheckConstraint(
                name="attestations_end_by_somebody",
                condition=models.Q(ended_at=None, ended_by=None)
                | models.Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
            models.CheckConstraint(
                name="attestations_rest_on_something", condition=~models.Q(evidence="")
            ),
        ]

    def __str__(self) -> str:
        return f"attested until {self.until:%Y-%m-%d}"


class TwoFactorException(_Until):
    """That somebody may go without 2FA for a while: why, who approved it, until when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, related_name="two_factor_exceptions"
    )
    reason = models.CharField(max_length=500)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "person", condition=models.Q(ended_at=None), name="one_open_exception"
            ),
            models.CheckConstraint(
                name="exceptions_end_by_somebody",
                condition=models.Q(ended_at=None, ended_by=None)
                | models.Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
            models.CheckConstraint(name="exceptions_have_a_reason", condition=~models.Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"excepted until {self.until:%Y-%m-%d}"


class PersonNote(models.Model):
    """What somebody wrote down about a person. Never edited: withdrawn, it stays with who did so.

    Erased with whatever else is kept of the person: then `text` is empty.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="notes")
    text = models.CharField(max_length=1000, blank=True)
    said_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    said_at = models.DateTimeField()
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="notes_are_withdrawn_by_somebody",
                condition=models.Q(withdrawn_at=None, withdrawn_by=None)
                | models.Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
            models.CheckConstraint(
                name="notes_say_something_until_erased",
                condition=~models.Q(text="") ^ models.Q(erased_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"note of {self.said_at:%Y-%m-%d}"
