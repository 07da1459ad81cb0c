"""What a run counts of its requests, over the threads that make them."""

import threading
import time

import pytest

from governance.connections.budget import Kind
from governance.connections.clients import Tally, client_with

NAP = 0.3


class Slow:
    """A budget whose every request has to wait a little, in the thread that makes it."""

    def take(self, kind, *, on_wait=None):
        time.sleep(NAP)
        return NAP

    def limited(self, retry_after):
        pass


@pytest.fixture
def ask(world, transport):
    """Ask for the regions with a client of its own, and count it in a tally."""
    token = world.token_of(next(one for one in world.accounts.values() if one.connect))

    def go(tally):
        with client_with(
            token, kind=Kind.SWEEP, transport=transport, budget=Slow(), tally=tally
        ) as client:
            client.regions()

    return go


def test_what_several_wait_at_once_counts_once(ask):
    tally = Tally()
    began = time.monotonic()
    threads = [threading.Thread(target=ask, args=[tally]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began

    assert tally.requests.total() == 12
    assert NAP <= tally.waited <= took


def test_what_is_waited_one_after_the_other_adds_up(ask):
    tally = Tally(waited=100.0)  # of a worker that died
    for _ in range(2):
        ask(tally)

    assert tally.waited == pytest.approx(100 + 4 * NAP)
