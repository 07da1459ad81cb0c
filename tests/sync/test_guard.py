"""What would end too much at once waits for a person, before the first end is written."""

import pytest

from governance.core.verdict import Refused
from governance.inventory.models import App, Collaboration, Coverage
from governance.sync import actions
from governance.sync.models import HeldRemoval

State = HeldRemoval.State


def crowded(company, name, people, **where):
    company.create_app(name, **where)
    company.crowd(name, people)
    company.sync()
    company.known_before = company.known()
    return name


def held():
    return HeldRemoval.objects.get(state=State.WAITING)


def decide(plan, by, company, *, approve, digest=None):
    return actions.decide_held(
        plan.pk, digest or bytes(plan.digest).hex(), approve=approve, by=by, at=company.now
    )


# --- how much is too much ------------------------------------------------------------------------


def test_ten_ends_at_once_are_written(company):
    crowded(company, "team", 40)
    company.disperse("team", 10)

    run = company.sync()

    assert run.found["left"] == 10
    assert company.known() == company.truth()
    assert not HeldRemoval.objects.exists()


def test_eleven_are_held_before_the_first_is_written(company):
    crowded(company, "team", 40)
    company.disperse("team", 11)

    run = company.sync()

    assert company.known() == company.known_before
    assert run.found["left"] == 0
    assert (held().total, held().reason, len(held().plan)) == (11, "too_many", 11)
    assert "platform.left" not in company.events()
    assert company.events("sync.removals") == ["sync.removals_held"]


def test_where_there_are_many_five_percent_are_written_and_more_are_held(company):
    crowded(company, "team", 293)  # 300 in all
    company.disperse("team", 15)
    company.sync()
    assert company.known() == company.truth()

    company.disperse("team", 15, first=15)  # of 285
    company.sync()
    assert held().total == 15


def test_more_than_half_of_an_app_of_five_is_held(company):
    crowded(company, "team", 5)
    company.disperse("team", 3)

    company.sync()

    assert company.known() == company.known_before
    assert (held().total, held().reason) == (3, "one_app")


def test_half_of_an_app_of_five_goes(company):
    crowded(company, "team", 5)
    company.disperse("team", 2)
    company.sync()

    assert company.known() == company.truth()


def test_more_than_half_of_an_app_of_four_goes(company):
    crowded(company, "team", 4)
    company.disperse("team", 3)
    company.sync()

    assert company.known() == company.truth()


def test_what_one_app_holds_keeps_nobody_elsewhere(company):
    crowded(company, "team", 8)
    company.disperse("team", 6)
    company.world.remove("billing-api", "lim@acme.example")

    company.sync()

    assert ("billing-api", "lim@acme.example", "limited", "accepted") not in company.known()
    assert held().total == 6


def test_additions_and_roles_do_not_wait_for_what_is_held(company):
    crowded(company, "team", 40)
    company.disperse("team", 20)
    company.world.invite("team", "new@acme.example", limited=False)
    company.world.change_role("team", "person-39@team.example", limited=False)

    company.sync()

    assert company.known() >= {
        ("team", "new@acme.example", "collaborator", "pending"),
        ("team", "person-39@team.example", "collaborator", "accepted"),
    }


def test_somebody_back_before_the_decision_is_kept_and_never_left(company):
    crowded(company, "team", 40)
    company.spoil(
        "drop_rows", path="/v1/collaborators", m_rows=20, m_where={"app_name": "team"}, times=1
    )
    company.spoil("drop_rows", path="/v1/apps/*/collaborators", m_rows=20, times=None)
    company.sync()
    company.world.faults.clear()
    plan = held()

    company.sync()

    plan.refresh_from_db()
    assert plan.state == State.VOID
    assert company.known() == company.truth()
    assert not Collaboration.objects.exclude(missing_at=None).exists()


# --- deciding ------------------------------------------------------------------------------------


@pytest.fixture
def waiting(company):
    """A company of which twenty would go at once."""
    crowded(company, "team", 40)
    company.disperse("team", 20)
    company.sync()
    return company


