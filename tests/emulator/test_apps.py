"""Apps, projects and databases: who sees which, and what one looks like."""

import pytest

from .conftest import BILLING, FULL, LIMITED, OTHER_OWNER, OUTSIDER, OWNER, PARIS, SECNUM


def names(client, region=PARIS):
    return {app["name"] for app in client.get(f"{region}/v1/apps").json()["apps"]}


def test_owned_apps_and_those_worked_on_are_listed_by_region(ask):
    assert names(ask(OWNER)) == {"billing-api", "billing-web", "other-api"}
    assert names(ask(OWNER), SECNUM) == {"vault-api"}
    assert names(ask(LIMITED)) == {"billing-api", "billing-web"}
    assert names(ask(LIMITED), SECNUM) == set()
    assert names(ask(OUTSIDER)) == set()


def test_an_invitation_is_no_access_yet(world, ask):
    world.invite("billing-api", OUTSIDER)
    assert names(ask(OUTSIDER)) == set()
    assert ask(OUTSIDER).get(BILLING).status_code == 401

    world.accept("billing-api", OUTSIDER)

    assert names(ask(OUTSIDER)) == {"billing-api"}


def test_who_was_removed_sees_the_app_no_more(world, ask):
    world.remove("billing-api", LIMITED)

    assert names(ask(LIMITED)) == {"billing-web"}


def test_an_app_is_found_by_id_and_by_name(world, ask):
    by_name = ask(OWNER).get(BILLING).json()["app"]
    by_id = ask(OWNER).get(f"{PARIS}/v1/apps/{by_name['id']}").json()["app"]

    assert by_name == by_id
    assert len(by_name["id"]) == 24
    assert by_name["owner"]["email"] == OWNER
    assert by_name["project"]["name"] == "billing"
    assert by_name["parent_app_name"] == ""
    assert by_name["region"] == "osc-fr1"


def test_a_trailing_slash_and_a_lone_question_mark_change_nothing(ask):
    for path in ("/v1/apps/", "/v1/apps?", "/v1/apps/?"):
        assert ask(OWNER).get(PARIS + path).status_code == 200


def test_an_unknown_app_is_not_found(ask):
    answer = ask(OWNER).get(f"{PARIS}/v1/apps/no-such-app")

    assert answer.status_code == 404
    assert answer.json() == {"resource": "app", "error": "not found"}


def test_an_app_of_the_other_region_is_not_found(ask):
    assert ask(OWNER).get(f"{PARIS}/v1/apps/vault-api").status_code == 404


@pytest.mark.parametrize("status", [401, 403])
def test_an_outsider_has_no_right_on_a_known_app(world, ask, status):
    world.switch(no_right_status=status)

    for path in ("", "/collaborators", "/events", "/variables"):
        answer = ask(OUTSIDER).get(BILLING + path)

        assert answer.status_code == status
        assert set(answer.json()) == {"error"}


def test_a_review_app_is_an_app_and_copies_its_parents_people(world, ask):
    world.create_app(
        "billing-api-pr7", owner=OWNER, region="osc-fr1", project="billing", parent="billing-api"
    )

    child = ask(OWNER).get(f"{PARIS}/v1/apps/billing-api-pr7").json()["app"]
    children = ask(OWNER).get(f"{BILLING}/child_apps").json()["child_apps"]
    people = ask(OWNER).get(f"{PARIS}/v1/apps/billing-api-pr7/collaborators").json()
    assert child["parent_app_name"] == "billing-api"
    assert [one["name"] for one in children] == ["billing-api-pr7"]
    assert {row["email"] for row in people["collaborators"]} == {FULL, LIMITED}
    assert "billing-api-pr7" in names(ask(FULL))


def test_projects_are_those_one_owns(ask):
    assert [p["name"] for p in ask(OWNER).get(f"{PARIS}/v1/projects").json()["projects"]] == [
        "billing"
    ]
    assert ask(FULL).get(f"{PARIS}/v1/projects").json() == {"projects": []}


def test_a_project_with_apps_is_not_deleted(world, ask):
    project = world.project("billing")
    path = f"{PARIS}/v1/projects/{project.id}"

    refused = ask(OWNER).delete(path)

    assert refused.status_code == 409
    assert refused.json() == {"error": "Cannot delete project with existing apps"}
    assert ask(FULL).delete(path).status_code == 404


