"""Seal a secret with a public key, so that whoever holds the private key alone can read it.

The web process seals the tokens that people give; it cannot open one. Workers open them.

A sealed box is `version (1) | key (8) | ephemeral public key (32) | ciphertext and tag`. Each box
has an X25519 key pair of its own, thrown away at once; HKDF-SHA256 makes of the shared secret the
key and the nonce of one ChaCha20-Poly1305 message. `key` says which of several private keys opens
it, so that keys can be replaced one after the other. The header and the purpose are authenticated:
a box sealed for one purpose does not open for another.

Keys are text: 32 bytes in URL-safe base64. A setting for private keys may hold several, separated
by commas, the newest first.
"""

import base64
import binascii
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKEN = "scalingo api token"  # noqa: S105  A purpose, not a token.

_VERSION = b"\x01"
_KEY_ID = 8
_KEY = 32
_HEADER = len(_VERSION) + _KEY_ID + _KEY
_TAG = 16


class CannotOpen(Exception):
    """A box is not ours, is damaged, or was sealed for a key that we do not hold."""


class BadKey(ValueError):
    """A key is not 32 bytes in URL-safe base64. The message never holds the key."""


def make_keys() -> tuple[str, str]:
    """A new pair, as text: the public key, then the private one."""
    private = X25519PrivateKey.generate()
    return _as_text(private.public_key().public_bytes_raw()), _as_text(private.private_bytes_raw())


def public_key_of(private: str) -> str:
    """The public key of the newest of the private keys in `private`. Raises `BadKey`."""
    return _as_text(_private_keys(private)[0].public_key().public_bytes_raw())


def seal(secret: str, public: str, *, purpose: str = TOKEN) -> bytes:
    """A box that the private key of `public` opens. Never twice the same. Raises `BadKey`."""
    recipient = _bytes_of(public)
    ephemeral = X25519PrivateKey.generate()
    ephemeral_public = ephemeral.public_key().public_bytes_raw()
    header = _VERSION + _id_of(recipient) + ephemeral_public
    try:
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    except ValueError:  # a point of low order: nobody's key
        raise BadKey("The public key is not a usable X25519 key.") from None
    key, nonce = _derive(shared, ephemeral_public + recipient, purpose)
    return header + ChaCha20Poly1305(key).encrypt(nonce, secret.encode(), _bound(header, purpose))


def open_sealed(box: bytes, private: str, *, purpose: str = TOKEN) -> str:
    """The secret in `box`.

    Raises `CannotOpen`, which says nothing of the box or the keys, when no key of `private` opens
    it, and `BadKey` when one of the keys is not a key.
    """
    keys = _private_keys(private)
    if len(box) < _HEADER + _TAG or not box.startswith(_VERSION):
        raise CannotOpen("This is not a sealed box.")
    for key in keys:
        if _id_of(key.public_key().public_bytes_raw()) == box[1 : 1 + _KEY_ID]:
            return _open_with(key, box, purpose)
    raise CannotOpen("It was sealed for another key.")


def is_sealed_for(box: bytes, public: str) -> bool:
    """Whether `box` was sealed for this key rather than for one before it. Raises `BadKey`."""
    return box[1 : 1 + _KEY_ID] == _id_of(_bytes_of(public))


def _open_with(private: X25519PrivateKey, box: bytes, purpose: str) -> str:
    header, ciphertext = box[:_HEADER], box[_HEADER:]
    ephemeral_public = header[-_KEY:]
    recipient = private.public_key().public_bytes_raw()
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral_public))
        key, nonce = _derive(shared, ephemeral_public + recipient, purpose)
        return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, _bound(header, purpose)).decode()
    except (InvalidTag, ValueError):
        raise CannotOpen("It is damaged, or was sealed for something else.") from None


def _derive(shared: bytes, keys: bytes, purpose: str) -> tuple[bytes, bytes]:
    """The key and the nonce of one message. The nonce may be derived: no key is used twice."""
    info = b"governance sealed box 1\x00" + purpose.encode()
    material = HKDF(algorithm=SHA256(), length=44, salt=keys, info=info).derive(shared)
    return material[:32], material[32:]


def _bound(header: bytes, purpose: str) -> bytes:
    return header + purpose.encode()


def _id_of(public: bytes) -> bytes:
    return hashlib.sha256(b"governance sealing key\x00" + public).digest()[:_KEY_ID]


def _private_keys(setting: str) -> list[X25519PrivateKey]:
    keys = [_bytes_of(word.strip()) for word in setting.split(",") if word.strip()]
    if not keys:
        raise BadKey("There is no private key.")
    return [X25519PrivateKey.from_private_bytes(key) for key in keys]


def _bytes_of(key: str) -> bytes:
    try:
        raw = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY:
        raise BadKey("A sealing key is 32 bytes in URL-safe base64.") from None
    return raw


def _as_text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")
