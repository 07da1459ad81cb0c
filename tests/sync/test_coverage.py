"""What was read when: spans of equal readings, one row per scope, honest about gaps."""

import pytest
from django.apps import apps

from governance.inventory.models import Coverage, Scope
from tests.sync.company import PARIS

_OF_THE_RUN = {"sync_run", "sync_step", "audit_event", "audit_head", "audit_personal"}


def tables():
    return [
        model._meta.db_table
        for domain in ("connections", "inventory", "sync", "accounts", "audit", "facts")
        for model in apps.get_app_config(domain).get_models()
    ]


def spans(company, kind="collaborators", region=PARIS):
    found = company.scope(kind, region).coverage.order_by("since")
    return [(one.since, one.until, one.readings) for one in found]


def test_an_idle_sync_writes_one_row_per_scope_and_nothing_else(company):
    company.sync()
    before = {table: company.rows_of(table) for table in tables()}

    company.sync()

    written = {
        table: len(set(company.rows_of(table)) - set(rows)) for table, rows in before.items()
    }
    assert written.pop("inventory_coverage") == Scope.objects.count() == 7
    assert {table for table, rows in written.items() if rows} <= _OF_THE_RUN
    assert {table: len(company.rows_of(table)) for table in before if table not in _OF_THE_RUN} == {
        table: len(rows) for table, rows in before.items() if table not in _OF_THE_RUN
    }


def test_the_sync_after_a_busy_one_is_idle_again(company):
    company.world.invite("billing-api", "new@acme.example")
    company.world.set_two_factor("fred@acme.example", False)
    company.world.rename_app("billing-web", "billing-front")
    company.world.transfer_app("vault-api", "fred@acme.example")
    company.sync()
    company.sync()
    before = set(company.rows_of("inventory_collaboration") + company.rows_of("inventory_app"))
    company.sync()

    assert before == set(
        company.rows_of("inventory_collaboration") + company.rows_of("inventory_app")
    )


def test_equal_readings_in_a_row_extend_one_span(company):
    first = company.now
    company.sync()
    company.sync()

    assert spans(company) == [(first, company.now, 3)]


def test_another_answer_starts_another_span(company):
    first = company.now
    company.sync()
    until = company.now
    company.world.invite("billing-api", "new@acme.example")
    company.sync()

    assert spans(company) == [(first, until, 2), (company.now, company.now, 1)]
    assert len(spans(company, "apps")) == 1


def test_a_failed_reading_breaks_the_span(company):
    first = company.now
    company.fault(path="/v1/collaborators", region=PARIS, status=500, times=3)
    company.sync()
    assert spans(company) == [(first, first, 1)]
    company.sync()

    assert spans(company) == [(first, first, 1), (company.now, company.now, 1)]
    assert len(spans(company, region="osc-secnum-fr1")) == 1


def test_a_long_silence_breaks_the_span(company, settings):
    first = company.now
    company.sync(after={"seconds": 3 * settings.SYNC_EVERY.total_seconds() + 1})

    assert spans(company) == [(first, first, 1), (company.now, company.now, 1)]


def test_a_silence_of_a_missed_sync_or_two_does_not(company, settings):
    first = company.now
    company.sync(after={"seconds": 3 * settings.SYNC_EVERY.total_seconds()})

    assert spans(company) == [(first, company.now, 2)]


def test_while_it_cannot_be_read_a_scope_says_since_when_and_why(company):
    company.fault(path="/v1/collaborators", region=PARIS, status=500, times=3)
    company.sync()
    since = company.now
    company.fault(path="/v1/collaborators", region=PARIS, status=403, body="{}", times=1)
    company.sync()

    scope = company.scope("collaborators")
    assert (scope.stale_since, scope.stale_reason) == (since, "no_right")
    assert scope.stale_detail == "This account has no right here."
    assert Coverage.objects.get(scope=scope, latest=True).until < since
    assert company.run.coverage == {"expected": 4, "read": 2, "failed": 2}


def test_read_again_it_is_fresh_and_says_nothing_any_more(company):
    company.fault(path="/v1/collaborators", region=PARIS, status=500, times=3)
    company.sync()
    company.sync()

    scope = company.scope("collaborators")
    assert (scope.stale_since, scope.stale_reason, scope.stale_detail) == (None, "", "")
    assert company.run.coverage == {"expected": 4, "read": 4, "failed": 0}


@pytest.mark.parametrize("nth", [1, 2])
def test_a_connection_that_dies_half_way_leaves_what_it_read_before_fresh(company, nth):
    """The first region was read; then the token died."""
    company.fault(
        path="/v1/apps", region="osc-secnum-fr1", status=403, body="Forbidden", times=None
    )
    for _ in range(nth):
        company.sync()

    assert company.scope("collaborators", PARIS).stale_since is None
    assert company.scope("collaborators", "osc-secnum-fr1").stale_reason == "blocked"
    assert company.run.coverage == {"expected": 4, "read": 3, "failed": 1}


def test_the_end_of_somebody_waiting_does_not_age_the_scope(company):
    company.world.remove("vault-api", "fred@acme.example")
    company.sync()

    latest = company.scope("collaborators", "osc-secnum-fr1").coverage.get(latest=True)
    assert latest.until == company.now