def test_an_app_that_moves_is_in_its_new_project(world, ask):
    world.add_project("archive", owner=OWNER, region="osc-fr1")
    world.move_app("billing-web", "archive")

    assert ask(OWNER).get(f"{PARIS}/v1/apps/billing-web").json()["app"]["project"]["name"] == (
        "archive"
    )


def test_a_renamed_app_keeps_its_id(world, ask):
    before = ask(OWNER).get(BILLING).json()["app"]["id"]

    answer = ask(OWNER).post(
        f"{BILLING}/rename", json={"app": {"current_name": "billing-api", "new_name": "billing-x"}}
    )

    assert answer.json()["app"]["id"] == before
    assert ask(OWNER).get(BILLING).status_code == 404


def test_the_owner_alone_moves_an_app_to_a_project_of_theirs(world, ask):
    project = world.add_project("archive", owner=OWNER, region="osc-fr1")
    foreign = world.add_project("foreign", owner=FULL, region="osc-fr1")

    def move(who, **settings):
        return ask(who).patch(BILLING, json={"app": settings})

    assert move(FULL, project_id=foreign.id).status_code == 401
    assert move(OWNER, project_id=foreign.id).status_code == 404
    assert move(OWNER, owner=FULL).status_code == 422
    assert move(OWNER, project_id=project.id).json()["app"]["project"]["name"] == "archive"


def test_only_the_owner_renames_and_deletes(ask):
    body = {"app": {"current_name": "billing-api", "new_name": "billing-x"}}
    assert ask(FULL).post(f"{BILLING}/rename", json=body).status_code == 401
    assert ask(FULL).delete(f"{BILLING}?current_name=billing-api").status_code == 401

    assert ask(OWNER).delete(f"{BILLING}?current_name=wrong").status_code == 422
    assert ask(OWNER).delete(f"{BILLING}?current_name=billing-api").status_code == 204
    assert "billing-api" not in names(ask(OWNER))
    assert "billing-api" not in names(ask(FULL))


def test_a_transfer_makes_the_former_owner_a_full_collaborator(world, ask):
    world.transfer_app("billing-api", FULL)

    app = ask(FULL).get(BILLING).json()["app"]
    rows = ask(FULL).get(f"{BILLING}/collaborators").json()["collaborators"]
    roles = {row["email"]: row["is_limited"] for row in rows}
    assert app["owner"]["email"] == FULL
    assert roles[OWNER] is False
    assert FULL not in roles
    assert "billing-api" not in {
        row["app_name"]
        for row in ask(OWNER).get(f"{PARIS}/v1/collaborators").json()["collaborators"]
    }


def test_the_linker_of_an_app_is_told(world, ask):
    link = ask(OWNER).get(f"{BILLING}/scm_repo_link").json()["scm_repo_link"]
    assert link["linker"]["email"] == FULL

    world.switch(linker_as_list=True)

    assert ask(OWNER).get(f"{BILLING}/scm_repo_link").json()["scm_repo_link"] == [link]
    assert ask(OWNER).get(f"{PARIS}/v1/apps/billing-web/scm_repo_link").status_code == 404


