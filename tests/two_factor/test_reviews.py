"""The sign-off of the 2FA report: frozen, decided by somebody else, and never changed again."""

import re
import threading
from datetime import timedelta
from html import unescape

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from governance.audit.events import Source
from governance.audit.models import Event
from governance.core.verdict import Refused
from governance.facts.models import TwoFactorException
from governance.inventory.models import Collaboration, Person, Region
from governance.notifications.models import Delivery
from governance.reports.two_factor import reminding
from governance.reports.two_factor.models import Decision, Review, Reviewed
from governance.reports.two_factor.review import actions
from governance.reports.two_factor.review.queries import holding, months_later, next_due
from tests.company import company
from tests.factories import (
    CollaborationFactory,
    DecisionFactory,
    PersonFactory,
    ReviewedFactory,
    ReviewFactory,
    ago,
)

__all__ = ["company"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def review(company, alice):
    """Of ana and of dora, who lack it."""
    dora = PersonFactory(username="dora", email="dora@example.com", two_factor="off")
    CollaborationFactory(app=company.web, person=dora, role="limited")
    return actions.start(by=alice, source=Source.PAGE, at=timezone.now())


@pytest.fixture
def decide(alice):
    def say(one, what="remind", by=alice, note=None, until=None, at=None):
        return actions.decide(
            one,
            what=Decision.What(what),
            note=note if note is not None else "" if what == "remind" else "Left the team.",
            until=until,
            by=by,
            source=Source.PAGE,
            at=at or timezone.now(),
        )

    return say


@pytest.fixture
def sign(alice):
    def say(review, by=alice):
        return actions.sign_off(
            review,
            statement="Looked at each of them.",
            by=by,
            source=Source.PAGE,
            at=timezone.now(),
        )

    return say


def test_it_freezes_who_lacked_it_and_the_three_denominators(review, company):
    people = list(review.people.all())
    Person.objects.filter(pk=company.ana.pk).update(two_factor="on", email="new@example.com")
    Collaboration.objects.filter(person=company.ana).delete()

    review.refresh_from_db()
    assert [one.username for one in people] == ["ana", "dora"]
    again = review.people.get(username="ana")
    assert (again.email, again.apps, again.full_role) == ("ana.lopez@example.com", 2, 1)
    # On: ben and the owner. Accepted: ana, ben, dora. Everyone: with the owner and the invited.
    assert review.numbers == {"known": [1, 2, 0], "accepted": [1, 2, 0], "everyone": [2, 2, 1]}
    assert review.rows == 2


def test_only_one_is_open(review, alice):
    with pytest.raises(actions.NotNow, match="open already"):
        actions.start(by=alice, source=Source.PAGE, at=timezone.now())


def test_rows_and_numbers_are_of_one_moment(company, alice, monkeypatch):
    """As when a sync comes between the reading of the one and of the other."""
    monkeypatch.setattr(actions, "read_lacking", lambda *_: [])

    with pytest.raises(actions.NotNow, match="Something moved"):
        actions.start(by=alice, source=Source.PAGE, at=timezone.now())

    assert not Review.objects.exists()


@pytest.mark.parametrize("who", ["bob", "carol", "olga"])
def test_only_admins_start_decide_and_sign(review, decide, sign, request, who):
    by = request.getfixturevalue(who)

    with pytest.raises(Refused):
        decide(review.people.get(number=1), by=by)
    with pytest.raises(Refused):
        sign(review, by=by)
    with pytest.raises(Refused):
        actions.start(by=by, source=Source.PAGE, at=timezone.now())


def test_nobody_decides_about_themselves_nor_signs_where_they_are_in_it(
    review, decide, sign, make_user
):
    dora = make_user("dora", "admin")
    one = review.people.get(username="dora")

    with pytest.raises(Refused, match="This is you"):
        decide(one, by=dora)
    for each in review.people.all():
        decide(each)
    with pytest.raises(Refused, match="You are in this review yourself"):
        sign(review, by=dora)


def test_everybody_is_decided_before_it_is_signed(review, decide, sign):
    decide(review.people.get(number=1))

    with pytest.raises(Refused, match="not decided yet"):
        sign(review)


def test_a_decision_can_be_another_until_then_and_the_first_one_stays(review, decide):
    one = review.people.get(number=1)
    decide(one, "remove")
    decide(one, "remind")

    assert [d.what for d in one.decisions.order_by("pk")] == ["remove", "remind"]
    assert [d.what for d in holding(review.pk)] == ["remind"]


def test_signing_reminds_and_excepts_and_removes_nobody(review, decide, sign, alice, settings):
    settings.MAIL_URL = "smtp://127.0.0.1:1"
    ana, dora = review.people.get(username="ana"), review.people.get(username="dora")
    until = timezone.now() + timedelta(days=30)
    decide(ana, "except", note="Waits for a phone.", until=until)
    decide(dora, "remind")
    assert not Delivery.objects.exists()

    sign(review)

    exception = TwoFactorException.objects.get()
    assert (exception.person_id, exception.said_by, exception.reason) == (
        ana.person_id,
        alice,
        "Waits for a phone.",
    )
    assert Delivery.objects.get().recipient == "dora@example.com"
    event = Event.objects.get(kind="two_factor.review_signed")
    assert (event.data["rows"], event.data["remind"], event.data["excepted"]) == (2, 1, 1)


def test_to_step_down_and_to_remove_change_nothing_by_themselves(review, decide, sign):
    for one, what in zip(review.people.all(), ["step_down", "remove"], strict=True):
        decide(one, what)
    before = list(Collaboration.objects.values_list("pk", "role", "ended_at"))

    sign(review)

    assert list(Collaboration.objects.values_list("pk", "role", "ended_at")) == before
    assert not Event.objects.filter(kind__startswith="change.").exists()


def test_whoever_turned_it_on_meanwhile_is_neither_reminded_nor_excepted(
    review, decide, sign, settings
):
    settings.MAIL_URL = "smtp://127.0.0.1:1"
    until = timezone.now() + timedelta(days=30)
    for one, what in zip(review.people.all(), ["except", "remind"], strict=True):
        decide(one, what, note="Because of it.", until=until if what == "except" else None)
    Person.objects.filter(two_factor="off").update(two_factor="on")

    signed = sign(review)

    assert signed.is_signed
    assert not TwoFactorException.objects.exists()
    assert not Delivery.objects.exists()


def page_of(client_of, alice, review):
    """Its words, without markup."""
    html = client_of(alice).get(f"/2fa/reviews/{review.pk}/").text
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_without_a_mail_server_it_is_said_before_signing_and_after(
    review, decide, sign, client_of, alice
):
    until = timezone.now() + timedelta(days=30)
    ana, dora = review.people.get(username="ana"), review.people.get(username="dora")
    decide(ana, "except", note="Waits for a phone.", until=until)
    decide(dora, "remind")

    before = page_of(client_of, alice, review)
    assert "Signing sends 0 reminders and grants 1 exception" in before
    assert "Nothing follows for 1 person." in before
    assert "dora : No mail server is set (MAIL_URL), so nobody can be reminded." in before

    signed = sign(review)

    assert set(signed.nothing_followed) == {str(dora.number)}
    after = page_of(client_of, alice, review)
    assert "What followed nothing: No mail server is set (MAIL_URL)" in after
    assert "What followed the exception was granted" in after
    assert "1 granted, of 1 decided" in after
    assert "0 waiting · 0 sent · 0 lost, of 1 decided" in after
    event = Event.objects.get(kind="two_factor.review_signed")
    assert (event.data["remind"], event.data["excepted"], event.data["nothing_followed"]) == (
        0,
        1,
        1,
    )


def test_after_signing_the_page_says_how_far_the_reminders_are(
    review, decide, sign, client_of, alice, settings
):
    settings.MAIL_URL = "smtp://127.0.0.1:1"
    for one in review.people.all():
        decide(one, "remind")
    assert "Signing sends 2 reminders" in page_of(client_of, alice, review)
    assert "Nothing follows" not in page_of(client_of, alice, review)

    sign(review)
    first = Delivery.objects.order_by("recipient").first()
    Delivery.objects.filter(pk=first.pk).update(state="sent", settled_at=timezone.now())

    after = page_of(client_of, alice, review)
    assert "1 waiting · 1 sent · 0 lost, of 2 decided" in after
    assert "What followed a reminder: sent" in after
    assert "What followed a reminder: waiting" in after


def test_whoever_was_reminded_lately_is_not_again_and_it_is_said_before(
    review, decide, sign, client_of, alice, settings, company
):
    settings.MAIL_URL = "smtp://127.0.0.1:1"
    reminding.remind([company.ana.pk], by=alice, source=Source.PAGE, at=timezone.now())
    for one in review.people.all():
        decide(one, "remind")

    said = page_of(client_of, alice, review)
    assert "Signing sends 1 reminder" in said
    assert "ana : Reminded on" in said
    assert list(sign(review).nothing_followed) == [str(review.people.get(username="ana").number)]
    assert Delivery.objects.count() == 2


def test_whoever_left_meanwhile_is_said_to_have_no_access(review, decide, sign, settings, company):
    settings.MAIL_URL = "smtp://127.0.0.1:1"
    for one in review.people.all():
        decide(one, "remind")
    Collaboration.objects.filter(person=company.ana).update(ended_at=timezone.now())

    nothing = sign(review).nothing_followed

    assert list(nothing.values()) == ["They have no access any more."]


def test_after_it_nothing_is_decided_or_signed_again(review, decide, sign, make_user):
    for one in review.people.all():
        decide(one)
    sign(review)

    with pytest.raises(actions.NotNow, match="signed off"):
        decide(one)
    with pytest.raises(actions.NotNow, match="Alice signed it off first"):
        sign(review, by=make_user("zoe", "admin"))


# --- what the database refuses --------------------------------------------------------------------


def refused(sql):
    """What the database says to this statement."""
    with (
        pytest.raises(DatabaseError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    return str(caught.value)


@pytest.fixture
def signed(alice):
    review = ReviewFactory(rows=1)
    DecisionFactory(reviewed=ReviewedFactory(review=review))
    review.signed_by, review.signed_at, review.statement = alice, timezone.now(), "Looked at it."
    review.save()
    return review


_AGAIN = """
INSERT INTO two_factor_decision (reviewed_id, what, note, by_id, at)
SELECT reviewed_id, 'remind', '', by_id, now() FROM two_factor_decision"""
_ANOTHER = """
INSERT INTO two_factor_reviewed SELECT (jsonb_populate_record(one, jsonb_build_object(
    'id', 99999999, 'number', 99, 'person_id', gen_random_uuid()))).* FROM two_factor_reviewed one
"""


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE two_factor_review SET statement = 'Other.'",
        "UPDATE two_factor_review SET signed_at = now()",
        "UPDATE two_factor_review SET signed_at = NULL, signed_by_id = NULL, statement = ''",
        "UPDATE two_factor_review SET rows = 7",
        "UPDATE two_factor_review SET nothing_followed = '{}'",
        "DELETE FROM two_factor_review",
        "TRUNCATE two_factor_review CASCADE",
        "UPDATE two_factor_reviewed SET days = 0",
        "UPDATE two_factor_reviewed SET email = 'somebody@else.example'",
        "DELETE FROM two_factor_reviewed",
        "UPDATE two_factor_decision SET what = 'remove'",
        "DELETE FROM two_factor_decision",
        "TRUNCATE two_factor_decision",
        _AGAIN,
        _ANOTHER,
    ],
)
def test_the_database_keeps_what_was_signed(signed, sql):
    said = refused(sql)

    assert "refused" in said or "nothing is added" in said or "permission denied" in said


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE two_factor_review SET as_of = now()",
        "UPDATE two_factor_review SET numbers = '{}'",
        "DELETE FROM two_factor_review",
        "UPDATE two_factor_reviewed SET risk = 8",
        "UPDATE two_factor_decision SET note = 'Other.'",
        "DELETE FROM two_factor_decision",
    ],
)
def test_what_was_frozen_stays_before_it_is_signed_too(review, decide, sql):
    decide(review.people.get(number=1))

    assert "refused" in refused(sql)


