"""Who is on which app, as each role is shown it and may change it."""

import re

import pytest

from governance.emulator import switches

from .conftest import BILLING, FULL, LIMITED, OTHER_OWNER, OUTSIDER, OWNER, PARIS, SECNUM

PEOPLE = f"{BILLING}/collaborators"
FIELDS = {
    "id",
    "email",
    "user_id",
    "username",
    "tfa_status",
    "status",
    "is_limited",
    "invitation_link",
    "app_id",
    "app_name",
}


def rows_of(client, path=PEOPLE):
    return {row["email"]: row for row in client.get(path).json()["collaborators"]}


def test_an_accepted_row_is_complete(world, ask):
    row = rows_of(ask(OWNER))[FULL]

    assert set(row) == FIELDS
    assert re.fullmatch("[0-9a-f]{24}", row["id"])
    assert row["user_id"] == world.account(FULL).id
    assert row["username"] == "fred"
    assert row["tfa_status"] is True
    assert row["status"] == "accepted"
    assert row["is_limited"] is False
    assert row["invitation_link"] == ""
    assert row["app_name"] == "billing-api"


def test_a_pending_row_knows_nobody_yet(ask):
    row = rows_of(ask(OWNER))["waiting@new.example"]

    assert set(row) == FIELDS
    assert (row["user_id"], row["tfa_status"]) == (None, None)
    assert (row["username"], row["status"]) == ("n/a", "pending")
    link = "https://my.scalingo.com/apps/collaboration?token="
    assert re.fullmatch(re.escape(link) + "[0-9a-f]{40}", row["invitation_link"])


def test_a_pending_row_may_lack_its_user_id(world, ask):
    world.switch(pending_user_id_absent=True)

    rows = rows_of(ask(OWNER))

    assert "user_id" not in rows["waiting@new.example"]
    assert "user_id" in rows[FULL]


def test_the_owner_is_never_listed(ask):
    assert OWNER not in rows_of(ask(FULL))


def test_a_limited_caller_sees_no_links(ask):
    assert rows_of(ask(FULL))["waiting@new.example"]["invitation_link"]
    assert rows_of(ask(LIMITED))["waiting@new.example"]["invitation_link"] == ""


def test_whether_a_limited_caller_may_list_is_a_switch(world, ask):
    world.switch(limited_may_list=False)

    assert ask(LIMITED).get(PEOPLE).status_code == 401
    assert ask(FULL).get(PEOPLE).status_code == 200


def test_whether_others_than_the_owner_see_two_factor_is_a_switch(world, ask):
    assert rows_of(ask(FULL))[LIMITED]["tfa_status"] is False

    world.switch(two_factor_for_all=False)

    assert rows_of(ask(FULL))[LIMITED]["tfa_status"] is None
    assert rows_of(ask(OWNER))[LIMITED]["tfa_status"] is False


def test_one_request_lists_everybody_on_owned_apps_of_the_region(ask):
    def listed(who, region):
        rows = ask(who).get(f"{region}/v1/collaborators").json()["collaborators"]
        return sorted((row["app_name"], row["email"]) for row in rows)

    assert listed(OWNER, PARIS) == [
        ("billing-api", FULL),
        ("billing-api", LIMITED),
        ("billing-api", "waiting@new.example"),
        ("billing-web", FULL),
        ("billing-web", LIMITED),
    ]
    assert listed(OWNER, SECNUM) == [("vault-api", FULL)]
    assert listed(FULL, PARIS) == []
    assert listed(OTHER_OWNER, PARIS) == [("other-api", OWNER)]


def test_a_ghost_is_told_as_such(world, ask):
    world.delete_account(LIMITED)

    row = rows_of(ask(OWNER))[LIMITED]

    assert row["status"] == "user account deleted"
    assert row["tfa_status"] is None


def test_an_address_that_changed_shows_on_every_app(world, ask):
    world.change_email(LIMITED, "lime@acme.example")

    rows = ask(OWNER).get(f"{PARIS}/v1/collaborators").json()["collaborators"]
    assert [row["app_name"] for row in rows if row["email"] == "lime@acme.example"] == [
        "billing-api",
        "billing-web",
    ]


