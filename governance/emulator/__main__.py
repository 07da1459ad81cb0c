"""`python -m governance.emulator`: the pretend Scalingo on a port."""

import argparse
import signal
import sys
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from . import keeping
from .clock import Clock, from_iso
from .company import COMPANIES
from .server import Server
from .world import World


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. Returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        world = world_for(options)
        server = Server(world, host=options.host, port=options.port)
    except (OSError, ValueError, keeping.CannotRead) as error:
        print(f"The pretend Scalingo cannot start: {error}", file=sys.stderr)
        return 1
    keeper = keeping.Keeper(world, options.state) if options.state else None
    _until_interrupted(server, keeper)
    return 0


def _until_interrupted(server: Server, keeper: keeping.Keeper | None) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if keeper:
        keeper.start()
    server.start()
    world = server.world
    print(f"A pretend Scalingo with the company {world.company_name!r} is at {server.url}")
    print(f"Accounts and their API tokens: {server.url}/_emulator/state", flush=True)
    server.wait()
    if keeper:
        keeper.stop()


def world_for(options: argparse.Namespace) -> World:
    """The world that the options ask for; the one that was kept, where there is one.

    Raises ValueError and CannotRead.
    """
    manner = {
        "clock": Clock(),
        "rate_limit": options.rate_limit,
        "rate_period": options.rate_period,
        "latency_ms": options.latency_ms,
        "jitter_ms": options.jitter_ms,
    }
    if options.state and options.state.exists():
        return _kept(keeping.read(options.state), manner)
    given = {name: getattr(options, name) for name in ("apps", "people", "members")}
    sizes = {name: size for name, size in given.items() if size is not None}
    return World(options.company, seed=options.seed, anchor=options.anchor, **manner, **sizes)


def _kept(kept: dict[str, Any], manner: dict[str, Any]) -> World:
    """The world that was kept, answering in the manner of this start."""
    world = World.at_start_of_year(
        kept["company"], seed=kept["seed"], anchor=kept["anchor"], **manner, **kept["sizes"]
    )
    world.run_from_here()
    keeping.restore(world, kept)
    return world


def _instant(text: str) -> datetime:
    return from_iso(text)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m governance.emulator", description=__doc__)
    add = options.add_argument
    add("--port", type=int, default=4000, help="0 takes a free one")
    add("--host", default="127.0.0.1")
    add("--company", choices=sorted(COMPANIES), default="demo")
    add("--apps", type=int, help="of a large company")
    add("--people", type=int, help="of a large company")
    add("--members", type=int, help="people on each app of a large company")
    add("--seed", type=int, default=1, help="another seed, another company of the same kind")
    add("--latency-ms", type=float, default=0.0, help="how long each answer takes")
    add("--jitter-ms", type=float, default=0.0, help="give or take")
    add("--rate-limit", type=int, default=60, help="requests per account and period; 0 is none")
    add("--rate-period", type=float, default=60.0, help="seconds")
    add("--anchor", type=_instant, help="when the company's past ends; now by default")
    add("--state", type=Path, help="keep the world in this file between starts")
    return options


if __name__ == "__main__":
    sys.exit(main())
