"""Answers that are one thing, read whole. Each reader raises `NotUnderstood`."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from ._auth import Secret
from ._cutter import NOT_JSON, decode
from ._errors import NotUnderstood
from ._fields import Doubt, Fields, Oddities
from ._models import Account, AddOn, App, Collaborator, DatabaseUser, Region
from ._parse import read_app, read_collaborator

T = TypeVar("T")

MOST_OF_ONE = 1024 * 1024
# Values may have 32 KiB each.
MOST_OF_VARIABLES = 16 * 1024 * 1024


def whole(body: Iterable[bytes], most: int = MOST_OF_ONE) -> bytes:
    """All of a body that is one thing, if it has no more than `most` bytes."""
    found = bytearray()
    for part in body:
        found += part
        if len(found) > most:
            raise NotUnderstood(f"is longer than {most:,} bytes", code="too_large")
    return bytes(found)


def read_object(body: Iterable[bytes], key: str) -> Any:
    """What is under `key`; the answer has to be an object that has it."""
    answer = decode(whole(body))
    if not isinstance(answer, dict) or key not in answer:
        raise NotUnderstood(f"has no {key}", code="wrong_shape")
    return answer[key]


def _fields(body: Iterable[bytes], key: str) -> Fields:
    return Fields(_one(read_object(body, key), key), Oddities())


def _one(found: Any, key: str) -> dict[str, Any]:
    """An object, or the one object of a list (the documentation shows an invitation so)."""
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        raise NotUnderstood(f"has no {key}", code="wrong_shape")
    return found


def _believed(read: Callable[[dict[str, Any], Oddities], T | Doubt], row: dict[str, Any]) -> T:
    found = read(row, Oddities())
    if isinstance(found, Doubt):
        raise NotUnderstood(f"has a {found.field} that {found.why}", code="wrong_shape")
    return found


def _check(fields: Fields) -> None:
    if fields.missing:
        name, why = fields.missing[0]
        raise NotUnderstood(f"has a {name} that {why}", code="wrong_shape")


def read_bearer_text(body: Iterable[bytes]) -> str:
    fields = Fields(_one(decode(whole(body)), "token"), Oddities())
    token = fields.needed("token")
    _check(fields)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise NotUnderstood("has a token that is none", code="wrong_shape")
    return token


def read_account(body: Iterable[bytes]) -> Account:
    fields = _fields(body, "user")
    id_, email = fields.needed("id"), fields.needed("email")
    _check(fields)
    return Account(
        id=id_, email=email, username=fields.text("username"), full_name=fields.text("fullname")
    )


def read_two_factor(body: Iterable[bytes]) -> bool:
    enabled = _fields(body, "tfa").flag("enabled")
    if enabled is None:
        raise NotUnderstood("does not say whether 2FA is on", code="wrong_shape")
    return enabled


def read_regions(body: Iterable[bytes]) -> list[Region]:
    found = read_object(body, "regions")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise NotUnderstood("has no list of regions", code="wrong_shape")
    regions = [_region(Fields(row, Oddities())) for row in found]
    if len({region.name for region in regions}) < len(regions):
        raise NotUnderstood("names a region twice", code="wrong_shape")
    return regions


def _region(fields: Fields) -> Region:
    name = fields.needed("name")
    _check(fields)
    return Region(
        name=name,
        display_name=fields.text("display_name") or name,
        api=fields.text("api"),
        database_api=fields.text("database_api"),
    )


def read_one_app(body: Iterable[bytes]) -> App:
    return _believed(read_app, _one(read_object(body, "app"), "app"))


def read_one_collaborator(body: Iterable[bytes], app_id: str) -> Collaborator:
    row = _one(read_object(body, "collaborator"), "collaborator")
    found = _believed(read_collaborator, {"app_id": app_id, **row})
    if found.app_id != app_id:
        raise NotUnderstood("is of another app than the one asked for", code="wrong_shape")
    return found


class _Named(msgspec.Struct):
    name: str


class _Names(msgspec.Struct):
    variables: list[_Named]


def read_variable_names(body: Iterable[bytes]) -> list[str]:
    """Decoded so that a value never becomes an object of ours."""
    text = whole(body, MOST_OF_VARIABLES)
    try:
        found = msgspec.json.decode(text, type=_Names)
    except NOT_JSON:
        found = None
    if found is None:
        raise NotUnderstood("has no list of variables", code="wrong_shape")
    return [variable.name for variable in found.variables]


def read_add_ons(body: Iterable[bytes]) -> list[AddOn]:
    found = read_object(body, "addons")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise NotUnderstood("has no list of add-ons", code="wrong_shape")
    return [_add_on(Fields(row, Oddities())) for row in found]


def _add_on(fields: Fields) -> AddOn:
    id_ = fields.needed("id")
    _check(fields)
    provider = fields.inner("addon_provider")
    return AddOn(
        id=id_,
        provider=provider.text("id") or provider.text("name"),
        resource=fields.text("resource_id"),
    )


def read_add_on_token(body: Iterable[bytes]) -> Secret:
    """A bearer for the database API, good for an hour."""
    fields = _fields(body, "addon")
    token = fields.needed("token")
    _check(fields)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise NotUnderstood("has a token that is none", code="wrong_shape")
    return Secret(token)


class _User(msgspec.Struct):
    name: str
    read_only: bool | None = None
    protected: bool | None = None


class _Users(msgspec.Struct):
    database_users: list[_User] = msgspec.field(name="database-users")


def read_database_users(body: Iterable[bytes]) -> list[DatabaseUser]:
    """Decoded so that whatever else an answer holds of a user never becomes an object of ours."""
    text = whole(body)
    try:
        found = msgspec.json.decode(text, type=_Users)
    except NOT_JSON:
        found = None
    if found is None:
        raise NotUnderstood("has no list of database users", code="wrong_shape")
    return [
        DatabaseUser(user.name, user.read_only, user.protected) for user in found.database_users
    ]
