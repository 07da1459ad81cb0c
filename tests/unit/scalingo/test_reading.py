"""What the client reads from a whole platform, by the emulator."""

from datetime import UTC, datetime

import pytest

from governance.scalingo import DatabaseUser, NoRight, NotFound, NotUnderstood, Refused


@pytest.fixture
def olivia(client_of):
    return client_of()


@pytest.fixture
def paris(olivia):
    return next(region for region in olivia.regions() if region.name == "osc-fr1")


def app_called(client, region, name):
    return next(app for app in client.apps(region) if app.name == name)


def test_it_knows_whose_token_it_holds_after_the_exchange(olivia, world):
    assert olivia.account_id is None

    olivia.exchange()

    assert olivia.account_id == world.account("olivia@acme.example").id


def test_it_reads_the_regions_with_their_addresses(olivia):
    regions = olivia.regions()

    assert {region.name for region in regions} == {"osc-fr1", "osc-secnum-fr1"}
    assert all(region.api.startswith("http://127.0.0.1:4000/") for region in regions)
    assert all(region.display_name for region in regions)


def test_it_reads_the_account_and_its_own_2fa(client_of, world):
    olivia, lim = client_of(), client_of("lim@acme.example")

    assert olivia.self_account().id == world.account("olivia@acme.example").id
    assert olivia.self_account().email == "olivia@acme.example"
    assert olivia.own_two_factor() is True
    assert lim.own_two_factor() is False


def test_it_reads_apps_owned_and_worked_on_with_their_owners(olivia, paris):
    owners = {app.name: app.owner_email for app in olivia.apps(paris)}

    assert owners == {
        "billing-api": "olivia@acme.example",
        "billing-web": "olivia@acme.example",
        "other-api": "oscar@other.example",
    }
    billing = app_called(olivia, paris, "billing-api")
    assert billing.project_name == "billing"
    assert billing.parent_name == ""
    assert billing.created_at.tzinfo is not None


def test_regions_hold_different_apps(olivia):
    secnum = next(region for region in olivia.regions() if region.name == "osc-secnum-fr1")

    apps = list(olivia.apps(secnum))

    assert [(app.name, app.health_data) for app in apps] == [("vault-api", True)]


def test_it_reads_the_collaborators_of_every_owned_app_in_one_request(olivia, paris, world):
    before = world.traffic.total

    rows = list(olivia.collaborators(paris))

    assert world.traffic.total == before + 1
    by_app = {(row.app_name, row.email): row for row in rows}
    assert len(rows) == 5
    fred = by_app["billing-api", "fred@acme.example"]
    assert (fred.two_factor, fred.is_limited, fred.status) == (True, False, "accepted")
    lim = by_app["billing-web", "lim@acme.example"]
    assert (lim.two_factor, lim.is_limited) == (False, True)
    waiting = by_app["billing-api", "waiting@new.example"]
    assert (waiting.user_id, waiting.two_factor, waiting.status) == (None, None, "pending")


def test_it_reads_the_collaborators_of_an_app_of_another_owner(olivia, paris):
    other = app_called(olivia, paris, "other-api")

    rows = list(olivia.collaborators_of(paris, other.id))

    assert [row.email for row in rows] == ["olivia@acme.example"]


@pytest.mark.parametrize(
    "switches",
    [
        {"pending_user_id_absent": True},
        {"accepted_link_has_url": True},
        {"two_factor_for_all": False},
    ],
)
def test_it_reads_the_platform_in_each_of_its_dialects(olivia, paris, world, switches):
    world.switch(**switches)

    listing = olivia.collaborators(paris)

    assert len(listing) == 5
    assert not listing.problems


def test_an_outsider_has_no_right_and_a_stranger_s_app_is_not_found(client_of, paris, olivia):
    billing = app_called(olivia, paris, "billing-api")
    outsider = client_of("outsider@nowhere.example")

    with pytest.raises(NoRight):
        outsider.collaborators_of(paris, billing.id)
    with pytest.raises(NotFound) as caught:
        outsider.app(paris, "no-such-app")

    assert caught.value.resource == "app"


@pytest.mark.parametrize("as_array", [False, True])
def test_it_invites_and_reads_the_answer_in_both_shapes(olivia, paris, world, as_array):
    world.switch(invitation_as_array=as_array)
    app = app_called(olivia, paris, "billing-web")

    made = olivia.invite(paris, app.id, "new@example.org", is_limited=False)

    assert (made.email, made.status, made.is_limited) == ("new@example.org", "pending", False)
    assert made.id in {row.id for row in olivia.collaborators_of(paris, app.id)}


def test_it_changes_a_role_and_removes(olivia, paris):
    app = app_called(olivia, paris, "billing-web")
    fred = next(
        row for row in olivia.collaborators_of(paris, app.id) if row.email == "fred@acme.example"
    )

    changed = olivia.change_role(paris, app.id, fred.id, is_limited=True)
    olivia.remove(paris, app.id, fred.id)

    assert changed.is_limited is True
    assert fred.id not in {row.id for row in olivia.collaborators_of(paris, app.id)}
    with pytest.raises(NotFound) as caught:
        olivia.remove(paris, app.id, fred.id)
    assert caught.value.resource == "collaborator"


def test_a_refusal_says_which_field_and_why(olivia, paris):
    app = app_called(olivia, paris, "billing-web")

    with pytest.raises(Refused) as caught:
        olivia.invite(paris, app.id, "not an address", is_limited=True)

    assert list(caught.value.fields) == ["email"]
    assert caught.value.fields["email"]
    assert caught.value.status == 422


