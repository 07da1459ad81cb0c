"""Everything on one machine: servers, tables, the company to read, then web, workers and beat."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType

from django.core.exceptions import ImproperlyConfigured

from governance import env
from governance.local import greeting, keys, ports, processes, programs, servers
from governance.local.backing import Backing
from governance.local.commands import (
    Once,
    SetUpFailed,
    beat,
    emulator,
    migrate,
    set_up,
    wait_for,
    web,
    worker,
)
from governance.local.company import Company
from governance.local.environments import Environments
from governance.local.files import read_json, write_json
from governance.local.places import Places
from governance.local.programs import Program
from governance.local.supervisor import Service, Supervisor
from governance.local.terminal import complain, say, step

# Two databases in one cluster, so that a token given later never mixes with the demo.
REAL_DATABASE = servers.DATABASE
DEMO_DATABASE = "governance_demo"


_CANNOT = (servers.CannotStart, ports.NoPort, SetUpFailed, ImproperlyConfigured, OSError)


def run() -> int:
    """Run until Ctrl-C. The exit status: 0 stopped by a person, 1 could not start."""
    places = Places.find()
    try:
        places.make()
        with _signals_stop(), processes.held(places.run, wait=lambda: _patience(places)) as lock:
            lock.say(f"Its process is {os.getpid()}.")
            _follow_make()
            Launch(places).run()
    except processes.AlreadyRunning as error:
        address = read_json(places.launch).get("address")
        where = f" at {address}" if address else ""
        complain(f"It runs already{where}, with its data in {places.var}. {error.note}")
        return 1
    except _CANNOT as error:
        complain(f"\nCould not start. {error}")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


class Launch:
    """One start, from the first server to the last line on the terminal."""

    def __init__(self, places: Places) -> None:
        self._places = places
        # Read first: a mistake in them should not be told after half a minute.
        self._port = env.number("PORT", default=8000, minimum=1)
        self._emulator_port = env.number("EMULATOR_PORT", default=4000, minimum=1)
        self._programs: list[Program] = []
        self._backing: Backing | None = None

    def run(self) -> None:
        try:
            self._start()
            Supervisor(self._services(), lambda text: say(f"  {text}")).watch(lambda: False)
        except KeyboardInterrupt:
            say("\nStopping …")
            raise
        finally:
            self._stop()

    def _start(self) -> None:
        if left := programs.clear_leftovers(self._places):
            say(f"  An earlier start left running: {', '.join(left)}. Ended.")
        token = _token()
        with step("PostgreSQL and Valkey"):
            self._backing = Backing.start(self._places, chosen_database(), say)
        environments = self._environments(self._backing)
        with step("Tables"):
            Once(migrate(environments, self._places)).run()
        with step("Your account" if token else "The demo company and its past year"):
            answer = Once(set_up(environments, self._places, token)).run()
        self._start_programs(self._backing, Company.from_json(answer))

    def _environments(self, backing: Backing, **extra: str) -> Environments:
        return Environments(
            keys=keys.find_or_make(self._places.keys),
            database_url=backing.database_url,
            migration_database_url=backing.migration_database_url,
            redis_url=backing.redis_url,
            extra=extra,
            checkpoints=str(self._places.checkpoints(chosen_database())),
        )

    def _start_programs(self, backing: Backing, company: Company) -> None:
        extra = dict(company.settings)
        if company.anchor:
            port = _free(self._emulator_port)
            extra["SCALINGO_AUTH_URL"] = f"http://127.0.0.1:{port}"
            extra["SCALINGO_HOSTS"] = "127.0.0.1"
        environments = self._environments(backing, **extra)
        if company.anchor:
            self._add(emulator(environments, self._places, port, company.anchor))
        port = _free(self._port)
        address = f"http://127.0.0.1:{port}"
        self._add(
            web(environments, self._places, port),
            worker(environments, self._places, "interactive", processes=1),
            worker(environments, self._places, "sweep", processes=2),
            beat(environments, self._places),
        )
        write_json(
            self._places.launch,
            {"address": address, "settings": extra, **backing.as_record()},
        )
        with step("Web, workers and beat"):
            wait_for(self._programs, port)
        greeting.greet(company, address, self._places)

    def _add(self, *programs: Program) -> None:
        for program in programs:
            self._programs.append(program)
            program.start()

    def _services(self) -> Sequence[Service]:
        assert self._backing is not None  # noqa: S101  started by now
        own = [self._backing.postgres, self._backing.valkey]
        return [*(server for server in own if server is not None), *self._programs]

    def _stop(self) -> None:
        # A second Ctrl-C must not leave half of it running; each step here has its own end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        write_json(self._places.launch, {**read_json(self._places.launch), "stopping": True})
        programs.stop_all(self._programs)
        if self._backing is not None:
            self._backing.stop()
        self._places.launch.unlink(missing_ok=True)


def chosen_database() -> str:
    """The database to use in a PostgreSQL of our own."""
    return REAL_DATABASE if _token() else DEMO_DATABASE


def _token() -> str:
    return env.secret("SCALINGO_API_TOKEN", default="")


def _free(wanted: int) -> int:
    """The wanted port, or the next one that is free."""
    port = ports.free_port(wanted)
    if port != wanted:
        say(f"  Port {wanted} is taken; using {port}.")
    return port


def _patience(places: Places) -> float:
    """Seconds to wait for the launcher before us: more when it is stopping already."""
    return 30.0 if read_json(places.launch).get("stopping") else 2.0


def _follow_make() -> None:
    """Stop when the `make` that started us is killed: its person believes that we are gone too."""
    if "MAKELEVEL" not in os.environ:
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _signals_stop() -> Iterator[None]:
    """Let SIGTERM and a closed terminal stop everything as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