def test_a_name_can_be_forgotten_and_nothing_else(signed):
    Reviewed.objects.update(email="", username="")

    assert Reviewed.objects.get().days == 39


@pytest.mark.django_db(transaction=True)
def test_a_decision_that_comes_while_it_is_signed_is_too_late(alice):
    review = ReviewFactory(rows=1, started_by=alice)
    one = ReviewedFactory(review=review)
    DecisionFactory(reviewed=one, by=alice)
    outcome = []

    def late():
        try:
            actions.decide(
                one,
                what=Decision.What.REMOVE,
                note="Left the team.",
                until=None,
                by=alice,
                source=Source.PAGE,
                at=timezone.now(),
            )
            outcome.append("kept")
        except actions.NotNow:
            outcome.append("too late")
        finally:
            connection.close()

    other = threading.Thread(target=late)
    with transaction.atomic():
        actions.sign_off(
            review, statement="Looked at it.", by=alice, source=Source.PAGE, at=timezone.now()
        )
        other.start()
        other.join(0.5)
        assert other.is_alive()  # it waits for the one who signs
    other.join()

    assert outcome == ["too late"]
    assert one.decisions.count() == 1


# --- when it is due -------------------------------------------------------------------------------


def test_the_first_review_is_due_a_quarter_after_the_first_reading(company, now):
    Region.objects.update(first_seen_at=now)
    due = next_due(now)

    assert (due.open, due.is_overdue, due.is_first) == (None, False, True)
    assert due.at == months_later(now, 3)
    assert next_due(due.at + timedelta(seconds=1)).is_overdue


