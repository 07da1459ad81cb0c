"""One sync at a time."""

import pytest

from governance.sync.locks import only_one

pytestmark = pytest.mark.django_db


def test_whoever_comes_second_is_told_no():
    with only_one() as first, only_one() as second:
        assert (first, second) == (True, False)


def test_it_is_free_again_at_once():
    """Not a moment later, when the server has noticed that a connection was closed."""
    assert all(_got_it() for _ in range(100))


def test_it_is_free_again_after_an_error():
    with pytest.raises(ZeroDivisionError), only_one():
        raise ZeroDivisionError

    assert _got_it()


def _got_it():
    with only_one() as ours:
        return ours
