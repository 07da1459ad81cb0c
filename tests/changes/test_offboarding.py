"""One person off everything: one decision, few requests, and no guard in the way."""

from datetime import timedelta

import pytest

from governance.audit.models import Event
from governance.changes import actions
from governance.core.verdict import Refused
from governance.dashboard.context import read_frame
from governance.inventory.models import Attribution, Collaboration
from governance.sync.models import HeldRemoval

FRED, LIM = "fred@acme.example", "lim@acme.example"
WAITING = "waiting@new.example"
APPS = 60


@pytest.fixture
def wide(company):
    """Lim is alone on sixty apps of olivia's."""
    for number in range(APPS):
        name = f"service-{number:02}"
        company.create_app(name)
        company.world.add_member(name, LIM, event=False)
    company.sync()
    company.world.traffic.clear()
    return company


def asked(company):
    return company.world.traffic.total


def test_sixty_apps_take_sixty_six_requests_at_most_and_one_sync_proves_them(wide):
    before = asked(wide)
    batch = wide.place(wide.offboarding(LIM)).batch
    wide.tell()

    assert batch.changes.count() == APPS + 2
    assert asked(wide) - before <= batch.changes.count() + 6
    assert {state for state, _ in wide.states()} == {"told"}

    wide.sync()

    assert {state for state, _ in wide.states()} == {"verified"}
    assert not HeldRemoval.objects.exists()
    assert not Collaboration.objects.open().filter(person__email=LIM).exists()
    assert wide.known() == wide.truth()


def test_who_else_is_gone_meanwhile_is_still_feared_for(wide):
    """Sixty of ours count in no guard; eleven of nobody's do."""
    wide.create_app("team")
    wide.crowd("team", 30)
    wide.sync()
    wide.place(wide.offboarding(LIM))
    wide.tell()
    wide.disperse("team", 11)

    wide.sync()

    assert {state for state, _ in wide.states()} == {"verified"}
    assert HeldRemoval.objects.get().total == 11


def test_whoever_loses_everything_is_named_by_their_address(company):
    plan = company.keep(company.offboarding(LIM))
    for typed in ("", "lim", "fred@acme.example"):
        with pytest.raises(Refused):
            company.place(plan, typed=typed)
    assert company.place(plan, typed=LIM.upper()).is_new


def test_at_a_set_time_it_is_told_then_and_not_before(company):
    evening = company.now + timedelta(hours=6)
    company.place(company.offboarding(LIM), not_before=evening)
    company.sync(after={"hours": 5})
    company.tell()
    assert company.orders() == []

    company.tell(hours=1)
    company.sync()
    assert {state for state, _ in company.states()} == {"verified"}


def test_whoever_accepts_an_invitation_before_the_time_that_was_set_is_removed(company):
    company.place(company.offboarding(WAITING), not_before=company.now + timedelta(hours=6))
    assert [change.kind for change in company.changes()] == ["cancel"]
    company.world.accept("billing-api", WAITING)
    company.sync(after={"hours": 5})
    company.tell(hours=1)
    company.sync()

    (change,) = company.changes()
    assert (change.kind, change.state) == ("remove", "verified")
    assert change.person == company.person(WAITING)
    assert company.steps(change) == ["placed", "telling", "told", "verified"]
    assert WAITING not in {email for _, email, _, _ in company.truth()}


def test_what_is_refused_when_its_time_comes_asks_for_somebody(company, make_user):
    company.place(company.offboarding(LIM), not_before=company.now + timedelta(hours=6))
    company.admin.is_active = False
    company.admin.save()
    company.tell(hours=6)

    assert company.states() == [("refused", "not_allowed")] * 2
    erin = make_user("erin", "admin")
    assert read_frame(erin, company.now).changes_ask == 2
    company.place(company.offboarding(LIM, by=erin), by=erin)
    assert read_frame(erin, company.now).changes_ask == 0


def test_whoever_accepts_it_and_was_only_to_be_uninvited_stays(company):
    company.place(company.removal((WAITING, "billing-api")))
    company.world.accept("billing-api", WAITING)
    company.sync(after={"seconds": 10})
    company.tell()
    assert company.states() == [("refused", "changed")]