def test_an_approved_plan_is_written_by_the_next_sync(waiting, alice):
    plan = held()
    seen = waiting.now
    waiting.later(minutes=3)
    decide(plan, alice, waiting, approve=True)
    run = waiting.carry_out()

    plan.refresh_from_db()
    assert plan.state == State.APPLIED
    assert run.found["left"] == 20
    assert waiting.known() == waiting.truth()
    gone = Collaboration.objects.filter(ended_at__isnull=False)
    assert set(gone.values_list("ended_at", flat=True)) == {seen}
    assert waiting.events("sync.removals") == ["sync.removals_held", "sync.removals_approved"]


def test_a_discarded_plan_changes_nothing_and_is_not_asked_again_today(waiting, alice):
    decide(held(), alice, waiting, approve=False)
    for _ in range(3):
        waiting.sync(after={"hours": 1})

    assert waiting.known() == waiting.known_before
    assert not HeldRemoval.objects.filter(state=State.WAITING).exists()
    assert waiting.events("sync.removals") == ["sync.removals_held", "sync.removals_discarded"]


def test_after_a_day_it_is_asked_again(waiting, alice):
    decide(held(), alice, waiting, approve=False)
    waiting.sync(after={"hours": 25})

    assert held().total == 20
    assert waiting.known() == waiting.known_before


def test_a_plan_that_waits_is_asked_once_not_at_each_sync(waiting):
    plan = held()
    waiting.sync()
    waiting.sync()

    assert held() == plan
    assert HeldRemoval.objects.count() == 1


def test_a_plan_cannot_be_decided_after_a_day(waiting, alice):
    plan = held()
    waiting.later(hours=24, seconds=1)

    with pytest.raises(actions.AlreadyDecided):
        decide(plan, alice, waiting, approve=True)


def test_an_approval_that_nothing_carried_out_for_a_day_is_void(waiting, alice):
    plan = held()
    decide(plan, alice, waiting, approve=True)
    waiting.later(hours=25)
    waiting.carry_out()

    plan.refresh_from_db()
    assert plan.state == State.VOID
    assert waiting.known() == waiting.known_before


def test_a_decision_is_about_exactly_the_people_who_were_shown(waiting, alice):
    plan = held()
    waiting.disperse("team", 1, first=20)
    decide(plan, alice, waiting, approve=True)
    waiting.carry_out()

    plan.refresh_from_db()
    assert (plan.state, held().total) == (State.VOID, 21)
    assert waiting.known() == waiting.known_before


def test_a_decision_with_another_digest_is_refused(waiting, alice):
    with pytest.raises(actions.AlreadyDecided):
        decide(held(), alice, waiting, approve=True, digest="00" * 32)


def test_the_second_to_decide_is_told(waiting, alice, make_user):
    plan = held()
    decide(plan, alice, waiting, approve=False)

    with pytest.raises(actions.AlreadyDecided):
        decide(plan, make_user("anna", "admin"), waiting, approve=True)


def test_a_viewer_may_not_decide(waiting, bob):
    with pytest.raises(Refused):
        decide(held(), bob, waiting, approve=True)


# --- a plan of which only a part can be read ------------------------------------------------------


@pytest.fixture
def two_regions(company):
    """Six would go in each of two regions: too many together, not by themselves."""
    company.create_app("paris", region="osc-fr1")
    company.create_app("secnum", region="osc-secnum-fr1")
    company.crowd("paris", 20)
    company.crowd("secnum", 20)
    company.sync()
    company.known_before = company.known()
    company.disperse("paris", 6)
    company.disperse("secnum", 6)
    company.sync()
    assert held().total == 12
    return company


def test_half_of_a_held_plan_does_not_slip_through_while_the_rest_cannot_be_read(two_regions):
    company = two_regions
    plan = held()
    company.fault(path="/v1/collaborators", region="osc-secnum-fr1", status=500, times=None)

    company.sync()

    assert company.known() == company.known_before
    plan.refresh_from_db()
    assert plan.state == State.WAITING


def test_a_sync_of_one_connection_does_not_carry_out_its_part_of_a_plan(company):
    company.connect("oscar@other.example")
    company.create_app("mine")
    company.create_app("theirs", owner="oscar@other.example")
    for app in ("mine", "theirs"):
        company.crowd(app, 20)
    company.sync()
    before = company.known()
    for app in ("mine", "theirs"):
        company.disperse(app, 6)
    company.sync()

    company.sync(connection=company.olivia)

    assert company.known() == before
    assert held().total == 12


