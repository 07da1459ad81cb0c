"""The database and the broker of one start: our own servers, or those that somebody named."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from governance import env
from governance.local import servers
from governance.local.files import read_json, write_json
from governance.local.places import Places
from governance.local.servers import Postgres, Valkey


@dataclass
class Backing:
    """Where the data and the queue are. Servers that are None are somebody else's."""

    database_url: str = field(repr=False)
    migration_database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    postgres: Postgres | None = None
    valkey: Valkey | None = None
    sockets: Path | None = None

    @classmethod
    def start(cls, places: Places, database: str, say: Callable[[str], None]) -> "Backing":
        """Start what `DATABASE_URL` and `REDIS_URL` do not name.

        `database` is the one to use in a PostgreSQL of our own. Raises `servers.CannotStart`.
        """
        clear_sockets(places)
        sockets = servers.private_folder()
        write_json(places.launch, {"sockets": str(sockets)})
        backing = cls(
            database_url=env.secret("DATABASE_URL", default=""),
            migration_database_url=env.secret("MIGRATION_DATABASE_URL", default=""),
            redis_url=env.secret("REDIS_URL", default=""),
            sockets=sockets,
        )
        try:
            backing._start_postgres(places, database, say)
            backing._start_valkey(places, say)
        except BaseException:
            backing.stop()
            raise
        return backing

    def _start_postgres(self, places: Places, database: str, say: Callable[[str], None]) -> None:
        assert self.sockets is not None  # noqa: S101  made by `start`
        postgres = Postgres(places.postgres, self.sockets, places.logs / "postgres.log")
        postgres.clear_leftovers()
        if self.database_url:
            say("Database: the one DATABASE_URL names.")
            return
        self.postgres = postgres
        postgres.start()
        postgres.prepare(database)
        self.database_url = postgres.url(servers.APPLICATION, database)
        self.migration_database_url = postgres.url(servers.OWNER, database)

    def _start_valkey(self, places: Places, say: Callable[[str], None]) -> None:
        assert self.sockets is not None  # noqa: S101  made by `start`
        if self.redis_url:
            say("Broker: the one REDIS_URL names.")
            return
        self.valkey = Valkey(
            sockets=self.sockets,
            record_path=places.run / "valkey.pid",
            log=places.logs / "valkey.log",
        )
        self.valkey.start()
        self.redis_url = self.valkey.url

    def stop(self) -> None:
        """Stop our own servers, the broker first, and remove their sockets."""
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()
        if self.sockets is not None:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def as_record(self) -> dict[str, Any]:
        """What another command needs to join."""
        return {
            "sockets": str(self.sockets),
            "database_url": self.database_url,
            "migration_database_url": self.migration_database_url,
            "redis_url": self.redis_url,
        }

    @classmethod
    def join(cls, places: Places) -> "Backing":
        """The servers of the launcher that is running now. Stopping this stops none of them."""
        found = read_json(places.launch)
        return cls(
            database_url=str(found.get("database_url", "")),
            migration_database_url=str(found.get("migration_database_url", "")),
            redis_url=str(found.get("redis_url", "")),
        )


def clear_sockets(places: Places) -> None:
    """Remove the socket folder of an earlier start that was killed; only one that we made."""
    folder = Path(str(read_json(places.launch).get("sockets", "")))
    if folder.name.startswith("governance-") and folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
