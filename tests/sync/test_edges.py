"""Edges are two-sided and true: the last reading without, the first with."""

from datetime import timedelta

import pytest

from governance.inventory.models import Collaboration
from tests.sync.company import PARIS


def test_what_changed_while_nothing_could_be_read_lies_between_the_readings_around_it(company):
    read = company.now
    company.fault(path="/v1/collaborators", region=PARIS, status=502, times=None)
    company.world.add_member("billing-web", "oscar@other.example")
    company.sync(after={"hours": 3})
    company.sync(after={"hours": 3})
    company.world.faults.clear()
    company.sync(after={"hours": 3})

    one = company.period("billing-web", "oscar@other.example")
    assert (one.started_after, one.started_at) == (read, company.now)


def test_after_a_doubted_row_of_an_app_its_edges_reach_back_to_when_it_was_believed(company):
    """One app's rows cannot be believed; the rest of the same list can."""
    read = company.now
    company.spoil(
        "drop", path="/v1/collaborators", m_field="email", m_where={"app_name": "billing-web"}
    )
    company.world.remove("billing-web", "lim@acme.example")
    company.sync()
    assert company.app("billing-web").stale_since == read
    company.sync()

    one = company.period("billing-web", "lim@acme.example")
    assert (one.ended_after, one.ended_at) == (read, company.now)
    assert company.app("billing-web").stale_since is None


def test_an_app_believed_again_with_nothing_changed_is_fresh_again(company):
    company.spoil(
        "drop", path="/v1/collaborators", m_field="email", m_where={"app_name": "billing-web"}
    )
    company.sync()
    company.sync()

    assert company.app("billing-web").stale_since is None
    assert company.run.coverage["failed"] == 0


def test_an_app_never_believed_has_no_reading_before_its_first(company):
    company.world.create_app("ledger", owner="oscar@other.example", region=PARIS)
    company.later(minutes=1)
    company.world.add_member("ledger", "fred@acme.example")
    company.world.add_member("ledger", "olivia@acme.example")
    company.spoil(
        "drop",
        path="/v1/apps/*/collaborators",
        m_field="email",
        m_where={"app_name": "ledger", "username": "fred"},
        times=None,
    )
    company.sync()
    company.sync()
    company.world.faults.clear()
    company.sync()

    assert company.period("ledger", "fred@acme.example").started_after is None


def test_the_same_for_a_new_app_of_ours_whose_first_rows_are_doubted(company):
    company.later(minutes=1)
    company.create_app("ledger")
    company.world.add_member("ledger", "fred@acme.example")
    company.spoil("drop", path="/v1/collaborators", m_field="email", m_where={"app_name": "ledger"})
    made = company.now
    company.sync()
    company.sync()

    one = company.period("ledger", "fred@acme.example")
    assert one.started_after is None or one.started_after <= made


def test_an_end_that_was_held_keeps_the_reading_that_first_missed_it(company):
    company.sync()
    read = company.now
    company.world.remove("vault-api", "fred@acme.example")
    company.sync()
    seen = company.now
    company.later(hours=5)
    company.sync()

    one = company.period("vault-api", "fred@acme.example")
    assert (one.ended_after, one.ended_at) == (read, seen)


def test_somebody_missed_and_found_again_starts_from_nothing_the_next_time(company):
    for path in ("/v1/collaborators", "/v1/apps/*/collaborators"):
        company.spoil("empty", path=path, region="osc-secnum-fr1")
    company.sync()
    company.sync()
    read = company.now
    company.world.remove("vault-api", "fred@acme.example")
    company.sync()
    seen = company.now
    company.sync()

    one = company.period("vault-api", "fred@acme.example")
    assert (one.ended_after, one.ended_at) == (read, seen)


def test_when_the_worker_dies_after_missing_somebody_the_edge_stays_true(company, monkeypatch):
    """The reading that first missed them is not taken for one that had them."""
    from governance.sync import engine

    read = company.now
    company.world.remove("billing-api", "lim@acme.example")

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_end", killed)
        with pytest.raises(Killed):
            company.sync()
    company.later(minutes=10)
    company.carry_out()

    one = company.period("billing-api", "lim@acme.example")
    assert (one.ended_after, one.ended_at) == (read, company.now)


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_jumps_loses_nothing_and_orders_everything(company, jump):
    company.sync()
    company.world.add_member("billing-web", "oscar@other.example")
    company.later(seconds=jump.total_seconds())
    company.sync()
    company.create_app("ledger")
    company.world.add_member("ledger", "fred@acme.example")
    company.world.remove("billing-api", "lim@acme.example")
    company.world.transfer_app("billing-web", "fred@acme.example")
    company.sync()

    assert company.known() == company.truth()
    assert company.run.state == "complete"
    for row in Collaboration.objects.all():
        assert row.started_after is None or row.started_after <= row.started_at
        assert row.ended_at is None or row.started_at < row.ended_at


def test_a_clock_set_back_by_a_day_between_two_requests_breaks_nothing(company):
    jumps = iter([0, 0, 0, -86400, 0, 0, 90000, 0, -3600])
    company.on_request.append(lambda _: company.later(seconds=next(jumps, 0)))
    company.world.invite("vault-api", "new@acme.example")
    company.world.create_app("ledger", owner="olivia@acme.example", region=PARIS)
    company.sync()
    company.on_request.clear()
    company.sync()

    assert company.known() == company.truth()
    assert company.run.seconds >= 0


def test_a_role_that_changed_twice_between_two_readings_is_one_change(company):
    company.world.change_role("billing-api", "lim@acme.example", limited=False)
    company.world.change_role("billing-api", "lim@acme.example", limited=True)
    company.sync()

    assert len(company.periods("billing-api", "lim@acme.example")) == 1
