"""What an event is made of, before it has a place in the chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, Union
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

# What `data` may hold. No floats: their text differs between languages, and so would the hash.
# UUIDs and instants are written as text.
Json: TypeAlias = Union[  # noqa: UP007  A type that names itself cannot be written with bars.
    bool, int, str, UUID, datetime, Sequence["Json"], Mapping[str, "Json"], None
]


class Source(models.TextChoices):
    """Where it was done."""

    PAGE = "page", _("Page")
    TERMINAL = "terminal", _("Terminal")
    SCHEDULE = "schedule", _("Schedule")
    PLATFORM = "platform", _("Scalingo")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to append.

    `actor_kind` is "user" (of this dashboard) or "person" (of Scalingo), both with `actor_id`;
    "system" or "unknown", both without. `data` holds ids and facts, no personal data; names,
    addresses and the like go to `personal`, which can be erased later.
    """

    kind: str
    at: datetime
    source: Source
    actor_id: UUID | None = None
    actor_kind: str = "system"
    target_kind: str = ""
    target_id: UUID | None = None
    app_id: UUID | None = None
    person_id: UUID | None = None
    data: Mapping[str, Json] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)
