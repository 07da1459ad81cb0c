"""The demo company with its year, and companies of any size."""

import itertools
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from governance.emulator import World, wsgi
from governance.emulator.model import GHOST

from .conftest import ANCHOR

# A leap day, the turn of a year, a Saturday, a Sunday, the change of the clocks.
ANCHORS = [
    ANCHOR,
    datetime(2028, 2, 29, 0, 0, 1, tzinfo=UTC),
    datetime(2027, 1, 1, 12, tzinfo=UTC),
    datetime(2026, 11, 21, 18, 31, 55, 290_000, tzinfo=UTC),
    datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
]


@pytest.fixture(scope="module")
def demo():
    return World(anchor=ANCHOR)


def people_of(world):
    """Everybody with access or an invitation, owners included: their account, or the address."""
    members = world.members_at(world.clock.now())
    people = {world.accounts[app.owner_id].id for app in world.apps()}
    return people | {one.user_id or one.email for one in members}


def everything(world):
    now = world.clock.now()
    events = [
        (one.id, one.at, one.type) for region in world.regions.values() for one in region.events
    ]
    return (
        sorted(world.members_at(now), key=repr),
        sorted(world.apps_at(now), key=repr),
        sorted(world.accounts_at(now), key=repr),
        events,
        [one.secret for account in world.accounts.values() for one in account.tokens],
        world.history.entries,
        world.ids.used,
    )


class TestDemo:
    def test_it_has_its_size(self, demo):
        apps = [app for app in demo.apps() if app.kind == "app"]
        databases = [app for app in demo.apps() if app.kind == "database"]

        assert len(apps) == 60
        assert len({(app.region, app.project_id) for app in apps}) == 6
        assert {app.region for app in apps} == {"osc-fr1", "osc-secnum-fr1"}
        assert len(databases) == 4
        assert sum(bool(app.parent_name) for app in apps) == 4
        assert 38 <= len(people_of(demo)) <= 44
        assert all(6 <= len(app.name) <= 48 for app in apps)

    def test_it_has_all_kinds_of_people(self, demo):
        members = demo.members_at(demo.clock.now())
        here = [demo.accounts[one] for one in people_of(demo) if one in demo.accounts]
        statuses = Counter(one.status for one in members)

        assert statuses[GHOST] == 1
        assert statuses["pending"] >= 6
        assert len({one.company for one in here if one.role == "external"}) == 2
        assert sum(one.role == "service" for one in here) == 4
        assert 8 <= sum(not one.two_factor for one in here) <= 15
        assert all(account.email.endswith(".example") for account in demo.accounts.values())

    def test_some_invitations_have_waited_for_weeks(self, demo):
        waiting = [
            demo.clock.now() - one.invited_at
            for app in demo.apps()
            for one in app.collaborations.values()
            if one.is_pending
        ]

        assert max(waiting) > timedelta(days=45)
        assert min(waiting) < timedelta(days=10)

    def test_two_of_three_owners_are_to_be_connected(self, demo):
        owners = [one for one in demo.accounts.values() if one.role == "owner"]

        assert [one.connect for one in owners] == [True, True, False]
        owning = Counter(app.owner_id for app in demo.apps())
        assert all(owning[one.id] for one in owners)

    def test_a_connected_owner_works_on_apps_of_the_third(self, demo):
        platform = demo.account("plateforme@brumelle.example")
        claire = demo.account("claire.vasseur@brumelle.example")

        worked_on = [app for app in demo.apps_of(platform, "osc-fr1") if app.owner_id == claire.id]

        assert len(worked_on) == 4

    def test_somebody_deploys_who_may_have_left(self, demo):
        linked = [app for app in demo.apps() if app.linker_id]

        gone = [
            app.name
            for app in linked
            if app.linker_id not in {one.account_id for one in app.collaborations.values()}
        ]
        assert len(linked) == 7
        assert gone == ["billing-exports"]

    def test_it_is_the_same_at_every_start(self, demo):
        assert everything(World(anchor=ANCHOR)) == everything(demo)

    def test_another_seed_has_other_identifiers_and_the_same_story(self, demo):
        other = World(anchor=ANCHOR, seed=2)

        names = {app.name for app in demo.apps()}
        assert {app.name for app in other.apps()} == names
        assert not {app.id for app in other.apps()} & {app.id for app in demo.apps()}
        assert len(other.members_at(ANCHOR)) == len(demo.members_at(ANCHOR))

    def test_no_two_things_share_an_identifier(self, demo):
        ids = [app.id for app in demo.apps()] + [
            one.id for app in demo.apps() for one in app.collaborations.values()
        ]

        assert len(ids) == len(set(ids))

    def test_the_past_sent_its_mails_in_the_past(self, demo):
        assert demo.mails == []


