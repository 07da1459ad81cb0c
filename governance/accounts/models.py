"""The people who sign in here, and what each may do. Not the people of Scalingo: see inventory."""

import unicodedata
import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What somebody may do here. A person may hold several; see docs/permissions.md."""

    VIEWER = "viewer", _("Viewer")
    AUDITOR = "auditor", _("Auditor")
    ADMIN = "admin", _("Admin")
    OPERATOR = "operator", _("Operator")


def plain_address(email: str) -> str:
    """The one way to write an address here: compatible characters folded, small letters.

    People are stored, found and counted (`throttle`) under it, so that two ways to type one address
    are never two addresses.
    """
    return unicodedata.normalize("NFKC", email).strip().lower()


class UserManager(BaseUserManager["User"]):
    """Reads people by address, however it was typed."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=plain_address(username or ""))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who may sign in. Without a password, only by other means."""
        user = self.model(email=plain_address(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """Somebody who signs in to this dashboard.

    Roles and scope stand in the row itself: every page asks for them, and this way they cost no
    query. Django's superuser does not exist here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    roles = ArrayField(models.CharField(max_length=20, choices=Role), default=list, blank=True)
    # A viewer whose `scoped` is set sees the apps of `projects` (ids of inventory) and no others.
    scoped = models.BooleanField(default=False)
    projects = ArrayField(models.UUIDField(), default=list, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="one_user_per_address"),
            models.CheckConstraint(
                name="roles_are_known", condition=Q(roles__contained_by=list(Role.values))
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def has_role(self, *roles: str) -> bool:
        """Whether this person holds at least one of `roles`."""
        return bool(set(roles) & set(self.roles))

    @property
    def sees_everything(self) -> bool:
        """Whether nothing of the inventory is hidden from this person.

        Only viewers are scoped; somebody without any role sees nothing.
        """
        if self.has_role(Role.AUDITOR, Role.ADMIN, Role.OPERATOR):
            return True
        return self.has_role(Role.VIEWER) and not self.scoped


class SignInAttempt(models.Model):
    """One attempt to sign in that has not succeeded, kept for as long as it counts.

    Holds keyed digests, so that nobody reads from it who tried and from where.
    """

    address = models.BinaryField(max_length=32)
    network = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["address", "at"], name="attempts_by_address"),
            models.Index(fields=["network", "at"], name="attempts_by_network"),
            models.Index(fields=["at"], name="attempts_by_age"),
        ]

    def __str__(self) -> str:
        return f"attempt at {self.at:%Y-%m-%d %H:%M}"
