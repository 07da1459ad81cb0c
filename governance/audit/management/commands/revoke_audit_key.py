"""Say that a key for checkpoints is no longer to be believed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.audit import checkpoints
from governance.audit.events import Source


class Command(BaseCommand):
    """Shows which keys ever signed; with an id and `--apply`, appends the event that revokes it."""

    help = "Show the keys that signed checkpoints, or revoke one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key_id", nargs="?", help="eight hexadecimal digits")
        parser.add_argument("--apply", action="store_true", help="do it, instead of showing it")

    def handle(self, *args: Any, **options: Any) -> None:
        key_id = options["key_id"]
        if key_id is None:
            self._list()
        elif not options["apply"]:
            self.stdout.write(f"Would revoke the key {key_id}. Do it with --apply.")
        else:
            self._revoke(key_id)

    def _list(self) -> None:
        revoked = checkpoints.revoked_keys()
        for key_id in checkpoints.public_keys():
            self.stdout.write(f"{key_id}{' revoked' if key_id in revoked else ''}")

    def _revoke(self, key_id: str) -> None:
        try:
            done = checkpoints.revoke(key_id, by=None, source=Source.TERMINAL, at=timezone.now())
        except checkpoints.UnknownKey:
            raise CommandError(f"No checkpoint was ever signed with a key {key_id}.") from None
        said = "revoked. Give the workers another one" if done else "was revoked before"
        self.stdout.write(f"The key {key_id} {'is ' if done else ''}{said}.")