def test_discarded_ends_do_not_slip_through_in_halves(two_regions, alice):
    company = two_regions
    decide(held(), alice, company, approve=False)
    company.fault(path="/v1/collaborators", region="osc-secnum-fr1", status=500, times=None)
    company.sync()

    assert company.known() == company.known_before


def test_an_approved_plan_waits_for_a_sync_that_reads_all_of_it(two_regions, alice):
    company = two_regions
    plan = held()
    decide(plan, alice, company, approve=True)
    company.fault(path="/v1/collaborators", region="osc-secnum-fr1", status=500, times=None)
    company.carry_out()
    assert company.known() == company.known_before

    company.world.faults.clear()
    company.sync()

    plan.refresh_from_db()
    assert plan.state == State.APPLIED
    assert company.known() == company.truth()


def test_an_unreadable_day_keeps_an_approval(two_regions, alice):
    company = two_regions
    plan = held()
    decide(plan, alice, company, approve=True)
    company.fault(path="/v1/**", status=503, times=None)
    company.carry_out()

    plan.refresh_from_db()
    assert plan.state == State.APPROVED


# --- one app that goes to nobody -----------------------------------------------------------------


def test_an_app_that_goes_to_nobody_keeps_them_until_a_second_reading(company):
    company.world.remove("vault-api", "fred@acme.example")

    company.sync()

    one = company.period("vault-api", "fred@acme.example")
    assert (one.ended_at, one.missing_at) == (None, company.now)


def test_the_second_reading_is_of_the_app_itself(company):
    company.world.remove("vault-api", "fred@acme.example")
    read = company.now
    company.sync()
    seen = company.now
    vault = company.app("vault-api").scalingo_id
    asked = []
    company.on_request.append(lambda request: asked.append(request.url.path))
    company.sync()

    one = company.period("vault-api", "fred@acme.example")
    assert (one.ended_after, one.ended_at) == (read, seen)
    assert any(path.endswith(f"/v1/apps/{vault}/collaborators") for path in asked)


def test_a_second_reading_within_a_minute_decides_nothing(company):
    company.world.remove("vault-api", "fred@acme.example")
    company.sync()
    company.sync(after={"seconds": 59})
    assert company.period("vault-api", "fred@acme.example").ended_at is None

    company.sync(after={"seconds": 1})
    assert company.period("vault-api", "fred@acme.example").ended_at is not None


def test_whoever_is_there_at_the_second_reading_never_left(company):
    company.spoil("empty", path="/v1/collaborators", region="osc-secnum-fr1")
    company.spoil("empty", path="/v1/apps/*/collaborators", region="osc-secnum-fr1")
    company.sync()
    assert company.period("vault-api", "fred@acme.example").missing_at is not None

    company.sync()

    one = company.period("vault-api", "fred@acme.example")
    assert (one.missing_at, one.ended_at) == (None, None)


def test_whoever_comes_back_with_another_role_was_never_missing(company):
    company.spoil("empty", path="/v1/collaborators", region="osc-secnum-fr1")
    company.spoil("empty", path="/v1/apps/*/collaborators", region="osc-secnum-fr1")
    company.sync()
    assert company.period("vault-api", "fred@acme.example").missing_at is not None
    company.world.change_role("vault-api", "fred@acme.example", limited=True)
    company.sync()

    before, now = company.periods("vault-api", "fred@acme.example")
    assert (before.role, now.role) == ("collaborator", "limited")
    assert (before.missing_at, before.ended_at) == (None, now.started_at)


def test_a_list_that_leaves_an_app_out_twice_ends_nobody(company):
    """The app itself is asked before anybody's end is believed."""
    company.spoil("empty", path="/v1/collaborators", region="osc-secnum-fr1", times=None)
    for _ in range(4):
        company.sync()

    assert company.known() == company.truth()
    assert company.period("vault-api", "fred@acme.example").ended_at is None


def test_without_a_second_reading_an_app_keeps_everybody_and_is_stale(company):
    company.world.remove("vault-api", "fred@acme.example")
    company.sync()
    company.fault(path="/v1/apps/*/collaborators", region="osc-secnum-fr1", status=500, times=None)
    company.sync()

    assert company.period("vault-api", "fred@acme.example").ended_at is None
    assert company.app("vault-api").stale_reason == "server_error"
    assert "server_error" in company.reasons()

    company.world.faults.clear()
    company.sync()
    assert company.known() == company.truth()
    assert company.app("vault-api").stale_since is None


