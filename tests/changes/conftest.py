"""The company of the sync's tests, read once, and what an admin does about who is on it."""

import pytest
import stamina

from tests.changes.company import Acting
from tests.sync import slate
from tests.sync.company import read_company


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
def company(db, make_user, sent):
    """The small company, read once; alice is admin and acts."""
    company = read_company()  # nobody who signs in here is left after it
    return Acting(company, make_user("alice", "admin"))
