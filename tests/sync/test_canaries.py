"""The list of everybody is checked against single apps, and put aside while it leaves some out."""

import pytest

from tests.sync.company import PARIS


def leaves_out(company, app="billing-web", times=None):
    company.spoil(
        "drop_rows",
        path="/v1/collaborators",
        region=PARIS,
        m_where={"app_name": app},
        times=times,
    )


def single(company):
    return company.requests()["GET /apps/:app/collaborators"]


def listing(company):
    return company.scope("collaborators")


def test_nobody_ends_because_the_list_left_an_app_out(company):
    leaves_out(company)
    for _ in range(6):
        company.sync()
        assert company.known() == company.truth()


def test_a_list_that_leaves_one_person_out_ends_nobody_either(company):
    company.spoil(
        "drop_rows",
        path="/v1/collaborators",
        m_where={"app_name": "billing-web", "email": "lim@acme.example"},
        times=None,
    )
    for _ in range(4):
        company.sync()
        assert company.known() == company.truth()


def test_one_disagreement_is_a_doubt_and_no_more(company):
    leaves_out(company, times=1)
    company.sync()

    assert listing(company).doubted_app == company.app("billing-web").scalingo_id
    assert listing(company).one_by_one_since is None
    assert company.run.state == "complete"

    company.sync()
    assert listing(company).doubted_app == ""


def test_an_app_that_changes_between_the_two_readings_is_no_lie(company):
    company.fault(
        path="/v1/apps/*/collaborators",
        region=PARIS,
        acts=[{"act": "invite", "app": "billing-web", "email": "new@acme.example"}],
    )
    company.sync()
    company.sync()

    assert listing(company).one_by_one_since is None
    assert company.known() == company.truth()


def test_two_disagreements_in_a_row_switch_the_region_to_one_by_one_and_say_so(company):
    leaves_out(company, times=2)
    company.sync()
    company.sync()

    assert listing(company).one_by_one_since == company.now
    assert company.scope("collaborators", "osc-secnum-fr1").one_by_one_since is None
    assert company.run.state == "partial"
    ((region, scope, reason, sentence),) = company.problems()
    assert (region, scope, reason) == (PARIS, "collaborators", "listing_incomplete")
    assert "one by one" in sentence


def test_one_by_one_every_owned_app_is_asked_itself(company):
    for number in range(8):
        company.create_app(f"more-{number}")
        company.world.add_member(f"more-{number}", "fred@acme.example")
    leaves_out(company)
    for _ in range(10):
        company.sync()
    assert listing(company).one_by_one_since is not None

    # Ten in Paris; the one elsewhere, and the one of another owner.
    assert single(company) == 10 + 1 + 1
    assert company.known() == company.truth()


def test_the_list_is_believed_again_when_it_agrees_on_every_app(company):
    leaves_out(company, times=3)
    for _ in range(3):
        company.sync()
    assert listing(company).one_by_one_since is not None
    company.sync()

    assert listing(company).one_by_one_since is None


def test_one_by_one_an_app_that_cannot_be_read_keeps_everybody(company):
    """The list that is not believed is no substitute."""
    leaves_out(company)
    company.sync()
    company.sync()
    web = company.app("billing-web").scalingo_id
    company.fault(path=f"/v1/apps/{web}/collaborators", status=500, times=None)
    company.world.remove("billing-api", "lim@acme.example")
    company.sync()
    company.sync()

    assert company.known() == company.truth()
    assert company.app("billing-web").stale_reason == "server_error"
    assert ("billing-web", "server_error") in {
        (scope, reason) for _, scope, reason, _ in company.problems()
    }
    assert company.run.coverage["failed"] == 1
    assert listing(company).one_by_one_since is not None


@pytest.mark.parametrize("status", [500, 404, 401, 403])
def test_a_canary_that_cannot_be_asked_decides_nothing(company, status):
    company.fault(path="/v1/apps/*/collaborators", region=PARIS, status=status, times=None)
    company.world.remove("billing-api", "lim@acme.example")
    company.sync()

    assert ("billing-api", "lim@acme.example", "limited", "accepted") not in company.known()
    assert listing(company).doubted_app == ""


def test_no_more_than_five_are_re_read_in_a_region(company):
    for number in range(12):
        company.create_app(f"more-{number}")
    company.sync()

    assert single(company) == 5 + 1 + 1


def test_each_sync_chooses_others(company):
    for number in range(12):
        company.create_app(f"more-{number}")
    company.sync()
    asked = set()
    company.on_request.append(lambda request: asked.add(request.url.path))
    for _ in range(12):
        company.sync()

    chosen = {path for path in asked if path.endswith("/collaborators") and "/apps/" in path}
    assert len(chosen) > 10
