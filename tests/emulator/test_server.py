"""The emulator on a socket: what a network client meets, down to the last byte."""

import gzip
import http.client
import json
import socket
import threading
import time

import pytest

from governance.emulator import World
from governance.emulator.server import Server

from .conftest import ANCHOR, BILLING, OWNER, PARIS


@pytest.fixture
def server():
    with Server(World(company="small", anchor=ANCHOR)) as running:
        yield running


@pytest.fixture
def world(server):
    return server.world


@pytest.fixture
def connect(server):
    opened = []

    def connection():
        opened.append(http.client.HTTPConnection(server.host, server.port, timeout=5))
        return opened[-1]

    yield connection
    for one in opened:
        one.close()


def ask(connection, path=f"{PARIS}/v1/apps", *, world, method="GET", body=None, headers=None):
    bearer = {"Authorization": f"Bearer {world.bearer_for(OWNER)}"}
    connection.request(method, path, body=body, headers=bearer | (headers or {}))
    return connection.getresponse()


def comes_true(told, *, within=5.0):
    """Whether it is so now, or becomes so before these seconds are over."""
    end = time.monotonic() + within
    while not told():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def speak(server, text, *, until=b""):
    """What the server says to these bytes, until it says `until` or hangs up."""
    heard = b""
    with socket.create_connection((server.host, server.port), timeout=5) as wire:
        wire.sendall(text)
        while not until or until not in heard:
            more = wire.recv(65536)
            if not more:
                break
            heard += more
    return heard


def test_answers_come_in_chunks_on_a_connection_that_stays(connect, world):
    connection = connect()

    first = ask(connection, world=world)
    body = json.loads(first.read())
    wire = connection.sock
    second = ask(connection, world=world)
    second.read()

    assert first.headers["Transfer-Encoding"] == "chunked"
    assert first.headers["Connection"] == "keep-alive"
    assert first.headers["Date"].endswith("GMT")
    assert len(body["apps"]) == 3
    assert connection.sock is wire


def test_regions_lead_back_to_the_same_port(connect, server, world):
    answer = ask(connect(), "/v1/regions", world=world)

    regions = json.loads(answer.read())["regions"]
    assert [one["api"] for one in regions] == [
        f"{server.url}/osc-fr1",
        f"{server.url}/osc-secnum-fr1",
    ]


def test_an_empty_answer_has_no_body(connect, world):
    connection = connect()
    path = f"{BILLING}/collaborators"
    row = json.loads(ask(connection, path, world=world).read())["collaborators"][0]

    answer = ask(connection, f"{path}/{row['id']}", world=world, method="DELETE")

    assert (answer.status, answer.read()) == (204, b"")
    assert "Transfer-Encoding" not in answer.headers
    assert ask(connection, world=world).status == 200


def test_a_body_may_be_sent_in_chunks(connect, world):
    connection = connect()
    body = iter([b'{"collaborator":', b'{"email":"new@acme.example"}}'])

    answer = ask(connection, f"{BILLING}/collaborators", world=world, method="POST", body=body)

    assert answer.status == 201
    assert json.loads(answer.read())["collaborator"]["email"] == "new@acme.example"


def test_a_client_may_ask_leave_to_send(server):
    heard = speak(
        server,
        b"POST /v1/tokens/exchange HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Length: 2\r\nConnection: close\r\n\r\n{}",
    )

    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\n")


@pytest.mark.parametrize(
    "text",
    [
        b"GET /v1/regions HTTP/1.0\r\n\r\n",
        b"GET /v1/regions HTTP/1.1\r\nConnection: close\r\n\r\n",
    ],
)
def test_it_hangs_up_when_asked(server, text):
    heard = speak(server, text)

    assert b"\r\nConnection: close\r\n" in heard


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_hung_up_on(server, connect, world, text):
    assert speak(server, text) == b""
    assert ask(connect(), world=world).status == 200