def test_it_reads_who_did_what_to_an_app_s_people(olivia, paris):
    app = app_called(olivia, paris, "billing-web")
    began = datetime(2026, 3, 2, 8, 59, tzinfo=UTC)
    made = olivia.invite(paris, app.id, "new@example.org", is_limited=True)
    olivia.change_role(paris, app.id, made.id, is_limited=False)
    olivia.remove(paris, app.id, made.id)

    events = [event for event in olivia.events(paris, app.id) if event.at > began]

    assert {event.type for event in events} == {
        "new_collaborator",
        "change_collaborator_role",
        "delete_collaborator",
    }
    assert {event.actor_email for event in events} == {"olivia@acme.example"}
    assert {event.app_id for event in events} == {app.id}
    changed = next(event for event in events if event.type == "change_collaborator_role")
    assert (changed.collaborator_email, changed.is_limited) == ("new@example.org", False)


def test_it_reads_from_whom_an_app_went_to_whom(olivia, paris, world):
    app = app_called(olivia, paris, "billing-web")

    world.transfer_app("billing-web", to="fred@acme.example")

    moved = next(event for event in olivia.events(paris, app.id) if event.type == "transfer_app")
    assert moved.old_owner_email == "olivia@acme.example"
    assert moved.new_owner_email == "fred@acme.example"


def test_values_of_variables_never_enter(olivia, paris, world):
    app = app_called(olivia, paris, "billing-web")
    value = "hunter2-" * 3
    world.set_variable("billing-web", "DATABASE_URL", value, by="olivia@acme.example")

    names = olivia.variable_names(paris, app.id)
    events = list(olivia.events(paris, app.id))

    assert names == ["DATABASE_URL"]
    assert any("variable" in event.type for event in events)
    assert value not in repr(events) + repr(names)


def test_it_reads_the_users_of_a_database_and_never_its_token(olivia, paris, world):
    app = app_called(olivia, paris, "billing-web")
    world.add_database("billing-web", "mysql")
    world.add_database_user("billing-web", "metabase", read_only=True)

    (add_on,) = olivia.add_ons(paris, app.id)
    users = olivia.database_users(paris, app.id, add_on.id)

    assert (add_on.provider, add_on.resource) == ("mysql", "billing_web_0001")
    assert users == [
        DatabaseUser("billing_web_0001", is_read_only=False, is_protected=True),
        DatabaseUser("metabase", is_read_only=True, is_protected=False),
    ]
    assert olivia.add_ons(paris, app_called(olivia, paris, "billing-api").id) == []


def test_who_is_limited_may_not_ask_for_add_ons(client_of, paris, world):
    world.add_database("billing-web")
    lim = client_of("lim@acme.example")
    app = app_called(lim, paris, "billing-web")

    with pytest.raises(NoRight):
        lim.add_ons(paris, app.id)


def test_a_database_that_does_not_know_the_token_is_a_matter_of_rights(olivia, paris, world):
    app = app_called(olivia, paris, "billing-web")
    world.add_database("billing-web")
    (add_on,) = olivia.add_ons(paris, app.id)
    world.fault(path="/api/databases/**", status=400, body='{"error":"unauthorized"}')

    with pytest.raises(NoRight) as caught:
        olivia.database_users(paris, app.id, add_on.id)

    assert caught.value.__cause__ is None
    assert olivia.database_users(paris, app.id, add_on.id)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/apps/*/addons", '{"addons":{}}'),
        ("/v1/apps/*/addons", '{"addons":[{"name":"x"}]}'),
        ("/v1/apps/*/addons", "Retry later"),
        ("/v1/apps/*/addons/*/token", '{"addon":{}}'),
        ("/v1/apps/*/addons/*/token", '{"addon":{"token":"a\\nb"}}'),
        ("/api/databases/*/users", "[]"),
        ("/api/databases/*/users", '{"database-users":[{"user":"x"}]}'),
        ("/api/databases/*/users", "<html>"),
    ],
)
def test_odd_answers_about_databases_are_not_believed(olivia, paris, world, path, body):
    app = app_called(olivia, paris, "billing-web")
    add_on = world.add_database("billing-web")
    world.fault(path=path, status=200, body=body, content_type="application/json")

    def ask():
        if path.endswith("addons"):
            return olivia.add_ons(paris, app.id)
        return olivia.database_users(paris, app.id, add_on.id)

    with pytest.raises(NotUnderstood):
        ask()


@pytest.mark.parametrize("as_list", [False, True])
def test_it_reads_who_links_an_app_to_its_repository(olivia, paris, world, as_list):
    world.switch(linker_as_list=as_list)
    linked = app_called(olivia, paris, "billing-api")
    unlinked = app_called(olivia, paris, "billing-web")

    linker = olivia.scm_linker(paris, linked.id)

    assert linker.email == "fred@acme.example"
    assert olivia.scm_linker(paris, unlinked.id) is None


@pytest.mark.parametrize("nested", [False, True])
def test_it_reads_dedicated_databases_in_both_shapes(olivia, paris, world, nested):
    made = world.create_database("billing-db", owner="olivia@acme.example", region="osc-fr1")
    world.switch(databases_nested=nested)

    (database,) = olivia.databases(paris)

    assert database.id == made.id
    assert database.name == "billing-db"
    assert olivia.collaborators_of(paris, database.id) is not None


def test_it_reads_projects(olivia, paris):
    projects = {project.name: project for project in olivia.projects(paris)}

    assert "billing" in projects
    assert projects["billing"].owner_id == olivia.account_id


def test_listings_can_be_iterated_again_and_while_iterated(olivia, paris):
    listing = olivia.collaborators(paris)

    first = [row.id for row in listing]
    pairs = [(a.id, b.id) for a, b in zip(listing, listing, strict=True)]

    assert len(first) == len(listing) == 5
    assert pairs == [(id_, id_) for id_ in first]
