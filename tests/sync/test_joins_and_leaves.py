"""Who came and who went: as periods with two-sided edges, and one event each."""

from datetime import timedelta

from governance.inventory.models import Collaboration


def test_somebody_invited_is_a_pending_collaboration(company):
    company.world.invite("vault-api", "new@acme.example", limited=True)

    run = company.sync()

    one = company.period("vault-api", "new@acme.example")
    assert (one.role, one.status, one.ended_at) == ("limited", "pending", None)
    assert run.found["joined"] == 1
    assert company.events() == ["platform.invited"]


def test_somebody_invited_and_accepted_between_two_syncs_has_joined(company):
    company.world.add_member("vault-api", "lim@acme.example", limited=False)

    company.sync()

    one = company.period("vault-api", "lim@acme.example")
    assert (one.role, one.status) == ("collaborator", "accepted")
    assert company.events() == ["platform.joined"]


def test_somebody_removed_is_ended_and_everybody_else_stays(company):
    before = company.known()
    company.world.remove("billing-api", "lim@acme.example")

    run = company.sync()

    assert company.known() == before - {
        ("billing-api", "lim@acme.example", "limited", "accepted"),
    }
    assert company.known() == company.truth()
    assert run.found["left"] == 1
    assert company.events() == ["platform.left"]


def test_an_invitation_withdrawn_is_ended(company):
    company.world.remove("billing-api", "waiting@new.example")

    company.sync()

    assert company.period("billing-api", "waiting@new.example").ended_at is not None
    assert company.events() == ["platform.left"]


def test_removed_and_invited_again_are_two_memberships(company):
    """Scalingo gives the second one another id: the history keeps both."""
    old = company.period("billing-api", "lim@acme.example")
    company.world.remove("billing-api", "lim@acme.example")
    company.world.add_member("billing-api", "lim@acme.example", limited=True)

    company.sync()

    first, second = company.periods("billing-api", "lim@acme.example")
    assert (first.pk, first.ended_at is None, second.ended_at) == (old.pk, False, None)
    assert first.collaborator_id != second.collaborator_id
    assert second.since_at == second.started_at > old.started_at
    assert sorted(company.events()) == ["platform.joined", "platform.left"]


def test_both_edges_of_a_stay_say_between_which_readings_they_lie(company):
    read = company.now
    company.world.add_member("vault-api", "lim@acme.example", limited=True)
    company.sync()
    joined = company.now
    company.sync()
    seen = company.now
    company.world.remove("vault-api", "lim@acme.example")
    company.sync()

    one = company.period("vault-api", "lim@acme.example")
    assert (one.started_after, one.started_at) == (read, joined)
    assert (one.since_after, one.since_at) == (read, joined)
    assert (one.ended_after, one.ended_at) == (seen, company.now)


def test_whoever_was_there_at_the_first_reading_has_no_start_that_is_known(company):
    for row in Collaboration.objects.all():
        assert (row.started_after, row.started_at) == (None, company.now)
    assert company.events() == []


def test_an_event_stands_for_each_change_and_the_chain_holds(company):
    from governance.audit.verify import verify

    company.world.invite("vault-api", "new@acme.example")
    company.world.remove("billing-web", "lim@acme.example")
    company.world.change_role("billing-api", "lim@acme.example", limited=False)
    company.world.accept("billing-api", "waiting@new.example")
    company.sync()

    assert sorted(company.events()) == [
        "platform.accepted",
        "platform.invited",
        "platform.left",
        "platform.role_changed",
    ]
    assert verify().faults == ()


def test_who_joins_an_app_made_since_the_last_reading_is_known_to_have_come_since(company):
    read = company.now
    company.later(minutes=5)
    company.world.create_app("ledger", owner="olivia@acme.example", region="osc-fr1")
    company.world.add_member("ledger", "fred@acme.example", limited=False)

    company.sync(after={"minutes": 5})

    one = company.period("ledger", "fred@acme.example")
    assert (one.started_after, one.started_at) == (read, company.now)
    assert "platform.app_listed" in company.events()
    assert "platform.joined" in company.events()


def test_who_was_on_an_app_before_we_could_see_it_is_not_said_to_have_joined(company):
    company.world.create_app("ledger", owner="oscar@other.example", region="osc-fr1")
    company.world.add_member("ledger", "fred@acme.example", limited=False)
    company.later(hours=1)
    company.sync()
    company.world.add_member("ledger", "olivia@acme.example", limited=True)

    company.sync()

    assert company.period("ledger", "fred@acme.example").started_after is None
    assert "platform.joined" not in company.events()


def test_a_mass_of_small_changes_over_a_day_ends_in_the_truth(company):
    world = company.world
    for hour in range(8):
        world.invite("vault-api", f"p{hour}@acme.example", limited=bool(hour % 2))
        if hour > 1:
            world.accept("vault-api", f"p{hour - 2}@acme.example")
        if hour > 3:
            world.remove("vault-api", f"p{hour - 4}@acme.example")
        company.sync(after={"hours": 1})
        assert company.known() == company.truth()
    assert not Collaboration.objects.filter(ended_at__lt=company.now - timedelta(days=1)).exists()
