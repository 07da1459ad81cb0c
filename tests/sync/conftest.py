"""A small company on a pretend Scalingo, connected; and a clock that only tests move."""

import pytest
import stamina

pytest.register_assert_rewrite("tests.sync.invariants", "tests.sync.schedules")

from tests.sync import slate  # noqa: E402
from tests.sync.company import read_company, unread_company  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _no_pauses_between_tries():
    """As many tries as outside tests, without the waiting."""
    stamina.set_testing(True, attempts=3, cap=True)
    yield
    stamina.set_testing(False)


@pytest.fixture(scope="session")
def _no_rows(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return slate.take()


@pytest.fixture
def db(_no_rows, django_db_blocker):
    """The database, here with real transactions; what a test left is taken away after it."""
    with django_db_blocker.unblock():
        yield
        slate.put(_no_rows)


@pytest.fixture
def unread(db):
    """The small company, olivia connected; nothing read yet."""
    return unread_company()


@pytest.fixture
def company(db):
    """The small company, olivia connected, everything read once."""
    return read_company()
