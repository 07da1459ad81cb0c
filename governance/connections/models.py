"""The Scalingo accounts that we read with."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Whether an account can be read with, as far as Scalingo has told us."""

    UNTESTED = "untested", _("Waiting to be tested")
    WORKING = "working", _("Working")
    REFUSED = "refused", _("Refused by Scalingo")
    UNREADABLE = "unreadable", _("Its token cannot be opened with our key")


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def readable(self) -> "ConnectionQuerySet":
        """Those that a sync reads with: tested once, and not paused.

        A refused one is read with again at each sync: a token may be made valid again.
        """
        return self.filter(paused_at=None, account_id__gt="")

    def untested(self) -> "ConnectionQuerySet":
        """Those that a worker has yet to try: a new token waits, or a test was asked for."""
        return self.filter(Q(sealed_candidate__isnull=False) | Q(state=State.UNTESTED))


ConnectionManager = models.Manager.from_queryset(ConnectionQuerySet)


class Connection(models.Model):
    """One Scalingo account whose API token we hold, sealed.

    `sealed_token` is of no use to whoever reads the database or runs the web process: only the
    workers' private key opens it (`sealing.py`). A new token waits in `sealed_candidate` until a
    worker has tried it; the one in use stays in use until then.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    sealed_token = models.BinaryField(null=True)
    sealed_candidate = models.BinaryField(null=True)
    state = models.CharField(max_length=20, choices=State, default=State.UNTESTED)
    # What Scalingo said at the last test, or why the token could not be tried. A full sentence.
    said = models.CharField(max_length=500, blank=True)
    account_id = models.CharField(max_length=60, blank=True)
    account_email = models.CharField(max_length=254, blank=True)
    account_username = models.CharField(max_length=200, blank=True)
    tested_at = models.DateTimeField(null=True)
    token_set_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ConnectionManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="one_connection_per_name"),
            models.UniqueConstraint(
                "account_id", condition=Q(account_id__gt=""), name="one_connection_per_account"
            ),
            models.CheckConstraint(
                name="a_connection_holds_a_token",
                # A refused token is not kept; a connection refused at its first test has none.
                condition=Q(sealed_token__isnull=False)
                | Q(sealed_candidate__isnull=False)
                | Q(state=State.REFUSED, account_id=""),
            ),
        ]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def waits_for_a_test(self) -> bool:
        """Whether a worker has yet to try the token given last, or to try the one in use again."""
        return self.sealed_candidate is not None or self.state == State.UNTESTED

    @property
    def is_in_use(self) -> bool:
        """Whether a token of this connection was ever accepted: an account stands behind it."""
        return bool(self.account_id)
