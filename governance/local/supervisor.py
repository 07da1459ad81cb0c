"""Keep the children running until told to stop; start again, more and more slowly, what dies."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from governance.local.servers import CannotStart

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_STEADY = 60.0  # seconds after which an earlier fall is forgotten


class Service(Protocol):
    """A server or a program."""

    name: str

    @property
    def log(self) -> Path: ...
    def start(self) -> None: ...
    def exit_code(self) -> int | None: ...
    def ended(self) -> None: ...


@dataclass
class _Watched:
    service: Service
    started: float
    falls: int = 0
    due: float | None = None  # when it is to be started again; None while it runs


class Supervisor:
    """Watches services that were started; says what happens to them through `say`."""

    def __init__(
        self,
        services: Sequence[Service],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._say = say
        self._watched = [_Watched(service, clock()) for service in services]

    def watch(self, stopping: Callable[[], bool]) -> None:
        """Return once `stopping` says so; within a fifth of a second."""
        while not stopping():
            self.look()
            time.sleep(0.2)

    def look(self) -> None:
        """One round: notice what fell, start what is due."""
        for watched in self._watched:
            if watched.due is not None:
                if self._clock() >= watched.due:
                    self._start_again(watched)
            elif (code := watched.service.exit_code()) is not None:
                self._fell(watched, f"stopped ({_in_words(code)})")

    def _fell(self, watched: _Watched, what: str) -> None:
        now = self._clock()
        watched.service.ended()
        if now - watched.started > _STEADY:
            watched.falls = 0
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2**watched.falls)
        watched.falls += 1
        watched.due = now + wait
        name, log = watched.service.name, watched.service.log
        self._say(f"{name} {what}; it starts again in {wait:g} s. See {log}.")

    def _start_again(self, watched: _Watched) -> None:
        watched.due = None
        watched.started = self._clock()
        try:
            watched.service.start()
        except (CannotStart, OSError) as error:
            self._fell(watched, f"could not start: {error}")
        else:
            self._say(f"{watched.service.name} runs again.")


def _in_words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"
