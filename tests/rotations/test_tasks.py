"""The sweep as the schedule rings it: with the real budget and the real clock."""

import pytest
from django.utils import timezone

from governance.connections.budget import Kind, shared
from governance.rotations import tasks
from governance.rotations.models import Duty
from tests.factories import AppFactory, CollaborationFactory, DutyFactory, ScopeFactory, ago

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _an_unspent_budget():
    """This process remembers what it spent, also when Redis was emptied."""
    shared.cache_clear()
    yield
    shared.cache_clear()


def test_it_opens_what_is_due_and_says_why_it_cannot_read():
    app = AppFactory(scope=ScopeFactory())  # of a connection whose token nobody can open
    CollaborationFactory(app=app, ended=True)

    tasks.sweep()
    tasks.sweep(of_a_later_version=1)

    duty = Duty.objects.get()
    assert duty.app == app
    assert "sealed" in duty.names_said
    assert duty.next_read_at > timezone.now()


def test_it_leaves_what_the_budget_has_not_left():
    duty = DutyFactory(unread=True, next_read_at=ago(minutes=1))
    budget = shared()
    while budget.remaining(Kind.SWEEP) >= 10:
        budget.take(Kind.SWEEP)

    tasks.sweep()

    duty.refresh_from_db()
    assert duty.next_read_at < timezone.now()
