"""Both servers for as long as one command runs: tests and measurements. Nothing is kept."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from governance.local import processes
from governance.local.servers import Postgres, Valkey

_PREFIX = "governance-once-"


class Temporary:
    """A private folder with a PostgreSQL and a Valkey that are started when first asked for.

    What an earlier command left behind, because it was killed, is ended and removed first.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        clear_leftovers()
        # Short, whatever the checkout's path: the sockets are in it.
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))
        self._lock = processes.Lock.take(self.folder)
        self.postgres = Postgres(
            data=self.folder / "postgres",
            sockets=self.folder,
            log=self.folder / "postgres.log",
            fast=True,
            settings=settings or {},
        )
        self.valkey = Valkey(
            sockets=self.folder,
            record_path=self.folder / "valkey.pid",
            log=self.folder / "valkey.log",
        )

    def stop(self) -> None:
        """Stop what was started and remove the folder."""
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()


def clear_leftovers() -> None:
    """End the servers of commands that were killed, and remove their folders."""
    for folder in Path("/tmp").glob(f"{_PREFIX}*"):  # noqa: S108
        with contextlib.suppress(OSError, processes.AlreadyRunning):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            with processes.held(folder):
                Postgres(folder / "postgres", folder, folder / "postgres.log").clear_leftovers()
                Valkey(folder, folder / "valkey.pid", folder / "valkey.log").clear_leftovers()
                shutil.rmtree(folder, ignore_errors=True)
