"""The rate limit: sixty requests in a minute of the clock, answered as text."""

import pytest

from .conftest import FULL, OWNER, PARIS


@pytest.fixture(autouse=True)
def limit(world):
    world.set_limit(60, 60)


def ask_often(client, times, path=f"{PARIS}/v1/apps"):
    return [client.get(path).status_code for _ in range(times)]


def test_the_sixty_first_request_is_refused_in_plain_text(world, ask):
    olivia = ask(OWNER)
    assert ask_often(olivia, 60) == [200] * 60

    answer = olivia.get(f"{PARIS}/v1/apps")

    assert answer.status_code == 429
    assert answer.text.strip() == "Retry later"
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Retry-After" not in answer.headers
    assert world.traffic.limited == 1


def test_the_next_minute_is_another(world, ask):
    olivia = ask(OWNER)
    world.forward(59)  # the last second of 09:30
    ask_often(olivia, 60)
    assert ask_often(olivia, 1) == [429]

    world.forward(1)

    assert ask_often(olivia, 60) == [200] * 60


def test_every_account_has_its_own_sixty(ask):
    ask_often(ask(OWNER), 61)

    assert ask_often(ask(FULL), 1) == [200]


def test_regions_and_the_auth_api_share_them(ask):
    olivia = ask(OWNER)
    ask_often(olivia, 30)
    ask_often(olivia, 30, "/v1/users/self")

    assert ask_often(olivia, 1, "/osc-secnum-fr1/v1/apps") == [429]


def test_the_auth_api_can_be_left_out(world, ask):
    world.switch(rate_limit_auth=False)
    olivia = ask(OWNER)
    ask_often(olivia, 61)

    assert ask_often(olivia, 1, "/v1/users/self") == [200]


def test_it_can_count_everybody_together(world, ask):
    world.switch(rate_limit_per="all")
    ask_often(ask(OWNER), 60)

    assert ask_often(ask(FULL), 1) == [429]


def test_it_can_count_by_address(world, ask):
    world.switch(rate_limit_per="address")
    ask_often(ask(OWNER), 60)

    assert ask_often(ask(FULL), 1) == [429]


def test_it_can_answer_json_with_a_time_to_wait(world, ask):
    world.switch(rate_limit_json=True, retry_after="7")
    ask_often(ask(OWNER), 60)

    answer = ask(OWNER).get(f"{PARIS}/v1/apps")

    assert answer.headers["Retry-After"] == "7"
    assert set(answer.json()) == {"error", "code"}


def test_no_limit_is_no_limit(world, ask):
    world.set_limit(0)

    assert ask_often(ask(OWNER), 200) == [200] * 200


def test_the_controls_are_never_limited(ask):
    olivia = ask(OWNER)
    ask_often(olivia, 61)

    assert olivia.get("/_emulator/state").status_code == 200