class TestTheYear:
    @pytest.mark.parametrize("anchor", ANCHORS, ids=str)
    def test_it_can_be_lived_through_with_any_anchor(self, anchor):
        world = World.at_start_of_year(anchor=anchor)
        readings = world.year()

        assert world.clock.now() == readings[0] == anchor - timedelta(days=365)
        assert readings[-1] == anchor
        assert readings == sorted(set(readings))
        assert 60 <= len(readings) <= 80
        for instant in readings:
            world.advance_to(instant)
        assert everything(world) == everything(World(anchor=anchor))

    @pytest.mark.parametrize("anchor", ANCHORS, ids=str)
    def test_nothing_of_it_looks_like_a_failure_of_the_platform(self, anchor):
        """So few leave between two readings that a careful reader believes them at once."""
        world = World(anchor=anchor)
        readings = world.year()
        for before, after in itertools.pairwise(readings):
            was = {(m.app_id, m.collaborator_id) for m in world.members_at(before)}
            known = {app.id for app in world.apps_at(after)}
            left = was - {(m.app_id, m.collaborator_id) for m in world.members_at(after)}
            ended = [app_id for app_id, _ in left if app_id in known]

            assert len(ended) <= max(10, len(was) // 20)
            size = Counter(app_id for app_id, _ in was)
            for app_id, count in Counter(ended).items():
                assert size[app_id] < 5 or count <= size[app_id] // 2
                assert count < size[app_id]

    def test_every_reading_comes_soon_after_what_happened(self, demo):
        """Timelines reach 72 hours back: what is read later has lost its author."""
        readings = demo.year()
        start = demo.anchor - timedelta(days=365)
        for entry in demo.history.between(start, demo.anchor):
            waited = next(one for one in readings if one >= entry.at) - entry.at

            assert waited < timedelta(hours=72)

    def test_no_two_readings_are_far_apart(self, demo):
        readings = demo.year()

        gaps = [b - a for a, b in itertools.pairwise(readings)]
        assert max(gaps) <= timedelta(days=12)

    def test_it_has_everything_that_happens_in_a_company(self, demo):
        kinds = Counter(event.type for region in demo.regions.values() for event in region.events)

        for kind, least in {
            "new_collaborator": 40,
            "accept_collaborator": 35,
            "delete_collaborator": 20,
            "change_collaborator_role": 10,
            "rename_app": 3,
            "update_app_project": 2,
            "transfer_app": 1,
            "delete_app": 3,
            "new_app": 8,
            "new_variable": 0,
            "edit_variable": 1,
        }.items():
            assert kinds[kind] >= least, kind

    def test_two_factor_rises_and_sometimes_falls(self, demo):
        def share(instant):
            known = [one for one in demo.accounts_at(instant) if not one.deleted]
            return sum(one.two_factor for one in known) / len(known)

        start = demo.anchor - timedelta(days=365)
        off = [
            one
            for one in demo.account_events[demo.account("tguerin").id]
            if one.type == "tfa_disabled"
        ]
        assert share(demo.anchor) > share(start) + 0.1
        assert len(off) == 1

    def test_somebody_leaves_everything(self, demo):
        gone = demo.account("laura.petit@brumelle.example").id
        start = demo.anchor - timedelta(days=365)

        assert len([m for m in demo.members_at(start) if m.user_id == gone]) > 10
        assert [m for m in demo.members_at(demo.anchor) if m.user_id == gone] == []

    def test_some_changes_have_no_author(self, demo):
        start = demo.anchor - timedelta(days=365)
        told = {
            (event.app_id, event.at) for region in demo.regions.values() for event in region.events
        }

        untold = [
            entry
            for entry in demo.history.between(start, demo.anchor)
            if entry.key[0] == "member" and (entry.key[2], entry.at) not in told
        ]

        assert 8 <= len(untold) <= 40

    def test_nobody_did_what_their_role_forbids(self, demo):
        owners_only = {"rename_app", "delete_app", "update_app_project", "transfer_app"}
        for event in (event for region in demo.regions.values() for event in region.events):
            before = event.at - timedelta(seconds=1)
            owner = {app.id: app.owner_id for app in demo.apps_at(before)}.get(event.app_id)
            full = {
                one.user_id
                for one in demo.members_at(before, app_id=event.app_id)
                if not one.limited
            }
            may = {owner} if event.type in owners_only else {owner} | full
            named = event.type_data.get("collaborator", {})
            themself = named.get("email") == event.user["email"]

            if owner and not themself and event.type != "accept_collaborator":
                assert event.actor_id in may, (event.type, event.app_name, event.user["email"])

    def test_the_invited_and_the_accepting_address_can_differ(self, demo):
        on_records = demo.app("records-web").collaborations.values()

        assert any(
            demo.email_of(one) == "chloe.dumas@brumelle.example"
            and one.email == "c.dumas@perso.example"
            for one in on_records
        )


class TestLarge:
    def test_it_has_the_size_that_was_asked_for(self):
        world = World("large", apps=50, people=100, members=7, anchor=ANCHOR)

        apps = list(world.apps())
        assert len(apps) == 50
        assert len(world.accounts) == 100
        assert {len(app.collaborations) for app in apps} == {7}
        assert {app.region for app in apps} == {"osc-fr1", "osc-secnum-fr1"}

    def test_it_can_be_of_one_region(self):
        world = World("large", apps=10, people=20, members=3, regions=1, anchor=ANCHOR)

        assert {app.region for app in world.apps()} == {"osc-fr1"}

    def test_one_owns_everything_and_another_works_on_it(self):
        world = World("large", apps=20, people=30, members=3, anchor=ANCHOR)
        owner, close = (
            world.account("plateforme@grande.example"),
            world.account("proche@grande.example"),
        )

        assert {app.owner_id for app in world.apps()} == {owner.id}
        assert len(world.apps_of(close, "osc-fr1")) == 16
        assert owner.connect
        assert not close.connect

    def test_it_is_the_same_at_every_start(self):
        def made():
            return everything(World("large", apps=20, people=30, members=5, anchor=ANCHOR))

        assert made() == made()

    def test_roles_and_two_factor_are_mixed(self):
        world = World("large", apps=100, people=200, members=10, anchor=ANCHOR)

        members = world.members_at(ANCHOR)
        assert {one.limited for one in members} == {True, False}
        assert {one.status for one in members} == {"pending", "accepted"}
        assert {one.two_factor for one in world.accounts.values()} == {True, False}


def test_a_company_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="no company"):
        World("acme")


