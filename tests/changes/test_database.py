"""What the database refuses, whatever the code does; and who may decide what."""

import pytest
from django.db import IntegrityError, transaction

from governance.changes import actions, permissions
from governance.changes.models import Batch, Change
from governance.changes.permissions import MOST_UNTYPED
from governance.core.verdict import Refused

NEW = "new@acme.example"
LIM = "lim@acme.example"


@pytest.fixture
def change(company):
    company.place(company.invitation(NEW, "billing-api"))
    (change,) = company.changes()
    return change


def copied(change, **other):
    """Another change like this one."""
    return Change(
        batch=change.batch,
        **{
            "position": 1,
            "kind": change.kind,
            "app": change.app,
            "email": change.email,
            "address": change.address,
            "role": change.role,
            "due_at": change.due_at,
            **other,
        },
    )


@pytest.mark.parametrize("state", ["waiting", "told", "unknown"])
def test_no_second_change_of_one_address_on_one_app_is_open(change, state):
    told_at = change.due_at if state == "told" else None
    with pytest.raises(IntegrityError, match="one_open_change"), transaction.atomic():
        copied(change, state=state, told_at=told_at).save()


def test_over_or_on_another_app_or_held_back_it_may_be_there(company, change):
    (web,) = company.app_ids("billing-web")
    copied(change, app_id=web).save()
    copied(change, position=2, state="failed", ended_at=company.now).save()
    copied(change, position=3, follows=change, held_back=True).save()


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "telling"},
        {"leased_until": "now"},
        {"state": "verified", "ended_at": "now"},
        {"state": "told"},
        {"state": "failed"},
        {"state": "cancelled", "ended_at": "now"},
        {"ended_at": "now"},
        {"role": ""},
        {"role": "owner"},
        {"kind": "remove"},
        {"held_back": True},
    ],
    ids=str,
)
def test_fields_that_belong_together_stay_together(company, change, fields):
    fields = {name: company.now if value == "now" else value for name, value in fields.items()}
    with pytest.raises(IntegrityError), transaction.atomic():
        Change.objects.filter(pk=change.pk).update(**fields)


@pytest.mark.parametrize("fields", [{"decided_by": None}, {"reason": ""}])
def test_no_decision_without_its_decider_and_its_reason(change, fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        Batch.objects.update(**fields)


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "auditor", "operator", None])
@pytest.mark.parametrize("what", ["invite", "remove", "offboard"])
def test_only_admins_decide(company, make_user, role, what):
    other = make_user("other", *([role] if role else []))
    plan = {
        "invite": lambda: company.invitation(NEW, "billing-api"),
        "remove": lambda: company.removal((LIM, "billing-api")),
        "offboard": lambda: company.offboarding(LIM),
    }[what]()
    with pytest.raises(Refused, match="Only admins"):
        company.place(company.keep(plan, other), by=other, typed=plan.typed.text)
    assert company.changes() == []


def test_a_decision_needs_a_reason(company):
    with pytest.raises(Refused, match="Say why"):
        company.place(company.invitation(NEW, "billing-api"), reason="  ")


def test_more_than_ten_removals_need_their_number(company):
    company.create_app("team")
    company.crowd("team", MOST_UNTYPED + 1)
    company.sync()
    emails = [f"person-{number}@team.example" for number in range(MOST_UNTYPED + 1)]
    few = company.removal(*((email, "team") for email in emails[1:]))
    many = company.removal(*((email, "team") for email in emails))
    assert (few.typed.text, many.typed.text) == ("", "11")

    with pytest.raises(Refused, match="Type how many"):
        company.place(many, typed="10")
    assert company.place(many, typed="11").is_new


def test_only_admins_cancel(company, change, make_user):
    with pytest.raises(Refused):
        company.cancel(change, by=make_user("bob", "viewer"))
    assert company.states() == [("waiting", "")]
    assert permissions.may_cancel(company.admin)


# --- cancelling -----------------------------------------------------------------------------------


def test_in_the_grace_time_it_can_be_cancelled(company, change):
    company.later(seconds=29)
    company.cancel(change)
    company.tell()
    assert company.states() == [("cancelled", "")]
    assert company.orders() == []
    assert company.steps(change) == ["placed", "cancelled"]


def test_what_was_told_cannot_be_cancelled(company, change):
    company.tell()
    with pytest.raises(actions.TooLate):
        company.cancel(change)
    assert company.states() == [("told", "")]


def test_what_waits_for_something_goes_with_it(company):
    batch = company.place(company.again(("waiting@new.example", "billing-api"))).batch
    company.cancel(batch.changes.get(kind="cancel"))
    assert {state for state, _ in company.states()} == {"cancelled"}


def test_inviting_again_waits_until_the_first_is_true(company):
    company.place(company.again(("waiting@new.example", "billing-api")))
    company.tell()
    assert company.states() == [("told", ""), ("waiting", "")]
    assert company.mails() == []

    company.look()  # it is looked at soon, since something waits for it
    company.tell(seconds=1)
    company.sync()
    assert company.states() == [("verified", ""), ("verified", "")]
    assert len(company.mails("waiting@new.example")) == 1
    assert [order.split()[0] for order in company.orders()] == ["DELETE", "POST"]


def test_when_the_first_comes_to_nothing_so_does_what_follows(company):
    company.fault(method="DELETE", path="/v1/**", status=422, body="{}", times=1)
    company.place(company.again(("waiting@new.example", "billing-api")))
    company.tell()
    assert company.states() == [("refused", "refused"), ("cancelled", "first_came_to_nothing")]
    assert company.mails() == []


def test_only_what_came_to_nothing_is_tried_again(company):
    company.fault(method="DELETE", path="/v1/**", status=422, body="{}", times=1)
    batch = company.place(company.removal((LIM, "billing-api"), (LIM, "billing-web"))).batch
    company.tell()
    company.sync()
    again = company.retry(batch)
    assert [change.app.name for change in again.changes.all()] == ["billing-api"]
    with pytest.raises(actions.NothingToDo):
        company.retry(again)
