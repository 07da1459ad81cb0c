"""`python -m governance.emulator`: its options, and the world that it keeps between starts."""

import http.client
import json
import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from governance.emulator import World, keeping
from governance.emulator.__main__ import main, world_for
from governance.emulator.__main__ import parser as options_parser

from .conftest import ANCHOR, FULL, LIMITED, OWNER

SMALL = ["--company", "small", "--port", "0", "--rate-limit", "0"]


@contextmanager
def running(*arguments):
    """The command in a process of its own: its host and port, once it says it is there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "governance.emulator", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        said = process.stdout.readline()
        host, port = re.search(r"http://([\d.]+):(\d+)", said).groups()
        with closing(http.client.HTTPConnection(host, int(port), timeout=5)) as wire:
            yield process, wire
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def control(wire, method, path, body=None):
    wire.request(method, f"/_emulator/{path}", body=json.dumps(body) if body else None)
    return json.loads(wire.getresponse().read())


def stop(process):
    process.send_signal(signal.SIGTERM)
    _, complaint = process.communicate(timeout=10)
    assert process.returncode == 0, complaint
    assert complaint == ""


def test_it_starts_says_where_and_stops_at_once():
    with running(*SMALL) as (process, wire):
        state = control(wire, "GET", "state")

        stop(process)

    assert state["company"] == "small"
    assert state["accounts"][0]["email"] == OWNER


def test_it_keeps_its_world_between_starts(tmp_path):
    kept = tmp_path / "var" / "emulator.json"
    with running(*SMALL, "--state", str(kept)) as (process, wire):
        first = control(wire, "GET", "state")
        act = {"app": "billing-api", "who": LIMITED}
        control(wire, "POST", "act/remove", act)
        control(wire, "POST", "act/switch", {"no_right_status": 403})
        before = control(wire, "GET", "members")
        stop(process)

    with running(*SMALL, "--state", str(kept)) as (process, wire):
        second = control(wire, "GET", "state")
        after = control(wire, "GET", "members")
        stop(process)

    assert after == before
    assert [one["api_token"] for one in second["accounts"]] == [
        one["api_token"] for one in first["accounts"]
    ]
    assert second["anchor"] == first["anchor"]
    assert second["switches"]["no_right_status"] == 403
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_killed_one_has_lost_a_second_at_most(tmp_path):
    kept = tmp_path / "emulator.json"
    with running(*SMALL, "--state", str(kept)) as (process, wire):
        control(wire, "POST", "act/remove", {"app": "billing-api", "who": LIMITED})
        written = kept.stat().st_mtime_ns
        while kept.stat().st_mtime_ns == written:
            pass
        process.kill()
        process.wait()

    with running(*SMALL, "--state", str(kept)) as (process, wire):
        members = control(wire, "GET", "members")["members"]

    emails = [one["email"] for one in members if one["app_id"]]
    assert emails.count(LIMITED) == 1


def options(*arguments):
    return options_parser().parse_args(list(arguments))


def test_a_kept_world_goes_on_as_it_was(tmp_path):
    world = World("small", anchor=ANCHOR)
    world.forward(3600)
    world.invite("billing-api", "new@acme.example")
    keeping.save(world, tmp_path / "kept.json")

    again = world_for(options("--state", str(tmp_path / "kept.json")))

    assert again.company_name == "small"
    assert again.anchor == ANCHOR
    assert again.clock.now() == world.clock.now()
    assert again.history.entries == world.history.entries
    assert again.regions == world.regions
    assert again.accounts == world.accounts
    assert len(again.mails) == 1
    assert again.token_of(FULL) == world.token_of(FULL)
    assert again.app("billing-api") in again.apps_of(again.account(LIMITED), "osc-fr1")
    one = again.invite("billing-web", "another@acme.example")
    assert one.id not in {row.id for app in world.apps() for row in app.collaborations.values()}


def test_a_kept_world_can_be_reset_to_its_first_day(tmp_path):
    world = World("small", anchor=ANCHOR)
    keeping.save(world, tmp_path / "kept.json")
    again = world_for(options("--state", str(tmp_path / "kept.json")))
    again.remove("billing-api", LIMITED)

    again.reset()

    assert len(again.app("billing-api").collaborations) == 3
    assert again.token_of(OWNER) == world.token_of(OWNER)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 0}', '{"version": 1, "a": {"__is__": "?"}}']
)
def test_a_file_that_holds_no_world_is_left_alone(tmp_path, text, capsys):
    kept = tmp_path / "kept.json"
    kept.write_text(text)

    status = main(["--port", "0", "--state", str(kept)])

    assert status == 1
    assert str(kept) in capsys.readouterr().err
    assert kept.read_text() == text


def test_a_taken_port_is_said(capsys):
    with running(*SMALL) as (_, wire):
        status = main(["--company", "small", "--port", str(wire.port)])

    assert status == 1
    assert "cannot start" in capsys.readouterr().err


def test_options_reach_the_world():
    world = world_for(
        options(
            *("--company", "large", "--apps", "5", "--people", "9", "--members", "3"),
            *("--seed", "7", "--anchor", "2026-03-14T09:30:00Z"),
            *("--latency-ms", "50", "--jitter-ms", "10"),
            *("--rate-limit", "30", "--rate-period", "6"),
        )
    )

    assert (len(list(world.apps())), len(world.accounts)) == (5, 9)
    assert (world.seed, world.anchor) == (7, ANCHOR)
    assert (world.latency_ms, world.jitter_ms) == (50, 10)
    assert (world.limiter.limit, world.limiter.period) == (30, 6)
    assert not world.clock.is_frozen
    world.set_limit(0)
    world.reset()
    assert (world.limiter.limit, world.latency_ms) == (30, 50)


def test_it_limits_as_the_real_one_does_unless_told():
    world = world_for(options("--company", "small"))

    assert (world.limiter.limit, world.limiter.period) == (60, 60)
