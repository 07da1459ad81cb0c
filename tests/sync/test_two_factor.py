"""2FA is one fact per account: from the latest reading that says it, unknown where it does not."""

import pytest

from governance.inventory.models import Person


def two_factor(company, email):
    return company.person(email).two_factor


def periods(company, email):
    found = company.person(email).two_factor_periods.order_by("started_at")
    return [(one.value, one.started_after, one.started_at, one.ended_at) for one in found]


def everywhere(company, kind, field, times=None, **more):
    for path in ("/v1/collaborators", "/v1/apps/*/collaborators"):
        company.spoil(kind, path=path, m_field=field, times=times, **more)


def test_it_is_read_for_everybody_who_accepted(company):
    assert two_factor(company, "fred@acme.example") == "on"
    assert two_factor(company, "lim@acme.example") == "off"


def test_whoever_is_only_invited_is_unknown(company):
    assert two_factor(company, "waiting@new.example") == "unknown"


def test_an_owner_whose_account_we_do_not_hold_is_unknown(company):
    assert two_factor(company, "oscar@other.example") == "unknown"


def test_a_connections_own_account_is_asked_for_its_own(company):
    assert two_factor(company, "olivia@acme.example") == "on"
    company.world.set_two_factor("olivia@acme.example", False)
    company.sync()
    assert two_factor(company, "olivia@acme.example") == "off"


def test_a_change_ends_one_period_and_starts_another_between_two_readings(company):
    first = company.now
    company.sync()
    read = company.now
    company.world.set_two_factor("lim@acme.example", True)

    run = company.sync()

    assert periods(company, "lim@acme.example") == [
        ("off", None, first, company.now),
        ("on", read, company.now, None),
    ]
    assert run.found["two_factor"] == 1
    assert company.events() == ["platform.two_factor_changed"]


def test_one_person_on_several_apps_changes_once(company):
    company.world.set_two_factor("fred@acme.example", False)
    run = company.sync()

    assert two_factor(company, "fred@acme.example") == "off"
    assert run.found["two_factor"] == 1


def test_a_body_that_says_on_and_off_of_one_account_is_unknown_and_counted(company):
    company.spoil(
        "set",
        path="/v1/collaborators",
        m_field="tfa_status",
        m_value=False,
        m_where={"email": "fred@acme.example", "app_name": "billing-web"},
    )
    run = company.sync()

    assert two_factor(company, "fred@acme.example") == "unknown"
    assert run.found["not_understood"] == 1

    company.sync()
    assert two_factor(company, "fred@acme.example") == "on"


@pytest.mark.parametrize(("kind", "value"), [("drop", None), ("null", None), ("set", "true")])
def test_what_scalingo_does_not_say_is_unknown_never_off(company, kind, value):
    everywhere(company, kind, "tfa_status", m_value=value)
    company.sync()

    assert set(Person.objects.exclude(email="olivia@acme.example").values_list("two_factor")) == {
        ("unknown",)
    }
    company.world.faults.clear()
    company.sync()
    assert two_factor(company, "fred@acme.example") == "on"
    assert two_factor(company, "lim@acme.example") == "off"


def test_silence_on_an_app_of_another_owner_says_nothing(company):
    """Scalingo may show 2FA to owners alone."""
    company.world.add_member("other-api", "fred@acme.example")
    company.world.switch(two_factor_for_all=False)
    for _ in range(3):
        company.world.change_role("other-api", "fred@acme.example", limited=False)
        company.sync()
        assert two_factor(company, "fred@acme.example") == "on"
        company.world.change_role("other-api", "fred@acme.example", limited=True)
    assert company.events("platform.two_factor") == []


def test_what_another_owners_app_says_counts(company):
    company.world.add_account("new@acme.example", two_factor=True)
    company.world.add_member("other-api", "new@acme.example")
    company.sync()

    assert two_factor(company, "new@acme.example") == "on"


def test_a_ghost_is_unknown(company):
    company.world.delete_account("fred@acme.example")
    company.sync()

    assert two_factor(company, "fred@acme.example") == "unknown"


def test_a_reading_that_did_not_have_somebody_says_nothing_of_when_they_changed(company):
    """Lim is read in Paris. It fails while they switch; then they join an app elsewhere."""
    first = company.now
    company.fault(path="/v1/collaborators", region="osc-fr1", status=503, times=None)
    company.world.set_two_factor("lim@acme.example", True)
    company.sync()
    company.sync()
    company.world.add_member("vault-api", "lim@acme.example")
    company.sync()

    assert periods(company, "lim@acme.example") == [
        ("off", None, first, company.now),
        ("on", first, company.now, None),
    ]


def test_what_one_region_says_later_stands_when_it_fails_and_the_other_is_as_before(company):
    """Off was seen in one region alone, then on again in the other alone: on is the latest."""
    company.fault(path="/v1/collaborators", region="osc-fr1", status=503, times=3)
    company.world.set_two_factor("fred@acme.example", False)
    company.sync()
    assert two_factor(company, "fred@acme.example") == "off"

    company.fault(path="/v1/collaborators", region="osc-secnum-fr1", status=503, times=3)
    company.world.set_two_factor("fred@acme.example", True)
    company.sync()
    assert two_factor(company, "fred@acme.example") == "on"
