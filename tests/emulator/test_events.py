"""Timelines: every change leaves its line, with who did it."""

import pytest

from .conftest import BILLING, FULL, LIMITED, OTHER_OWNER, OUTSIDER, OWNER, PARIS

TIMELINE = f"{BILLING}/events"


def events(client, path=TIMELINE, **query):
    return client.get(path, params=query).json()["events"]


def newest(client):
    return events(client)[0]


def row_of(client, email):
    rows = client.get(f"{BILLING}/collaborators").json()["collaborators"]
    return next(row for row in rows if row["email"] == email)


def test_an_invitation_names_the_inviter_and_no_id(world, ask):
    body = {"collaborator": {"email": "new@acme.example", "is_limited": False}}
    ask(FULL).post(f"{BILLING}/collaborators", json=body)

    event = newest(ask(OWNER))

    assert event["type"] == "new_collaborator"
    assert event["user"]["email"] == FULL
    assert event["user"]["id"] == world.account(FULL).id
    assert event["type_data"] == {"collaborator": body["collaborator"]}
    assert event["app_name"] == "billing-api"
    assert event["project_name"] == "billing"
    assert event["created_at"] == "2026-03-14T09:30:00.000Z"


def test_an_acceptance_is_the_invitees_and_names_the_inviter(world, ask):
    world.invite("billing-api", OUTSIDER, by=FULL)
    world.accept("billing-api", OUTSIDER)

    event = newest(ask(OWNER))

    assert event["type"] == "accept_collaborator"
    assert event["user"]["email"] == OUTSIDER
    assert event["type_data"]["collaborator"]["inviter"] == {"email": FULL, "username": "fred"}
    assert event["type_data"]["collaborator"]["username"] == "outsider"


def test_a_removal_names_who_it_was_only_if_they_had_accepted(ask):
    accepted, pending = row_of(ask(OWNER), LIMITED), row_of(ask(OWNER), "waiting@new.example")
    for row in (accepted, pending):
        ask(FULL).delete(f"{BILLING}/collaborators/{row['id']}")

    of_pending, of_accepted = events(ask(OWNER))[:2]

    assert of_accepted["type"] == of_pending["type"] == "delete_collaborator"
    assert of_accepted["user"]["email"] == FULL
    assert of_accepted["type_data"]["collaborator"] == {
        "id": accepted["id"],
        "username": "lim",
        "email": LIMITED,
    }
    assert of_pending["type_data"]["collaborator"] == {"id": pending["id"]}


def test_leaving_is_a_removal_by_oneself(world, ask):
    world.leave("billing-api", LIMITED)

    event = newest(ask(OWNER))

    assert event["user"]["email"] == event["type_data"]["collaborator"]["email"] == LIMITED


def test_a_change_of_role_tells_less_of_a_pending_one(ask):
    for email in (LIMITED, "waiting@new.example"):
        row = row_of(ask(OWNER), email)
        body = {"collaborator": {"is_limited": False}}
        ask(OWNER).patch(f"{BILLING}/collaborators/{row['id']}", json=body)

    of_pending, of_accepted = events(ask(OWNER))[:2]

    assert of_accepted["type"] == "change_collaborator_role"
    assert set(of_accepted["type_data"]["collaborator"]) == {
        "id",
        "email",
        "username",
        "is_limited",
    }
    assert set(of_pending["type_data"]["collaborator"]) == {"email", "is_limited"}
    assert of_pending["type_data"]["collaborator"]["is_limited"] is False


def test_what_happens_to_an_app_is_told_too(world, ask):
    world.add_project("archive", owner=OWNER, region="osc-fr1")
    world.rename_app("billing-api", "billing-core")
    world.move_app("billing-core", "archive")
    world.transfer_app("billing-core", FULL)

    timeline = events(ask(FULL), f"{PARIS}/v1/apps/billing-core/events")[:3]

    assert [one["type"] for one in timeline] == [
        "transfer_app",
        "update_app_project",
        "rename_app",
    ]
    assert timeline[0]["type_data"]["new_owner"]["email"] == FULL
    assert timeline[2]["type_data"] == {"old_name": "billing-api", "new_name": "billing-core"}
    assert [one["app_name"] for one in timeline] == ["billing-core"] * 3


def test_what_was_done_without_a_trace_has_none(world, ask):
    before = events(ask(OWNER))

    world.remove("billing-api", LIMITED, event=False)

    assert events(ask(OWNER)) == before
    assert LIMITED not in {
        member.email
        for member in world.members_at(world.clock.now(), app_id=world.app("billing-api").id)
    }


def test_values_of_variables_are_hidden_from_a_limited_caller_alone(world, ask):
    world.set_variable("billing-api", "SECRET_KEY", "made-up")
    world.set_variable("billing-api", "SECRET_KEY", "made-up-too")

    assert newest(ask(FULL))["type_data"] == {
        "name": "SECRET_KEY",
        "value": "made-up-too",
        "old_value": "made-up",
    }
    assert newest(ask(LIMITED))["type_data"] == {
        "name": "SECRET_KEY",
        "value": "",
        "old_value": "",
    }


