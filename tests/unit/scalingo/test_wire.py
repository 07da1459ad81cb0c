"""Faults that only a real connection has: silence, drips, resets, half bodies, bad certificates."""

import gzip
import json
import socket
import threading
import time

import httpx
import pytest

from governance.emulator.server import Server
from governance.scalingo import Client, DeadlineTransport, NotUnderstood, Unavailable
from governance.scalingo import _transport as transports

from .scripts import TOKEN
from .wires import GOOD, Plans, Wire, answer_bytes


@pytest.fixture
def read(wire, wired):
    """What a client makes of the collaborators when a connection goes as `plan` says."""

    def read(plan, **options):
        wire.then(plan)
        return wired(wire, **options).collaborators(wire.region())

    return read


@pytest.fixture
def plans(wire):
    return Plans(wire)


def test_a_good_answer_over_a_connection(read, plans):
    assert len(read(plans.good)) == 3


@pytest.mark.parametrize(
    "name", ["drip", "drip_body", "endless_headers", "endless_body", "silence"]
)
def test_a_request_ends_at_its_deadline_however_slowly_it_is_answered(read, plans, name):
    began = time.monotonic()

    with pytest.raises(Unavailable) as caught:
        read(getattr(plans, name), deadline=0.6)

    assert time.monotonic() - began < 6
    assert caught.value.code == "timeout"


@pytest.mark.parametrize("name", ["half", "half_chunk", "half_head", "nothing", "reset", "garbage"])
def test_an_answer_that_breaks_off_is_no_answer(read, plans, name):
    with pytest.raises(Unavailable):
        read(getattr(plans, name))


def test_sixteen_threads_are_all_let_go_at_their_deadline(wire, wired, plans):
    wire.then(*[plans.drip_body] * 17)
    client = wired(wire, deadline=0.6)
    client.exchange()
    ended = []

    def ask():
        began = time.monotonic()
        try:
            client.collaborators(wire.region())
        except Unavailable:
            ended.append(time.monotonic() - began)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(ended) == 16
    assert max(ended) < 6


def test_a_deadline_leaves_the_next_request_alone(wire, wired, plans):
    wire.then(plans.silence, plans.good)
    client = wired(wire, deadline=0.5)
    with pytest.raises(Unavailable):
        client.collaborators(wire.region())

    assert len(client.collaborators(wire.region())) == 3


def test_a_name_that_is_never_resolved_ends_at_the_deadline(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(
        transports.socket, "getaddrinfo", lambda *a, **k: [] if over.wait(20) else None
    )
    began = time.monotonic()

    with Client(TOKEN, deadline=0.3) as client, pytest.raises(Unavailable) as caught:
        client.exchange()

    over.set()
    assert time.monotonic() - began < 6
    assert caught.value.code == "timeout"


def test_a_closed_port_and_an_unknown_name_are_unavailable(wired, wire, monkeypatch):
    wire.close()
    with pytest.raises(Unavailable) as caught:
        wired(wire).exchange()
    assert caught.value.code == "unreachable"

    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(transports.socket, "getaddrinfo", unknown)
    with Client(TOKEN) as client, pytest.raises(Unavailable) as caught:
        client.exchange()
    assert caught.value.code == "unreachable"


# --- connections kept alive -----------------------------------------------------------------------


def closes_after(wire, count, *, seen_next=False):
    """Answer `count` requests with a good body, then close: before or after reading one more."""

    def plan(connection):
        for _ in range(count):
            wire.ask(connection)
            connection.sendall(answer_bytes(GOOD))
        if seen_next:
            wire.ask(connection)

    return plan


def test_connections_are_kept_alive(wire, wired):
    wire.then(closes_after(wire, 3))
    client = wired(wire)

    for _ in range(3):
        client.collaborators(wire.region()).close()

    assert wire.connections == 1


def test_a_read_over_a_connection_that_was_closed_is_sent_again_once(wire, wired):
    announced = []
    wire.then(closes_after(wire, 1, seen_next=True), closes_after(wire, 1))
    client = wired(wire, before=announced.append)
    client.collaborators(wire.region()).close()

    assert len(client.collaborators(wire.region())) == 3

    assert wire.connections == 2
    assert announced.count("GET /collaborators") == 3


def test_a_write_over_a_connection_that_was_closed_is_not_sent_again(wire, wired):
    wire.then(closes_after(wire, 1, seen_next=True), closes_after(wire, 1))
    client = wired(wire)
    client.collaborators(wire.region()).close()

    with pytest.raises(Unavailable):
        client.invite(wire.region(), "app1", "new@example.org", is_limited=True)

    assert sum(text.startswith(b"POST /v1/apps") for text in wire.seen) == 1


def test_a_read_that_fails_on_a_new_connection_is_not_sent_again(wire, wired):
    def exchange_only(connection):
        text = connection.recv(65536)
        wire.seen.append(text)
        body = json.dumps({"token": "a.b.c"}).encode()
        connection.sendall(answer_bytes(body, more=["Connection: close"]))

    def close_unanswered(connection):
        wire.ask(connection)

    wire.then(exchange_only, close_unanswered)
    with pytest.raises(Unavailable):
        wired(wire).collaborators(wire.region())

    assert wire.connections == 2


# --- where it goes --------------------------------------------------------------------------------


def test_a_redirect_is_not_followed_and_the_token_not_sent(wire, wired):
    other = Wire()
    other.then(lambda connection: other.ask(connection))

    def redirects(connection):
        wire.ask(connection)
        connection.sendall(answer_bytes(b"", status="302 Found", more=[f"Location: {other.url}/"]))

    wire.then(redirects)
    try:
        with pytest.raises(NotUnderstood) as caught:
            wired(wire).collaborators(wire.region())
    finally:
        other.close()

    assert caught.value.code == "redirect"
    assert other.connections == 0


def test_a_proxy_of_the_environment_is_not_used(read, plans, monkeypatch):
    proxy = Wire()
    proxy.then(lambda connection: proxy.ask(connection))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    try:
        assert len(read(plans.good)) == 3
    finally:
        proxy.close()

    assert proxy.connections == 0


def test_a_netrc_of_the_environment_is_not_used(read, plans, wire, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))

    read(plans.good)

    assert b"Authorization: Bearer " in wire.seen[-1]


