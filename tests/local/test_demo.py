"""The demo: everything it shows came through the sync, and is what the pretend Scalingo says."""

from datetime import datetime

import pytest

from governance.accounts.models import User
from governance.connections.models import Connection
from governance.emulator import World
from governance.facts.models import AppFact, PersonFact
from governance.inventory.models import App, Collaboration, Identity
from governance.local.company import Company, SignIn
from governance.local.places import Places
from governance.local.set_up import demo, replay, sign_ins
from governance.sync.models import HeldRemoval, Run, Step


@pytest.fixture
def places(tmp_path):
    found = Places(tmp_path)
    found.make()
    return found


def _only_so_many_readings(monkeypatch, count):
    """A short year: enough for what does not depend on the rest of it."""
    year = World.year
    monkeypatch.setattr(World, "year", lambda world: year(world)[:count])


def _members():
    rows = Collaboration.objects.filter(ended_at=None).exclude(collaborator_id="owner")
    return {
        (row.app.region.name, row.app.scalingo_id, row.collaborator_id, row.role == "limited")
        for row in rows.select_related("app__region")
    }


def _links():
    """Each app with the account that links it to its source code, as far as it was read."""
    accounts = dict(
        Identity.objects.filter(kind="user_id", ended_at=None).values_list("person", "value")
    )
    apps = App.objects.listed().filter(kind="app").exclude(scm_read_at=None)
    return {
        (app.region.name, app.scalingo_id, accounts.get(app.scm_linker_id))
        for app in apps.select_related("region")
    }


def _reasons():
    return {problem["reason"] for step in Step.objects.all() for problem in step.problems}


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_a_year_later_it_shows_exactly_what_the_pretend_scalingo_says(places):
    company = demo.prepare(places)

    anchor = datetime.fromisoformat(company.anchor)
    world = World(demo.COMPANY, anchor=anchor)
    said = {
        (one.region, one.app_id, one.collaborator_id, one.limited)
        for one in world.members_at(anchor)
    }
    assert _members() == said
    # The past is a whole year, and nothing of it went wrong but apps that were deleted.
    assert (anchor - Run.objects.earliest("requested_at").requested_at).days == 365
    assert not Run.objects.filter(state=Run.State.FAILED).exists()
    assert _reasons() == {"not_listed"}
    assert not HeldRemoval.objects.filter(state=HeldRemoval.State.WAITING).exists()
    assert _links() == {
        (app.region, app.id, app.linker_id) for app in world.apps() if app.kind == "app"
    }
    # What people have said of it.
    assert set(PersonFact.objects.values_list("kind", "employment")) == {
        ("service", "internal"),
        ("human", "external"),
    }
    assert set(AppFact.objects.values_list("app_class", flat=True)) == {"production", "staging"}
    scoped = User.objects.get(email=demo.SCOPED)
    assert {app.project.name for app in App.objects.visible_to(scoped)} == {demo.SCOPE}


@pytest.mark.django_db(transaction=True)
def test_when_it_was_interrupted_it_goes_on_where_it_stopped(places, monkeypatch):
    _only_so_many_readings(monkeypatch, 4)
    read, interrupted = replay._read, []

    def read_twice_then_stop(world, instant):
        if len(interrupted) == 2:
            raise KeyboardInterrupt
        interrupted.append(instant)
        read(world, instant)

    monkeypatch.setattr(replay, "_read", read_twice_then_stop)
    with pytest.raises(KeyboardInterrupt):
        demo.prepare(places)
    monkeypatch.setattr(replay, "_read", read)

    company = demo.prepare(places)

    instants = [run.requested_at for run in Run.objects.order_by("requested_at")]
    world = World.at_start_of_year(demo.COMPANY, anchor=datetime.fromisoformat(company.anchor))
    assert instants == world.year()
    assert Connection.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_second_start_adds_nothing_and_knows_the_passwords(places, monkeypatch):
    _only_so_many_readings(monkeypatch, 1)
    first = demo.prepare(places)

    second = demo.prepare(places)

    assert second == first
    assert len(second.sign_ins) == User.objects.count() == len(demo.PEOPLE)
    assert Run.objects.count() == 1
    one = second.sign_ins[0]
    assert User.objects.get(email=one.email).check_password(one.password)


@pytest.mark.django_db
def test_a_database_with_data_of_its_own_is_left_alone(places, alice):
    company = demo.prepare(places)

    assert company.anchor == ""  # and so no emulator either
    assert "left out" in company.sentence
    assert list(User.objects.all()) == [alice]
    assert not Connection.objects.exists()


@pytest.mark.django_db
def test_a_password_that_was_changed_is_shown_no_more(places, now):
    people = [("Ada", "ada@brumelle.example", "admin", ""), ("Vera", "v@a.example", "viewer", "")]
    made = sign_ins.make(people, places, at=now)
    made["v@a.example"].set_password("something else of mine")
    made["v@a.example"].save()

    assert [one.email for one in sign_ins.kept(places)] == ["ada@brumelle.example"]
    assert places.sign_ins.stat().st_mode & 0o777 == 0o600


def test_what_the_set_up_says_reaches_the_launcher_whole():
    company = Company("It shows.", [SignIn("admin", "a@b.example", "pass", "note")], "2026-01-01")

    assert Company.from_json(f"some noise\n{company.as_json()}\n") == company
    assert "pass" not in repr(company)
