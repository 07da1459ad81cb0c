"""What people add about apps and persons: never overwritten, with who said so and when."""

import contextlib
import threading

import pytest
from django.db import IntegrityError, connection, transaction

from governance.audit.events import Source
from governance.audit.models import Event
from governance.core.verdict import Refused
from governance.facts import actions, queries
from governance.facts.forms import AppForm, PersonForm
from governance.facts.models import AppClass, AppFact, Employment, PersonFact, PersonKind
from governance.inventory.models import Person
from tests.factories import AppFactory, PersonFactory, UserFactory

WORDS = {
    "kind": PersonKind.HUMAN,
    "employment": Employment.EXTERNAL,
    "employer": "Studio Galet",
}


@pytest.fixture
def describe(now):
    """Say something about a person; every word can be said otherwise."""

    def say(person, by, *, instead_of=None, at=now, **words):
        return actions.describe_person(
            person, **{**WORDS, **words}, instead_of=instead_of, by=by, source=Source.PAGE, at=at
        )

    return say


@pytest.fixture
def describe_app(now):
    def say(app, by, *, instead_of=None, app_class=AppClass.PRODUCTION, team="billing"):
        return actions.describe_app(
            app,
            app_class=app_class,
            team=team,
            instead_of=instead_of,
            by=by,
            source=Source.PAGE,
            at=now,
        )

    return say


def test_a_fact_says_who_said_it_and_when(describe, alice, now):
    person = PersonFactory()

    fact = describe(person, alice)

    assert PersonFact.objects.get() == fact
    assert (fact.said_by, fact.said_at, fact.employer) == (alice, now, "Studio Galet")


def test_it_leaves_one_event_with_the_name_of_the_employer_beside_it(describe, alice):
    person = PersonFactory()

    describe(person, alice)

    event = Event.objects.get()
    assert (event.kind, event.actor_id, event.person_id) == (
        "fact.person_described",
        alice.pk,
        person.pk,
    )
    assert event.data == {"kind": "human", "employment": "external"}


def test_a_new_fact_holds_and_the_old_one_stays(describe, alice, carol, now):
    person = PersonFactory()
    first = describe(person, alice)

    second = describe(person, alice, instead_of=first.pk, employer="Atelier")

    assert PersonFact.objects.get(current=True) == second
    assert PersonFact.objects.get(current=False) == first


def test_the_second_of_two_is_told_who_was_first(describe, alice):
    person = PersonFactory()
    describe(person, alice)

    with pytest.raises(actions.AlreadyDescribed, match="Alice changed this") as caught:
        describe(person, UserFactory(admin=True), employer="Atelier")

    assert caught.value.fact.employer == "Studio Galet"
    assert PersonFact.objects.count() == 1


def test_the_same_again_is_no_second_fact(describe, alice):
    person = PersonFactory()
    first = describe(person, alice)

    with pytest.raises(actions.NothingNew, match="Alice said the same"):
        describe(person, alice, instead_of=first.pk)

    assert (PersonFact.objects.count(), Event.objects.count()) == (1, 1)


@pytest.mark.parametrize("role", ["viewer", "auditor", "operator", None])
def test_only_admins_describe(describe, describe_app, make_user, role):
    user = make_user("erin", *[role] if role else [])

    with pytest.raises(Refused, match="Only admins describe people and apps"):
        describe(PersonFactory(), user)
    with pytest.raises(Refused):
        describe_app(AppFactory(), user)

    assert not PersonFact.objects.exists()
    assert not AppFact.objects.exists()
    assert not Event.objects.exists()


def test_an_app_has_a_class_and_a_team(describe_app, alice):
    app = AppFactory()
    first = describe_app(app, alice)

    with pytest.raises(actions.AlreadyDescribed):
        describe_app(app, alice, team="search")
    describe_app(app, alice, instead_of=first.pk, team="search")

    assert str(AppFact.objects.get(current=True)) == "Production · search"
    assert Event.objects.latest("sequence").data == {"class": "production", "team": "search"}