def test_where_nothing_was_read_nothing_is_due(now):
    due = next_due(now)

    assert (due.open, due.at, due.is_overdue) == (None, None, False)


def test_an_open_one_is_due_two_weeks_after_it_began(review):
    due = next_due(timezone.now())

    assert due.open == review
    assert due.at == review.as_of + timedelta(days=14)
    assert not due.is_overdue
    assert next_due(review.as_of + timedelta(days=15)).is_overdue


def test_the_next_one_is_due_a_quarter_after_the_last_signed(signed):
    due = next_due(timezone.now())

    assert due.open is None
    assert 88 <= (due.at - signed.as_of).days <= 92
    assert not due.is_overdue
    assert next_due(due.at + timedelta(seconds=1)).is_overdue


def test_how_often_is_a_setting(signed, settings):
    settings.TWO_FACTOR_REVIEW_MONTHS = 12

    assert (next_due(timezone.now()).at - signed.as_of).days in {365, 366}


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2024-01-31", 1, "2024-02-29"),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last_of_that_month(day, months, then):
    from governance.core import instants

    found = months_later(instants.read(f"{day}T10:00"), months)

    assert timezone.localtime(found).date().isoformat() == then


# --- its pages ------------------------------------------------------------------------------------


def test_a_review_from_its_beginning_to_its_sign_off(client_of, alice, review):
    browser, address = client_of(alice), f"/2fa/reviews/{review.pk}/"
    until = (timezone.localdate() + timedelta(days=20)).isoformat()

    for number, form in (
        (1, {"what": "except", "note": "Waits for a phone.", "until": until}),
        (2, {"what": "remove", "note": "Left the team."}),
    ):
        assert browser.post(f"{address}{number}/decide/", form).status_code == 303
    html = browser.get(address).content.decode()
    assert "Make a plan for it on their page" in html
    assert browser.post(f"{address}sign-off/", {"statement": "Looked at each."}).status_code == 303

    html = browser.get(address).content.decode()
    assert "Signed off" in html
    assert "Looked at each." in html
    assert "<form" not in html[html.index('<div class="split">') :]
    assert Review.objects.get().signed_by == alice


