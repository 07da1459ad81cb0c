"""Who links apps to their source code: read beside syncs, the oldest first; until then unknown."""

from datetime import timedelta

import pytest

from governance.emulator.model import Account
from governance.inventory.models import App, Collaboration, Person
from governance.sync import actions, links
from governance.sync.models import Run
from tests.sync import invariants

FRED = "fred@acme.example"


@pytest.fixture
def read(company):
    """What the schedule does each minute, with as many requests as a test leaves it."""

    def go(left=lambda: 100, **after):
        company.later(**(after or {"minutes": 1}))
        return links.read_due(clock=lambda: company.now, client_for=company.clients, left=left)

    return go


@pytest.fixture
def asked(company):
    """The apps of which the link was asked for, in order."""
    found = []

    def listen(request):
        if request.url.path.endswith("/scm_repo_link"):
            found.append(request.url.path.split("/")[-2])

    company.on_request.append(listen)
    return found


def linker(app):
    return app.scm_linker and app.scm_linker.email


def apps():
    return App.objects.filter(kind="app", gone_at=None)


def test_the_link_of_every_app_is_read_and_who_made_it(company, read):
    assert not apps().exclude(scm_read_at=None).exists()

    assert read() == apps().count()

    assert not apps().exclude(scm_read_at=company.now).exists()
    assert {app.name: linker(app) for app in apps() if app.scm_linker} == {"billing-api": FRED}
    invariants.check(company)


def test_a_link_that_moves_or_ends_is_seen_a_day_later(company, read):
    read()
    company.world.link_repository("billing-api", "olivia@acme.example")
    assert read(hours=23) == 0
    assert linker(company.app("billing-api")) == FRED

    read(hours=1)
    assert linker(company.app("billing-api")) == "olivia@acme.example"

    company.world.app("billing-api").linker_id = None
    read(hours=24)
    assert company.app("billing-api").scm_linker is None
    assert company.app("billing-api").scm_read_at == company.now


def test_what_was_read_longest_ago_is_asked_first(company, read, asked):
    names = {app.scalingo_id: app.name for app in apps()}
    one, other, *rest = sorted(names.values())
    for name, days in ((one, 2), (other, 3), *((name, 0) for name in rest)):
        when = company.now - timedelta(days=days)
        App.objects.filter(name=name).update(scm_read_at=when, scm_asked_at=when)

    read()

    assert [names[pk] for pk in asked] == [other, one]


def test_it_takes_what_syncs_leave_of_the_budget(company, read, asked):
    left = iter([12, 11, 10, 9, 9])

    assert read(left=lambda: next(left)) == 3
    assert len(asked) == 3


def test_a_sync_that_waits_comes_first(company, read, asked):
    actions.request(by=None, at=company.now, trigger=Run.Trigger.PAGE)
    assert read() == 0
    assert asked == []

    company.carry_out()
    assert read() == apps().count()


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_what_could_not_be_read_stays_unknown_and_is_tried_in_an_hour(company, read, asked, status):
    billing = company.app("billing-api")
    path = f"/v1/apps/{billing.scalingo_id}/scm_repo_link"
    company.fault(path=path, status=status, body='{"error":"no"}', times=None)
    assert read() == apps().count()
    billing.refresh_from_db()
    assert (billing.scm_linker, billing.scm_read_at) == (None, None)

    company.world.faults.clear()
    asked.clear()
    assert read(minutes=59) == 0
    assert read() == 1
    assert linker(company.app("billing-api")) == FRED


def test_a_link_that_was_known_stays_while_it_cannot_be_read(company, read):
    read()
    known_at = company.now
    company.fault(path="/v1/apps/*/scm_repo_link", status=500, times=None)
    read(hours=24)

    billing = company.app("billing-api")
    assert (linker(billing), billing.scm_read_at) == (FRED, known_at)


def test_an_account_that_is_shut_out_is_asked_no_more_this_time(company, read, asked):
    company.fault(
        path="/v1/apps/*/scm_repo_link",
        status=403,
        body="Forbidden",
        content_type="text/plain",
        times=None,
    )

    assert read() == 1
    assert len(asked) == 1


def test_whoever_links_an_app_and_is_on_none_is_named_too(company, read):
    stranger = company.world.add_account("gone@else.example")
    assert isinstance(stranger, Account)
    company.world.link_repository("billing-web", stranger)
    read()

    assert linker(company.app("billing-web")) == "gone@else.example"
    person = Person.objects.get(email="gone@else.example")
    assert not Collaboration.objects.filter(person=person).exists()
    invariants.check(company)

    company.world.add_member("billing-web", stranger)
    company.sync()
    assert company.period("billing-web", "gone@else.example").person == person


def test_a_link_whose_account_is_not_named_stays_unknown(company, read):
    company.spoil("drop", path="/v1/apps/*/scm_repo_link", m_field="linker.id", times=None)
    read()

    assert company.app("billing-api").scm_read_at is None
    assert company.app("billing-web").scm_read_at == company.now