def test_a_certificate_that_nobody_vouches_for_is_refused(own_certificate):
    server, trusting = own_certificate
    wire = Wire(server)
    wire.then(*[closes_after(wire, 1)] * 3)
    hosts = (f"127.0.0.1:{wire.port}",)
    try:
        with (
            Client(TOKEN, auth_url=wire.url, hosts=hosts) as client,
            pytest.raises(Unavailable) as caught,
        ):
            client.collaborators(wire.region())
        assert wire.seen == []
        vouched = DeadlineTransport(trusting)
        with Client(TOKEN, auth_url=wire.url, hosts=hosts, transport=vouched) as client:
            assert len(client.collaborators(wire.region())) == 3
    finally:
        wire.close()

    assert "certificate" in caught.value.sentence


# --- how much of it -------------------------------------------------------------------------------


def test_a_body_over_the_wire_that_is_too_long_is_cut_off(read, wire):
    sent = []

    def huge(connection):
        wire.ask(connection)
        connection.sendall(answer_bytes(b'{"collaborators":[', length=200_000_000))
        for _ in range(3_000):
            connection.sendall(b" " * 65536)
            sent.append(65536)

    with pytest.raises(NotUnderstood) as caught:
        read(huge, max_bytes=1_000_000)

    assert caught.value.code == "too_large"
    assert sum(sent) < 50_000_000


def test_a_packed_body_over_the_wire_is_read(read, wire):
    def packed(connection):
        wire.ask(connection)
        more = ["Content-Encoding: gzip"]
        connection.sendall(answer_bytes(gzip.compress(GOOD), more=more))

    assert len(read(packed)) == 3
    assert b"accept-encoding: gzip\r\n" in wire.seen[-1].lower()


# --- the emulator's own bad days ------------------------------------------------------------------


@pytest.fixture
def served(world):
    with Server(world) as server:
        hosts = (f"127.0.0.1:{server.port}",)
        token = world.token_of("olivia@acme.example")
        with Client(
            token, auth_url=server.url, hosts=hosts, deadline=1.0, clock=world.clock.time
        ) as client:
            yield client


@pytest.mark.parametrize("ending", ["half", "unended", "reset", "silence", "drip"])
def test_over_the_emulators_socket_each_bad_ending_is_no_answer(served, world, ending):
    paris = served.regions()[0]
    whole = len(served.collaborators(paris))
    # A reset on a connection that was kept alive is answered by one more try.
    times = 2 if ending == "reset" else 1
    world.fault(path="/v1/collaborators", ending=ending, pace=0.05, times=times)

    with pytest.raises(Unavailable):
        served.collaborators(paris)

    assert len(served.collaborators(paris)) == whole == 5


def test_a_bomb_of_the_emulators_is_cut_off(served, world):
    paris = served.regions()[0]
    world.fault(
        path="/v1/collaborators",
        status=200,
        body='{"collaborators":[',
        padding=300_000_000,
        gzip=True,
    )
    began = time.monotonic()

    with pytest.raises((NotUnderstood, Unavailable)):
        served.collaborators(paris)

    assert time.monotonic() - began < 10


def test_httpx_errors_keep_their_kind():
    transport = DeadlineTransport()
    with httpx.Client(transport=transport) as client, pytest.raises(httpx.ConnectError):
        client.get("http://127.0.0.1:1/")
