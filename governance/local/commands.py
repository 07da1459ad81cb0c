"""The programs of one machine: how each is started, and what its environment holds."""

import contextlib
import http.client
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from governance.local import processes
from governance.local.environments import Environments
from governance.local.places import CHECKOUT, Places
from governance.local.programs import Program, end_group
from governance.local.servers import last_lines


class SetUpFailed(Exception):
    """A step before the start failed; the message says which, and the end of what it wrote."""


def python(module: str, *arguments: str) -> list[str]:
    """`python -m`: a console script's first line cannot hold a very long path."""
    return [sys.executable, "-m", module, *arguments]


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(CHECKOUT / "manage.py"), *arguments]


def migrate(environments: Environments, places: Places) -> Program:
    return Program("migrate", manage("migrate"), environments.migration(), places)


def set_up(environments: Environments, places: Places, token: str) -> Program:
    """Users, connections and, without a token, the demo's past year. Answers with a `Company`."""
    environment = {**environments.worker(), "VAR_DIR": str(places.var)}
    if token:
        environment["SCALINGO_API_TOKEN"] = token
    return Program("set-up", python("governance.local.set_up"), environment, places)


def emulator(environments: Environments, places: Places, port: int, anchor: str) -> Program:
    """The pretend Scalingo, which goes on from where it was stopped."""
    options = ["--company", "demo", "--port", str(port)]
    kept = ["--state", str(places.company), "--anchor", anchor]
    command = python("governance.emulator", *options, *kept)
    return Program("emulator", command, environments.web(), places)


def web(environments: Environments, places: Places, port: int) -> Program:
    command = python(
        *("granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "4", "--no-ws", "--workers-kill-timeout", "2"),
        "governance.wsgi:application",
    )
    return Program("web", command, environments.web(), places)


def worker(environments: Environments, places: Places, queue: str, *, processes: int) -> Program:
    command = python(
        *("celery", "-A", "governance.celery", "worker", "--queues", queue),
        *("--hostname", f"{queue}@%h", "--pool", "prefork", "--concurrency", str(processes)),
        *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
    )
    return Program(f"worker-{queue}", command, environments.worker(), places)


def beat(environments: Environments, places: Places) -> Program:
    """The schedule, in memory: it is code, and each entry comes round within a minute."""
    command = python(
        *("celery", "-A", "governance.celery", "beat"),
        *("--scheduler", "celery.beat:Scheduler", "--pidfile=", "--loglevel", "INFO"),
    )
    return Program("beat", command, environments.web(), places)


@dataclass
class Once:
    """A program that must end well before the start goes on."""

    program: Program

    def run(self) -> str:
        """Its standard output. Raises `SetUpFailed` with the end of its log."""
        program = self.program
        with program.log.open("ab") as log:
            before = log.tell()
            process = subprocess.Popen(
                list(program.command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(program.environment),
                cwd=CHECKOUT,
                start_new_session=True,
            )
        program.record.write(process.pid)
        try:
            output = process.communicate()[0].decode(errors="replace")
        finally:
            # Ctrl-C in the middle: what it did is in transactions.
            if process.poll() is None:
                processes.end(process.pid, processes.GENTLY)
            end_group(process.pid)
            process.wait()
            program.record.path.unlink(missing_ok=True)
        if process.returncode:
            words = last_lines(program.log, since=before) or output.strip()
            raise SetUpFailed(f"The step {program.name} failed:\n{words}\nSee {program.log}.")
        return output


def wait_for(programs: Sequence[Program], port: int, *, seconds: float = 60.0) -> None:
    """Return once the pages answer. Raises `SetUpFailed` when a program ends, or it takes long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for program in programs:
            if program.exit_code() is not None:
                words = last_lines(program.log)
                raise SetUpFailed(f"{program.name} ended at once:\n{words}\nSee {program.log}.")
        if _answers(port):
            return
        time.sleep(0.05)
    raise SetUpFailed(f"The pages did not answer in {seconds:.0f} s. See the logs.")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health/live/")
        return connection.getresponse().status == 200
    return False
