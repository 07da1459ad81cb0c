"""What the launcher says to the person who started it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str = "") -> None:
    print(text, flush=True)


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done and, when it is done, how long it took."""
    began = time.monotonic()
    alive = sys.stdout.isatty()
    if alive:
        print(f"  {what} …", end="", flush=True)
    try:
        yield
    except BaseException:
        if alive:
            print(flush=True)
        raise
    seconds = time.monotonic() - began
    start = "\r" if alive else ""
    print(f"{start}  {what:<58} {seconds:5.1f} s", flush=True)
