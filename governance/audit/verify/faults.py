"""What can be wrong with the log."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class FaultKind(models.TextChoices):
    EDITED = "edited", _("Edited")
    MISSING = "missing", _("Missing")
    INSERTED = "inserted", _("Inserted")
    DUPLICATE = "duplicate", _("Duplicate")
    REORDERED = "reordered", _("Reordered")
    CUT_OFF = "cut-off", _("Cut off")
    HEAD = "head", _("The head disagrees")
    PERSONAL = "personal", _("Personal part disagrees")
    UNGUARDED = "unguarded", _("Not guarded")
    # Only a checkpoint shows these.
    REWRITTEN = "rewritten", _("Rewritten")
    ROLLED_BACK = "rolled-back", _("Rolled back")
    SIGNATURE = "wrong-signature", _("Wrong signature")
    REVOKED = "revoked-key", _("Revoked key")
    WITHHELD = "checkpoint-missing", _("Checkpoint missing")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, from event `first` to event `last`.

    Both are 0 where the fault is of no event but of the whole log.
    """

    kind: FaultKind
    first: int
    last: int
    words: str
