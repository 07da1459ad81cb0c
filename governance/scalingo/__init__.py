"""A client of Scalingo's platform API: typed, synchronous, and sceptical of what it reads.

It knows nothing of the rest of this project. Only the names below are meant for others.
"""

from ._calls import AUTH_URL, MOST_BYTES
from ._client import Client
from ._errors import (
    Blocked,
    DeadToken,
    Limited,
    NoRight,
    NotFound,
    NotUnderstood,
    Refused,
    ScalingoError,
    Unavailable,
)
from ._listing import Listing
from ._models import (
    Account,
    AddOn,
    App,
    Collaborator,
    Database,
    DatabaseUser,
    Event,
    Exchange,
    Linker,
    Problem,
    Project,
    Region,
)
from ._transport import DeadlineTransport

__all__ = [
    "AUTH_URL",
    "MOST_BYTES",
    "Account",
    "AddOn",
    "App",
    "Blocked",
    "Client",
    "Collaborator",
    "Database",
    "DatabaseUser",
    "DeadToken",
    "DeadlineTransport",
    "Event",
    "Exchange",
    "Limited",
    "Linker",
    "Listing",
    "NoRight",
    "NotFound",
    "NotUnderstood",
    "Problem",
    "Project",
    "Refused",
    "Region",
    "ScalingoError",
    "Unavailable",
]
