"""Bearers: JWT signed with HS512, as the platform issues them for an API token."""

import base64
import hashlib
import hmac
import json
import secrets
from datetime import datetime
from typing import Any


class BadBearer(Exception):
    """The bearer is garbage, forged, or over."""


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _sign(signed: str, secret: bytes) -> str:
    return _encode(hmac.new(secret, signed.encode(), hashlib.sha512).digest())


_HEADER = _encode(json.dumps({"typ": "JWT", "alg": "HS512"}, separators=(",", ":")).encode())


def issue(
    account_id: str,
    *,
    at: datetime,
    seconds: float,
    secret: bytes,
    generation: int = 0,
    exp: bool = True,
) -> str:
    """A bearer for one account, good for `seconds` from `at`; the claim `exp` may be left out."""
    issued = int(at.timestamp())
    claims: dict[str, Any] = {"iss": "Scalingo", "iat": issued, "uuid": account_id}
    claims["rnd"] = f"{generation:04x}{secrets.token_hex(14)}"
    if exp:
        claims["exp"] = issued + int(seconds)
    signed = f"{_HEADER}.{_encode(json.dumps(claims, separators=(',', ':')).encode())}"
    return f"{signed}.{_sign(signed, secret)}"


def read(token: str, *, secret: bytes) -> dict[str, Any]:
    """The claims of a bearer whose signature holds; whether it is over is the caller's question.

    Raises BadBearer.
    """
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_sign(signed, secret).encode(), signature.encode()):
        raise BadBearer
    claims = json.loads(_decode(signed.partition(".")[2]))
    return dict(claims)