class TestInviting:
    def invite(self, client, **fields):
        return client.post(PEOPLE, json={"collaborator": fields})

    def test_it_answers_a_pending_object_and_sends_a_mail(self, world, ask):
        answer = self.invite(ask(FULL), email="new@acme.example", is_limited=False)

        assert answer.status_code == 201
        row = answer.json()["collaborator"]
        assert (row["status"], row["is_limited"]) == ("pending", False)
        assert rows_of(ask(FULL))["new@acme.example"] == row
        assert [mail["to"] for mail in world.mails] == ["new@acme.example"]

    def test_it_makes_limited_collaborators_when_nothing_is_said(self, ask):
        answer = self.invite(ask(OWNER), email="new@acme.example")

        assert answer.json()["collaborator"]["is_limited"] is True

    def test_it_may_answer_an_array(self, world, ask):
        world.switch(invitation_as_array=True)

        answer = self.invite(ask(OWNER), email="new@acme.example")

        assert [row["email"] for row in answer.json()["collaborator"]] == ["new@acme.example"]

    def test_it_refuses_no_address_as_recorded(self, world, ask):
        answer = self.invite(ask(OWNER), wrong="params")

        assert answer.status_code == 422
        assert answer.json() == {"errors": {"email": ["can't be blank", "is invalid"]}}
        assert world.mails == []

    @pytest.mark.parametrize("email", ["nobody", "a b@c.d", 5, "@x.example"])
    def test_it_refuses_what_is_no_address(self, ask, email):
        answer = self.invite(ask(OWNER), email=email)

        assert (answer.status_code, answer.json()) == (
            422,
            {"errors": {"email": ["is invalid"]}},
        )

    @pytest.mark.parametrize("email", [FULL, "waiting@new.example", "Waiting@New.example"])
    def test_it_refuses_who_is_there_already(self, world, ask, email):
        answer = self.invite(ask(OWNER), email=email)

        assert answer.status_code == 422
        assert answer.json() == {"errors": {"email": [switches.DUPLICATE_INVITE]}}
        assert world.mails == []

    def test_it_refuses_the_owner(self, ask):
        answer = self.invite(ask(FULL), email=OWNER)

        assert answer.json() == {"errors": {"email": [switches.OWNER_INVITE]}}

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_limited_collaborator_may_not(self, world, ask, status):
        world.switch(limited_refusal_status=status)

        answer = self.invite(ask(LIMITED), email="new@acme.example")

        assert answer.status_code == status
        assert world.mails == []

    def test_it_refuses_bad_json(self, ask):
        answer = ask(OWNER).post(PEOPLE, content=b"{")

        assert answer.status_code == 400
        assert answer.json()["error"].startswith("There was a problem in the JSON you submitted:")


class TestAccepting:
    def link(self, client):
        return rows_of(client)["waiting@new.example"]["invitation_link"].partition("token=")[2]

    def test_whoever_holds_the_link_is_on_the_app(self, world, ask):
        pending = rows_of(ask(OWNER))["waiting@new.example"]

        answer = ask(OUTSIDER).get(f"{PARIS}/v1/apps/collaboration?token={self.link(ask(OWNER))}")

        assert answer.status_code == 200
        assert answer.json()["app"]["name"] == "billing-api"
        row = rows_of(ask(OWNER))[OUTSIDER]
        assert row["id"] == pending["id"]
        assert row["status"] == "accepted"
        assert "waiting@new.example" not in rows_of(ask(OWNER))

    def test_who_is_there_already_is_told_whose_it_is(self, ask):
        answer = ask(FULL).get(f"{PARIS}/v1/apps/collaboration?token={self.link(ask(OWNER))}")

        assert answer.status_code == 400
        assert answer.json() == {
            "type": "already-collaborator",
            "error": "You're already working on this app, this invitation is for "
            "waiting@new.example",
        }

    def test_another_link_leads_nowhere(self, ask):
        answer = ask(OUTSIDER).get(f"{PARIS}/v1/apps/collaboration?token=" + "0" * 40)

        assert answer.status_code == 404
        assert answer.json() == {"resource": "collaborator", "error": "not found"}

    def test_a_link_works_once(self, world, ask):
        link = self.link(ask(OWNER))
        ask(OUTSIDER).get(f"{PARIS}/v1/apps/collaboration?token={link}")
        world.add_account("late@nowhere.example")

        answer = ask("late@nowhere.example").get(f"{PARIS}/v1/apps/collaboration?token={link}")

        assert answer.status_code == 404


