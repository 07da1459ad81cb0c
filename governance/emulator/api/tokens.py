"""API tokens: their exchange for a bearer, and the caller's own."""

import base64
import binascii
from typing import Any

from governance.emulator import bearer
from governance.emulator.clock import iso
from governance.emulator.model import Account, Token
from governance.emulator.store import Unknown

from .routing import HTML, PAGE_404, Call, Host, Refusal, Reply, route, unprocessable


@route("POST", "/v1/tokens/exchange", Host.AUTH, public=True)
def exchange(call: Call) -> Reply:
    """An API token, as the password of Basic authentication with an empty user, for a bearer."""
    secret = _password(call.request.headers.get("authorization", ""))
    account = call.world.account_with_token(secret) if secret else None
    if account is None:
        return Reply(401, {"error": "Invalid credentials"})
    token = next(one for one in account.tokens if one.secret == secret)
    token.last_used_at = call.world.clock.now()
    return Reply(200, {"token": call.world.bearer_for(account)})


def _password(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return "" if user else password


@route("GET", "/v1/tokens", Host.AUTH)
def tokens(call: Call) -> Reply:
    return Reply(200, {"tokens": [_token(one) for one in call.caller.tokens]})


def _token(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "created_at": iso(token.created_at),
        "last_used_at": iso(token.last_used_at),
        "issued_at": iso(token.created_at),
    }


def _with_secret(token: Token) -> Reply:
    return Reply(200, {"token": {**_token(token), "token": token.secret}})


@route("POST", "/v1/tokens", Host.AUTH)
def create(call: Call) -> Reply:
    """A new API token; `{"token": {"name"}}`, or `{"name"}` as the JavaScript client sends it."""
    name = call.rooted("token").get("name") or call.json().get("name")
    if not isinstance(name, str) or not name:
        raise unprocessable(name=["can't be blank"])
    reply = _with_secret(call.world.add_token(call.caller, name))
    reply.status = 201
    return reply


@route("PATCH", "/v1/tokens/:id/renew", Host.AUTH)
def renew(call: Call) -> Reply:
    token = _own(call, call.caller)
    return _with_secret(call.world.renew_token(call.caller, token.id))


@route("DELETE", "/v1/tokens/:id", Host.AUTH)
def delete(call: Call) -> Reply:
    call.world.delete_token(call.caller, _own(call, call.caller).id)
    return Reply(204)


def _own(call: Call, account: Account) -> Token:
    for token in account.tokens:
        if token.id == call.values["id"]:
            return token
    raise Refusal(404, PAGE_404, HTML)


def account_of_bearer(call: Call) -> Account | None:
    """Whose bearer this request carries: None when there is none, or it is not good any more."""
    scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        claims = bearer.read(token, secret=call.world.secret)
    except bearer.BadBearer:
        return None
    try:
        account = call.world.account(str(claims.get("uuid")))
    except Unknown:
        return None
    return account if call.world.believes(account, claims) else None
