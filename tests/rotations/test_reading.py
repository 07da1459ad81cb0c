"""What is read for a duty: names, database users, events; and what happens when it cannot be."""

from datetime import timedelta

import pytest

from governance.audit.models import Event
from governance.rotations.models import Duty, Evidence, Secret, State
from tests.rotations.conftest import FRED
from tests.sync import slate

CANARY = "canary-" * 3


@pytest.fixture
def billing(company):
    """billing-api with two variables and a database, each with a value nobody must ever see."""
    world = company.world
    world.set_variable("billing-api", "STRIPE_KEY", f"{CANARY}-stripe")
    world.set_variable("billing-api", "DATABASE_URL", f"{CANARY}-database")
    world.add_database("billing-api")
    world.add_database_user("billing-api", "metabase", read_only=True)
    return world.app("billing-api")


def secrets(duty, kind):
    return [one.name for one in duty.secrets.filter(kind=kind)]


def test_it_reads_names_and_database_users(company, billing, sweep):
    duty = sweep.left_by(FRED)

    assert secrets(duty, Secret.Kind.VARIABLE) == ["DATABASE_URL", "STRIPE_KEY"]
    users = {one.name: one.needs_support for one in duty.secrets.filter(kind="database_user")}
    assert users == {"billing_api_0001": True, "metabase": False}
    assert duty.names_read_at == duty.databases_read_at == company.now
    assert (duty.names_said, duty.databases_said, duty.events_said) == ("", "", "")


def test_no_value_is_anywhere_in_the_database(company, billing, sweep, capfd, caplog):
    sweep.left_by(FRED)
    company.world.set_variable("billing-api", "STRIPE_KEY", f"{CANARY}-again")
    company.world.set_variables("billing-api", {"DATABASE_URL": f"{CANARY}-many", "NEW": CANARY})
    company.world.delete_variable("billing-api", "NEW")
    sweep(hours=7)

    assert Evidence.objects.count() == 4
    everything = b"".join(slate.take().values())
    assert b"STRIPE_KEY" in everything
    assert CANARY.encode() not in everything
    said = capfd.readouterr()
    assert CANARY not in said.out + said.err + caplog.text


def test_a_changed_variable_offers_the_duty(company, billing, sweep):
    sweep.left_by(FRED)
    company.later(minutes=5)
    changed_at = company.now
    company.world.set_variable("billing-api", "STRIPE_KEY", "another", by="olivia@acme.example")
    sweep(hours=7)

    duty = sweep.duty(FRED)
    assert (duty.state, duty.offered_at) == (State.OFFERED, company.now)
    (seen,) = duty.evidence.all()
    assert (seen.variable, seen.what, seen.at) == ("STRIPE_KEY", "changed", changed_at)
    assert seen.actor.email == "olivia@acme.example"
    assert Event.objects.of_kind("rotation.offered").count() == 1


@pytest.mark.parametrize("what", ["many", "removed"])
def test_several_at_once_and_removed_ones_count_too(company, billing, sweep, what):
    sweep.left_by(FRED)
    company.later(minutes=1)
    if what == "many":
        company.world.set_variables("billing-api", {"STRIPE_KEY": "x", "ANOTHER": "y"})
    else:
        company.world.delete_variable("billing-api", "STRIPE_KEY")
    sweep(hours=7)

    duty = sweep.duty(FRED)
    assert duty.state == State.OFFERED
    found = set(duty.evidence.values_list("variable", "what"))
    many = {("STRIPE_KEY", "changed"), ("ANOTHER", "added")}
    assert found == (many if what == "many" else {("STRIPE_KEY", "removed")})


def test_a_new_variable_alone_offers_nothing(company, billing, sweep):
    sweep.left_by(FRED)
    company.later(minutes=1)
    company.world.set_variable("billing-api", "ANOTHER", "x")
    sweep(hours=7)

    assert sweep.duty(FRED).state == State.OPEN


def test_what_was_changed_before_they_left_is_no_evidence(company, billing, sweep):
    company.world.set_variable("billing-api", "STRIPE_KEY", "before")
    company.later(minutes=1)
    duty = sweep.left_by(FRED)
    sweep(hours=7)

    assert duty.evidence.count() == 0
    assert sweep.duty(FRED).state == State.OPEN


def test_the_same_event_read_twice_is_one_piece_of_evidence(company, billing, sweep):
    sweep.left_by(FRED)
    company.later(minutes=1)
    company.world.set_variable("billing-api", "STRIPE_KEY", "x")
    for _ in range(3):
        sweep(hours=7)

    assert Evidence.objects.count() == 1
    assert Event.objects.of_kind("rotation.offered").count() == 1


def test_names_are_read_once_and_events_every_six_hours(company, billing, sweep):
    sweep.left_by(FRED)
    asked = []
    company.on_request.append(lambda request: asked.append(request.url.path.rsplit("/", 1)[-1]))

    assert sweep(hours=5) == 0
    assert sweep(hours=2) == 1

    assert asked.count("events") == 1
    assert "variables" not in asked
    assert "addons" not in asked


def test_it_says_what_scalingo_no_longer_tells(company, billing, sweep):
    sweep.left_by(FRED)
    first = sweep.duty(FRED).events_until
    sweep(hours=100)

    duty = sweep.duty(FRED)
    told_from = company.now - timedelta(hours=72)
    assert duty.events_missed == [[first.isoformat(), told_from.isoformat()]]
    assert duty.events_until == company.now


def test_without_a_break_nothing_is_missed(company, billing, sweep):
    sweep.left_by(FRED)
    for _ in range(3):
        sweep(hours=70)

    duty = sweep.duty(FRED)
    assert (duty.events_missed, duty.events_from) == ([], duty.departed_at)


