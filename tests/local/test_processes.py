"""A process is signalled only when it is the very one that was written down."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from governance.local import processes
from governance.local.processes import AlreadyRunning, Record


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def test_a_recorded_process_is_found_and_ended(tmp_path, sleeper):
    record = Record(tmp_path / "sleeper.pid")
    record.write(sleeper.pid)
    assert record.pid() == sleeper.pid

    assert record.clear(processes.GENTLY)

    assert sleeper.wait(5) == -signal.SIGTERM
    assert not record.path.exists()


def test_a_process_that_took_over_the_number_is_left_alone(tmp_path, sleeper):
    record = Record(tmp_path / "sleeper.pid")
    record.path.write_text(json.dumps({"pid": sleeper.pid, "began": "another day"}))

    assert not record.clear(processes.GENTLY)

    assert sleeper.poll() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "began": "y"}', "null"]
)
def test_a_damaged_record_names_nobody(tmp_path, text):
    record = Record(tmp_path / "broken.pid")
    record.path.write_text(text)

    assert record.pid() is None


def test_a_process_that_does_not_listen_is_killed(tmp_path):
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(1, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        process.stdout.readline()

        assert processes.end(process.pid, ((signal.SIGTERM, 0.3), (signal.SIGKILL, 5.0)))

        assert process.wait(5) == -signal.SIGKILL


@pytest.mark.skipif(shutil.which("ps") is None, reason="as on macOS, and there is no ps here")
def test_where_there_is_no_proc_it_asks_ps(monkeypatch, tmp_path, sleeper):
    monkeypatch.setattr(processes.sys, "platform", "darwin")
    record = Record(tmp_path / "sleeper.pid")
    record.write(sleeper.pid)

    assert record.pid() == sleeper.pid
    assert "time.sleep(60)" in processes.command_of(sleeper.pid)
    assert record.clear(processes.GENTLY)
    sleeper.wait(5)
    assert processes.began(sleeper.pid) is None


def test_a_zombie_counts_as_gone():
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)

        assert processes.began(child) is None
    finally:
        os.waitpid(child, 0)


def test_a_folder_is_held_once_and_its_holder_is_named(tmp_path):
    with processes.held(tmp_path) as lock:
        lock.say("The first.")

        with pytest.raises(AlreadyRunning, match="The first"), processes.held(tmp_path):
            pass

    with processes.held(tmp_path):
        pass


def test_whoever_comes_second_may_wait(tmp_path):
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom governance.local import processes\n"
        "with processes.held(Path(sys.argv[2])):\n  print(1, flush=True); time.sleep(0.5)"
    )
    root = str(processes.Path(__file__).resolve().parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", code, root, str(tmp_path)], stdout=subprocess.PIPE
    ) as first:
        first.stdout.readline()

        with processes.held(tmp_path, wait=lambda: 20.0):
            assert first.wait(5) == 0