class TestDatabases:
    @pytest.fixture(autouse=True)
    def database(self, world):
        world.create_database("billing-postgres", owner=OWNER, region="osc-fr1", project="billing")
        world.add_member("billing-postgres", FULL)

    def test_they_are_listed_apart(self, ask):
        rows = ask(OWNER).get(f"{PARIS}/v1/databases").json()["databases"]

        assert [set(row) for row in rows] == [{"id", "name", "project_id", "technology", "plan"}]
        assert rows[0]["name"] == "billing-postgres"
        assert ask(FULL).get(f"{PARIS}/v1/databases").json()["databases"] == rows
        assert ask(LIMITED).get(f"{PARIS}/v1/databases").json()["databases"] == []

    def test_they_are_not_among_the_apps_unless_switched(self, world, ask):
        assert "billing-postgres" not in names(ask(OWNER))

        world.switch(databases_in_apps=True)

        assert "billing-postgres" in names(ask(OWNER))

    def test_their_people_are_among_the_owners_unless_switched(self, world, ask):
        def listed():
            rows = ask(OWNER).get(f"{PARIS}/v1/collaborators").json()["collaborators"]
            return "billing-postgres" in {row["app_name"] for row in rows}

        assert listed()

        world.switch(databases_in_collaborators=False)

        assert not listed()

    def test_they_have_collaborators_as_apps_have_and_full_ones_alone(self, ask):
        path = f"{PARIS}/v1/apps/billing-postgres/collaborators"
        invited = ask(OWNER).post(path, json={"collaborator": {"email": LIMITED}})

        assert invited.status_code == 201
        assert [row["is_limited"] for row in ask(OWNER).get(path).json()["collaborators"]] == [
            False,
            False,
        ]

    def test_one_is_shown_to_its_people_by_id_and_name(self, world, ask):
        database = world.app("billing-postgres")
        path = f"{PARIS}/v1/databases"

        by_name = ask(FULL).get(f"{path}/billing-postgres").json()
        by_id = ask(OWNER).get(f"{path}/{database.id}").json()

        assert by_name == by_id
        assert by_id["database"]["name"] == "billing-postgres"
        assert ask(LIMITED).get(f"{path}/billing-postgres").status_code == 401
        for name in ("no-such-db", "billing-api"):
            answer = ask(OWNER).get(f"{path}/{name}")
            assert (answer.status_code, answer.json()) == (404, {"error": "Database not found"})

    def test_its_users_need_a_bearer_of_its_own(self, world, ask):
        addon = ask(FULL).get(f"{PARIS}/v1/apps/billing-postgres/addons").json()["addons"][0]["id"]
        path = f"{PARIS}/db-api/api/databases/{addon}/users"
        made = ask(FULL).post(f"{PARIS}/v1/apps/billing-postgres/addons/{addon}/token")
        client = ask(None)
        client.headers["Authorization"] = f"Bearer {made.json()['addon']['token']}"

        assert client.get(path).json()["database-users"][0]["protected"] is True
        assert ask(FULL).get(path).status_code == 400
        world.forward(3600)
        assert (client.get(path).status_code, client.get(path).json()) == (
            400,
            {"error": "unauthorized"},
        )

    def test_the_nested_shape_can_be_switched_on(self, world, ask):
        world.switch(databases_nested=True)

        row = ask(OWNER).get(f"{PARIS}/v1/databases").json()["databases"][0]

        assert set(row) == {"app", "addon", "database"}
        assert row["app"]["owner"]["email"] == OWNER
        world.switch(databases_bare=True)
        assert ask(OWNER).get(f"{PARIS}/v1/databases").json() == [row]


def test_others_databases_are_not_ones_own(world, ask):
    world.create_database("other-postgres", owner=OTHER_OWNER, region="osc-fr1")

    assert ask(OWNER).get(f"{PARIS}/v1/databases").json() == {"databases": []}


def test_a_restart_is_accepted_with_its_place(ask):
    answer = ask(LIMITED).post(f"{BILLING}/restart", json={})

    assert answer.status_code == 202
    assert answer.content == b""
    assert answer.headers["Content-Type"] == "text/plain"
    operation = ask(LIMITED).get(answer.headers["Location"]).json()["operation"]
    assert (operation["type"], operation["status"]) == ("restart", "done")


def test_a_restart_of_no_such_process_is_refused(ask):
    answer = ask(OWNER).post(f"{BILLING}/restart", json={"scope": ["x"]})

    assert answer.status_code == 422
    assert answer.json() == {"errors": {"scope": ["'x' → no such process type"]}}


def test_variables_have_names_for_all_and_values_for_some(world, ask):
    world.set_variable("billing-api", "SECRET_KEY", "made-up")

    def value_for(who):
        rows = ask(who).get(f"{BILLING}/variables?aliases=true").json()["variables"]
        return [(row["name"], row["value"]) for row in rows]

    assert value_for(OWNER) == value_for(FULL) == [("SECRET_KEY", "made-up")]
    assert value_for(LIMITED) == [("SECRET_KEY", "")]


def test_variables_are_set_and_deleted_by_full_people(ask):
    body = {"variable": {"name": "PORT", "value": "1"}}
    assert ask(LIMITED).post(f"{BILLING}/variables", json=body).status_code == 401

    made = ask(FULL).post(f"{BILLING}/variables", json=body)
    path = f"{BILLING}/variables/{made.json()['variable']['id']}"

    assert made.status_code == 201
    assert ask(FULL).patch(path, json={"variable": {"value": "2"}}).status_code == 200
    assert ask(FULL).get(f"{BILLING}/variables").json()["variables"][0]["value"] == "2"
    assert ask(FULL).delete(path).status_code == 204
    assert ask(FULL).get(f"{BILLING}/variables").json() == {"variables": []}


