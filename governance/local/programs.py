"""One program as a child of the launcher: started, watched, ended with all that it started."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from governance.local import processes
from governance.local.places import CHECKOUT, Places

_LARGEST_LOG = 10_000_000  # bytes; the log before it is kept as well
# Celery finishes the task at hand on SIGTERM, which may take minutes; SIGQUIT gives it back.
ENDING = ((signal.SIGTERM, 2.5), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 5.0))


@dataclass
class Program:
    """A command with its environment, log and record. Its session is its own, so is its group."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    places: Places
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.places.logs / f"{self.name}.log"

    @property
    def record(self) -> processes.Record:
        return processes.Record(self.places.run / f"{self.name}.pid")

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environment),
                cwd=CHECKOUT,
                start_new_session=True,  # Ctrl-C is for the launcher, which ends the rest in order
            )
        self.record.write(self.process.pid)

    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self.process is None else self.process.poll()

    def ended(self) -> None:
        """It is gone: end what it started, such as a worker still holding the port."""
        if self.process is not None:
            end_group(self.process.pid)
            self.process.wait()
            self.process = None
        self.record.path.unlink(missing_ok=True)

    def stop(self) -> None:
        stop_all([self])


def stop_all(programs: Sequence[Program]) -> None:
    """End several programs at the same time, gently first; returns when all are gone."""
    processes.end_all([program.process.pid for program in programs if program.process], ENDING)
    for program in programs:
        program.ended()


def end_group(leader: int) -> None:
    """End whatever is left of a child's group, once the child itself is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def clear_leftovers(places: Places) -> list[str]:
    """End the programs of an earlier start that was killed. The names of those still running."""
    records = {path: processes.Record(path) for path in sorted(places.run.glob("*.pid"))}
    found = {path: pid for path, record in records.items() if (pid := record.pid()) is not None}
    processes.end_all(list(found.values()), ENDING)
    for pid in found.values():
        end_group(pid)
    for path in records:
        path.unlink(missing_ok=True)
    return [path.stem for path in found]
