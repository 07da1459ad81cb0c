"""What is done to the people who sign in here, and what it leaves behind."""

import threading
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction

from governance.accounts import actions
from governance.accounts.models import User
from governance.audit.events import Source
from governance.audit.models import Event, Personal
from governance.core.verdict import Refused

LONG = "correct horse battery staple"


@pytest.fixture
def add(now):
    def run(email="erin@example.com", *, by=None, **changes):
        given = {"name": "Erin", "roles": ["viewer"], "password": LONG, **changes}
        return actions.add_user(email, by=by, source=Source.PAGE, at=now, **given)

    return run


@pytest.fixture
def done(now):
    """How and when all of these are done."""
    return {"source": Source.PAGE, "at": now}


def test_somebody_added_may_sign_in(db, add):
    user = add(" Erin@Example.com ", roles=["admin", "viewer", "admin"])

    user.refresh_from_db()
    assert (user.email, user.roles, user.is_active) == (
        "erin@example.com",
        ["viewer", "admin"],
        True,
    )
    assert user.check_password(LONG)
    event = Event.objects.get()
    assert (event.kind, event.target_id) == ("user.created", user.pk)
    assert event.data == {"roles": ["viewer", "admin"]}
    assert "erin" not in event.line.lower()
    assert "erin@example.com" in Personal.objects.get().fields


def test_without_a_password_nobody_can_sign_in(db, add):
    assert not add(password=None).has_usable_password()


@pytest.mark.parametrize("again", ["erin@example.com", "ERIN@example.com", "\uff45rin@example.com"])
def test_an_address_signs_in_once(db, add, again):
    first = add()

    with pytest.raises(actions.AlreadyExists) as caught:
        add(again)

    assert caught.value.user == first
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "erin"},
        {"email": ""},
        {"roles": ["superuser"]},
        {"password": "short"},
        {"password": "password1234"},
        {"password": "erin@example.com"},
        {"password": ""},
        {"name": ""},
    ],
)
def test_what_will_not_do_adds_nobody(db, add, changes):
    with pytest.raises(ValidationError):
        add(**changes)

    assert not User.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize("length", [12, 64, 128, 500])
def test_a_long_password_is_taken_whole(db, add, length):
    password = ("ünïcode \t…" * length)[:length]
    user = add(password=password)

    assert user.check_password(password)
    assert not user.check_password(password[:-1])


def test_roles_are_replaced_and_written_down(alice, olga, done):
    actions.change_roles(alice, ["auditor"], by=olga, **done)

    alice.refresh_from_db()
    assert alice.roles == ["auditor"]
    event = Event.objects.get()
    assert (event.actor_id, event.data) == (olga.pk, {"before": ["admin"], "after": ["auditor"]})


def test_a_scope_is_replaced_and_written_down(bob, olga, done):
    project = uuid.uuid4()

    actions.change_scope(bob, [project, project], by=olga, **done)

    bob.refresh_from_db()
    assert (bob.scoped, bob.projects, bob.sees_everything) == (True, [project], False)
    actions.change_scope(bob, None, by=olga, **done)
    bob.refresh_from_db()
    assert (bob.scoped, bob.projects, bob.sees_everything) == (False, [], True)
    assert [event.kind for event in Event.objects.all()] == ["user.scope_changed"] * 2


def test_a_scope_of_no_project_sees_nothing_rather_than_everything(bob, olga, done):
    actions.change_scope(bob, [], by=olga, **done)

    bob.refresh_from_db()
    assert bob.scoped
    assert not bob.sees_everything


CHANGES = {
    "roles": lambda user, by, done: actions.change_roles(user, ["viewer"], by=by, **done),
    "scope": lambda user, by, done: actions.change_scope(user, [uuid.uuid4()], by=by, **done),
    "sign-in": lambda user, by, done: actions.set_active(user, active=False, by=by, **done),
    "password": lambda user, by, done: actions.set_password(user, LONG, by=by, **done),
}


@pytest.mark.parametrize("change", CHANGES)
def test_operators_change_others_and_nobody_else_does(alice, olga, carol, bob, done, change):
    for refused in (alice, carol, bob):
        with pytest.raises(Refused):
            CHANGES[change](olga, refused, done)
    assert not Event.objects.exists()

    CHANGES[change](alice, olga, done)

    assert Event.objects.count() == 1


@pytest.mark.parametrize("change", ["roles", "scope", "sign-in"])
def test_an_operator_does_not_change_their_own_rights(olga, done, change):
    with pytest.raises(Refused):
        CHANGES[change](olga, olga, done)


def test_anybody_may_set_their_own_password(bob, done):
    actions.set_password(bob, LONG, by=bob, **done)

    bob.refresh_from_db()
    assert bob.check_password(LONG)


def test_what_is_so_already_is_said_and_leaves_no_event(alice, bob, done):
    with pytest.raises(actions.NothingToChange):
        actions.change_roles(alice, ["admin"], by=None, **done)
    with pytest.raises(actions.NothingToChange):
        actions.change_scope(bob, None, by=None, **done)
    with pytest.raises(actions.NothingToChange):
        actions.set_active(bob, active=True, by=None, **done)

    assert not Event.objects.exists()


def test_only_operators_add_people(alice, olga, add):
    with pytest.raises(Refused):
        add(by=alice)

    assert add(by=olga).email == "erin@example.com"


def test_the_database_refuses_a_role_that_does_not_exist(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=alice.pk).update(roles=["superuser"])


def test_the_database_refuses_one_address_twice(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="ALICE@example.com", name="Another")


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_are_two_events_that_follow_each_other(make_user, now):
    """Each reads what the other left: they meet at the row's lock."""
    alice = make_user("alice", "admin")
    ready = threading.Barrier(2)

    def change(role):
        try:
            ready.wait(30)
            actions.change_roles(alice, [role], by=None, source=Source.TERMINAL, at=now)
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=change, args=(r,)) for r in ("viewer", "auditor")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    first, second = (event.data for event in Event.objects.order_by("sequence"))
    assert first["before"] == ["admin"]
    assert second["before"] == first["after"]


# --- the last operator ----------------------------------------------------------------------------

STOPS = {
    "role": lambda user, by, done: actions.change_roles(user, ["viewer"], by=by, **done),
    "sign-in": lambda user, by, done: actions.set_active(user, active=False, by=by, **done),
}


@pytest.mark.parametrize("stop", STOPS)
def test_an_operator_stops_another_while_one_is_left(olga, make_user, done, stop):
    oscar = make_user("oscar", "operator")

    STOPS[stop](oscar, olga, done)
    with pytest.raises(Refused, match="the only operator"):
        STOPS[stop](olga, oscar, done)  # who was one when they asked

    assert list(User.objects.filter(is_active=True, roles=["operator"])) == [olga]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stop", STOPS)
def test_two_operators_who_stop_each_other_at_once_leave_one(make_user, now, stop):
    olga, oscar = make_user("olga", "operator"), make_user("oscar", "operator")
    done = {"source": Source.PAGE, "at": now}
    ready, refused = threading.Barrier(2), []

    def change(user, by):
        try:
            ready.wait(30)
            STOPS[stop](user, by, done)
        except Refused as error:
            refused.append(error)
        finally:
            connections["default"].close()

    threads = [
        threading.Thread(target=change, args=pair) for pair in ((olga, oscar), (oscar, olga))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert User.objects.filter(is_active=True, roles=["operator"]).count() == 1
