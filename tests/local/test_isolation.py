"""The servers of the tests themselves: whose rights they have, and that nothing leaks between."""

import pytest
from django.core.cache import cache
from django.db import connection

from governance.accounts.models import User


def _one(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


@pytest.mark.django_db
def test_tests_speak_as_the_application_and_not_as_the_owner():
    current, session = _one("SELECT current_user, session_user")

    assert (current, session) == ("governance_app", "governance_owner")


@pytest.mark.django_db
def test_the_owner_is_no_superuser():
    assert _one("SELECT rolsuper FROM pg_roles WHERE rolname = session_user") == (False,)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_a_transactional_test_finds_a_migrated_database(time, make_user):
    assert not User.objects.exists()
    assert _one("SELECT count(*) FROM audit_head") == (1,)

    make_user("erin")


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_test_finds_an_empty_cache(time):
    assert cache.get("left-behind") is None

    cache.set("left-behind", "yes")
