"""Processes that must not outlive us, nor be mistaken for others after a `kill -9`.

A pid alone proves nothing: numbers are used again. So each child is recorded with the moment its
process began, and only a process with both is ever signalled.
"""

import contextlib
import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


class AlreadyRunning(Exception):
    """Another launcher holds this folder. `note` is what it wrote about itself, or empty."""

    def __init__(self, folder: Path, note: str) -> None:
        self.folder = folder
        self.note = note
        super().__init__(f"{folder} is in use. {note}".strip())


def began(pid: int) -> str | None:
    """When the process `pid` began, in words that no later process can share; None when it is gone.

    A zombie counts as gone: it holds nothing any more.
    """
    if sys.platform == "linux":
        try:
            # The name in brackets may hold spaces and brackets; what follows it never does.
            fields = (
                Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            )
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return None if fields[0] in {"Z", "X"} else f"{boot} {fields[19]}"
    found = _ps(pid, "stat=,lstart=").split(maxsplit=1)
    return None if len(found) < 2 or found[0].startswith("Z") else found[1].strip()


def command_of(pid: int) -> str:
    """The command line of a process; empty when it is gone or hides it."""
    if sys.platform == "linux":
        try:
            text = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return ""
        return text.replace(b"\0", b" ").decode(errors="replace").strip()
    return _ps(pid, "command=").strip()


def _ps(pid: int, columns: str) -> str:
    """What ps says of a process, in the same words whatever this shell's language and zone."""
    plain = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    command = ["ps", "-o", columns, "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, env=plain, check=False).stdout


def end(pid: int, signals: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Send each signal in turn, waiting so many seconds after each, until the process is gone.

    Returns whether it is gone. Our own child must be waited for by its `Popen` as well.
    """
    return end_all([pid], signals)


def end_all(pids: Sequence[int], signals: Sequence[tuple[signal.Signals, float]]) -> bool:
    """As `end`, for several at the same time: the slowest decides how long it takes."""
    living = {pid: birth for pid in pids if (birth := began(pid)) is not None}
    for number, seconds in signals:
        for pid in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while living and time.monotonic() < deadline:
            time.sleep(0.02)
            living = {pid: birth for pid, birth in living.items() if began(pid) == birth}
        if not living:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Record:
    """A child written down in a file, so that the next start finds it when we could not stop it."""

    path: Path

    def write(self, pid: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"pid": pid, "began": began(pid)}), encoding="utf-8")

    def pid(self) -> int | None:
        """The recorded process, if it is still that very process; else None."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            pid, birth = int(found["pid"]), found["began"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if birth and began(pid) == birth else None

    def clear(self, signals: Sequence[tuple[signal.Signals, float]]) -> bool:
        """End what was recorded, if anything is left of it. Returns whether something was."""
        pid = self.pid()
        if pid is not None:
            end(pid, signals)
        self.path.unlink(missing_ok=True)
        return pid is not None


GENTLY = ((signal.SIGTERM, 8.0), (signal.SIGKILL, 5.0))


@contextlib.contextmanager
def held(folder: Path, *, wait: Callable[[], float] = float) -> Iterator["Lock"]:
    """Hold `folder` for one launcher; the kernel lets go of it even after `kill -9`.

    Waits for as many seconds as `wait` says, asked anew each time. Then raises `AlreadyRunning`,
    with the note of the launcher that holds it.
    """
    began_waiting = time.monotonic()
    while True:
        try:
            lock = Lock.take(folder)
            break
        except AlreadyRunning:
            if time.monotonic() - began_waiting >= wait():
                raise
            time.sleep(0.1)
    try:
        yield lock
    finally:
        lock.release()


class Lock:
    """An advisory lock on a file in a folder, with a note for whoever comes second."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self._folder = folder
        self._descriptor = descriptor

    @classmethod
    def take(cls, folder: Path) -> "Lock":
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Python opens files so that children do not inherit them: the lock dies with this process.
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            note = os.read(descriptor, 500).decode(errors="replace").strip()
            os.close(descriptor)
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
            raise AlreadyRunning(folder, note) from None
        lock = cls(folder, descriptor)
        lock.say("")
        return lock

    def say(self, note: str) -> None:
        """Leave a line for whoever finds the folder held."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, note.encode(), 0)

    def release(self) -> None:
        os.close(self._descriptor)
