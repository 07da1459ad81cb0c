"""Make a pair of keys for the tokens of connections."""

from typing import Any

from django.core.management.base import BaseCommand

from governance.connections import sealing


class Command(BaseCommand):
    """Prints a new pair and keeps nothing.

    The public key goes to every process, the private one to the workers alone. To replace a pair,
    put the new private key before the old one, separated by a comma, then run `reseal_tokens`.
    """

    help = "Print a new pair of sealing keys, as two lines of an environment file."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        public, private = sealing.make_keys()
        self.stdout.write(f"SEALING_PUBLIC_KEY={public}")
        self.stdout.write(f"SEALING_PRIVATE_KEY={private}")
