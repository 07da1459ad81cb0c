import socket

import pytest

from governance.local import ports


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_gives_the_next_one(taken):
    assert ports.free_port(taken) > taken


def test_when_nothing_near_is_free_it_says_so(taken):
    with pytest.raises(ports.NoPort, match=f"No port from {taken} to {taken} is free"):
        ports.free_port(taken, tries=1)
