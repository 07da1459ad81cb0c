"""Scalingo's words for what somebody may do, whether they accepted, and their 2FA."""

from django.db import models
from django.utils.translation import gettext_lazy as _


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
