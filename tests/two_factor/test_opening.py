"""A review opens by itself when it is due, of everybody or not at all, and admins are told."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from governance.audit.events import Source
from governance.audit.models import Event
from governance.celery import app
from governance.inventory.models import Region
from governance.notifications.models import Delivery
from governance.reports.two_factor import tasks
from governance.reports.two_factor.models import Review
from governance.reports.two_factor.review import actions, opening
from governance.reports.two_factor.review.queries import next_due
from tests.company import company
from tests.factories import ago

__all__ = ["company"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company", "alice", "sent")]


@pytest.fixture(autouse=True)
def _server(settings):
    settings.MAIL_URL = "smtp://127.0.0.1:1"
    settings.SITE_URL = "https://access.example.com"


@pytest.fixture
def now():
    return timezone.now()


def sign(review, by, at):
    actions.decide(
        review.people.get(),
        what="remind",
        note="",
        until=None,
        by=by,
        source=Source.PAGE,
        at=at,
    )
    actions.sign_off(review, statement="Looked at it.", by=by, source=Source.PAGE, at=at)


def test_the_one_that_is_due_opens_each_day_it_is_looked_for_and_once(make_user):
    tasks.open_review()
    tasks.open_review()

    review = Review.objects.get()
    assert (review.started_by, review.rows) == (None, 1)
    assert review.numbers["everyone"] == [2, 1, 1]
    event = Event.objects.get(kind="two_factor.review_started")
    assert (event.actor_kind, event.source, event.target_id) == ("system", "schedule", review.pk)


def test_it_is_on_the_schedule_once_a_day():
    entry = next(
        one for one in app.conf.beat_schedule.values() if one["task"] == "two_factor.open_review"
    )

    assert (len(entry["schedule"].hour), len(entry["schedule"].minute)) == (1, 1)


def test_until_it_is_due_none_opens(now):
    Region.objects.update(first_seen_at=now - timedelta(days=60))

    assert opening.open_due(at=now) is None
    assert not Review.objects.exists()


def test_a_quarter_after_the_last_the_next_one_opens(alice, now):
    first = opening.open_due(at=ago(days=100))
    sign(first, alice, ago(days=95))

    assert opening.open_due(at=ago(days=20)) is None
    second = opening.open_due(at=now)

    assert (second.started_by, second.as_of) == (None, now)
    assert Review.objects.count() == 2


def test_where_not_everybody_was_read_it_waits_and_says_why(company, now, caplog, client_of, bob):
    company.api.stale_since = now - timedelta(hours=3)
    company.api.save()

    assert opening.open_due(at=now) is None

    assert "review of 2FA is due and not open" in caplog.text
    assert "1 of 4 apps was not read" in caplog.records[-1].why
    html = client_of(bob).get("/2fa/reviews/").content.decode()
    assert "It has not opened by itself" in html
    assert "1 of 4 apps was not read" in html

    company.api.stale_since = None
    company.api.save()
    assert opening.open_due(at=now + timedelta(minutes=1)) is not None


def test_those_who_decide_are_told_until_when_it_is_open(make_user, alice, bob, carol, now):
    zoe = make_user("zoe", "admin")
    make_user("gone", "admin", is_active=False)

    review = opening.open_due(at=now)

    mails = {mail.recipient: mail for mail in Delivery.objects.all()}
    assert set(mails) == {alice.email, zoe.email}
    mail = mails[alice.email]
    assert f"{review.due_at:%Y-%m-%d}" in mail.subject
    assert f"https://access.example.com/2fa/reviews/{review.pk}/" in mail.body
    assert "1 person was without it" in mail.body


def test_without_a_mail_server_it_opens_and_the_page_says_that_nobody_is_told(
    settings, now, client_of, bob
):
    settings.MAIL_URL = ""
    html = client_of(bob).get("/2fa/reviews/").content.decode()
    assert "Nobody is told by mail when it opens" in html

    assert opening.open_due(at=now) is not None
    assert not Delivery.objects.exists()


def test_its_pages_say_that_nobody_started_it(now, client_of, bob):
    review = opening.open_due(at=now)

    assert "by itself" in client_of(bob).get("/2fa/reviews/").content.decode()
    html = client_of(bob).get(f"/2fa/reviews/{review.pk}/").content.decode()
    assert "It opened by itself, as it was due." in html


def test_one_that_an_admin_opened_is_not_opened_again(alice, now):
    actions.start(by=alice, source=Source.PAGE, at=now)

    assert opening.open_due(at=now + timedelta(days=200)) is None
    assert next_due(now + timedelta(days=200)).is_overdue


@pytest.mark.django_db(transaction=True)
def test_of_two_that_look_at_once_one_opens_it(now, caplog):
    found = []

    def second():
        try:
            found.append(opening.open_due(at=now))
        finally:
            connection.close()

    other = threading.Thread(target=second)
    with transaction.atomic():
        first = opening.open_due(at=now)
        other.start()
        other.join(0.5)
        assert other.is_alive()  # it waits for the one who opens it
    other.join()

    assert (Review.objects.get(), found) == (first, [None])
    assert Delivery.objects.count() == 1
    assert not caplog.records
