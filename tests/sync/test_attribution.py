"""Who did it: a person whom Scalingo's events name, or nobody that is known, or not looked up."""

import pytest

from governance.audit.models import Event
from governance.inventory.models import Attribution


def edge(company, app, email, which="start"):
    return Attribution.objects.get(
        collaboration__app__name=app, collaboration__person__email__iexact=email, edge=which
    )


def asked(company):
    return company.requests().get("GET /apps/:app/events", 0)


def test_whoever_invited_is_named(company):
    company.later(minutes=5)
    company.world.invite("billing-api", "new@acme.example", by="fred@acme.example")
    invited = company.now
    company.sync()

    one = edge(company, "billing-api", "new@acme.example")
    assert (one.source, one.actor, one.happened_at) == (
        "event",
        company.person("fred@acme.example"),
        invited,
    )
    assert one.actor_name == ""


def test_whoever_invited_is_named_also_when_it_was_accepted_before_we_looked(company):
    company.world.add_member("billing-api", "oscar@other.example", by="fred@acme.example")
    company.sync()

    assert edge(company, "billing-api", "oscar@other.example").actor.email == "fred@acme.example"


def test_whoever_accepts_did_it_themselves(company):
    company.world.accept("billing-api", "waiting@new.example")
    company.sync()

    one = edge(company, "billing-api", "waiting@new.example")
    assert one.actor == company.person("waiting@new.example")


def test_whoever_removed_somebody_is_named(company):
    company.world.remove("billing-api", "lim@acme.example", by="fred@acme.example")
    company.sync()

    one = edge(company, "billing-api", "lim@acme.example", "end")
    assert (one.source, one.actor.email) == ("event", "fred@acme.example")


def test_whoever_left_by_themselves_is_named(company):
    company.world.leave("billing-api", "lim@acme.example")
    company.sync()

    assert edge(company, "billing-api", "lim@acme.example", "end").actor.email == "lim@acme.example"


def test_whoever_withdrew_an_invitation_is_named_though_the_event_has_no_address(company):
    company.world.remove("billing-api", "waiting@new.example", by="fred@acme.example")
    company.sync()

    assert edge(company, "billing-api", "waiting@new.example", "end").actor.email == (
        "fred@acme.example"
    )


def test_whoever_changed_a_role_is_named(company):
    company.world.change_role(
        "billing-api", "lim@acme.example", limited=False, by="fred@acme.example"
    )
    company.sync()

    assert edge(company, "billing-api", "lim@acme.example").actor.email == "fred@acme.example"


def test_an_actor_who_is_nobody_we_know_is_named_by_name(company):
    company.world.add_account("support@scalingo.example", username="scalingo-platform")
    company.world.remove("billing-api", "lim@acme.example", by="scalingo-platform")
    company.sync()

    one = edge(company, "billing-api", "lim@acme.example", "end")
    assert (one.source, one.actor, one.actor_name) == ("event", None, "scalingo-platform")


def test_what_no_event_explains_is_said_to_be_unexplained(company):
    company.world.remove("billing-api", "lim@acme.example", event=False)
    company.sync()

    one = edge(company, "billing-api", "lim@acme.example", "end")
    assert (one.source, one.happened_at, one.actor) == ("unexplained", None, None)


@pytest.mark.parametrize("status", [500, 403, 404, 401])
def test_what_could_not_be_looked_up_is_not_called_unexplained(company, status):
    company.fault(path="/v1/apps/*/events", status=status, body="{}", times=None)
    company.world.remove("billing-api", "lim@acme.example")
    company.sync()

    assert not Attribution.objects.exists()
    assert company.known() == company.truth()


def test_what_may_have_happened_before_scalingos_memory_is_not_called_unexplained(company):
    """Its events go back 72 hours: an older change is not looked up at all."""
    company.fault(path="/v1/collaborators", status=503, times=None)
    company.world.remove("billing-api", "lim@acme.example")
    company.later(days=4)
    company.sync()
    company.world.faults.clear()
    company.sync()

    assert company.known() == company.truth()
    assert not Attribution.objects.exists()


def test_an_event_explains_one_change_only(company):
    """Two are gone and one was told of: the other is unexplained."""
    company.world.remove("billing-api", "lim@acme.example", event=False)
    company.world.remove("billing-web", "lim@acme.example")
    company.sync()

    assert edge(company, "billing-api", "lim@acme.example", "end").source == "unexplained"
    assert edge(company, "billing-web", "lim@acme.example", "end").source == "event"


def test_an_old_event_does_not_explain_a_new_change(company):
    company.world.change_role("billing-api", "lim@acme.example", limited=False)
    company.sync()
    company.later(minutes=10)
    company.sync()
    company.world.change_role("billing-api", "lim@acme.example", limited=True, event=False)
    company.sync()

    latest = Attribution.objects.latest("id")
    assert latest.source == "unexplained"


def test_one_timeline_is_asked_per_app_that_changed_and_none_for_the_others(company):
    company.world.remove("billing-api", "lim@acme.example")
    company.world.invite("billing-api", "new@acme.example")
    company.sync()
    assert asked(company) == 1

    company.sync()
    assert asked(company) == 0


def test_the_first_reading_asks_no_timeline(company):
    assert asked_first(company) == 0


def asked_first(company):
    from governance.sync.models import Run

    return Run.objects.get().requests.get("GET /apps/:app/events", 0)


def test_a_transferred_app_is_asked_about_once(company):
    company.world.transfer_app("billing-web", "fred@acme.example")
    company.sync()

    assert asked(company) == 1


def test_the_actor_stands_in_the_audit_log(company):
    company.world.remove("billing-api", "lim@acme.example", by="fred@acme.example")
    company.sync()

    event = Event.objects.get(kind="platform.left", sequence__gt=company.first_event)
    assert (event.actor_kind, event.actor_id) == ("person", company.person("fred@acme.example").pk)


def test_an_end_that_waited_is_explained_by_what_happened_when_it_was_first_missed(company):
    company.world.remove("vault-api", "fred@acme.example", by="olivia@acme.example")
    company.sync()
    company.sync(after={"hours": 2})

    one = edge(company, "vault-api", "fred@acme.example", "end")
    assert (one.source, one.actor.email) == ("event", "olivia@acme.example")


@pytest.mark.parametrize("broken", ["user", "type_data", "created_at", "id", "type"])
def test_events_that_make_no_sense_explain_nothing_and_break_nothing(company, broken):
    company.spoil("drop", path="/v1/apps/*/events", m_field=broken, times=None)
    company.world.remove("billing-api", "lim@acme.example")
    company.sync()

    assert company.known() == company.truth()
    assert company.run.state == "complete"