def test_an_app_of_another_owner_that_goes_to_nobody_needs_two_readings_too(company):
    company.connect("oscar@other.example")
    company.sync()
    company.world.remove("other-api", "olivia@acme.example")
    company.sync()
    assert company.period("other-api", "olivia@acme.example").ended_at is None

    company.sync()
    assert company.period("other-api", "olivia@acme.example").ended_at is not None


# --- apps that are no longer listed ---------------------------------------------------------------


def test_a_deleted_app_keeps_everybody_for_a_day_and_three_readings(company):
    company.world.delete_app("billing-web")
    before = company.known()
    for hours in (1, 11, 1):
        company.sync(after={"hours": hours})
        assert company.known() == before
        assert company.app("billing-web").suspect_since is not None
    company.sync(after={"hours": 12})

    assert company.known() == company.truth()
    assert company.app("billing-web").gone_at == company.now
    assert not Collaboration.objects.open().filter(app__name="billing-web").exists()
    assert "platform.app_gone" in company.events()


def test_a_large_deleted_app_is_looked_for_and_asks_nobody(company):
    crowded(company, "team", 30)
    company.world.delete_app("team")
    for _ in range(4):
        company.sync(after={"hours": 12})

    assert not HeldRemoval.objects.exists()
    assert company.known() == company.truth()


def test_an_app_that_is_merely_not_listed_is_suspect_and_keeps_everybody(company):
    company.spoil("drop_rows", path="/v1/apps", m_where={"name": "billing-web"}, times=None)
    before = company.known()
    for _ in range(5):
        company.sync(after={"hours": 12})

    assert company.known() == before
    web = company.app("billing-web")
    assert (web.suspect_readings, web.gone_at) == (0, None)
    assert company.run.coverage["failed"] == 1


def test_an_app_listed_again_is_no_longer_suspect(company):
    company.spoil("drop_rows", path="/v1/apps", m_where={"name": "billing-web"}, times=1)
    company.sync()
    assert company.app("billing-web").suspect_since is not None
    company.sync()

    assert company.app("billing-web").suspect_since is None
    assert company.known() == company.truth()


def test_one_answer_that_it_is_there_starts_the_count_again(company):
    company.world.delete_app("billing-web")
    company.sync()
    company.fault(path="/v1/apps/*", status=503, times=3)  # one question, three tries
    company.sync(after={"hours": 12})
    company.sync(after={"hours": 12})
    assert company.app("billing-web").gone_at is None
    company.sync(after={"hours": 12})
    company.sync(after={"hours": 12})

    assert company.app("billing-web").gone_at is not None


def test_a_404_that_does_not_name_the_app_is_no_proof(company):
    company.world.delete_app("billing-web")
    company.fault(path="/v1/apps/*", status=404, body="<html>not here</html>", times=None)
    for _ in range(5):
        company.sync(after={"hours": 12})

    assert company.app("billing-web").gone_at is None


def test_an_app_that_was_gone_and_is_back_is_read_anew(company):
    """As when it was given to an account that we do not hold, and back."""
    known = company.known()
    everybody = {app.name for app in App.objects.all()}
    company.spoil("drop_rows", path="/v1/apps", m_where={"name": "billing-web"}, times=None)
    company.fault(
        path="/v1/apps/*", status=404, body='{"resource":"app","error":"not found"}', times=None
    )
    for _ in range(4):
        company.sync(after={"hours": 12})
    assert company.app("billing-web").gone_at is not None
    company.world.faults.clear()
    company.sync()
    company.sync()

    assert company.app("billing-web").gone_at is None
    assert company.known() == known == company.truth()
    assert {app.name for app in App.objects.filter(owner__isnull=False)} == everybody
    again = company.periods("billing-web", "fred@acme.example")[-1]
    assert again.started_after is None, "nobody can say since when"


def test_what_was_held_is_shown_with_the_reading_that_first_missed_it(waiting):
    seen = waiting.now
    waiting.sync()
    missing = Collaboration.objects.exclude(missing_at=None)

    assert set(missing.values_list("missing_at", flat=True)) == {seen}
    assert missing.count() == 20
    until = Coverage.objects.get(
        latest=True, scope__kind="collaborators", scope__region__name="osc-fr1"
    ).until
    assert until == waiting.now
