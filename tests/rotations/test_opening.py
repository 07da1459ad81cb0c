"""A duty for every departure that a sync has written, and for nothing else."""

from datetime import timedelta

import pytest

from governance.audit.models import Event
from governance.facts.models import AppFact
from governance.inventory.models import Collaboration
from governance.rotations import actions
from governance.rotations.models import Duty, Knowledge, State, Why
from tests.rotations.conftest import FRED, LIM, OLIVIA


def test_somebody_who_left_opens_one_duty(company, sweep):
    duty = sweep.left_by(FRED)

    assert (duty.why, duty.knowledge, duty.state) == (Why.LEFT, Knowledge.VALUES, State.OPEN)
    assert duty.role == "collaborator"
    assert duty.full_until == duty.departed_at
    (event,) = Event.objects.of_kind("rotation.opened")
    assert (event.target_id, event.app_id, event.person_id) == (
        duty.pk,
        duty.app_id,
        duty.person_id,
    )


def test_a_second_sweep_opens_nothing_twice(company, sweep):
    sweep.left_by(FRED)

    assert sweep.open() == []
    company.sync()
    assert sweep.open() == []
    assert Duty.objects.count() == 1


def test_it_departed_when_scalingo_says_so(company, sweep):
    company.later(minutes=3)
    removed_at = company.now
    company.world.remove("billing-api", FRED)
    company.sync(after={"minutes": 7})
    sweep()

    duty = sweep.duty(FRED)
    assert duty.departed_at == removed_at
    period = Collaboration.objects.get(pk=duty.collaboration_id)
    assert period.ended_at > removed_at


def test_who_becomes_limited_has_known_values(company, sweep):
    company.world.change_role("billing-api", FRED, limited=True)
    company.sync()
    sweep.open()

    duty = sweep.duty(FRED)
    assert (duty.why, duty.knowledge) == (Why.STEPPED_DOWN, Knowledge.VALUES)


def test_a_limited_one_leaves_nothing_to_rotate(company, sweep):
    duty = sweep.left_by(LIM)

    assert (duty.knowledge, duty.state, duty.full_until) == (Knowledge.NAMES, State.CLOSED, None)
    assert duty.closed_by is None
    assert Event.objects.of_kind("rotation.nothing_to_rotate").count() == 1
    assert not Event.objects.of_kind("rotation.opened").exists()


def test_who_was_full_before_the_feature_looked_still_knows(company, sweep):
    company.world.change_role("billing-api", FRED, limited=True)
    company.sync()
    full_until = company.now
    company.sync(after={"days": 40})  # nobody looked in the meantime: too long ago by itself
    company.world.remove("billing-api", FRED)
    company.sync()
    sweep.open()

    (duty,) = Duty.objects.all()
    assert (duty.why, duty.role, duty.knowledge) == (Why.LEFT, "limited", Knowledge.VALUES)
    assert duty.full_until == full_until


def test_two_steps_are_two_duties_and_only_the_first_is_work(company, sweep):
    company.world.change_role("billing-api", FRED, limited=True)
    company.sync()
    company.world.remove("billing-api", FRED)
    company.sync()
    sweep.open()

    first, second = Duty.objects.order_by("departed_at")
    assert (first.why, first.knowledge) == (Why.STEPPED_DOWN, Knowledge.VALUES)
    assert (second.why, second.knowledge) == (Why.LEFT, Knowledge.NAMES)


def test_a_step_up_and_an_acceptance_open_nothing(company, sweep):
    company.world.change_role("billing-api", LIM, limited=False)
    company.world.accept("billing-api", "waiting@new.example")
    company.sync()

    assert Collaboration.objects.filter(ended_at__isnull=False).count() == 2
    assert sweep.open() == []


def test_an_invitation_that_is_withdrawn_opens_nothing(company, sweep):
    company.world.remove("billing-api", "waiting@new.example")
    company.sync()

    assert Collaboration.objects.filter(ended_at__isnull=False).count() == 1
    assert sweep.open() == []


def test_a_deleted_account_leaves_what_it_knew_and_its_end_opens_nothing_more(company, sweep):
    company.world.delete_account(FRED)
    company.sync()
    sweep.open()
    duties = Duty.objects.filter(app__name="billing-api")
    assert [duty.why for duty in duties] == [Why.ACCOUNT_DELETED]

    ghost = next(iter(company.world.app("billing-api").collaborations))
    company.world.remove("billing-api", ghost)
    company.sync()
    company.sync()
    sweep.open()

    assert duties.count() == 1


def test_an_owner_who_stays_as_a_collaborator_has_not_left(company, sweep):
    company.connect(FRED)
    company.sync()
    company.world.transfer_app("billing-api", to=FRED)
    company.sync()
    company.sync()

    ended = Collaboration.objects.filter(role="owner", ended_at__isnull=False)
    assert ended.count() == 1
    assert sweep.open() == []


def test_whether_a_former_owner_stays_is_known_when_the_people_were_read(company, sweep):
    company.connect(FRED)
    company.sync()
    company.world.transfer_app("billing-api", to=FRED)
    failing = [
        company.fault(path=path, status=500, times=None)
        for path in ("/v1/collaborators", "/v1/apps/*/collaborators")
    ]
    company.sync()
    assert Collaboration.objects.filter(role="owner", ended_at__isnull=False).count() == 1

    assert sweep.open() == []
    for fault in failing:
        fault.times = 0
    company.sync()
    assert sweep.open() == []


def test_an_owner_who_gave_it_away_and_left_has(company, sweep):
    company.connect(FRED)
    company.sync()
    company.world.transfer_app("billing-api", to=FRED)
    company.world.remove("billing-api", OLIVIA)
    company.sync()
    company.sync()
    sweep.open()

    duty = sweep.duty(OLIVIA)
    assert (duty.why, duty.role, duty.knowledge) == (Why.GAVE_AWAY, "owner", Knowledge.VALUES)


def test_an_app_that_is_gone_opens_nothing(company, sweep):
    company.world.delete_app("billing-web")
    for _ in range(4):
        company.sync(after={"hours": 13})
    assert company.app("billing-web").gone_at
    assert Collaboration.objects.filter(app__name="billing-web", ended_at=None).count() == 0

    assert sweep.open() == []


def test_what_ended_long_ago_opens_nothing(company, sweep):
    company.world.remove("billing-api", FRED)
    company.sync()
    company.now += actions.OPENED_WITHIN

    assert sweep.open() == []


@pytest.mark.parametrize(
    ("said", "days"), [("production", 7), ("unknown", 7), ("staging", 14), ("development", 30)]
)
def test_it_is_due_by_what_the_app_is_for(company, sweep, alice, said, days):
    AppFact.objects.create(
        app=company.app("billing-api"), app_class=said, said_by=alice, said_at=company.now
    )

    duty = sweep.left_by(FRED)

    assert duty.due_at - duty.departed_at == timedelta(days=days)
    assert duty.app_class == said


def test_many_who_leave_at_once_open_one_each(company, sweep):
    company.crowd("billing-web", 6, limited=False)
    company.sync()
    company.disperse("billing-web", 3)
    company.sync()

    assert len(sweep.open()) == 3
    assert Duty.objects.values("app", "person").distinct().count() == 3
