"""A mail to whoever has it off: not to the excepted, not twice within a week, told and counted."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from governance.audit.events import Source
from governance.audit.models import Event
from governance.core.verdict import Refused
from governance.facts import vouching
from governance.notifications import actions as notifications
from governance.notifications.models import Delivery
from governance.reports.two_factor import reminding
from governance.reports.two_factor.models import Reminder
from tests.company import company
from tests.factories import CollaborationFactory, PersonFactory

__all__ = ["company"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mail(settings):
    settings.MAIL_URL = "smtp://127.0.0.1:1"


@pytest.fixture
def remind(alice):
    def ask(*people, by=alice, at=None):
        return reminding.remind(
            [one.pk for one in people], by=by, source=Source.PAGE, at=at or timezone.now()
        )

    return ask


def test_they_get_a_mail_that_says_why_and_where(remind, company):
    assert remind(company.ana) == [company.ana.pk]

    notifications.deliver_due(at=timezone.now())

    sent = mail.outbox[0]
    assert sent.to == ["ana.lopez@example.com"]
    assert "two-factor authentication" in sent.subject
    assert "ana you can reach 2 apps" in sent.body
    assert "https://dashboard.scalingo.com" in sent.body


def test_it_is_counted_and_told(remind, company, alice):
    remind(company.ana)

    reminder = Reminder.objects.get()
    assert (reminder.person_id, reminder.sent_by) == (company.ana.pk, alice)
    event = Event.objects.get(kind="two_factor.reminded")
    assert (event.person_id, event.actor_id) == (company.ana.pk, alice.pk)
    assert "ana.lopez" not in event.line


def test_nobody_is_reminded_twice_within_a_week(remind, company):
    now = timezone.now()
    remind(company.ana, at=now)

    assert remind(company.ana, at=now + timedelta(days=6, hours=23)) == []
    assert remind(company.ana, at=now + timedelta(days=7)) == [company.ana.pk]
    assert Delivery.objects.count() == 2


def test_how_often_is_a_setting(remind, company, settings):
    settings.TWO_FACTOR_REMIND_EVERY = timedelta(days=1)
    now = timezone.now()
    remind(company.ana, at=now)

    assert remind(company.ana, at=now + timedelta(days=1)) == [company.ana.pk]


def test_only_who_has_it_off_is_reminded(remind, company, alice):
    gone = PersonFactory(two_factor="off")  # without access
    deleted = PersonFactory(two_factor="off")
    CollaborationFactory(app=company.api, person=deleted, deleted=True)

    assert remind(company.ben, company.owner, company.invited, gone, deleted) == []


def test_the_excepted_are_left_alone_until_their_day(remind, company, alice):
    now = timezone.now()
    vouching.except_from_two_factor(
        company.ana,
        reason="Waits for a phone.",
        until=now + timedelta(days=2),
        by=alice,
        source=Source.PAGE,
        at=now,
    )

    assert remind(company.ana, at=now) == []
    assert remind(company.ana, at=now + timedelta(days=3)) == [company.ana.pk]


@pytest.mark.parametrize("who", ["bob", "carol", "olga"])
def test_only_admins_remind(remind, company, request, who):
    with pytest.raises(Refused, match="Only admins"):
        remind(company.ana, by=request.getfixturevalue(who))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_remind_at_once_one_sends(alice):
    ana = PersonFactory(two_factor="off", username="ana")
    CollaborationFactory(person=ana)
    answers = []

    def ask():
        try:
            answers.append(
                reminding.remind([ana.pk], by=alice, source=Source.PAGE, at=timezone.now())
            )
        finally:
            connection.close()

    other = threading.Thread(target=ask)
    with transaction.atomic():
        first = reminding.remind([ana.pk], by=alice, source=Source.PAGE, at=timezone.now())
        other.start()
        other.join(0.5)
        assert other.is_alive()
    other.join()

    assert (first, answers) == ([ana.pk], [[]])
    assert Delivery.objects.count() == 1