def test_a_bearer_of_any_bytes_is_just_refused(server):
    heard = speak(
        server,
        "GET /v1/users/self HTTP/1.1\r\nAuthorization: Bearer é\r\n"
        "Connection: close\r\n\r\n".encode(),
    )

    assert heard.startswith(b"HTTP/1.1 401 ")


def test_it_holds_many_clients_at_once(connect, world):
    world.set_latency(200)
    statuses = []

    def client(connection):
        statuses.append(ask(connection, world=world).status)

    threads = [threading.Thread(target=client, args=(connect(),)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 12
    assert world.traffic.in_flight_max == 12
    # A client has its answer a moment before the server has closed its books on it.
    assert comes_true(lambda: world.traffic.in_flight == 0)


def test_half_a_body_is_announced_whole(connect, world):
    world.fault(path="/v1/apps", ending="half")

    answer = ask(connect(), world=world)

    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    announced = int(answer.headers["Content-Length"])
    assert len(caught.value.partial) == announced // 2


def test_the_last_chunk_can_be_missing(connect, world):
    world.fault(path="/v1/apps", ending="unended")

    with pytest.raises(http.client.IncompleteRead):
        ask(connect(), world=world).read()


def test_a_connection_can_be_reset(connect, world):
    world.fault(path="/v1/apps", ending="reset")

    with pytest.raises(ConnectionResetError):
        ask(connect(), world=world)


def test_a_connection_can_be_closed_under_the_next_request(connect, world):
    world.fault(path="/v1/apps", ending="closed")
    connection = connect()

    answer = ask(connection, world=world)
    answer.read()

    assert answer.headers["Connection"] == "keep-alive"
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        ask(connection, world=world)


def test_silence_lasts_until_the_client_gives_up(connect, world):
    world.fault(path="/v1/apps", ending="silence")
    connection = connect()
    connection.timeout = 0.3

    with pytest.raises(TimeoutError):
        ask(connection, world=world)
    connection.close()

    deadline = time.monotonic() + 3
    while world.traffic.in_flight and time.monotonic() < deadline:
        time.sleep(0.02)
    assert world.traffic.in_flight == 0


def test_a_drip_never_lets_a_read_time_out_and_lasts(connect, world):
    world.fault(path="/v1/apps/*", status=200, body="{}", ending="drip", pace=0.1)
    started = time.monotonic()

    answer = ask(connect(), BILLING, world=world)

    assert answer.read() == b"{}"
    assert time.monotonic() - started >= 0.2


def test_a_bomb_arrives_small(connect, world):
    world.fault(path="/v1/apps", status=200, padding=5_000_000, gzip=True)

    answer = ask(connect(), world=world)
    raw = answer.read()

    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(raw) < 20_000
    assert len(gzip.decompress(raw)) == 5_000_000


def test_who_hangs_up_in_the_middle_of_a_huge_body_harms_nobody(connect, world):
    world.fault(path="/v1/apps", status=200, padding=200_000_000)
    connection = connect()

    ask(connection, world=world).read(1000)
    connection.close()

    assert ask(connect(), world=world).status == 200


def test_stopping_ends_everything_that_hangs(world, server, connect):
    world.fault(path="/v1/apps", ending="silence")
    connection = connect()
    failed = threading.Event()

    def wait():
        try:
            ask(connection, world=world)
        except (http.client.HTTPException, OSError):
            failed.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not world.traffic.in_flight:
        time.sleep(0.01)

    server.stop()
    waiting.join(timeout=5)

    assert failed.is_set()
    with pytest.raises(ConnectionError):
        socket.create_connection((server.host, server.port), timeout=1)


def test_it_is_fast_enough_to_measure_others_with(connect, world):
    """A floor far under what it does, so that a slow machine passes and a mistake does not."""
    connection = connect()
    started = time.monotonic()

    for _ in range(300):
        answer = ask(connection, f"{BILLING}/collaborators", world=world)
        answer.read()

    assert 300 / (time.monotonic() - started) > 200
