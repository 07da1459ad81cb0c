"""The controls: what is done over HTTP is what is done in Python."""

import pytest

from governance.emulator.store import ACTS

from .conftest import BILLING, FULL, LIMITED, OWNER, PARIS


@pytest.fixture
def control(ask):
    client = ask(None)

    def do(method, path, /, **body):
        return client.request(method, f"/_emulator/{path}", json=body or None)

    return do


def act(control, name, /, **arguments):
    answer = control("POST", f"act/{name}", **arguments)
    assert answer.status_code == 200, answer.text
    return answer.json()


def emails(client, path=f"{BILLING}/collaborators"):
    return {row["email"] for row in client.get(path).json()["collaborators"]}


def test_the_state_says_whom_to_connect_and_where(world, control):
    state = control("GET", "state").json()

    olivia = state["accounts"][0]
    assert (olivia["email"], olivia["role"], olivia["connect"]) == (OWNER, "owner", True)
    assert olivia["api_token"] == world.token_of(OWNER)
    assert [one["email"] for one in state["accounts"] if one["connect"]] == [OWNER]
    assert state["regions"][1] == {
        "name": "osc-secnum-fr1",
        "api": "http://emu.example/osc-secnum-fr1",
        "apps": 1,
    }
    assert state["mails_sent"] == 0
    assert state["requests"] == {}


def test_the_state_counts_requests_by_endpoint(ask, control):
    for path in (f"{PARIS}/v1/apps?", BILLING, f"{PARIS}/v1/apps/billing-web", "/v1/nothing"):
        ask(OWNER).get(path)

    state = control("GET", "state").json()

    assert state["requests"] == {
        "GET /v1/apps": 1,
        "GET /v1/apps/:app": 2,
        "GET (unknown)": 1,
    }
    assert state["requests_total"] == 4


def test_the_latest_requests_can_be_read_and_forgotten(ask, control):
    body = {"collaborator": {"email": "new@acme.example"}}
    ask(FULL).post(f"{BILLING}/collaborators", json=body)

    seen = control("GET", "requests").json()["requests"][-1]
    control("DELETE", "requests")

    assert (seen["method"], seen["path"]) == ("POST", "/v1/apps/billing-api/collaborators")
    assert (seen["region"], seen["account"], seen["status"]) == ("osc-fr1", FULL, 201)
    assert "new@acme.example" in seen["body"]
    assert control("GET", "requests").json() == {"requests": []}


def test_people_are_invited_accepted_changed_and_removed_behind_our_back(ask, control):
    act(control, "invite", app="billing-api", email="new@acme.example", by=FULL)
    accepted = act(control, "accept", app="billing-api", who="new@acme.example")
    act(control, "change_role", app="billing-api", who="new@acme.example", limited=False)
    act(control, "remove", app="billing-api", who=LIMITED, event=False)
    act(control, "expire", app="billing-api", who="waiting@new.example")
    act(control, "leave", app="billing-web", who=LIMITED)

    assert emails(ask(OWNER)) == {FULL, "new@acme.example"}
    assert emails(ask(OWNER), f"{PARIS}/v1/apps/billing-web/collaborators") == {FULL}
    assert accepted["account_id"].startswith("us-")


def test_no_answer_of_an_act_has_an_invitations_secret(world, control):
    made = act(control, "invite", app="billing-api", email="new@acme.example")

    assert world.app("billing-api").collaborations[made["id"]].link_token not in str(made)


def test_accounts_and_apps_change_behind_our_back(world, ask, control):
    act(control, "set_two_factor", who=LIMITED, on=True)
    act(control, "change_email", who=LIMITED, email="lime@acme.example")
    act(control, "rename_app", app="billing-api", name="billing-core")
    act(control, "transfer_app", app="billing-web", to=FULL)
    act(control, "delete_app", app="vault-api", region="osc-secnum-fr1")
    act(control, "create_app", name="new-one", owner=OWNER, region="osc-fr1")
    act(control, "delete_account", who="lime@acme.example")

    assert world.account(FULL).id == world.app("billing-web").owner_id
    assert {app.name for app in world.apps()} == {
        "billing-core",
        "billing-web",
        "other-api",
        "new-one",
    }
    rows = ask(OWNER).get(f"{PARIS}/v1/apps/billing-core/collaborators").json()
    ghost = next(row for row in rows["collaborators"] if row["email"] == "lime@acme.example")
    assert ghost["status"] == "user account deleted"


