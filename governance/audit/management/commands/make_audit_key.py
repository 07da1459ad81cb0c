"""Make a key that signs checkpoints of the audit log."""

from typing import Any

from django.core.management.base import BaseCommand

from governance.audit import signing


class Command(BaseCommand):
    """Prints a new key and keeps nothing.

    It goes to the workers alone. To replace one, give them the new one: the log announces its
    public key with the next checkpoint, and keeps those of the old ones.
    """

    help = "Print a new key for checkpoints, as a line of an environment file."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"AUDIT_SIGNING_KEY={signing.make_key()}")
