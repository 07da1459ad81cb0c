"""How much is asked: a fixed number per connection and region, whatever the number of apps."""

import pytest

PER_CONNECTION = 3  # exchange, regions, own 2FA
PER_REGION = 3 + 5  # apps, databases, collaborators; canaries


@pytest.fixture
def thousand(company):
    """Olivia owns a thousand more apps with a person each."""
    for number in range(1000):
        app = company.create_app(f"many-{number}")
        company.world.invite(app, f"one-{number % 50}@acme.example", event=False)
    company.sync()
    company.sync()
    company.world.traffic.clear()
    return company


def test_a_thousand_owned_apps_cost_what_a_few_do(thousand):
    run = thousand.sync()

    assert run.state == "complete"
    assert thousand.world.traffic.total == run.request_count
    assert run.request_count <= PER_CONNECTION + 2 * PER_REGION + 1  # other-api is not owned

    one_by_one = PER_CONNECTION + 2 * 2 + 1004
    assert one_by_one >= 50 * run.request_count

    for number in range(7):
        thousand.world.invite(f"many-{number}", "new@acme.example")
    run = thousand.sync()
    assert run.request_count <= PER_CONNECTION + 2 * PER_REGION + 1 + 7
    assert run.found["joined"] == 7


def test_each_app_not_owned_costs_one(company):
    for number in range(6):
        app = company.create_app(f"theirs-{number}", owner="oscar@other.example")
        company.world.add_member(app, "olivia@acme.example")
    company.sync()
    run = company.sync()

    assert run.request_count <= PER_CONNECTION + 2 * PER_REGION + 7


def test_each_connection_pays_for_itself(company):
    company.connect("oscar@other.example")
    company.sync()
    run = company.sync()

    assert run.request_count <= 2 * (PER_CONNECTION + 2 * PER_REGION)


def test_every_request_is_counted_by_its_endpoint(company):
    company.world.traffic.clear()
    company.sync()

    assert sum(company.requests().values()) == company.world.traffic.total
    assert company.requests() == {
        "POST /tokens/exchange": 1,
        "GET /regions": 1,
        "GET /client/tfa": 1,
        "GET /apps": 2,
        "GET /databases": 2,
        "GET /collaborators": 2,
        "GET /apps/:app/collaborators": 4,
    }


def test_retries_are_counted_as_requests_and_as_retries(company):
    company.fault(path="/v1/apps", region="osc-fr1", status=503, times=2)
    run = company.sync()

    assert run.state == "complete"
    assert run.retries == 2
    assert run.requests["GET /apps"] == 4


def test_no_answer_is_asked_for_more_than_three_times(company):
    company.fault(path="/v1/apps", region="osc-fr1", status=503, times=None)
    run = company.sync()

    assert run.requests["GET /apps"] == 3 + 1


def test_an_app_that_nobody_lists_is_looked_up_and_a_hundred_are_not(company):
    rows = [
        {
            "id": f"{number:024x}",
            "email": "x@x.example",
            "app_id": f"{number + 1:024x}",
            "app_name": "x",
            "status": "pending",
        }
        for number in range(100)
    ]
    company.spoil("add_rows", path="/v1/collaborators", region="osc-fr1", m_value=rows, times=None)
    run = company.sync()

    assert run.requests["GET /apps/:app"] <= 3
    assert "unknown_app" in company.reasons()
    assert company.known() == company.truth()
