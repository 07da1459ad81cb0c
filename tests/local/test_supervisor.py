"""What dies is started again, more and more slowly, and said."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from governance.local import processes, programs
from governance.local.places import Places
from governance.local.programs import Program
from governance.local.servers import CannotStart
from governance.local.supervisor import Supervisor


@dataclass
class Falling:
    """A service that is dead whenever it is looked at."""

    name: str = "web"
    log: Path = Path("web.log")
    code: int | None = 1
    refuses: bool = False
    starts: list = field(default_factory=list)

    def start(self):
        self.starts.append(1)
        if self.refuses:
            raise CannotStart("no room")

    def exit_code(self):
        return self.code

    def ended(self):
        pass


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def said():
    return []


def _waits(supervisor, service, clock, rounds):
    """How long the supervisor waited before each start."""
    waits = []
    for _ in range(rounds):
        supervisor.look()  # notices the fall
        fell, before = clock.now, len(service.starts)
        while len(service.starts) == before:
            clock.now += 0.1
            supervisor.look()
        waits.append(round(clock.now - fell, 1))
    return waits


def test_each_fall_waits_longer_up_to_half_a_minute(clock, said):
    service = Falling()
    supervisor = Supervisor([service], said.append, clock)

    waits = _waits(supervisor, service, clock, rounds=8)

    assert waits == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30], abs=0.15)


def test_a_fall_is_forgotten_after_a_steady_minute(clock, said):
    service = Falling()
    supervisor = Supervisor([service], said.append, clock)
    _waits(supervisor, service, clock, rounds=4)
    service.code = None
    supervisor.look()
    clock.now += 61

    service.code = -9

    assert _waits(supervisor, service, clock, rounds=1) == pytest.approx([0.5], abs=0.15)
    assert "web stopped (signal 9); it starts again in 0.5 s. See web.log." in said


def test_what_cannot_start_is_tried_again(clock, said):
    service = Falling(refuses=True)
    supervisor = Supervisor([service], said.append, clock)

    _waits(supervisor, service, clock, rounds=1)
    service.refuses, service.code = False, None
    clock.now += 60
    supervisor.look()

    assert any("could not start: no room" in line for line in said)
    assert said[-1] == "web runs again."


@pytest.fixture
def places(tmp_path):
    found = Places(tmp_path)
    found.make()
    return found


@pytest.fixture
def make_program(places):
    made = []

    def make(code, name="program"):
        made.append(Program(name, [sys.executable, "-u", "-c", code], {}, places))
        return made[-1]

    yield make
    programs.stop_all(made)


def test_a_program_that_dies_runs_again(make_program, said):
    program = make_program("import time; print('here'); time.sleep(60)")
    program.start()
    first = program.process.pid
    supervisor = Supervisor([program], said.append)
    program.process.kill()
    deadline = time.monotonic() + 20

    supervisor.watch(lambda: said[-1:] == ["program runs again."] or time.monotonic() > deadline)

    assert program.exit_code() is None
    assert program.process.pid != first
    assert "program stopped (signal 9)" in said[0]


_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def _first_line(program):
    deadline = time.monotonic() + 20
    while not (lines := program.log.read_text().split()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return lines[0]


def test_what_a_program_started_ends_with_it(make_program):
    program = make_program(_PARENT)
    program.start()
    grandchild = int(_first_line(program))
    program.process.kill()
    program.process.wait()
    assert processes.began(grandchild)

    program.ended()

    deadline = time.monotonic() + 5
    while processes.began(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes.began(grandchild) is None


def test_programs_are_stopped_together_and_not_one_after_the_other(make_program):
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(1); time.sleep(60)"
    )
    made = [make_program(deaf, name=f"deaf-{number}") for number in "abcdef"]
    for program in made:
        program.start()
        _first_line(program)
    began = time.monotonic()

    programs.stop_all(made)

    assert time.monotonic() - began < 10  # one after the other would take six times 2.5 s
    assert [program.process for program in made] == [None] * 6


def test_what_an_earlier_start_left_is_ended(make_program, places):
    program = make_program("import time; print(1); time.sleep(60)", name="web")
    program.start()
    _first_line(program)

    assert programs.clear_leftovers(places) == ["web"]

    assert program.exit_code() is not None
    assert programs.clear_leftovers(places) == []


def test_a_long_log_is_put_aside(make_program):
    program = make_program("print('new')")
    program.log.write_bytes(b"x" * 10_000_001)

    program.start()
    program.process.wait()

    assert program.log.read_text() == "new\n"
    assert program.log.with_suffix(".log.1").stat().st_size == 10_000_001
