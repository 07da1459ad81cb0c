"""What people say of somebody's 2FA: for a while, with who and why, and never overwritten."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.audit.events import Source
from governance.audit.models import Event
from governance.core.verdict import Refused
from governance.facts import vouching
from governance.facts.forms import AttestationForm, ExceptionForm
from governance.facts.models import OwnerAttestation, TwoFactorException
from tests.factories import AppFactory, PersonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    """Somebody who owns an app and whose 2FA Scalingo does not tell."""
    person = PersonFactory(two_factor="unknown", email="owner@example.com")
    AppFactory(owner=person)
    return person


@pytest.fixture
def attest(owner, alice, now):
    def say(person=owner, by=alice, at=now, evidence="Shown on a call."):
        return vouching.attest(
            person,
            evidence=evidence,
            until=at + timedelta(days=90),
            by=by,
            source=Source.PAGE,
            at=at,
        )

    return say


@pytest.fixture
def let_go(alice, now):
    def say(person, by=alice, at=now):
        return vouching.except_from_two_factor(
            person,
            reason="Waits for a new phone.",
            until=at + timedelta(days=30),
            by=by,
            source=Source.PAGE,
            at=at,
        )

    return say


def test_an_attestation_says_who_when_on_what_and_until_when(attest, alice, now):
    said = attest()

    assert OwnerAttestation.objects.get() == said
    assert (said.said_by, said.said_at, said.evidence) == (alice, now, "Shown on a call.")
    assert said.until == now + timedelta(days=90)
    event = Event.objects.get()
    assert event.kind == "fact.two_factor_attested"
    assert "call" not in event.line  # it may name people, so it stands beside the chain


def test_it_makes_nobodys_2fa_on(attest, owner):
    attest()

    owner.refresh_from_db()
    assert owner.two_factor == "unknown"


def test_a_new_one_ends_the_one_before_and_leaves_it(attest, carol, alice, now):
    first = attest()
    later = now + timedelta(days=1)

    second = attest(at=later)

    first.refresh_from_db()
    assert (first.ended_at, first.ended_by) == (later, alice)
    assert second.ended_at is None
    assert first.holds(now)
    assert not first.holds(later)


def test_it_holds_until_its_day_and_not_beyond(attest, now):
    said = attest()

    assert said.holds(now)
    assert said.holds(said.until)
    assert not said.holds(said.until + timedelta(microseconds=1))
    assert not said.holds(now - timedelta(seconds=1))


def test_what_scalingo_tells_needs_no_attestation(attest, alice):
    person = PersonFactory(two_factor="off")
    AppFactory(owner=person)

    with pytest.raises(vouching.NotNeeded, match="Scalingo tells"):
        attest(person)


def test_who_owns_nothing_is_not_attested(attest):
    with pytest.raises(vouching.NotNeeded, match="owns no app"):
        attest(PersonFactory(two_factor="unknown"))


@pytest.mark.parametrize("who", ["bob", "carol", "olga"])
def test_only_admins_vouch(attest, let_go, request, who):
    by = request.getfixturevalue(who)

    with pytest.raises(Refused, match="Only admins"):
        attest(by=by)
    with pytest.raises(Refused, match="Only admins"):
        let_go(PersonFactory(two_factor="off"), by=by)


def test_nobody_vouches_for_themselves(attest, let_go, alice, owner):
    owner.email = "Alice@Example.com"
    owner.save()

    with pytest.raises(Refused, match="This is you"):
        attest()
    with pytest.raises(Refused, match="This is you"):
        let_go(owner)


def test_a_withdrawal_says_who_and_when(attest, owner, alice, now):
    said = attest()

    vouching.withdraw_attestation(owner, by=alice, source=Source.PAGE, at=now + timedelta(hours=1))

    said.refresh_from_db()
    assert (said.ended_by, said.ended_at) == (alice, now + timedelta(hours=1))
    with pytest.raises(vouching.NotNeeded):
        vouching.withdraw_attestation(owner, by=alice, source=Source.PAGE, at=now)


def test_an_exception_has_a_reason_an_approver_and_an_end(let_go, alice, now):
    person = PersonFactory(two_factor="off")

    said = let_go(person)

    assert (said.said_by, said.reason) == (alice, "Waits for a new phone.")
    assert said.until == now + timedelta(days=30)
    assert Event.objects.get().data["exception_id"] == str(said.pk)


def test_who_has_2fa_on_needs_no_exception(let_go):
    with pytest.raises(vouching.NotNeeded, match="has 2FA on"):
        let_go(PersonFactory(two_factor="on"))


def test_an_exception_can_end_before_its_day(let_go, alice, now):
    person = PersonFactory(two_factor="off")
    said = let_go(person)

    vouching.end_exception(person, by=alice, source=Source.PAGE, at=now + timedelta(hours=1))

    said.refresh_from_db()
    assert not said.holds(now + timedelta(hours=1))


def test_the_database_refuses_two_that_hold(let_go, alice, now):
    person = PersonFactory(two_factor="off")
    said = let_go(person)

    with pytest.raises(IntegrityError), transaction.atomic():
        TwoFactorException.objects.create(
            person=person, reason="Again.", until=said.until, said_by=alice, said_at=now
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        TwoFactorException.objects.filter(pk=said.pk).update(ended_at=now)


TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-03-01", "That day is over."),
        ("2027-04-01", "more than a year away"),
        ("", "required"),
        ("soon", "valid date"),
    ],
)
@pytest.mark.parametrize(
    ("form", "words"), [(AttestationForm, "evidence"), (ExceptionForm, "reason")]
)
def test_a_day_that_cannot_be_is_said_at_its_field(form, words, until, said):
    found = form({words: "Because of it.", "until": until}, today=TODAY)

    assert said in str(found.errors["until"])


def test_a_day_means_its_end_where_the_reader_is():
    found = ExceptionForm({"reason": "Because.", "until": "2026-03-02"}, today=TODAY)

    assert found.is_valid()
    until = timezone.localtime(found.cleaned_data["until"])
    assert (until.date(), until.hour, until.minute) == (TODAY, 23, 59)
