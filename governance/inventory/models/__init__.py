"""What Scalingo says, and what it said. Written by `sync` alone.

History is rows with two-sided edges: `…_after` is the last reading without the fact, `…_at` the
first with it, so the truth changed between the two. An open row has no end. Nothing is
overwritten: a change closes one row and opens another.
"""

from governance.inventory.models.apps import App, AppPeriod, AppQuerySet, Project, Region
from governance.inventory.models.choices import Role, Status, TwoFactor
from governance.inventory.models.collaborations import (
    Attribution,
    Collaboration,
    CollaborationQuerySet,
)
from governance.inventory.models.moves import Move
from governance.inventory.models.people import (
    Identity,
    LastChange,
    Person,
    PersonQuerySet,
    TwoFactorPeriod,
)
from governance.inventory.models.scopes import Coverage, Scope

__all__ = [
    "App",
    "AppPeriod",
    "AppQuerySet",
    "Attribution",
    "Collaboration",
    "CollaborationQuerySet",
    "Coverage",
    "Identity",
    "LastChange",
    "Move",
    "Person",
    "PersonQuerySet",
    "Project",
    "Region",
    "Role",
    "Scope",
    "Status",
    "TwoFactor",
    "TwoFactorPeriod",
]
