"""A small log, and hands that can do to it what only its owner can."""

import contextlib
import uuid
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection

from governance.audit import actions
from governance.audit.events import Entry, Source

TABLES = (
    *("audit_event", "audit_personal", "audit_head"),
    *("audit_checkpoint", "audit_witness", "audit_check"),
)
KINDS = ("platform.joined", "platform.role_changed", "user.signed_in", "sync.finished")


@contextlib.contextmanager
def as_owner():
    """Speak as the role that owns the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        yield cursor
        if settings.DATABASE_APPLICATION_ROLE:
            cursor.execute(f"SET ROLE {settings.DATABASE_APPLICATION_ROLE}")


@pytest.fixture
def entries(now):
    """`entries(7)`: events of several kinds, every third with a personal part."""

    def make(count):
        for number in range(count):
            yield Entry(
                kind=KINDS[number % len(KINDS)],
                at=now + timedelta(minutes=number),
                source=list(Source)[number % 4],
                actor_id=uuid.uuid4() if number % 2 else None,
                actor_kind="user" if number % 2 else "system",
                target_kind="inventory.app" if number % 3 else "",
                target_id=uuid.uuid4() if number % 3 else None,
                app_id=uuid.uuid4(),
                person_id=uuid.uuid4(),
                data={
                    "number": number,
                    "text": "Ana\n“quoted” \\ \x07 😀",
                    "nested": {"a": [None]},
                },
                personal={"email": f"ana{number}@example.com"} if number % 3 == 0 else {},
            )

    return make


@pytest.fixture
def log(db, entries):
    """Twelve events, some appended alone and some together."""
    for entry in entries(4):
        actions.record_many([entry])
    actions.record_many(entries(8))


@pytest.fixture
def tamper(log, tamper_as_owner):
    """`tamper("DELETE …", …)`: do it to the log of twelve."""
    return tamper_as_owner


@pytest.fixture
def tamper_as_owner(db):
    """`tamper_as_owner("DELETE …", …)`: with the triggers lifted for as long."""

    def run(*statements):
        with as_owner() as cursor:
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                cursor.execute(statement)
            for table in TABLES:
                cursor.execute(
                    "SELECT quote_ident(tgname) FROM pg_trigger"
                    " WHERE tgrelid = %s::regclass AND NOT tgisinternal",
                    [table],
                )
                for (trigger,) in cursor.fetchall():
                    cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")

    return run
