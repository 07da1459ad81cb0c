"""The counters say what the inventory says, whatever happens, as soon as they have caught up."""

import threading

import pytest
from django.db import connection, transaction

from governance.reports.two_factor import counters
from governance.reports.two_factor.models import Moved, Standing, Tally
from tests.factories import AppFactory, CollaborationFactory
from tests.two_factor.changing import WHAT, Company, kept, live


def _play(by, changes, seed):
    company = Company(by, seed)
    for number in range(changes):
        company.change()
        assert counters.catch_up()
        assert kept() == live(), f"change {number} of seed {seed}"
    return company


@pytest.mark.django_db
def test_they_equal_a_live_aggregation_after_each_change(alice):
    company = _play(alice, 60, seed=1)

    # A run in which little happened would prove little.
    assert set(company.done) == {what.__name__ for what in WHAT}
    assert Standing.objects.count() >= 5


@pytest.mark.deep
@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_they_equal_it_after_each_of_a_thousand(alice, seed):
    company = _play(alice, 250, seed=100 + seed)

    assert min(company.done.values()) > 10


@pytest.mark.django_db
def test_what_moved_is_noted_in_the_transaction_that_moved_it():
    counters.catch_up()
    with transaction.atomic():
        CollaborationFactory()
        transaction.set_rollback(True)

    assert not Moved.objects.exists()


@pytest.mark.django_db
def test_a_reading_that_differs_in_nothing_moves_nobody():
    row = CollaborationFactory()
    counters.catch_up()

    type(row).objects.update(digest=b"d" * 16, missing_at=None)
    type(row.app).objects.update(digest=b"d" * 32)
    type(row.person).objects.update(email="other@example.com")

    assert not Moved.objects.exists()


@pytest.mark.django_db
def test_with_nothing_moved_nothing_is_written(django_assert_num_queries):
    CollaborationFactory()
    counters.catch_up()

    with django_assert_num_queries(1):
        assert counters.catch_up()


@pytest.mark.django_db
def test_of_much_that_moved_a_page_takes_a_piece_and_a_worker_all(monkeypatch):
    for _ in range(5):
        CollaborationFactory()
    monkeypatch.setattr(counters, "AT_ONCE", 4)

    assert not counters.catch_up()
    assert Moved.objects.exists()
    assert counters.catch_up_with_all()

    assert not Moved.objects.exists()
    assert kept() == live()


@pytest.mark.django_db(transaction=True)
def test_while_one_catches_up_another_is_told_to_ask_the_inventory():
    CollaborationFactory()
    counters.catch_up()
    CollaborationFactory()
    answers = []

    def meanwhile():
        try:
            answers.append(counters.catch_up())
        finally:
            connection.close()

    with transaction.atomic():
        assert counters.catch_up()
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join()

    assert answers == [False]
    assert counters.catch_up()
    assert kept() == live()


@pytest.mark.django_db(transaction=True)
def test_who_joins_while_an_app_is_described_is_not_missed(alice):
    """Neither transaction sees the other; each notes what it moved, and both are looked at."""
    from governance.facts.models import AppFact

    app, now = AppFactory(), CollaborationFactory().since_at
    counters.catch_up()
    joined, described = threading.Event(), threading.Event()

    def join():
        try:
            with transaction.atomic():
                CollaborationFactory(app=app, role="collaborator")
                joined.set()
                assert described.wait(10)
        finally:
            connection.close()

    other = threading.Thread(target=join)
    with transaction.atomic():
        other.start()
        assert joined.wait(10)
        AppFact.objects.create(app=app, app_class="production", said_by=alice, said_at=now)
        described.set()
        other.join()
        # Theirs is committed, ours is not: they are counted as not in production for now.
    counters.catch_up()

    assert kept() == live()
    assert Tally.objects.get(risk=8, people__gt=0).people == 2
