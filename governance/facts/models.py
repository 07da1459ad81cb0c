"""What people add about apps and persons: never overwritten, with who said so and when.

The newest row of a subject is what holds. Ids of inventory are kept as foreign keys: a fact about
nobody means nothing.
"""

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