def test_one_event_is_found_by_its_id(ask):
    event = newest(ask(OWNER))

    assert ask(OWNER).get(f"{TIMELINE}/{event['id']}").json() == {"event": event}
    assert ask(OWNER).get(f"{TIMELINE}/{'0' * 24}").status_code == 404


def test_an_outsider_sees_no_timeline(ask):
    assert ask(OUTSIDER).get(TIMELINE).status_code == 401


class TestPages:
    @pytest.fixture(autouse=True)
    def many(self, world):
        for number in range(70):
            world.set_variable("billing-web", f"NAME_{number}", "x")

    def page(self, client, **query):
        body = client.get(f"{PARIS}/v1/apps/billing-web/events", params=query).json()
        return body["events"], body["meta"]["pagination"]

    def test_there_are_thirty_on_a_page_newest_first(self, ask):
        rows, pagination = self.page(ask(OWNER))

        assert len(rows) == 30
        assert rows[0]["type_data"]["name"] == "NAME_69"
        assert pagination == {
            "current_page": 1,
            "next_page": 2,
            "prev_page": None,
            "total_pages": 3,
            "total_count": 75,
        }

    def test_all_pages_together_are_everything_once(self, ask):
        seen, page = [], 1
        while page:
            rows, pagination = self.page(ask(OWNER), page=page, per_page=20)
            seen += [row["id"] for row in rows]
            page = pagination["next_page"]

        assert len(seen) == len(set(seen)) == 75

    def test_a_page_past_the_end_is_empty(self, ask):
        rows, pagination = self.page(ask(OWNER), page=9)

        assert rows == []
        assert pagination["next_page"] is None

    def test_the_recorded_dialect_says_previous_page(self, world, ask):
        world.switch(previous_page=True)

        _, pagination = self.page(ask(OWNER), page=2)

        assert pagination["previous_page"] == 1
        assert "prev_page" not in pagination

    def test_the_last_page_may_repeat_its_number(self, world, ask):
        world.switch(last_page_repeats=True)

        _, pagination = self.page(ask(OWNER), page=3)

        assert pagination["next_page"] == 3

    def test_a_page_has_a_largest_size(self, ask):
        rows, _ = self.page(ask(OWNER), per_page=1000)
        assert len(rows) == 75

        assert len(self.page(ask(OWNER), per_page=0)[0]) == 1

    def test_from_says_hours_and_knows_no_pages(self, world, ask):
        world.forward(3600 * 50)
        world.set_variable("billing-web", "LATE", "x")

        recent, pagination = self.page(ask(OWNER), **{"from": 24, "page": 2, "per_page": 1})
        everything, _ = self.page(ask(OWNER), **{"from": 72})

        assert [row["type_data"]["name"] for row in recent] == ["LATE"]
        assert pagination["total_pages"] == 1
        assert len(everything) == 71

    def test_from_reaches_three_days_back_at_most(self, world, ask):
        world.forward(3600 * 73)

        rows, _ = self.page(ask(OWNER), **{"from": 1000})

        assert rows == []

    def test_nonsense_is_the_first_page(self, ask):
        assert self.page(ask(OWNER), page="x", per_page="y")[1]["current_page"] == 1


class TestOwnEvents:
    def test_they_are_what_the_caller_did(self, world, ask):
        world.remove("billing-api", LIMITED, by=FULL)

        mine = events(ask(FULL), f"{PARIS}/v1/events")
        owners = events(ask(OWNER), f"{PARIS}/v1/events", per_page=100)

        assert mine[0]["type"] == "delete_collaborator"
        assert "delete_collaborator" not in {one["type"] for one in owners}

    def test_others_deeds_on_ones_apps_can_be_switched_on(self, world, ask):
        world.switch(events_of_others=True)
        world.remove("billing-api", LIMITED, by=FULL)

        assert "delete_collaborator" in {
            one["type"] for one in events(ask(OWNER), f"{PARIS}/v1/events")
        }
        assert "delete_collaborator" not in {
            one["type"] for one in events(ask(OTHER_OWNER), f"{PARIS}/v1/events")
        }

    def test_they_include_what_one_did_to_oneself(self, world, ask):
        world.set_two_factor(LIMITED, True)

        event = events(ask(LIMITED), f"{PARIS}/v1/events")[0]

        assert event["type"] == "tfa_enabled"
        assert event["type_data"] == {"provider": "totp"}
        assert "app_id" not in event


def test_the_kinds_of_events_need_no_bearer(ask):
    types = ask(None).get(f"{PARIS}/v1/event_types").json()["event_types"]

    assert "change_collaborator_role" in {one["name"] for one in types}
    assert ask(None).get(f"{PARIS}/v1/event_categories").status_code == 200