def test_switches_limits_and_the_clock_are_set(world, control):
    act(control, "switch", no_right_status=403, databases_in_apps=True)
    act(control, "set_limit", limit=3, period=10)
    act(control, "forward", seconds=90)

    state = control("GET", "state").json()

    assert state["now"] == "2026-03-14T09:31:30.000Z"
    assert state["switches"]["no_right_status"] == 403
    assert (world.limiter.limit, world.limiter.period) == (3, 10)
    act(control, "set_clock", instant="2026-03-01T00:00:00Z")
    assert control("GET", "state").json()["now"] == "2026-03-01T00:00:00.000Z"


def test_faults_are_laid_listed_and_cleared(ask, control):
    laid = control(
        "POST",
        "faults",
        path="/v1/apps",
        times=5,
        mutations=[{"kind": "empty"}],
        ending="whole",
    )
    assert ask(OWNER).get(f"{PARIS}/v1/apps").json() == {"apps": []}

    listed = control("GET", "faults").json()["faults"]

    assert laid.status_code == 200
    assert [(one["path"], one["times"], one["hits"]) for one in listed] == [("/v1/apps", 4, 1)]
    control("DELETE", "faults")
    assert len(ask(OWNER).get(f"{PARIS}/v1/apps").json()["apps"]) == 3


def test_bad_days_are_laid_by_name(ask, control):
    act(control, "bad_day", name="bad_gateway", path="/v1/apps")

    assert ask(OWNER).get(f"{PARIS}/v1/apps").status_code == 502


def test_several_faults_are_laid_in_order(ask, control):
    control("POST", "faults", faults=[{"status": 500}, {"status": 502}])

    assert [ask(OWNER).get(f"{PARIS}/v1/apps").status_code for _ in range(3)] == [500, 502, 200]


def test_a_reset_is_the_first_day_again(world, ask, control):
    token = world.token_of(OWNER)
    act(control, "remove", app="billing-api", who=LIMITED)
    act(control, "switch", no_right_status=403)
    control("POST", "faults", status=500, times=None)

    control("POST", "reset")

    assert LIMITED in emails(ask(OWNER))
    assert world.token_of(OWNER) == token
    assert world.switches.no_right_status == 401
    assert control("GET", "state").json()["requests"] == {"GET /v1/apps/:app/collaborators": 1}


def test_mails_are_told(ask, control):
    act(control, "invite", app="billing-api", email="new@acme.example")

    assert [mail["to"] for mail in control("GET", "mails").json()["mails"]] == ["new@acme.example"]
    assert control("GET", "state").json()["mails_sent"] == 1


def test_the_oracle_answers_for_any_instant(world, control):
    act(control, "forward", seconds=60)
    act(control, "remove", app="billing-api", who=LIMITED)

    def members(query=""):
        rows = control("GET", f"members{query}").json()["members"]
        return sum(row["email"] == LIMITED for row in rows)

    assert members() == 1
    assert members("?at=2026-03-14T09:30:30Z") == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "act/fly", {}, 404),
        ("POST", "act/remove", {"app": "billing-api", "who": "nobody"}, 404),
        ("POST", "act/remove", {"app": "no-such-app", "who": FULL}, 404),
        ("POST", "act/remove", {"wrong": 1}, 400),
        ("POST", "act/invite", {"app": "billing-api", "email": FULL}, 422),
        ("POST", "act/switch", {"nothing": 1}, 404),
        ("POST", "faults", {"colour": "red"}, 400),
        ("POST", "faults", {"ending": "odd"}, 400),
        ("POST", "faults", {"mutations": [{"kind": "eat"}]}, 400),
        ("GET", "nothing", {}, 404),
        ("GET", "members?at=yesterday", {}, 400),
    ],
)
def test_what_cannot_be_done_is_said(control, method, path, body, status):
    answer = control(method, path, **body)

    assert answer.status_code == status
    assert {"error", "errors"} & set(answer.json())


def test_a_failed_act_changes_nothing(world, control):
    before = world.members_at(world.clock.now())

    control("POST", "act/accept", app="billing-api", who=FULL)

    assert world.members_at(world.clock.now()) == before


def test_only_verbs_can_be_asked_for(control):
    assert "reset" not in ACTS
    for name in ("__init__", "bearer_for", "note_app", "perform", "history"):
        assert control("POST", f"act/{name}").status_code == 404
