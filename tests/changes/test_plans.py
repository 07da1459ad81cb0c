"""A plan says for each person and app what will happen, or why not, and changes nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from governance.changes import plans
from governance.changes.addresses import read
from governance.changes.models import Change, Preview
from governance.connections.models import Connection
from governance.inventory.models import App, Collaboration, Person
from tests.factories import CollaborationFactory

NEW = "new@acme.example"
FRED, LIM, OLIVIA = "fred@acme.example", "lim@acme.example", "olivia@acme.example"


def codes(plan):
    return [row.code for row in plan.rows]


def the(plan):
    (row,) = plan.rows
    return row


# --- why not --------------------------------------------------------------------------------------


def test_each_address_on_each_app_has_its_own_answer(company):
    pasted = [one.text for one in read(f"{NEW}, Fred <{FRED}>\nnot an address;waiting@new.example")]
    plan = company.invitation(pasted, "billing-api", "billing-web")

    assert [(row.email, row.app_name, row.code) for row in plan.rows] == [
        (NEW, "billing-api", ""),
        (NEW, "billing-web", ""),
        (FRED, "billing-api", "on_it"),
        (FRED, "billing-web", "on_it"),
        ("not an address", "billing-api", "malformed"),
        ("not an address", "billing-web", "malformed"),
        ("waiting@new.example", "billing-api", "invited"),
        ("waiting@new.example", "billing-web", ""),
    ]
    assert plan.rows[2].reason == "fred is on billing-api already, as collaborator."
    assert plan.counts == {"invite": 3, "on_it": 2, "malformed": 2, "invited": 1}
    assert not Change.objects.exists()
    assert company.orders() == []


@pytest.mark.parametrize("written", ["FRED@acme.example", " fred@ACME.example "])
def test_an_address_is_the_same_however_it_is_written(company, written):
    assert codes(company.invitation(written, "billing-api")) == ["on_it"]


def test_the_same_address_twice_is_planned_once(company):
    assert codes(company.invitation([NEW, NEW.title()], "billing-api")) == ["", "twice"]


def test_nobody_is_invited_limited_unless_somebody_says_otherwise(company):
    row = the(company.invitation(NEW, "billing-api"))
    assert (row.role_now, row.role_then) == ("", "limited")
    assert row.what == f"{NEW} is invited to billing-api as limited collaborator."


@pytest.mark.parametrize("what", ["invitation", "removal", "new_role"])
def test_the_owner_is_left_alone(company, what):
    plan = {
        "invitation": lambda: company.invitation(OLIVIA, "billing-api"),
        "removal": lambda: company.removal((OLIVIA, "billing-api")),
        "new_role": lambda: company.new_role("limited", (OLIVIA, "billing-api")),
    }[what]()
    assert codes(plan) == ["owner"]


def test_a_role_that_is_held_already_is_not_given(company):
    assert codes(company.new_role("limited", (LIM, "billing-api"))) == ["same_role"]
    assert codes(company.new_role("collaborator", (LIM, "billing-api"))) == [""]


def test_whoever_linked_the_repository_keeps_their_role_and_is_removed_with_a_warning(company):
    fred = company.person(FRED)
    App.objects.filter(name="billing-api").update(scm_linker=fred)

    assert codes(company.new_role("limited", (FRED, "billing-api"))) == ["linker"]
    assert "linker" in the(company.removal((FRED, "billing-api"))).warnings


def test_whoever_is_not_on_an_app_cannot_be_removed_from_it(company):
    assert codes(company.removal((FRED, "other-api"))) == ["not_on_it"]
    assert codes(company.new_role("limited", (FRED, "other-api"))) == ["not_on_it"]


def test_whoever_the_last_reading_was_without_is_not_said_to_be_gone(company):
    company.sync_without("billing-api")

    row = the(company.removal((LIM, "billing-api")))
    assert (row.code, row.warnings, row.role_now) == ("", ("missing",), "limited")
    assert row.warned == [
        "lim is not in the last reading of billing-api: whether they left is not settled yet."
    ]
    assert the(company.new_role("collaborator", (LIM, "billing-api"))).warnings == ("missing",)
    invitation = the(company.invitation(LIM, "billing-api"))
    assert invitation.code == "missing"
    assert "whether they left is not settled yet" in invitation.reason

    company.sync()
    assert the(company.removal((LIM, "billing-api"))).warnings == ()
    assert codes(company.invitation(LIM, "billing-api")) == ["on_it"]


def test_whoever_was_read_again_with_another_id_hides_who_is_missing(company):
    now = company.period_of_now("billing-api", LIM)
    CollaborationFactory(
        app=now.app, person=now.person, collaborator_id="a-first", missing_at=company.now
    )
    row = the(company.removal((LIM, "billing-api")))
    assert (row.collaborator_id, row.warnings) == (now.collaborator_id, ())
    assert codes(company.invitation(LIM, "billing-api")) == ["on_it"]


def test_the_removal_of_somebody_invited_is_the_end_of_the_invitation(company):
    row = the(company.removal(("waiting@new.example", "billing-api")))
    assert (row.kind, row.code) == ("cancel", "")


def test_nobody_removes_or_promotes_themselves(company, make_user):
    fred = make_user("fred", "admin")
    fred.email = FRED
    assert codes(company.removal((FRED, "billing-api"), by=fred)) == ["yourself"]
    assert codes(company.new_role("limited", (FRED, "billing-api"), by=fred)) == ["yourself"]
    assert codes(company.removal((FRED, "billing-api"))) == [""]


def test_the_last_who_may_deploy_is_named_before_they_go(company):
    assert the(company.removal((FRED, "billing-web"))).warnings == ("last_full",)
    assert the(company.new_role("limited", (FRED, "billing-web"))).warnings == ("last_full",)
    assert the(company.removal((LIM, "billing-web"))).warnings == ()


def test_no_connection_with_the_right_no_change(company):
    """Olivia is limited where oscar owns; and what is paused can tell nothing."""
    assert codes(company.invitation(NEW, "other-api")) == [""]
    company.world.change_role("other-api", OLIVIA, limited=True)
    company.sync()
    assert codes(company.invitation(NEW, "other-api")) == ["no_right"]
    assert codes(company.invitation(NEW, "billing-api")) == [""]

    Connection.objects.update(paused_at=company.now)
    assert codes(company.invitation(NEW, "billing-api")) == ["no_right"]


def test_what_was_not_read_for_a_day_is_not_added_to_but_may_be_left(company):
    company.later(hours=24, seconds=1)
    assert codes(company.invitation(NEW, "billing-api")) == ["stale"]
    assert codes(company.removal((LIM, "billing-api"))) == [""]

    company.sync()
    assert codes(company.invitation(NEW, "billing-api")) == [""]


def test_what_could_not_be_read_lately_is_said(company):
    company.fault(path="/v1/collaborators", status=500, times=None)
    company.sync()
    assert "unread" in the(company.invitation(NEW, "billing-api")).warnings


def test_an_app_that_was_never_read_takes_nobody(company):
    App.objects.filter(name="billing-web").update(digest=None)
    assert codes(company.invitation(NEW, "billing-web")) == ["never_read"]


def test_an_app_that_is_gone_takes_nobody(company):
    plan = company.invitation(NEW, "billing-web")
    App.objects.filter(name="billing-web").update(gone_at=company.now)
    again = plans.make(plan.purpose, plan.wanted, by=company.admin, at=company.now)
    assert codes(again) == ["gone_app"]


def test_on_a_dedicated_database_nobody_is_limited(company):
    App.objects.filter(name="billing-web").update(kind="database")
    assert codes(company.invitation(NEW, "billing-web")) == ["database_role"]
    assert codes(company.invitation(NEW, "billing-web", role="collaborator")) == [""]


def test_the_account_that_we_read_with_is_named(company):
    oscar = company.connect("oscar@other.example")
    company.sync()
    assert oscar.account_id
    assert "reader" in the(company.removal((OLIVIA, "other-api"))).warnings


def test_what_is_under_way_is_said_with_whose_it_is(company, make_user):
    company.place(company.invitation(NEW, "billing-api"))
    erin = make_user("erin", "admin")

    row = the(company.invitation(NEW.upper(), "billing-api", by=erin))

    assert (row.code, row.other_by) == ("under_way", "Alice")
    assert row.reason.startswith("Alice decided about")


def test_what_is_set_for_later_is_said_with_its_time_until_it_is_cancelled(company, make_user):
    evening = company.now + timedelta(hours=6)
    batch = company.place(company.offboarding(LIM), not_before=evening).batch

    row = the(company.removal((LIM, "billing-api")))
    assert (row.code, row.other_batch) == ("under_way", str(batch.pk))
    local = timezone.localtime(evening)
    assert f"first, for {local:%Y-%m-%d %H:%M}: nothing happens before that" in row.reason

    company.cancel(*company.changes())
    assert codes(company.removal((LIM, "billing-api"))) == [""]


def test_an_app_that_one_may_not_see_is_no_app(company, dave):
    assert codes(company.invitation(NEW, "billing-api", by=dave)) == ["no_app"]


# --- invited again, and everything ----------------------------------------------------------------


def test_inviting_again_is_to_cancel_and_then_to_invite_with_the_same_role(company):
    plan = company.again(("waiting@new.example", "billing-api"))
    assert [(row.kind, row.code, row.role_then, row.follows) for row in plan.rows] == [
        ("cancel", "", "", False),
        ("invite", "", "limited", True),
    ]
    assert codes(company.again((LIM, "billing-api"))) == ["accepted", "not_first"]


def test_an_invitation_is_not_cancelled_to_be_sent_again_where_it_cannot_be_sent(company):
    waiting = ("waiting@new.example", "billing-api")
    company.later(hours=24, seconds=1)
    plan = company.again(waiting)
    assert codes(plan) == ["stale", "stale"]
    assert "last read more than a day ago" in plan.rows[0].reason
    assert codes(company.removal(waiting)) == [""]

    company.sync()
    assert codes(company.again(waiting)) == ["", ""]
    App.objects.filter(name="billing-api").update(kind="database")
    assert codes(company.again(waiting)) == ["database_role", "database_role"]
    assert codes(company.again(waiting, role="collaborator")) == ["", ""]


def test_whose_invitation_is_gone_already_is_invited(company):
    waiting = ("waiting@new.example", "billing-api")
    company.world.remove(*reversed(waiting))
    company.sync()
    assert [(row.code, row.follows) for row in company.again(waiting).rows] == [
        ("not_on_it", False),
        ("", False),
    ]


def test_everything_of_a_person_is_in_the_plan_with_what_they_own(company):
    company.world.invite("vault-api", LIM)
    company.sync()
    assert Person.objects.filter(email=LIM).count() == 2  # one by account, one by address

    plan = company.offboarding(LIM)
    assert sorted((row.kind, row.app_name) for row in plan.happening) == [
        ("cancel", "vault-api"),
        ("remove", "billing-api"),
        ("remove", "billing-web"),
    ]
    plan = company.offboarding(OLIVIA)
    assert {row.code for row in plan.rows if row.role_now == "owner"} == {"owner"}
    assert plan.typed.text == OLIVIA


# --- how long, what follows, what is kept ---------------------------------------------------------


def test_the_time_is_that_of_sixty_requests_a_minute(company):
    emails = [f"p{number}@new.example" for number in range(130)]
    pace = company.invitation(emails, "billing-api").pace
    assert pace.requests == 132  # and one exchange and one list of regions
    assert 120 < pace.seconds < 130
    assert pace.at_most == 14 * 60  # ten a minute, while a sync uses the rest

    company.place(company.invitation(emails, "billing-api"))
    company.later(seconds=30)
    pace = company.invitation(NEW, "billing-web").pace
    assert (pace.requests, pace.ahead) == (3, 130)
    assert 120 < pace.seconds < 130


def test_what_follows_from_a_removal_is_said(company):
    text = " ".join(company.removal((LIM, "billing-api")).consequences)
    for word in ("secrets", "API tokens", "deployments", "cannot be undone"):
        assert word in text
    assert company.invitation(NEW, "billing-api").consequences == []


def test_a_plan_is_found_again_as_it_was_shown_by_whoever_made_it(company, make_user):
    plan = company.keep(company.invitation([NEW, FRED], "billing-api"))
    found = plans.find(plan.id, by=company.admin, at=company.now)
    assert found == plan

    with pytest.raises(plans.NoSuchPlan):
        plans.find(plan.id, by=make_user("erin", "admin"), at=company.now)
    with pytest.raises(plans.NoSuchPlan):
        plans.find(plan.id, by=company.admin, at=company.now + timedelta(hours=25))


def test_old_plans_hold_no_addresses(company):
    company.keep(company.invitation(NEW, "billing-api"))
    company.place(company.invitation(NEW, "billing-web"))

    plans.keeping.forget_old(at=company.now + timedelta(hours=25))

    (left,) = Preview.objects.all()
    assert (left.rows, left.wanted) == ({}, [])


def test_a_plan_costs_as_much_for_forty_as_for_one(company, assert_same_cost):
    few, many = [NEW], [f"p{number}@new.example" for number in range(40)]
    emails = few
    assert_same_cost(lambda: emails.extend(many), lambda: company.invitation(emails, "billing-api"))
    assert Collaboration.objects.exists()