FAULTS = {
    "no right": ({"status": 401, "body": "{}"}, "no right here"),
    "not found": (
        {"status": 404, "body": '{"resource":"app","error":"not found"}'},
        "knows no such app",
    ),
    "text": ({"status": 200, "body": "Retry later", "content_type": "text/plain"}, "Scalingo's"),
    "broken": ({"status": 500, "body": "oh"}, "answered 500"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("what", "path"), [("names", "variables"), ("databases", "addons"), ("events", "events")]
)
def test_what_cannot_be_read_says_since_when_and_why(company, billing, sweep, fault, what, path):
    answer, words = FAULTS[fault]
    company.world.remove("billing-api", FRED)
    company.sync()
    laid = company.fault(path=f"/v1/apps/*/{path}", times=None, **answer)
    sweep()

    duty = sweep.duty(FRED)
    first = company.now
    assert duty.state == State.OPEN
    assert getattr(duty, f"{what}_failing_since") == first
    assert words in getattr(duty, f"{what}_said")
    others = {"names", "databases", "events"} - {what}
    assert {getattr(duty, f"{one}_said") for one in others} == {""}

    sweep(hours=2)
    assert getattr(sweep.duty(FRED), f"{what}_failing_since") == first
    laid.times = 0
    sweep(hours=2)
    duty = sweep.duty(FRED)
    assert (getattr(duty, f"{what}_failing_since"), getattr(duty, f"{what}_said")) == (None, "")
    assert secrets(duty, "variable") == ["DATABASE_URL", "STRIPE_KEY"]


@pytest.mark.parametrize("status", [400, 401])
def test_a_database_that_refuses_its_token_is_said(company, billing, sweep, status):
    company.world.remove("billing-api", FRED)
    company.sync()
    company.fault(
        path="/api/databases/**", times=None, status=status, body='{"error":"unauthorized"}'
    )
    sweep()

    duty = sweep.duty(FRED)
    assert "no right on this database" in duty.databases_said
    assert secrets(duty, "variable") == ["DATABASE_URL", "STRIPE_KEY"]


def test_a_dead_token_is_asked_nothing_more(company, billing, sweep):
    company.world.remove("billing-api", FRED)
    company.world.remove("billing-web", FRED)
    company.sync()
    asked = []
    company.on_request.append(lambda request: asked.append(request.url.path))
    company.fault(path="/v1/tokens/exchange", times=None, status=401, body="{}")
    sweep()

    assert asked == ["/v1/tokens/exchange"]
    assert {duty.names_said for duty in Duty.objects.all()} == {
        "Scalingo does not accept this API token."
    }


def test_what_does_not_answer_is_asked_nothing_more(company, billing, sweep):
    company.world.remove("billing-api", FRED)
    company.world.remove("billing-web", FRED)
    company.sync()
    sweep.open()
    asked = []
    company.on_request.append(lambda request: asked.append(request.url.path.rsplit("/", 1)[-1]))
    company.fault(path="/v1/apps/*/variables", times=None, ending="silence")
    sweep.read()

    assert asked == ["exchange", "regions", "variables"]
    duties = Duty.objects.all()
    assert {duty.names_said for duty in duties} == {"Scalingo did not answer in time."}
    assert {duty.events_said for duty in duties} == {"Scalingo did not answer in time."}


def test_an_app_that_no_connection_sees_is_said(company, billing, sweep):
    company.world.remove("billing-api", FRED)
    company.sync()
    company.olivia.paused_at = company.now
    company.olivia.save()
    sweep()

    assert "No connection" in sweep.duty(FRED).names_said


def test_only_what_is_left_of_the_budget_is_used_the_oldest_first(company, billing, sweep):
    company.world.remove("billing-api", FRED)
    company.sync()
    sweep.open()
    company.world.remove("billing-web", FRED)
    company.sync()
    sweep.open()

    sweep.left = 9
    assert sweep.read() == 0
    sweep.company.on_request.append(lambda _: setattr(sweep, "left", sweep.left - 1))
    sweep.left = 12
    assert sweep.read() == 1

    assert sweep.duty(FRED, "billing-api").names_read_at
    assert not sweep.duty(FRED, "billing-web").names_read_at
    sweep.left = 100
    assert sweep.read() == 1
    assert sweep.duty(FRED, "billing-web").names_read_at


def test_a_sync_that_waits_comes_first(company, billing, sweep):
    from governance.sync import actions as syncs
    from governance.sync.models import Run

    company.world.remove("billing-api", FRED)
    company.sync()
    sweep.open()
    syncs.request(by=None, at=company.now, trigger=Run.Trigger.TERMINAL)

    assert sweep.read() == 0
    company.carry_out()
    assert sweep.read() == 1


def test_two_who_left_one_app_are_read_together(company, billing, sweep):
    company.crowd("billing-api", 2, limited=False)
    company.sync()
    company.disperse("billing-api", 2)
    company.sync()
    sweep.open()
    asked = []
    company.on_request.append(lambda request: asked.append(request.url.path.rsplit("/", 1)[-1]))

    assert sweep.read() == 1
    assert asked.count("variables") == 1
    assert [secrets(duty, "variable") for duty in Duty.objects.all()] == [
        ["DATABASE_URL", "STRIPE_KEY"]
    ] * 2


def test_hostile_names_are_kept_as_they_are(company, sweep):
    company.world.set_variable("billing-api", "<b>\u202eEVIL\nNAME", "x")

    duty = sweep.left_by(FRED)

    assert secrets(duty, "variable") == ["<b>\u202eEVIL\nNAME"]