def test_an_exception_needs_a_reason_and_a_day(client_of, alice, review):
    answer = client_of(alice).post(f"/2fa/reviews/{review.pk}/1/decide/", {"what": "except"})

    assert answer.status_code == 422
    assert "Please say why they may go without it." in answer.content.decode()
    assert "Please say until when." in answer.content.decode()


@pytest.mark.parametrize(
    ("what", "said"), [("step_down", "why they are to step down"), ("remove", "to be removed")]
)
def test_to_step_down_and_to_remove_need_a_reason(client_of, alice, review, what, said):
    address = f"/2fa/reviews/{review.pk}/1/decide/"

    answer = client_of(alice).post(address, {"what": what, "note": "  "})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert client_of(alice).post(address, {"what": "remind"}).status_code == 303
    given = {"what": what, "note": "Left the team."}
    assert client_of(alice).post(address, given).status_code == 303


def test_the_database_takes_no_decision_without_its_reason(review, decide):
    with pytest.raises(IntegrityError, match="decisions_say_why"), transaction.atomic():
        decide(review.people.get(number=1), "remove", note="")


def test_the_second_who_signs_is_told_who_was_first(client_of, alice, review, decide, sign):
    for one in review.people.all():
        decide(one)
    sign(review)

    answer = client_of(alice).post(
        f"/2fa/reviews/{review.pk}/sign-off/", {"statement": "Looked at each."}
    )

    assert answer.status_code == 409
    assert "Alice signed it off first" in answer.content.decode()


def test_the_list_says_when_the_next_is_due_and_who_signed(client_of, bob, signed):
    html = client_of(bob).get("/2fa/reviews/").content.decode()

    assert "The next review is not due yet." in html
    assert "Alice" in html
    assert Review.objects.filter(as_of__lt=ago(hours=1)).exists()
