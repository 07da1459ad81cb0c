"""The platform's endpoints. Importing this package fills the routing table."""

from . import (
    account,
    apps,
    collaborators,
    databases,
    events,
    notifiers,
    projects,
    tokens,
    variables,
)

__all__ = [
    "account",
    "apps",
    "collaborators",
    "databases",
    "events",
    "notifiers",
    "projects",
    "tokens",
    "variables",
]
