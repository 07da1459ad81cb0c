"""Regions, the caller's own account and its 2FA; and the headers of every answer."""

import re

from .conftest import BILLING, OWNER, PARIS, SECNUM


def test_regions_are_addressed_as_we_were(ask):
    regions = ask(OWNER).get("/v1/regions").json()["regions"]

    assert [one["name"] for one in regions] == ["osc-fr1", "osc-secnum-fr1"]
    assert regions[0]["api"] == "http://emu.example/osc-fr1"
    assert regions[0]["database_api"] == "http://emu.example/osc-fr1/db-api"
    assert [one["default"] for one in regions] == [True, False]


def test_without_a_bearer_the_public_regions_alone_are_listed(ask):
    regions = ask(None).get("/v1/regions").json()["regions"]

    assert [one["name"] for one in regions] == ["osc-fr1"]


def test_an_account_sees_the_regions_it_may_use(world, ask):
    world.add_account("paris@only.example", regions=["osc-fr1"])

    regions = ask("paris@only.example").get("/v1/regions").json()["regions"]

    assert [one["name"] for one in regions] == ["osc-fr1"]


def test_one_is_oneself_on_both_hosts(world, ask):
    olivia = ask(OWNER)

    answers = [olivia.get(f"{host}/v1/users/self").json() for host in ("", PARIS, SECNUM)]

    assert answers[0] == answers[1] == answers[2]
    user = answers[0]["user"]
    assert user["id"] == user["uuid"] == world.account(OWNER).id
    assert user["email"] == OWNER
    assert "tfa" not in " ".join(user)


def test_the_own_two_factor_is_known(world, ask):
    on = ask(OWNER).get("/v1/client/tfa").json()["tfa"]
    world.set_two_factor(OWNER, False)
    off = ask(OWNER).get("/v1/client/tfa").json()["tfa"]

    assert (on["enabled"], on["provider"]) == (True, "totp")
    assert (off["enabled"], off["provider"]) == (False, None)


def test_a_good_answer_has_the_recorded_headers(ask):
    answer = ask(OWNER).get(f"{PARIS}/v1/apps")

    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "max-age=0, private, must-revalidate"
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', answer.headers["Etag"])
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["X-Request-Id"]


def test_equal_bodies_have_equal_etags(world, ask):
    first = ask(OWNER).get(f"{PARIS}/v1/apps").headers["Etag"]
    second = ask(OWNER).get(f"{PARIS}/v1/apps").headers["Etag"]
    world.rename_app("billing-web", "billing-site")
    third = ask(OWNER).get(f"{PARIS}/v1/apps").headers["Etag"]

    assert first == second != third


def test_a_refusal_is_not_to_be_cached_and_has_no_etag(ask):
    answer = ask(OWNER).get(f"{PARIS}/v1/apps/no-such-app")

    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Etag" not in answer.headers


def test_an_empty_answer_has_no_type(ask):
    row = ask(OWNER).get(f"{BILLING}/collaborators").json()["collaborators"][0]

    answer = ask(OWNER).delete(f"{BILLING}/collaborators/{row['id']}")

    assert answer.status_code == 204
    assert answer.content == b""
    assert "Content-Type" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_request_id_that_was_sent_comes_back(ask):
    answer = ask(OWNER).get("/v1/users/self", headers={"X-Request-ID": "mine-1"})

    assert answer.headers["X-Request-Id"] == "mine-1"


def test_what_is_nowhere_is_answered_with_a_page(ask):
    answer = ask(OWNER).get("/v1/nowhere")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_database_api_refuses_a_wrong_token_its_own_way(ask):
    answer = ask(OWNER).get(f"{PARIS}/db-api/api/databases/ad-1/users")

    assert (answer.status_code, answer.json()) == (400, {"error": "unauthorized"})
