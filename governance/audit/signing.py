"""Sign a head of the chain, so that a copy of it kept elsewhere proves what the log was then.

A checkpoint is a signed note (https://c2sp.org/signed-note) with four lines of text:

    access.example.com/audit                                            whose log it is
    18204                                                               how many events it has
    9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08    the hash of the last
    2026-11-21T17:00:00.000000Z                                         when this was signed

then an empty line, and a dash, the name of the key and the signature in base64. The signature is
Ed25519 (RFC 8032) over the four lines, each with its newline. `docs/audit-chain.md` says how to
check one with openssl alone.

Keys are text: 32 bytes in URL-safe base64. The id of a key is the one that signed notes have: four
bytes of a SHA-256, to tell keys apart; it proves nothing.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from governance.audit.canonical import instant

_ED25519 = b"\x01"
_KEY, _KEY_ID, _SIGNATURE = 32, 4, 64
_LONGEST = 4_000
_NOTE = re.compile(
    r"(?P<text>(?P<origin>[^\s+]{1,200})\n(?P<size>0|[1-9]\d{0,18})\n(?P<hash>[0-9a-f]{64})\n"
    r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)\n)"
    r"\n— (?P<name>[^\s+]{1,200}) (?P<signature>[A-Za-z0-9+/]+={0,2})\n"
)


class BadKey(ValueError):
    """A key is not 32 bytes in URL-safe base64. The message never holds the key."""


class BadNote(ValueError):
    """A text is no checkpoint. The message says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a checkpoint says, believed or not: see `is_signed_by`."""

    origin: str
    size: int
    hash: bytes
    at: datetime
    key_id: str  # eight hexadecimal digits
    signature: bytes
    text: str  # what was signed

    def is_signed_by(self, public: bytes) -> bool:
        """Whether the key with these 32 bytes signed exactly this text."""
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(self.signature, self.text.encode())
        except (InvalidSignature, ValueError):
            return False
        return self.key_id == key_id_of(public, self.origin)


def make_key() -> str:
    """A new private key, as text."""
    return _as_text(Ed25519PrivateKey.generate().private_bytes_raw())


def public_key_of(private: str) -> bytes:
    """The 32 bytes of the public key. Raises `BadKey`."""
    return _private(private).public_key().public_bytes_raw()


def key_id_of(public: bytes, origin: str) -> str:
    """What a key is called in notes: eight hexadecimal digits."""
    return sha256(origin.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID].hex()


def public_text(public: bytes) -> str:
    """A public key as events and settings write it."""
    return _as_text(public)


def public_bytes(text: str) -> bytes:
    """The public key in `text`: PEM, as openssl takes it, or as `public_text` writes it.

    Raises `BadKey`.
    """
    if "-----BEGIN" in text:
        try:
            key = load_pem_public_key(text.strip().encode())
        except ValueError:
            raise BadKey("The file holds no public key.") from None
        if not isinstance(key, Ed25519PublicKey):
            raise BadKey("The key is none of Ed25519.")
        return key.public_bytes_raw()
    return _bytes_of(text.strip())


def public_pem(public: bytes) -> str:
    """A public key as openssl takes it."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(*, origin: str, size: int, head: bytes, at: datetime, private: str) -> str:
    """The note that says: at `at` the log had `size` events, the last with the hash `head`.

    Raises `BadKey`; `ValueError` for an origin with a blank or a plus.
    """
    text = f"{origin}\n{size}\n{head.hex()}\n{instant(at)}\n"
    key = _private(private)
    public = key.public_key().public_bytes_raw()
    signature = bytes.fromhex(key_id_of(public, origin)) + key.sign(text.encode())
    note = f"{text}\n— {origin} {base64.b64encode(signature).decode()}\n"
    read(note)
    return note


def sign_bytes(data: bytes, *, private: str) -> bytes:
    """The 64 bytes of the Ed25519 signature over `data`. Raises `BadKey`.

    A checkpoint has five lines at least, so nothing signed here is taken for one.
    """
    return _private(private).sign(data)


def read(note: str) -> Note:
    """What `note` says. Raises `BadNote`; whether it is signed rightly is not asked here."""
    match = _NOTE.fullmatch(note) if len(note) <= _LONGEST else None
    if match is None:
        raise BadNote("It does not have the form of a checkpoint.")
    if match["name"] != match["origin"]:
        raise BadNote("The key's name is not that of the log.")
    try:
        signed = base64.b64decode(match["signature"], validate=True)
        at = datetime.fromisoformat(match["at"])
    except (binascii.Error, ValueError):
        raise BadNote("Its signature or its time cannot be read.") from None
    if len(signed) != _KEY_ID + _SIGNATURE:
        raise BadNote("Its signature has a wrong length.")
    return Note(
        origin=match["origin"],
        size=int(match["size"]),
        hash=bytes.fromhex(match["hash"]),
        at=at,
        key_id=signed[:_KEY_ID].hex(),
        signature=signed[_KEY_ID:],
        text=match["text"],
    )


def _private(text: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_bytes_of(text))


def _bytes_of(key: str) -> bytes:
    try:
        raw = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY:
        raise BadKey("A signing key is 32 bytes in URL-safe base64.") from None
    return raw


def _as_text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")
