"""The company of the sync's tests, read once, and what an admin does about who is on it."""

import pytest

from tests.changes.company import Acting
from tests.sync import slate
from tests.sync.company import read_company


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
def company(db, alice, sent):
    """The small company, read once; alice is admin and acts."""
    return Acting(read_company(), alice)
