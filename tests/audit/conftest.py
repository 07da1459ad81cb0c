"""A small log, and hands that can do to it what only its owner can."""

import uuid
from datetime import timedelta

import pytest

from governance.audit import actions
from governance.audit.events import Entry, Source
from tests import owner
from tests.owner import as_owner

__all__ = ["as_owner"]

KINDS = ("platform.joined", "platform.role_changed", "user.signed_in", "sync.finished")


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
    return owner.tamper
