"""Servers that send exactly the bytes they are told, and ways to answer badly."""

import contextlib
import datetime as dt
import ipaddress
import itertools
import json
import socket
import ssl
import struct
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from governance.scalingo import Region

from .scripts import collaborator, hour_long

GOOD = json.dumps({"collaborators": [collaborator(id=f"c{n}") for n in range(3)]}).encode()


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


class Plans:
    """Ways to answer the first request after the exchange."""

    def __init__(self, wire):
        self.wire = wire

    def good(self, connection):
        self.wire.ask(connection)
        connection.sendall(answer_bytes(GOOD))

    def drip(self, connection):
        self.wire.ask(connection)
        for byte in answer_bytes(GOOD):
            connection.sendall(bytes([byte]))
            if self.wire.over.wait(0.02):
                return

    def drip_body(self, connection):
        self.wire.ask(connection)
        connection.sendall(answer_bytes(b"", length=len(GOOD)))
        for byte in GOOD:
            connection.sendall(bytes([byte]))
            if self.wire.over.wait(0.02):
                return

    def endless_headers(self, connection):
        self.wire.ask(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not self.wire.over.wait(0.01):
            connection.sendall(b"X-Filler: 1\r\n")

    def endless_body(self, connection):
        self.wire.ask(connection)
        connection.sendall(answer_bytes(b'{"collaborators":[', length=10**12))
        numbers = itertools.count()
        while not self.wire.over.is_set():
            row = json.dumps(collaborator(id=f"c{next(numbers)}"))
            connection.sendall(f"{row},".encode())

    def silence(self, connection):
        self.wire.ask(connection)
        self.wire.over.wait(20)

    def half(self, connection):
        self.wire.ask(connection)
        connection.sendall(answer_bytes(GOOD[:-40], length=len(GOOD)))

    def half_chunk(self, connection):
        self.wire.ask(connection)
        head = answer_bytes(b"", length=False, more=["Transfer-Encoding: chunked"])
        connection.sendall(head + b"%x\r\n" % len(GOOD) + GOOD + b"\r\n")

    def half_head(self, connection):
        self.wire.ask(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Ty")

    def nothing(self, connection):
        self.wire.ask(connection)

    def reset(self, connection):
        self.wire.ask(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def garbage(self, connection):
        self.wire.ask(connection)
        connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")


def make_contexts(path):
    """Server and client contexts of a certificate that only the second knows, kept at `path`."""
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
