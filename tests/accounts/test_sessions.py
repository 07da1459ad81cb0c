"""Sessions end in time, and rights end at once."""

from datetime import timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.utils import timezone

from governance.accounts import actions, middleware
from governance.audit.events import Source
from governance.audit.models import Event


@pytest.fixture
def later(monkeypatch):
    """`later(minutes=31)`: the clock that the sessions read moves on."""
    begun = timezone.now()
    passed = [timedelta()]
    monkeypatch.setattr(middleware.timezone, "now", lambda: begun + passed[0])

    def move(**by):
        passed[0] += timedelta(**by)

    return move


def may_read(client):
    return client.get("/people/").status_code == 200


def test_a_session_left_alone_ends(bob, client_of, later, settings):
    client = client_of(bob)
    assert may_read(client)

    later(seconds=settings.SESSION_IDLE.total_seconds() + 1)

    assert not may_read(client)
    assert SESSION_KEY not in client.session


def test_a_session_in_use_lasts_and_then_ends_all_the_same(bob, client_of, later, settings):
    client = client_of(bob)
    may_read(client)

    for _ in range(settings.SESSION_COOKIE_AGE // (20 * 60)):
        later(minutes=20)
        assert may_read(client)
    later(minutes=20)

    assert not may_read(client)


def test_looking_at_pages_writes_the_session_once_a_minute(bob, client_of, later, queries_of):
    client = client_of(bob)
    may_read(client)
    later(seconds=30)
    soon = queries_of(lambda: may_read(client))
    later(seconds=60)
    minutes_later = queries_of(lambda: may_read(client))

    assert not [sql for sql in soon if sql.startswith("UPDATE")]
    assert len([sql for sql in minutes_later if sql.startswith("UPDATE")]) == 1


def test_somebody_deactivated_is_out_at_the_next_request(bob, client_of, now):
    client = client_of(bob)
    assert may_read(client)

    actions.set_active(bob, active=False, by=None, source=Source.TERMINAL, at=now)

    assert not may_read(client)


def test_somebody_demoted_has_lost_it_at_the_next_request(olga, client_of, now):
    client = client_of(olga)
    assert client.get("/settings/connections/add/").status_code == 200

    actions.change_roles(olga, ["auditor"], by=None, source=Source.TERMINAL, at=now)

    assert client.get("/settings/connections/add/").status_code == 403
    assert may_read(client)


def test_a_new_password_ends_every_session(bob, client_of, now):
    client = client_of(bob)
    assert may_read(client)

    actions.set_password(bob, "another long pass phrase", by=None, source=Source.TERMINAL, at=now)

    assert not may_read(client)


@pytest.mark.parametrize("path", ["/", "/people/", "/apps/", "/sync/", "/settings/connections/"])
def test_somebody_without_a_role_reads_why(mallory, client_of, path):
    response = client_of(mallory).get(path)

    assert response.status_code == 403
    assert "nobody has given you a role here yet" in response.text


def test_somebody_without_a_role_can_leave(mallory, client_of):
    client = client_of(mallory)

    assert client.post("/sign-out/").status_code == 303
    assert SESSION_KEY not in client.session


def test_a_refusal_leaves_an_event_with_the_route_and_no_sentence(carol, client_of):
    client_of(carol).post("/settings/connections/add/", {"name": "x"})

    event = Event.objects.get()
    assert (event.kind, event.actor_id) == ("user.refused", carol.pk)
    assert event.data == {"method": "POST", "route": "connections:add", "arguments": {}}


def test_somebody_without_a_role_leaves_an_event_too(mallory, client_of):
    client_of(mallory).get("/people/")

    event = Event.objects.get()
    assert (event.kind, event.actor_id) == ("user.refused", mallory.pk)
    assert event.data["route"] == "dashboard:people"
