"""The exchange of an API token, the bearers it gives, and the caller's own tokens."""

import base64
import json

import pytest

from .conftest import FULL, OWNER, PARIS


def claims_of(bearer):
    payload = bearer.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def header_of(bearer):
    header = bearer.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))


def exchange(client, secret, user="", body=b""):
    return client.post("/v1/tokens/exchange", auth=(user, secret), content=body)


def test_an_api_token_is_exchanged_for_a_bearer_of_an_hour(world, ask):
    answer = exchange(ask(None), world.token_of(OWNER))

    claims = claims_of(answer.json()["token"])
    assert answer.status_code == 200
    assert set(claims) == {"iss", "iat", "exp", "uuid", "rnd"}
    assert claims["iss"] == "Scalingo"
    assert claims["uuid"] == world.account(OWNER).id
    assert claims["exp"] - claims["iat"] == 3600
    assert header_of(answer.json()["token"])["alg"] == "HS512"


def test_an_empty_object_as_body_changes_nothing(world, ask):
    assert exchange(ask(None), world.token_of(OWNER), body=b"{}").status_code == 200


@pytest.mark.parametrize("user", ["", "olivia"])
def test_another_secret_is_refused_as_recorded(world, ask, user):
    secret = world.token_of(OWNER) if user else "tk-us-" + "0" * 48

    answer = exchange(ask(None), secret, user=user)

    assert answer.status_code == 401
    assert answer.json() == {"error": "Invalid credentials"}
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_exchange_says_when_a_token_was_last_used(world, ask):
    tokens = ask(OWNER).get("/v1/tokens").json()["tokens"]
    assert tokens[0]["last_used_at"] is None
    assert set(tokens[0]) == {"id", "name", "created_at", "last_used_at", "issued_at"}

    exchange(ask(None), world.token_of(OWNER))

    used = ask(OWNER).get("/v1/tokens").json()["tokens"][0]["last_used_at"]
    assert used == "2026-03-14T09:30:00.000Z"


def test_an_api_token_is_no_bearer(world, ask):
    client = ask(None)
    client.headers["Authorization"] = f"Bearer {world.token_of(OWNER)}"

    assert client.get(f"{PARIS}/v1/apps").status_code == 401


def test_a_bearer_is_refused_when_its_hour_is_over(world, ask):
    olivia = ask(OWNER)
    world.forward(3599)
    assert olivia.get(f"{PARIS}/v1/apps").status_code == 200

    world.forward(1)

    assert olivia.get(f"{PARIS}/v1/apps").status_code == 401
    assert ask(OWNER).get(f"{PARIS}/v1/apps").status_code == 200


def test_a_bearer_can_be_short(world, ask):
    world.set_bearer_seconds(302)
    olivia = ask(OWNER)

    world.forward(302)

    assert olivia.get("/v1/users/self").status_code == 401


def test_a_forged_bearer_is_refused(world, ask):
    client = ask(None)
    claims = world.bearer_for(OWNER).rpartition(".")[0]
    signature = world.bearer_for(FULL).rpartition(".")[2]

    client.headers["Authorization"] = f"Bearer {claims}.{signature}"

    assert client.get(f"{PARIS}/v1/apps").status_code == 401


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c"])
def test_garbage_is_no_bearer(ask, garbage):
    client = ask(None)

    client.headers["Authorization"] = f"Bearer {garbage}"

    assert client.get(f"{PARIS}/v1/apps").status_code == 401


def test_bearers_can_be_killed_and_the_next_exchange_gives_a_good_one(world, ask):
    before = ask(OWNER)

    world.kill_bearers(OWNER)

    assert before.get(f"{PARIS}/v1/apps").status_code == 401
    assert ask(OWNER).get(f"{PARIS}/v1/apps").status_code == 200


def test_a_renewed_token_kills_the_old_secret_alone(world, ask):
    old = world.token_of(OWNER)
    token_id = world.account(OWNER).tokens[0].id

    answer = ask(OWNER).patch(f"/v1/tokens/{token_id}/renew")

    assert answer.status_code == 200
    assert exchange(ask(None), old).status_code == 401
    assert exchange(ask(None), answer.json()["token"]["token"]).status_code == 200


@pytest.mark.parametrize("body", [{"token": {"name": "ci"}}, {"name": "ci"}])
def test_a_new_token_shows_its_secret_once(ask, body):
    answer = ask(OWNER).post("/v1/tokens", json=body)

    made = answer.json()["token"]
    assert answer.status_code == 201
    assert made["token"].startswith("tk-us-")
    listed = ask(OWNER).get("/v1/tokens").json()["tokens"]
    assert [one["name"] for one in listed] == ["governance", "ci"]
    assert "token" not in listed[1]


def test_a_deleted_token_is_dead(ask):
    made = ask(OWNER).post("/v1/tokens", json={"name": "ci"}).json()["token"]

    assert ask(OWNER).delete(f"/v1/tokens/{made['id']}").status_code == 204

    assert exchange(ask(None), made["token"]).status_code == 401


def test_an_unknown_token_is_answered_with_a_page(ask):
    answer = ask(OWNER).delete("/v1/tokens/to-none")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_bearer_may_lack_its_exp(world, ask):
    world.switch(bearer_without_exp=True)

    assert "exp" not in claims_of(world.bearer_for(OWNER))
    assert ask(OWNER).get(f"{PARIS}/v1/apps").status_code == 200


def test_a_deleted_account_can_do_nothing_any_more(world, ask):
    fred = ask(FULL)
    secret = world.token_of(FULL)

    world.delete_account(FULL)

    assert fred.get("/v1/users/self").status_code == 401
    assert exchange(ask(None), secret).status_code == 401