class TestChangingARole:
    def change(self, client, who, **fields):
        row = rows_of(client)[who]
        return client.patch(f"{PEOPLE}/{row['id']}", json={"collaborator": fields})

    def test_it_answers_the_row_as_it_is_now(self, ask):
        answer = self.change(ask(FULL), LIMITED, is_limited=False)

        assert answer.status_code == 200
        assert answer.json()["collaborator"] == rows_of(ask(OWNER))[LIMITED]
        assert answer.json()["collaborator"]["is_limited"] is False

    def test_it_changes_nothing_else(self, ask):
        answer = self.change(ask(OWNER), LIMITED, is_limited=False, email="x@y.example")

        assert answer.json()["collaborator"]["email"] == LIMITED

    def test_a_pending_one_can_change_too(self, ask):
        answer = self.change(ask(OWNER), "waiting@new.example", is_limited=False)

        assert answer.json()["collaborator"]["is_limited"] is False

    def test_a_limited_collaborator_may_not(self, ask):
        answer = self.change(ask(LIMITED), FULL, is_limited=True)

        assert answer.status_code == 401
        assert rows_of(ask(OWNER))[FULL]["is_limited"] is False

    @pytest.mark.parametrize("status", [422, 401, 403])
    def test_the_linkers_is_refused(self, world, ask, status):
        world.switch(linker_refusal_status=status)

        answer = self.change(ask(OWNER), FULL, is_limited=True)

        assert answer.status_code == status
        assert set(answer.json()) == {"errors" if status == 422 else "error"}
        assert rows_of(ask(OWNER))[FULL]["is_limited"] is False

    def test_the_linkers_refusal_can_be_switched_off(self, world, ask):
        world.switch(linker_refusal_status=0)

        assert self.change(ask(OWNER), FULL, is_limited=True).status_code == 200

    def test_it_refuses_what_is_no_role(self, ask):
        assert self.change(ask(OWNER), LIMITED, is_limited="no").status_code == 422

    def test_an_unknown_one_is_not_found(self, ask):
        answer = ask(OWNER).patch(
            f"{PEOPLE}/{'0' * 24}", json={"collaborator": {"is_limited": True}}
        )

        assert answer.status_code == 404
        assert answer.json() == {"resource": "collaborator", "error": "not found"}


class TestRemoving:
    def remove(self, client, email):
        row = rows_of(client)[email]
        return client.delete(f"{PEOPLE}/{row['id']}")

    def test_it_is_done_once(self, ask):
        row = rows_of(ask(OWNER))[LIMITED]

        first = ask(FULL).delete(f"{PEOPLE}/{row['id']}")
        second = ask(FULL).delete(f"{PEOPLE}/{row['id']}")

        assert (first.status_code, first.content) == (204, b"")
        assert second.status_code == 404
        assert second.json() == {"resource": "collaborator", "error": "not found"}

    def test_an_invitation_is_withdrawn_the_same_way(self, ask):
        assert self.remove(ask(FULL), "waiting@new.example").status_code == 204

    def test_anybody_may_leave(self, ask):
        assert self.remove(ask(LIMITED), LIMITED).status_code == 204
        assert LIMITED not in rows_of(ask(OWNER))

    def test_a_limited_collaborator_removes_nobody_else(self, ask):
        assert self.remove(ask(LIMITED), FULL).status_code == 401
        assert FULL in rows_of(ask(OWNER))

    def test_its_row_of_another_app_is_not_found(self, ask):
        row = rows_of(ask(OWNER), f"{PARIS}/v1/apps/billing-web/collaborators")[LIMITED]

        assert ask(OWNER).delete(f"{PEOPLE}/{row['id']}").status_code == 404

    def test_a_lagging_platform_still_lists_it_for_a_while(self, world, ask):
        world.switch(removal_lag=30)

        assert self.remove(ask(OWNER), LIMITED).status_code == 204

        assert LIMITED in rows_of(ask(OWNER))
        world.forward(31)
        assert LIMITED not in rows_of(ask(OWNER))
