"""Append to the record. Call it last in the transaction that it speaks of.

The append waits for the lock of the chain's head and keeps it until the transaction ends; whatever
comes after it makes all other writers wait.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from governance.audit.canonical import CannotBeRecorded, canonical, instant
from governance.audit.events import Entry, Json, Source

__all__ = ["CannotBeRecorded", "Entry", "Source", "record", "record_many", "record_refusal"]


class Actor(Protocol):
    """Whoever signs in here: the user of `accounts`, which stands above this package."""

    @property
    def pk(self) -> UUID: ...


def record(
    kind: str,
    *,
    by: Actor | None,
    source: Source,
    at: datetime,
    target: models.Model | None = None,
    app_id: UUID | None = None,
    person_id: UUID | None = None,
    data: Mapping[str, Json] | None = None,
    personal: Mapping[str, str] | None = None,
) -> int:
    """Append one event and return its sequence. Nobody (`by=None`) means the system itself.

    Raises `CannotBeRecorded` when `data` or `personal` has no canonical text.
    """
    entry = _entry(kind, by, source, at, target, app_id, person_id, data, personal)
    return _append(connection, [entry])[0]


def record_many(entries: Iterable[Entry]) -> list[int]:
    """Append all of `entries`, in order and in one round trip; their sequences.

    Raises `CannotBeRecorded` as `record` does, before anything is appended. Nothing to append
    costs nothing.
    """
    return _append(connection, list(entries))


def record_refusal(
    kind: str,
    *,
    by: Actor | None,
    source: Source,
    at: datetime,
    target: models.Model | None = None,
    app_id: UUID | None = None,
    person_id: UUID | None = None,
    data: Mapping[str, Json] | None = None,
    personal: Mapping[str, str] | None = None,
) -> int:
    """As `record`, and it stays although the refused transaction is rolled back.

    Inside a transaction it uses a connection of its own. It must then come before any other event
    of that transaction: those hold the head's lock, and it would wait for them.
    """
    entry = _entry(kind, by, source, at, target, app_id, person_id, data, personal)
    if not _in_a_transaction():
        with transaction.atomic(durable=True):
            return _append(connection, [entry])[0]
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        return _append(own, [entry])[0]
    finally:
        own.close()


def erase_personal(
    ids: Iterable[UUID], *, by: Actor | None, source: Source, at: datetime
) -> list[int]:
    """Erase the names and addresses of every event about `ids`; the sequences erased.

    `ids` are those of a person, user or other thing: whatever an event names as its actor, target
    or person. Which other things speak of somebody is known above: see the command. The chain keeps
    verifying, and an event says which were erased and by whom.
    """
    entry = _entry("personal.erased", by, source, at, None, None, None, None, None)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT audit_erase(%s::uuid[], %s::jsonb)", [list(ids), _as_json([entry])])
        erased: list[int] = cursor.fetchone()[0]
    return erased


def _entry(
    kind: str,
    by: Actor | None,
    source: Source,
    at: datetime,
    target: models.Model | None,
    app_id: UUID | None,
    person_id: UUID | None,
    data: Mapping[str, Json] | None,
    personal: Mapping[str, str] | None,
) -> Entry:
    return Entry(
        kind=kind,
        at=at,
        source=source,
        actor_id=by.pk if by else None,
        actor_kind="user" if by else "system",
        target_kind=target._meta.label_lower if target else "",
        target_id=target.pk if target else None,
        app_id=app_id,
        person_id=person_id,
        data=data or {},
        personal=personal or {},
    )


def _append(on: BaseDatabaseWrapper, entries: list[Entry]) -> list[int]:
    if not entries:
        return []
    with on.cursor() as cursor:
        cursor.execute("SELECT audit_append(%s::jsonb)", [_as_json(entries)])
        sequences: list[int] = cursor.fetchone()[0]
    return sequences


def _as_json(entries: list[Entry]) -> str:
    return json.dumps([_row(entry) for entry in entries], ensure_ascii=False)


def _row(entry: Entry) -> dict[str, str]:
    """The entry as the function of the database reads it; what is missing is null there."""
    row = {
        "kind": entry.kind,
        "source": entry.source,
        "actor_kind": entry.actor_kind,
        "target_kind": entry.target_kind,
        "occurred_at": instant(entry.at),
        "data": canonical(entry.data),
    }
    for name in ("actor_id", "target_id", "app_id", "person_id"):
        identity = getattr(entry, name)
        if identity is not None:
            row[name] = str(identity)
    if entry.personal:
        row["fields"] = canonical(entry.personal)
    return row


def _in_a_transaction() -> bool:
    """Whether a transaction of ours is open; the one that a test wraps around itself is not."""
    try:
        with transaction.atomic(durable=True):
            return False
    except RuntimeError:
        return True
