"""Three ways to answer the client: the emulator, a scripted transport, and bytes on a socket."""

import base64
import contextlib
import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
import time

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from governance.emulator import World, wsgi
from governance.scalingo import Client, Region

# In pieces, so that nothing in the repository looks like a token.
TOKEN = "tk-us-" + "a" * 8
PARIS = Region("osc-fr1", "Paris", "https://api.osc-fr1.scalingo.com")


def make_bearer(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'HS512', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"


def hour_long(clock=time.time, **claims):
    now = int(clock())
    said = {"iss": "Scalingo", "iat": now, "exp": now + 3600, "uuid": "us-1"}
    return make_bearer(**said | claims)


def collaborator(**changes):
    row = {
        "id": "c1",
        "email": "dev@example.org",
        "user_id": "us-1111",
        "username": "dev",
        "tfa_status": True,
        "status": "accepted",
        "is_limited": False,
        "invitation_link": "",
        "app_id": "app1",
        "app_name": "billing",
    }
    row.update(changes)
    return {name: value for name, value in row.items() if value is not ...}


class Script:
    """A transport that answers by path; `answers[path]` is a response, or a list used in turn.

    The exchange answers a bearer that lasts an hour unless said otherwise. `asked` holds the
    requests. An answer may be an exception, or a function of the request.
    """

    def __init__(self):
        self.answers = {"/v1/tokens/exchange": self._bearer}
        self.asked = []

    def _bearer(self, request):
        return httpx.Response(200, json={"token": hour_long()})

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.get(request.url.path)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return httpx.Response(404, json={"resource": "app", "error": "not found"})
        return answer

    def paths(self):
        return [request.url.path for request in self.asked]

    def body(self, path, body, **kwargs):
        """Answer `path` with these bytes as JSON, in pieces as they would come."""
        self.answers[path] = lambda request: in_pieces(body, **kwargs)


class Pieces(httpx.SyncByteStream):
    def __init__(self, body, size=65536):
        self.body, self.size = body, size

    def __iter__(self):
        for start in range(0, len(self.body), self.size):
            yield self.body[start : start + self.size]


def in_pieces(body, *, size=65536, status=200, kind="application/json; charset=utf-8", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(
        status, headers={"content-type": kind, **named}, stream=Pieces(body, size)
    )


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def client(script):
    with Client(TOKEN, transport=httpx.MockTransport(script)) as client:
        yield client


@pytest.fixture
def read(client, script):
    """What the client makes of a body, given as the collaborators of all owned apps."""

    def read(body, **kwargs):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        script.body("/v1/collaborators", text, **kwargs)
        return client.collaborators(PARIS)

    return read


# --- the emulator ---------------------------------------------------------------------------------


@pytest.fixture
def world():
    """Olivia, who owns the billing apps, fred, lim and others: a company of a handful."""
    return World(company="small", anchor=dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC))


@pytest.fixture
def client_of(world):
    """A client of the emulator for one of its people."""
    with contextlib.ExitStack() as stack:

        def make(who="olivia@acme.example", **options):
            transport = httpx.WSGITransport(
                app=wsgi(world, broken=httpx.ReadError, silent=httpx.ReadTimeout)
            )
            return stack.enter_context(
                Client(
                    world.token_of(who),
                    auth_url="http://127.0.0.1:4000",
                    hosts=("127.0.0.1",),
                    transport=transport,
                    clock=world.clock.time,
                    **options,
                )
            )

        yield make


# --- bytes on a socket ----------------------------------------------------------------------------


class Wire:
    """A server that speaks exactly the bytes it is told to, one function per connection.

    `on(n, serve)`: what happens to the nth connection; `serve(connection)` reads and writes as it
    likes, and the connection is closed after it. `seen` holds what was asked, as it came.
    """

    def __init__(self, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = context
        self.plans = []
        self.seen = []
        self.connections = 0
        self.over = threading.Event()
        self.threads = []
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def region(self):
        return Region("wire", "Wire", self.url)

    def then(self, *plans):
        self.plans += plans

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            plan = self.plans[min(self.connections, len(self.plans)) - 1]
            thread = threading.Thread(target=self._serve, args=(connection, plan), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection, plan):
        with contextlib.suppress(OSError, ValueError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                plan(connection)

    def ask(self, connection):
        """Read one request, and answer it if it is the exchange. Returns its first line."""
        while True:
            text = b""
            while b"\r\n\r\n" not in text:
                got = connection.recv(65536)
                if not got:
                    raise ConnectionError("gone")
                text += got
            self.seen.append(text)
            line = text.partition(b"\r\n")[0].decode()
            if "/tokens/exchange" not in line:
                return line
            connection.sendall(answer_bytes(json.dumps({"token": hour_long()}).encode()))

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.acceptor.join(5)
        for thread in self.threads:
            thread.join(5)


def answer_bytes(body, *, status="200 OK", kind="application/json", length=None, more=()):
    headers = [f"Content-Type: {kind}", *more]
    if length is not False:
        headers.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body


@pytest.fixture
def wire():
    wire = Wire()
    yield wire
    wire.close()


@pytest.fixture
def wired():
    """A client that speaks to a `Wire` over a real socket."""
    with contextlib.ExitStack() as stack:

        def make(wire, **options):
            options.setdefault("deadline", 5.0)
            hosts = options.pop("hosts", (f"127.0.0.1:{wire.port}",))
            return stack.enter_context(Client(TOKEN, auth_url=wire.url, hosts=hosts, **options))

        yield make


@pytest.fixture
def own_certificate(tmp_path):
    """Server and client contexts of a certificate that only this test knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    trusting = ssl.create_default_context(
        cadata=certificate.public_bytes(serialization.Encoding.PEM).decode()
    )
    return server, trusting
