"""Roles and statuses, with Scalingo's own words kept where they are not ours."""

import pytest


def test_a_change_of_role_ends_one_period_and_starts_the_next(company):
    read = company.now
    company.world.change_role("billing-api", "lim@acme.example", limited=False)

    run = company.sync()

    before, after = company.periods("billing-api", "lim@acme.example")
    assert (before.role, before.ended_after, before.ended_at) == ("limited", read, company.now)
    assert (after.role, after.started_after, after.started_at) == (
        "collaborator",
        read,
        company.now,
    )
    assert after.ended_at is None
    assert run.found["changed"] == 1
    assert company.events() == ["platform.role_changed"]


def test_a_membership_is_as_old_as_its_first_role(company):
    since = company.period("billing-api", "lim@acme.example").since_at
    company.world.change_role("billing-api", "lim@acme.example", limited=False)
    company.sync()

    assert company.periods("billing-api", "lim@acme.example")[-1].since_at == since


@pytest.mark.parametrize("kind", ["drop", "null"])
def test_a_role_that_scalingo_leaves_out_is_unknown_and_never_an_end(company, kind):
    company.spoil(kind, path="/v1/apps/*/collaborators", m_field="is_limited", times=None)
    company.spoil(kind, path="/v1/collaborators", m_field="is_limited", times=None)

    company.sync()

    here = company.periods("billing-api", "lim@acme.example")
    assert [one.role for one in here] == ["limited", "unknown"]
    assert here[-1].ended_at is None

    company.world.faults.clear()
    company.sync()
    assert company.known() == company.truth()


def test_a_role_written_as_text_is_understood(company):
    company.spoil(
        "set",
        path="/v1/collaborators",
        m_field="is_limited",
        m_value="true",
        m_where={"is_limited": True},
        times=None,
    )
    company.sync()

    assert company.known() == company.truth()


def test_a_status_that_nobody_knows_is_kept_as_it_was_said(company):
    for path in ("/v1/collaborators", "/v1/apps/*/collaborators"):
        company.spoil(
            "set",
            path=path,
            m_field="status",
            m_value="on probation",
            m_where={"email": "lim@acme.example"},
            times=None,
        )
    company.sync()

    one = company.periods("billing-api", "lim@acme.example")[-1]
    assert (one.status, one.status_said, one.ended_at) == ("unknown", "on probation", None)


def test_an_account_that_was_deleted_stays_as_a_ghost(company):
    company.world.delete_account("lim@acme.example")

    company.sync()

    assert {
        (app, status) for app, email, _, status in company.known() if email == "lim@acme.example"
    } == {("billing-api", "deleted"), ("billing-web", "deleted")}