def test_the_database_refuses_two_facts_that_hold(describe, alice, now):
    person = PersonFactory()
    describe(person, alice)

    with pytest.raises(IntegrityError), transaction.atomic():
        PersonFact.objects.create(
            person=person, kind="human", employment="unknown", said_by=alice, said_at=now
        )


@pytest.mark.django_db(transaction=True)
def test_two_who_write_at_once_leave_one_fact(describe, alice, monkeypatch):
    """They meet inside the permission check, which stands behind the lock."""
    person = PersonFactory()
    both = threading.Barrier(2, timeout=1)
    results = []

    def meet(user):
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait()  # in vain: the other waits for the lock, as it should
        return allowed(user)

    allowed = actions.permissions.may_describe
    monkeypatch.setattr(actions.permissions, "may_describe", meet)

    def write(employer):
        try:
            results.append(describe(person, alice, employer=employer))
        except (actions.AlreadyDescribed, IntegrityError) as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[name]) for name in ("Galet", "Atelier")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(type(result).__name__ for result in results) == ["AlreadyDescribed", "PersonFact"]


# --- who is from outside --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "said", "external"),
    [
        ("ana@company.test", None, False),
        ("ana@COMPANY.test", None, False),
        ("ana@company.test.evil.test", None, True),
        ("ana@notcompany.test", None, True),
        ("ana@agency.test", None, True),
        ("ana@agency.test", "unknown", True),
        ("ana@agency.test", "internal", False),
        ("ana@company.test", "external", True),
        ("no address", None, True),
    ],
)
def test_outside_is_what_somebody_said_or_else_the_domain(
    settings, alice, describe, email, said, external
):
    settings.COMPANY_DOMAINS = frozenset({"company.test"})
    person = PersonFactory(email=email)
    if said:
        describe(person, alice, employment=Employment(said), employer="")

    assert queries.is_external(email, said) is external
    assert Person.objects.filter(queries.external()).exists() is external
    assert Person.objects.filter(queries.internal()).exists() is not external


def test_without_domains_of_our_own_only_what_was_said_counts(settings, alice, describe):
    settings.COMPANY_DOMAINS = frozenset()
    PersonFactory()
    said = PersonFactory()
    describe(said, alice)

    assert queries.is_external("ana@agency.test", None) is None
    assert Person.objects.get(queries.external()) == said
    assert not Person.objects.filter(queries.internal()).exists()


def test_a_fact_that_no_longer_holds_does_not_count(settings, alice, describe):
    settings.COMPANY_DOMAINS = frozenset()
    person = PersonFactory()
    first = describe(person, alice, kind=PersonKind.SERVICE)

    describe(person, alice, instead_of=first.pk, employment=Employment.INTERNAL, employer="")

    assert not Person.objects.filter(queries.external()).exists()
    assert not Person.objects.filter(queries.of_kind(PersonKind.SERVICE)).exists()
    assert Person.objects.filter(queries.of_kind(PersonKind.HUMAN)).exists()


# --- forms ----------------------------------------------------------------------------------------

SAID = {"kind": "human", "employment": "external", "employer": "Galet", "instead_of": ""}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "robot"),
        ("kind", ""),
        ("employment", "maybe"),
        ("employer", "x" * 121),
        ("employer", "Ga\x00let"),
        ("employer", "Ga\u202elet"),
        ("employer", "Ga\u200blet"),
        ("instead_of", "-1"),
        ("instead_of", "9" * 30),
        ("instead_of", "1; DROP TABLE"),
    ],
)
def test_a_form_refuses_what_it_cannot_mean(field, value):
    assert PersonForm(SAID).is_valid()

    assert field in PersonForm({**SAID, field: value}).errors


def test_somebody_internal_has_no_other_employer():
    assert "employer" in PersonForm({**SAID, "employment": "internal"}).errors
    assert PersonForm({**SAID, "employment": "internal", "employer": ""}).is_valid()


def test_an_apps_form_takes_a_known_class_and_a_team():
    assert AppForm({"app_class": "production", "team": "billing"}).is_valid()
    assert "app_class" in AppForm({"app_class": "prod", "team": ""}).errors
    assert "team" in AppForm({"app_class": "production", "team": "a\nb\x07"}).errors