def test_without_an_anchor_the_clock_runs_with_ours():
    world = World("small")
    first = world.clock.now()

    assert abs((first - datetime.now(UTC)).total_seconds()) < 5
    time.sleep(0.002)
    assert world.clock.now() > first
    world.forward(3600)
    assert world.clock.now() - first > timedelta(minutes=59)
    world.clock.freeze()
    assert world.clock.now() == world.clock.now()
    world.clock.run()
    stood = world.clock.now()
    time.sleep(0.002)
    assert stood < world.clock.now() < stood + timedelta(minutes=1)


def test_a_long_list_is_made_once_and_again_after_each_change():
    world = World("large", apps=80, people=100, members=20, anchor=ANCHOR)
    bearer = {"Authorization": f"Bearer {world.bearer_for('plateforme@grande.example')}"}
    transport = httpx.WSGITransport(app=wsgi(world))
    with httpx.Client(
        transport=transport, headers=bearer, base_url="http://emu.example/osc-fr1/v1"
    ) as client:

        def rows():
            return client.get("/collaborators").json()["collaborators"]

        first, again = rows(), rows()
        gone = first[5]
        assert len(world.long_answers) == 1
        assert first == again

        client.delete(f"/apps/{gone['app_id']}/collaborators/{gone['id']}")
        assert gone not in rows()
        world.switch(accepted_link_has_url=True)
        assert rows()[0]["invitation_link"]