def events_of(ask, who, kind):
    rows = ask(who).get(f"{BILLING}/events").json()["events"]
    return [row["type_data"] for row in rows if row["type"] == kind]


def test_several_variables_set_at_once_are_one_event_of_three_lists(world, ask):
    world.set_variable("billing-api", "OLD", "before", event=False)

    body = {"variables": [{"name": "OLD", "value": "after"}, {"name": "NEW", "value": "n"}]}
    assert ask(FULL).put(f"{BILLING}/variables", json=body).status_code == 200

    assert events_of(ask, FULL, "edit_variables") == [
        {
            "new_vars": [{"name": "NEW", "value": "n"}],
            "updated_vars": [{"name": "OLD", "value": "after", "old_value": "before"}],
            "deleted_vars": [],
        }
    ]
    (hidden,) = events_of(ask, LIMITED, "edit_variables")
    assert hidden["updated_vars"] == [{"name": "OLD", "value": "", "old_value": ""}]


def test_a_variable_that_is_deleted_is_in_the_timeline(world, ask):
    made = world.set_variable("billing-api", "GONE", "value", event=False)

    assert ask(FULL).delete(f"{BILLING}/variables/{made['id']}").status_code == 204

    assert events_of(ask, FULL, "delete_variable") == [{"name": "GONE", "value": "value"}]


def test_an_app_has_the_databases_put_beside_it(world, ask):
    world.add_database("billing-api")
    world.add_database_user("billing-api", "metabase", read_only=True)

    (addon,) = ask(FULL).get(f"{BILLING}/addons").json()["addons"]
    token = ask(FULL).post(f"{BILLING}/addons/{addon['id']}/token").json()["addon"]["token"]
    client = ask(None)
    client.headers["Authorization"] = f"Bearer {token}"
    users = client.get(f"{PARIS}/db-api/api/databases/{addon['id']}/users").json()

    assert addon["addon_provider"]["id"] == "postgresql"
    assert [(user["name"], user["protected"]) for user in users["database-users"]] == [
        (addon["resource_id"], True),
        ("metabase", False),
    ]
    assert ask(LIMITED).get(f"{BILLING}/addons").status_code == 401


def test_many_variables_are_deleted_at_once(world, ask):
    made = [world.set_variable("billing-api", name, "x") for name in ("A", "B", "C")]
    ids = [one["id"] for one in made[:2]] + ["va-unknown"]

    answer = ask(FULL).request("DELETE", f"{BILLING}/variables", json={"variable_ids": ids})

    assert answer.status_code == 204
    rows = ask(FULL).get(f"{BILLING}/variables").json()["variables"]
    assert [row["name"] for row in rows] == ["C"]


def test_a_notifier_needs_a_name_and_a_known_platform(ask):
    path = f"{BILLING}/notifiers"

    nothing = ask(OWNER).post(path, json={"notifier": {}})
    stranger = ask(OWNER).post(
        path, json={"notifier": {"name": "x", "active": True, "platform_id": "np-none"}}
    )

    assert nothing.json() == {"errors": {"name": ["can't be blank"], "active": ["can't be blank"]}}
    assert stranger.json() == {"resource": "notification_platform", "error": "not found"}
    assert ask(OWNER).get(f"{path}/no-none").json()["resource"] == "base"


def test_a_notifier_is_kept(ask):
    found = ask(None).get(f"{PARIS}/v1/notification_platforms/search?name=webhook").json()
    platform = found["notification_platforms"][0]["id"]
    asked = {
        "name": "hook",
        "active": True,
        "platform_id": platform,
        "type_data": {"webhook_url": "https://hooks.example/1"},
    }

    made = ask(FULL).post(f"{BILLING}/notifiers", json={"notifier": asked})

    path = f"{BILLING}/notifiers/{made.json()['notifier']['id']}"
    assert made.status_code == 201
    assert ask(FULL).get(path).json()["notifier"]["type"] == "webhook"
    assert ask(FULL).patch(path, json={"notifier": {"active": False}}).status_code == 200
    assert ask(FULL).get(path).json()["notifier"]["active"] is False
    assert ask(FULL).delete(path).status_code == 204
    assert ask(FULL).get(f"{BILLING}/notifiers").json() == {"notifiers": []}
