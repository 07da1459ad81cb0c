"""One sync at a time."""

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from governance.sync.locks import only_one

pytestmark = pytest.mark.django_db


def test_whoever_comes_second_is_told_no():
    with only_one() as first, only_one() as second:
        assert (first, second) == (True, False)


def test_it_is_free_again_before_the_server_notices_that_its_connection_ended(monkeypatch):
    lingering = []
    monkeypatch.setattr(BaseDatabaseWrapper, "close", lambda one: lingering.append(one))

    assert _got_it()
    assert _got_it()

    monkeypatch.undo()
    for one in lingering:
        one.close()


def test_it_is_free_again_after_an_error():
    with pytest.raises(ZeroDivisionError), only_one():
        raise ZeroDivisionError

    assert _got_it()


def _got_it():
    with only_one() as ours:
        return ours
