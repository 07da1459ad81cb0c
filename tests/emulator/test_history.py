"""The oracle: what was true when, and every change exactly once."""

from datetime import timedelta

import pytest

from governance.emulator import AccountState, AppState, Impossible, Member, Unknown

from .conftest import ANCHOR, FULL, LIMITED, OUTSIDER, OWNER


def later(world, minutes=1):
    world.forward(60 * minutes)
    return world.clock.now()


def on_billing(world, instant):
    app_id = world.app("billing-api").id
    return {one.email: one for one in world.members_at(instant, region="osc-fr1", app_id=app_id)}


def changes_since(world, instant):
    return world.history.between(instant, world.clock.now())


def test_it_knows_each_instant_of_an_invitation(world):
    later(world)
    world.invite("billing-api", OUTSIDER, limited=True)
    accepted_at = later(world)
    world.accept("billing-api", OUTSIDER)
    promoted_at = later(world)
    world.change_role("billing-api", OUTSIDER, limited=False)
    removed_at = later(world)
    world.remove("billing-api", OUTSIDER)

    instants = [ANCHOR + timedelta(seconds=30), accepted_at - timedelta(seconds=30), accepted_at]
    instants += [promoted_at, removed_at - timedelta(seconds=1), removed_at]
    states = [on_billing(world, instant).get(OUTSIDER) for instant in instants]

    assert [one and (one.status, one.limited) for one in states] == [
        None,
        ("pending", True),
        ("accepted", True),
        ("accepted", False),
        ("accepted", False),
        None,
    ]
    assert states[1].user_id is None
    assert states[2].user_id == world.account(OUTSIDER).id
    assert len({one.collaborator_id for one in states if one}) == 1


def test_a_person_removed_and_invited_again_has_two_places(world):
    first = on_billing(world, ANCHOR)[LIMITED]
    later(world)
    world.remove("billing-api", LIMITED)
    later(world)
    world.add_member("billing-api", LIMITED)

    second = on_billing(world, world.clock.now())[LIMITED]

    assert second.collaborator_id != first.collaborator_id
    assert second.user_id == first.user_id


def test_what_changes_nothing_leaves_no_change(world):
    later(world)
    world.change_role("billing-api", LIMITED, limited=True)
    world.rename_app("billing-api", "billing-api")
    world.set_two_factor(LIMITED, False)

    assert changes_since(world, ANCHOR) == []


def test_each_change_is_one_entry_and_an_address_is_one_per_place(world):
    later(world)
    world.set_two_factor(LIMITED, True)
    assert [type(one.state) for one in changes_since(world, ANCHOR)] == [AccountState]

    before = later(world)
    later(world)
    world.change_email(LIMITED, "lime@acme.example")

    kinds = [type(one.state) for one in changes_since(world, before)]
    assert sorted(kinds, key=str) == [AccountState, Member, Member]


def test_a_deleted_app_takes_its_people_along(world):
    app_id = world.app("billing-api").id
    later(world)
    world.delete_app("billing-api")

    now = world.clock.now()
    assert world.members_at(now, app_id=app_id) == []
    assert app_id not in {one.id for one in world.apps_at(now)}
    assert len(world.members_at(ANCHOR, app_id=app_id)) == 3
    assert app_id in {one.id for one in world.apps_at(ANCHOR)}


def test_a_transfer_changes_the_owner_and_two_places(world):
    later(world)
    world.transfer_app("billing-api", FULL)

    states = [one.state for one in changes_since(world, ANCHOR)]
    app = next(one for one in states if isinstance(one, AppState))
    assert app.owner_id == world.account(FULL).id
    assert sum(one is None for one in states) == 1
    assert [one.email for one in states if isinstance(one, Member)] == [OWNER]


def test_the_oracle_and_the_api_agree(world, ask):
    world.delete_account(LIMITED)
    world.change_email(FULL, "frederic@acme.example")

    rows = ask(OWNER).get("/osc-fr1/v1/collaborators").json()["collaborators"]
    known = world.members_at(world.clock.now(), region="osc-fr1")

    owned = {one.app_id for one in known} - {world.app("other-api").id}
    assert {
        (r["app_id"], r["id"], r["email"], r["user_id"], r["is_limited"], r["status"]) for r in rows
    } == {
        (m.app_id, m.collaborator_id, m.email, m.user_id, m.limited, m.status)
        for m in known
        if m.app_id in owned
    }


def test_a_name_that_two_regions_have_needs_its_region(world):
    world.create_app("billing-api", owner=OWNER, region="osc-secnum-fr1")

    with pytest.raises(Unknown):
        world.rename_app("billing-api", "billing-core")

    world.rename_app("billing-api", "billing-core", region="osc-secnum-fr1")
    assert world.app("billing-api").region == "osc-fr1"


@pytest.mark.parametrize(
    "mistake",
    [
        lambda world: world.invite("billing-api", FULL),
        lambda world: world.invite("billing-api", OWNER),
        lambda world: world.invite("billing-api", "nobody"),
        lambda world: world.accept("billing-api", FULL),
        lambda world: world.accept("billing-api", "waiting@new.example", account=FULL),
        lambda world: world.expire("billing-api", FULL),
        lambda world: world.create_app("billing-api", owner=OWNER, region="osc-fr1"),
    ],
)
def test_what_the_platform_would_refuse_is_impossible(world, mistake):
    later(world)

    with pytest.raises(Impossible):
        mistake(world)

    assert changes_since(world, ANCHOR) == []


@pytest.mark.parametrize(
    "mistake",
    [
        lambda world: world.remove("billing-api", OUTSIDER),
        lambda world: world.remove("no-such-app", FULL),
        lambda world: world.account("nobody"),
        lambda world: world.project("nothing"),
        lambda world: world.token_of("waiting@new.example"),
        lambda world: world.switch(nothing=True),
    ],
)
def test_what_is_not_there_is_unknown(world, mistake):
    with pytest.raises(Unknown):
        mistake(world)
