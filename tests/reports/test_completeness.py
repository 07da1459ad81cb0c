"""A report says that it is complete only where nothing was left unread that could change it."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from governance.connections.models import Connection
from governance.inventory.models import App, Collaboration
from tests.factories import (
    AppPeriodFactory,
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
