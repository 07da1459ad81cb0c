"""What each process finds in its environment, and above all what it does not.

Who can read the web process's memory must find neither a way to open a token, nor the owner of the
tables, nor a token of Scalingo.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from governance.local.keys import Keys

# Given to one kind of process each, so never passed on with the rest.
_WITHHELD = (
    "SCALINGO_API_TOKEN",
    "SCALINGO_API_TOKEN_FILE",
    "MIGRATION_DATABASE_URL",
    "MIGRATION_DATABASE_URL_FILE",
    "SEALING_PRIVATE_KEY",
    "SEALING_PRIVATE_KEY_FILE",
    "AUDIT_SIGNING_KEY",
    "AUDIT_SIGNING_KEY_FILE",
)


@dataclass(frozen=True, slots=True)
class Environments:
    """The environment of each kind of process, from what one start knows."""

    keys: Keys
    database_url: str = field(repr=False)
    migration_database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    extra: Mapping[str, str] = field(default_factory=dict)
    checkpoints: str = "none"

    def web(self) -> dict[str, str]:
        """Seals tokens, and cannot open one."""
        kept = {name: value for name, value in os.environ.items() if name not in _WITHHELD}
        return {
            # Whoever sets one of these themselves keeps it.
            "HTTPS": "false",
            "STATIC_FROM_SOURCE": "true",
            "CHECKPOINTS_DIR": self.checkpoints,
            **kept,
            **self.extra,
            "DJANGO_SETTINGS_MODULE": "governance.settings",
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": self.keys.secret_key,
            "SEALING_PUBLIC_KEY": self.keys.sealing_public,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
        }

    def worker(self) -> dict[str, str]:
        """Opens tokens, to read Scalingo with them; signs checkpoints of the audit log."""
        return {
            **self.web(),
            "SEALING_PRIVATE_KEY": self.keys.sealing_private,
            "AUDIT_SIGNING_KEY": self.keys.audit_signing,
            # Its threads take turns: a heap for each would be memory for nothing (glibc).
            "MALLOC_ARENA_MAX": "1",
        }

    def migration(self) -> dict[str, str]:
        """Changes tables: the owner of them."""
        return {**self.web(), **self._owner()}

    def terminal(self) -> dict[str, str]:
        """A person at this machine's terminal: `manage.py` may migrate and may open tokens."""
        return {**self.worker(), **self._owner()}

    def _owner(self) -> dict[str, str]:
        # Empty where an installation has one role only: then that one owns the tables too.
        url = self.migration_database_url
        return {"MIGRATION_DATABASE_URL": url} if url else {}
