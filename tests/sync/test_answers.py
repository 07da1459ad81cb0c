"""How a listing is gathered app by app, and told from the last one."""

import pytest

from governance.scalingo import Collaborator
from governance.sync import collaborators
from governance.sync.answers import Answers
from governance.sync.apply import compare
from governance.sync.rows import Digests, row_digests


def row(app_id, name, **said):
    return Collaborator(
        **{
            "app_id": app_id,
            "id": name,
            "email": f"{name}@company.example",
            "app_name": "web",
            "username": name,
            "user_id": f"us-{name}",
            "two_factor": True,
            "status": "accepted",
            "is_limited": False,
        }
        | said
    )


@pytest.fixture
def listing():
    """Three apps; the rows of the first come in three places, in no order."""
    return [
        row("first", "ben"),
        row("second", "ada"),
        row("first", "cleo"),
        row("first", "ada"),
        row("third", "ada"),
        row("first", "dora"),
    ]


def each(listing, *wanted):
    answers = Answers(listing, Digests().read(listing), {})
    return [
        (app_id, sorted(one.id for one in rows)) for app_id, rows in answers.of_each(set(wanted))
    ]


def test_an_app_comes_whole_wherever_its_rows_stand(listing):
    assert each(listing, "first") == [("first", ["ada", "ben", "cleo", "dora"])]


def test_an_app_comes_once_with_its_last_row_and_nobody_s_in_the_end(listing):
    assert each(listing, "third", "first", "empty") == [
        ("third", ["ada"]),
        ("first", ["ada", "ben", "cleo", "dora"]),
        ("empty", []),
    ]


def test_the_order_of_neighbours_makes_no_difference():
    together = [row("first", "ada"), row("first", "ben")]

    assert Digests().read(together).of("first") == Digests().read(together[::-1]).of("first")


@pytest.mark.parametrize(
    "said",
    [
        {"email": "ada@elsewhere.example"},
        {"app_name": "api"},
        {"username": "ada2"},
        {"user_id": None},
        {"two_factor": False},
        {"two_factor": None},
        {"status": "pending"},
        {"is_limited": True},
        {"is_limited": None},
    ],
    ids=str,
)
def test_whatever_differs_makes_another_digest(said):
    before, after = [row("first", "ada")], [row("first", "ada", **said)]

    assert Digests().read(before).of("first") != Digests().read(after).of("first")
    assert list(row_digests(before)) != list(row_digests(after))


@pytest.mark.parametrize("most", [1, 2])
def test_small_batches_give_the_same_inventory(unread, monkeypatch, most):
    for module in (compare, collaborators):
        monkeypatch.setattr(module, "APPS_PER_BATCH", most)
        monkeypatch.setattr(module, "ROWS_PER_BATCH", most)

    run = unread.sync()

    assert run.state == "complete", unread.problems()
    assert unread.known() == unread.truth()
