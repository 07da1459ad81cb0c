"""`make run`, from the first start to the last: what a person sees and what stays behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from governance.local import ports, processes
from governance.local.files import read_json
from governance.local.places import Places

ROOT = Path(__file__).resolve().parents[2]
GIVEN = {"SECRET_KEY", "DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "LOG_LEVEL"} | {
    "SEALING_PUBLIC_KEY",
    "SEALING_PRIVATE_KEY",
    "AUDIT_SIGNING_KEY",
    "CHECKPOINTS_DIR",
    "MAKELEVEL",
}


@dataclass
class Started:
    """A launcher, and what it has written so far."""

    process: subprocess.Popen
    output: Path

    def text(self):
        return self.output.read_text()

    def wait_for(self, words, seconds=180):
        deadline = time.monotonic() + seconds
        while words not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.1)

    @property
    def address(self):
        return re.search(r"http://127\.0\.0\.1:\d+", self.text())[0]

    def sign_ins(self):
        return re.findall(r"^  (\w+) +(\S+@\S+) +(\S+)", self.text(), flags=re.MULTILINE)


@pytest.fixture
def places(tmp_path):
    """Deep down, in a folder that only its owner may enter."""
    deep = tmp_path / ("a-long-name-" * 8)
    deep.mkdir(mode=0o700)
    return Places(deep / "var")


@pytest.fixture
def start(places, tmp_path):
    """Start the launcher as `make run` does; whatever is left of it is ended after the test."""
    made = []

    def run(prefix=(), **extra):
        environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
        environment |= {
            "VAR_DIR": str(places.var),
            "PORT": str(ports.free_port(18000)),
            "EMULATOR_PORT": str(ports.free_port(14000)),
        }
        output = tmp_path / f"output-{len(made)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "governance.local"],
                cwd=ROOT,
                env=environment | extra,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        made.append(Started(process, output))
        return made[-1]

    yield run
    for started in made:
        processes.end(started.process.pid, ((signal.SIGINT, 30.0), (signal.SIGKILL, 5.0)))
        started.process.wait()
    for pid in _recorded(places):
        processes.end(pid, processes.GENTLY)


def _recorded(places):
    """The pids that the launcher wrote down and that live."""
    paths = [*places.run.glob("*.pid"), *places.var.glob("*.pid")]
    return [pid for path in paths if (pid := processes.Record(path).pid())]


def _environment_of(places, name):
    pid = processes.Record(places.run / f"{name}.pid").pid()
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return {pair.partition("=")[0] for pair in pairs}


@contextlib.contextmanager
def _signed_in(started, email, password):
    with httpx.Client(base_url=started.address, follow_redirects=True, timeout=30) as client:
        client.get("/sign-in/")
        token = client.cookies["csrf"]
        answer = client.post(
            "/sign-in/",
            data={"email": email, "password": password, "csrfmiddlewaretoken": token},
            headers={"Referer": started.address},
        )
        assert answer.status_code == 200
        yield client


def _manage(places, *arguments):
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
    return subprocess.run(
        [sys.executable, "-m", "governance.local", "manage", *arguments],
        cwd=ROOT,
        env=environment | {"VAR_DIR": str(places.var)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _gone(pids, seconds=30):
    deadline = time.monotonic() + seconds
    while any(map(processes.began, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not any(map(processes.began, pids))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_from_the_first_start_to_the_last(start, places):
    first = start()
    first.wait_for("Ctrl-C stops all of it")

    # Everybody whom it prints may sign in, and finds the company.
    assert {role for role, _, _ in first.sign_ins()} == {"admin", "operator", "auditor", "viewer"}
    email, password = next(one[1:] for one in first.sign_ins() if one[0] == "auditor")
    with _signed_in(first, email, password) as client:
        assert "billing-api" in client.get("/apps/").text
        assert "camille.roussel@brumelle.example" in client.get("/people/").text
        assert client.get("/").status_code == 200

    # The web process can open no token and owns no table.
    if sys.platform == "linux":
        assert "SEALING_PRIVATE_KEY" in _environment_of(places, "worker-sweep")
        assert not _environment_of(places, "web") & {
            "SEALING_PRIVATE_KEY",
            "AUDIT_SIGNING_KEY",
            "MIGRATION_DATABASE_URL",
            "SCALINGO_API_TOKEN",
        }
    modes = {path.stat().st_mode & 0o077 for path in [places.var, *places.keys.iterdir()]}
    assert modes == {0}

    # A second one is told where the first is, and disturbs nothing.
    second = start()
    assert second.process.wait(60) == 1
    assert f"It runs already at {first.address}" in second.text()
    assert httpx.get(f"{first.address}/health/ready/").status_code == 200

    # A command joins it, with the same data and the right to all of it.
    answer = _manage(places, "migrate", "--check")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert httpx.get(f"{first.address}/health/ready/").status_code == 200

    # Killed, it leaves its children; the next start ends them and finds everything as it was.
    left = _recorded(places)
    first.process.kill()
    first.process.wait()
    assert all(map(processes.began, left))
    third = start(prefix=["sh", "-c", '"$@" & wait', "make"], MAKELEVEL="1")
    third.wait_for("Ctrl-C stops all of it")
    assert _gone(left, seconds=0)
    assert "An earlier start left running" in third.text()
    assert third.sign_ins() == first.sign_ins()
    with _signed_in(third, email, password) as client:
        assert "billing-api" in client.get("/apps/").text

    # A child that dies is started again, and that is said.
    web = processes.Record(places.run / "web.pid").pid()
    os.kill(web, signal.SIGKILL)
    third.wait_for("web runs again.")
    assert "web stopped (signal 9)" in third.text()

    # When its `make` is killed it stops by itself, and a start right behind it waits for that.
    left = _recorded(places)
    third.process.kill()
    third.process.wait()
    fourth = start()
    fourth.wait_for("Ctrl-C stops all of it")
    assert _gone(left, seconds=0)

    # Ctrl-C stops all of it in seconds.
    left, sockets = _recorded(places), read_json(places.launch)["sockets"]
    began = time.monotonic()
    fourth.process.send_signal(signal.SIGINT)
    assert fourth.process.wait(60) == 0
    assert time.monotonic() - began < 20
    assert _gone(left, seconds=0)
    assert not Path(sockets).exists()

    # A command then starts what it needs, and leaves nothing running.
    answer = _manage(places, "migrate", "--check")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert _recorded(places) == []


def test_what_cannot_be_read_is_said_and_nothing_is_left(start, places):
    started = start(PORT="many")

    assert started.process.wait(120) == 1
    assert "PORT must be a whole number; it is 'many'." in started.text()
    assert _recorded(places) == []


def test_a_token_that_is_none_stops_the_start_in_plain_words(start, places):
    started = start(SCALINGO_API_TOKEN="my password")

    assert started.process.wait(120) == 1
    assert "SCALINGO_API_TOKEN is no token" in started.text()
    assert "my password" not in started.text()
    assert _recorded(places) == []