def test_a_plan_that_would_leave_them_something_is_refused_whole(company):
    plan = company.keep(company.offboarding(LIM))
    company.world.add_member("vault-api", LIM)
    company.sync()
    with pytest.raises(actions.PlanIsOld):
        company.place(plan)
    assert company.changes() == []


def test_an_app_whose_last_reading_was_without_them_is_in_the_plan_and_they_are_off_it(company):
    company.sync_without("billing-api")

    plan = company.offboarding(LIM)
    assert {row.app_name: row.warnings for row in plan.happening} == {
        "billing-api": ("missing",),
        "billing-web": (),
    }
    company.place(plan)
    company.tell()
    company.sync()

    assert {state for state, _ in company.states()} == {"verified"}
    assert LIM not in {email for _, email, _, _ in company.truth()}


def test_whoever_was_missing_and_is_gone_is_told_off_all_the_same(company):
    """Scalingo says that they are not there; only the next reading proves it."""
    company.world.remove("vault-api", FRED)
    company.sync()
    company.place(company.removal((FRED, "vault-api")))
    company.tell()
    assert company.states() == [("told", "already_absent")]

    company.sync()
    assert company.states() == [("verified", "")]


def test_a_reading_without_them_proves_no_removal_that_was_not_heard(company):
    company.fault(method="DELETE", path="/v1/**", status=500, times=1)
    company.place(company.removal((LIM, "billing-api")))
    company.tell()
    company.look(minutes=2)
    assert company.states() == [("waiting", "again")]

    company.sync_without("billing-api")
    company.tell(seconds=1)
    company.sync()

    assert company.states() == [("verified", "")]
    assert ("billing-api", LIM) not in {(app, email) for app, email, _, _ in company.truth()}


def test_the_end_is_ours_with_who_decided_it(company):
    company.place(company.removal((LIM, "billing-api")))
    company.tell()
    told = company.now
    company.sync()

    (change,) = company.changes()
    edge = Attribution.objects.get(
        collaboration__app__name="billing-api", collaboration__person__email=LIM, edge="end"
    )
    assert (edge.source, edge.change_id, edge.actor_name) == ("ours", change.pk, "Alice")
    assert edge.happened_at == told
    event = Event.objects.get(kind="platform.left")
    assert (event.actor_kind, event.actor_id) == ("user", company.admin.pk)
    assert event.data["change"] == str(change.pk)
    assert company.requests().get("GET /apps/:app/events", 0) == 0


@pytest.mark.parametrize("what", ["invite", "role"])
def test_beginnings_and_roles_are_ours_too(company, what):
    plan = {
        "invite": lambda: company.invitation("new@acme.example", "billing-api"),
        "role": lambda: company.new_role("collaborator", (LIM, "billing-api")),
    }[what]()
    company.place(plan)
    company.tell()
    company.sync()

    edge = Attribution.objects.get(source="ours")
    assert (edge.edge, edge.change_id) == ("start", company.changes()[0].pk)


def test_what_somebody_else_did_there_is_not_ours(company):
    company.place(company.removal((LIM, "billing-api")))
    company.tell()
    company.world.remove("billing-web", LIM, by="fred@acme.example")
    company.sync()

    sources = dict(
        Attribution.objects.filter(edge="end").values_list("collaboration__app__name", "source")
    )
    assert sources == {"billing-api": "ours", "billing-web": "event"}


def test_an_app_that_goes_to_nobody_by_our_doing_needs_no_second_reading(company):
    company.place(company.removal(("fred@acme.example", "vault-api")))
    company.tell()
    company.sync()
    assert company.states() == [("verified", "")]


def test_an_answer_that_was_lost_explains_no_absence(company):
    """Whether they are gone is then for the guard to say: a lie could have emptied the app."""
    company.fault(method="DELETE", path="/v1/**", status=500, times=1)
    company.place(company.removal(("fred@acme.example", "vault-api")))
    company.tell()
    company.spoil("root", path="/v1/collaborators", region="osc-secnum-fr1", m_value=[], times=1)
    company.sync(after={"seconds": 20})

    assert company.states() == [("unknown", "")]
    assert Collaboration.objects.open().get(app__name="vault-api", role="collaborator")
