"""A report says that it is complete only where nothing was left unread that could change it."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from governance.connections.models import Connection
from governance.inventory.models import App, Collaboration
from tests.factories import (
    AppFactory,
    AppPeriodFactory,
    CollaborationFactory,
    ConnectionFactory,
    CoverageFactory,
    RegionFactory,
    ScopeFactory,
    ago,
)


@pytest.fixture
def whole(company):
    """The company, all of it read until four minutes ago, its listing of apps too."""
    company.connection = Connection.objects.get(pk=company.api.scope.connection_id)
    Connection.objects.filter(pk=company.connection.pk).update(name="Platform team")
    company.listing = ScopeFactory(kind="apps", connection_id=company.connection.pk)
    for app in App.objects.all():
        AppPeriodFactory(app=app)
    return company


@pytest.fixture
def why(made):
    """Why the access register is partial, the same in its manifest; nothing when it is complete."""

    def reasons(**asked):
        found, data = made("access-by-app", "json", **asked)
        manifest = json.loads(data)["manifest"]
        assert manifest["partial_because"] == found.why_partial
        assert manifest["complete"] == found.complete == (not found.why_partial)
        return found.why_partial

    return reasons


def test_it_is_complete_where_all_was_read(whole, why):
    assert why() == []
    assert why(at=ago(hours=1)) == []


@pytest.mark.parametrize("past", [False, True])
def test_an_account_that_never_answered_makes_it_partial_and_is_named(whole, why, past):
    """None of its apps is known, so none of them is counted as not read."""
    since = ago(days=1)
    ScopeFactory(
        kind="apps",
        connection_id=ConnectionFactory(name="Acquired").pk,
        region=RegionFactory(name="osc-secnum-fr1"),
        stale_since=since,
        stale_reason="unavailable",
        unread=True,
    )

    assert why(at=ago(hours=1) if past else None) == [
        f"Apps of Acquired in osc-secnum-fr1: not read since {since:%Y-%m-%dT%H:%M:%SZ}."
    ]
    assert why(at=since - timedelta(hours=1)) == [], "nobody had asked it then"


def test_what_was_not_read_of_an_account_in_a_region_is_one_sentence(whole, why):
    since, account = ago(days=1), ConnectionFactory(name="Acquired").pk
    for kind in ("apps", "collaborators", "databases"):
        ScopeFactory(kind=kind, connection_id=account, stale_since=since, unread=True)

    (sentence,) = why()
    assert sentence == (
        "Apps, Collaborators of owned apps, Dedicated databases of Acquired in osc-fr1: not read"
        f" since {since:%Y-%m-%dT%H:%M:%SZ}."
    )


def test_an_account_that_is_not_read_any_more_is_not_missed(whole, why):
    scope = ScopeFactory(kind="apps", stale=True, unread=True)
    assert len(why()) == 1

    scope.retired_at = ago(minutes=1)
    scope.save()

    assert why() == []


@pytest.mark.parametrize("failed", [True, False])
def test_a_listing_of_apps_that_was_not_read_for_a_day_could_hide_a_new_one(whole, why, failed):
    whole.listing.coverage.all().delete()
    last = CoverageFactory(scope=whole.listing, until=ago(days=1)).until
    if failed:
        whole.listing.stale_since = last
        whole.listing.save()

    (sentence,) = why()

    assert sentence == (
        f"Apps of Platform team in osc-fr1: not read since {last:%Y-%m-%dT%H:%M:%SZ}."
    )
    assert why(at=ago(hours=1)) == [sentence]
    assert why(at=ago(days=2)) == []


def test_an_app_that_is_not_listed_any_more_counts_as_not_read(whole, why):
    whole.api.suspect_since = ago(hours=2)
    whole.api.save()

    assert why() == ["1 of 4 apps was not read around that time (osc-fr1 1)."]
    assert why(at=ago(hours=1)) == why()
    assert why(at=ago(hours=3)) == []


@pytest.mark.parametrize("name", ["access-by-app", "access-by-person", "privileged", "invitations"])
def test_an_access_that_was_found_missing_and_did_not_end_is_unknown(whole, made, name):
    """The guard holds its end until somebody has looked."""
    held = Collaboration.objects.get(
        **(
            {"status": "pending"}
            if name == "invitations"
            else {"person": whole.ben, "role": "collaborator"}
        )
    )
    before = {row["known"] for row in _rows(made, name)}
    Collaboration.objects.filter(pk=held.pk).update(
        missing_after=ago(minutes=20), missing_at=ago(minutes=10)
    )

    known = {row["collaborator_id"]: row["known"] for row in _rows(made, name)}

    assert before == {"known"}
    assert known.pop(held.collaborator_id) == "unknown"
    assert set(known.values()) <= {"known"}


def _rows(made, name):
    return json.loads(made(name, "json", at=timezone.now(), is_now=True)[1])["rows"]


# --- an instant between two readings that differ --------------------------------------------------

BETWEEN = ago(days=20, minutes=5)
EDGE = {"after": ago(days=20, minutes=10), "at": ago(days=20)}


@pytest.fixture
def then(whole, made):
    """Between two readings: the rows of a report, its figures, and why it is partial."""

    def read(name="access-by-app", **asked):
        found, data = made(name, "json", at=BETWEEN, is_now=False, **asked)
        rows = json.loads(data)["rows"]
        for number, row in enumerate(rows, start=1):
            assert row.pop("row_no", number) == number
        assert found.totals.balance
        assert len(rows) == found.totals.figures["rows"]
        return rows, found.totals.figures, found.why_partial

    return read


def _joined(app, **what):
    return CollaborationFactory(
        app=app, since_after=EDGE["after"], since_at=EDGE["at"], **{"role": "collaborator", **what}
    )


def _left(row):
    Collaboration.objects.filter(pk=row.pk).update(ended_after=EDGE["after"], ended_at=EDGE["at"])
    return row


@pytest.mark.parametrize("name", ["access-by-app", "access-by-person", "privileged"])
def test_who_may_have_been_there_is_a_row_that_is_not_counted(whole, then, name):
    before, figures, why = then(name)
    assert why == []
    assert figures["may_have_been"] == 0

    joined = _joined(whole.api)
    rows, after, why = then(name)

    (new,) = [row for row in rows if row["collaborator_id"] == joined.collaborator_id]
    assert (new["known"], new["in_population"], new["resource_name"]) == (
        "unknown",
        False,
        "billing-api",
    )
    assert [row for row in rows if row != new] == before
    assert {row["in_population"] for row in before} == {True}
    assert after == {
        **figures,
        "may_have_been": 1,
        "rows": figures["rows"] + 1,
        "rows_written": figures["rows"] + 1,
    }
    assert why == [
        "1 access may have been there already: the next reading has it, and the last had not."
    ]


def test_who_may_be_gone_is_counted_and_unknown_and_makes_it_partial(whole, then):
    before, figures, _why = then()
    left = _left(Collaboration.objects.get(app=whole.api, person=whole.ben))

    rows, after, why = then()

    assert after == figures
    unknown = [row["collaborator_id"] for row in rows if row["known"] == "unknown"]
    assert unknown == [left.collaborator_id]
    assert len(rows) == len(before)
    assert why == [
        "1 access may have been gone already: the last reading had it, and the next has not."
    ]


def test_another_role_is_neither_coming_nor_going_but_unknown(whole, then):
    row = _left(Collaboration.objects.get(app=whole.api, person=whole.ben))
    CollaborationFactory(
        app=row.app,
        person=row.person,
        collaborator_id=row.collaborator_id,
        since_at=row.since_at,
        started_after=EDGE["after"],
        started_at=EDGE["at"],
    )

    rows, figures, why = then()

    assert [one["role"] for one in rows if one["known"] == "unknown"] == ["limited"]
    assert figures["may_have_been"] == 0
    assert len(why) == 1


def test_an_app_that_may_have_been_there_is_no_absence_either(whole, then):
    new = AppFactory(
        name="brand-new", project=whole.billing, scope=whole.api.scope, first_seen_at=EDGE["at"]
    )
    AppPeriodFactory(app=new, started_after=EDGE["after"], started_at=EDGE["at"])
    _joined(new, owner=True, role="owner")

    rows, figures, why = then()

    (row,) = [one for one in rows if one["resource_name"] == "brand-new"]
    assert (row["known"], row["in_population"]) == ("unknown", False)
    assert (figures["population"], figures["may_have_been"]) == (8, 1)
    assert len(why) == 1
    narrowed, _figures, _why = then(filters={"app": ("brand-new",)})
    assert narrowed == [row]


def test_an_invitation_that_may_have_been_there_has_no_age(whole, then):
    before, figures, why = then("invitations")
    assert why == []
    invited = _joined(whole.web, status="pending", role="limited")

    rows, after, why = then("invitations")

    (new,) = [row for row in rows if row not in before]
    assert (new["collaborator_id"], new["age_days"]) == (invited.collaborator_id, None)
    assert (new["known"], new["in_population"]) == ("unknown", False)
    assert after["pending"] == figures["pending"]
    assert after["may_have_been"] == 1
    assert len(why) == 1


def test_the_register_of_2fa_says_that_somebody_may_be_missing(whole, then):
    assert then("two-factor")[2] == []

    _joined(whole.api)

    assert "1 access may have been there already" in then("two-factor")[2][0]


def test_what_the_guard_holds_makes_it_partial(whole, why):
    Collaboration.objects.filter(app=whole.api, person=whole.ben).update(
        missing_after=ago(minutes=20), missing_at=ago(minutes=10)
    )

    assert len(why()) == 1
    assert "may have been gone already" in why()[0]
    assert why(at=ago(minutes=30)) == []
