"""When a bearer is exchanged, renewed and doubted."""

import threading
import time

import httpx
import pytest

from governance.scalingo import Client, DeadToken, NoRight, Unavailable

from .scripts import PARIS, TOKEN, hour_long, make_bearer

EXCHANGE = "/v1/tokens/exchange"
APPS = {"apps": []}


class Clock:
    def __init__(self, now=1_790_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def timed(script, clock):
    """A client whose clock the test moves; `script.bearers` says what the exchange answers."""
    script.answers["/v1/apps"] = lambda request: httpx.Response(200, json=APPS)
    with Client(TOKEN, transport=httpx.MockTransport(script), clock=clock) as client:
        yield client


def exchanges(script):
    return script.paths().count(EXCHANGE)


def give(script, *bearers):
    answers = [httpx.Response(200, json={"token": bearer}) for bearer in bearers]
    script.answers[EXCHANGE] = answers


def test_one_bearer_serves_for_the_hour(timed, script, clock):
    give(script, hour_long(clock))

    for _ in range(3):
        timed.apps(PARIS)
        clock.now += 1_000

    assert exchanges(script) == 1


def test_it_is_renewed_five_minutes_before_it_ends(timed, script, clock):
    give(script, hour_long(clock), hour_long(lambda: clock() + 3_301))
    timed.apps(PARIS)

    clock.now += 3_299
    timed.apps(PARIS)
    before = exchanges(script)
    clock.now += 2
    timed.apps(PARIS)

    assert (before, exchanges(script)) == (1, 2)


@pytest.mark.parametrize(
    "unreadable",
    [
        "JWT-REDACTED",
        "a.b.c",
        "a.!!!!.c",
        "..",
        make_bearer(uuid="us-1"),
        make_bearer(exp="soon", uuid="us-1"),
        make_bearer(exp=None),
        make_bearer(exp=1e300),
        make_bearer(exp=[]),
    ],
)
def test_a_bearer_whose_end_cannot_be_read_serves_for_55_minutes(timed, script, clock, unreadable):
    give(script, unreadable)
    timed.apps(PARIS)

    clock.now += 55 * 60 - 1
    timed.apps(PARIS)
    before = exchanges(script)
    clock.now += 2
    timed.apps(PARIS)

    assert (before, exchanges(script)) == (1, 2)


@pytest.mark.parametrize("wrong_by", [-7200, -3400, 3400, 7200])
def test_a_clock_of_ours_that_is_wrong_does_not_mean_an_exchange_for_each_request(
    timed, script, clock, wrong_by
):
    give(script, hour_long(lambda: clock() + wrong_by))

    for _ in range(10):
        timed.apps(PARIS)
        clock.now += 300

    assert exchanges(script) == 1


@pytest.mark.parametrize(("jump", "needed"), [(-86_400, 1), (86_400, 2)])
def test_a_clock_that_jumps_costs_one_exchange_at_most(timed, script, clock, jump, needed):
    give(script, hour_long(clock))
    timed.apps(PARIS)

    clock.now += jump
    for _ in range(5):
        timed.apps(PARIS)

    assert exchanges(script) == needed


def test_a_bearer_about_to_end_as_it_comes_is_not_exchanged_for_each_request(timed, script, clock):
    give(script, make_bearer(exp=clock() + 100))

    for _ in range(50):
        timed.apps(PARIS)

    assert exchanges(script) == 1


def test_the_account_is_read_from_the_bearer(timed, script, clock):
    give(script, hour_long(clock, uuid="us-42"))

    timed.exchange()

    assert timed.account_id == "us-42"


def test_a_bearer_that_does_not_say_whose_it_is_is_good_nevertheless(timed, script):
    give(script, "JWT-REDACTED")

    timed.apps(PARIS)

    assert timed.account_id is None


def test_the_token_is_exchanged_as_a_password_without_a_name(timed, script):
    timed.exchange()

    asked = script.asked[0]
    assert asked.method == "POST"
    assert httpx.BasicAuth("", TOKEN)._auth_header == asked.headers["authorization"]
    assert asked.content == b""


# --- refusals -------------------------------------------------------------------------------------


@pytest.fixture
def refusing(script):
    """The listing of apps refuses every bearer but those in the set returned."""
    good = set()

    def apps(request):
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        if bearer in good:
            return httpx.Response(200, json=APPS)
        return httpx.Response(401, json={"error": "no"})

    script.answers["/v1/apps"] = apps
    return good


def test_a_bearer_that_ended_early_is_exchanged_and_asked_again_once(timed, script, refusing):
    give(script, "old.old.old", "new.new.new")
    refusing.add("new.new.new")

    timed.apps(PARIS)

    assert script.paths() == [EXCHANGE, "/v1/apps", EXCHANGE, "/v1/apps"]


def test_refused_with_a_new_bearer_it_is_about_rights(timed, script, refusing):
    with pytest.raises(NoRight):
        timed.apps(PARIS)

    assert script.paths() == [EXCHANGE, "/v1/apps", EXCHANGE, "/v1/apps"]


def test_apps_without_right_do_not_cost_an_exchange_each(timed, script, refusing):
    for _ in range(5):
        with pytest.raises(NoRight):
            timed.apps(PARIS)

    assert exchanges(script) == 2
    assert script.paths().count("/v1/apps") == 6


def test_a_minute_later_a_refusal_is_ambiguous_again(timed, script, refusing, monkeypatch):
    with pytest.raises(NoRight):
        timed.apps(PARIS)
    later = time.monotonic() + 61
    monkeypatch.setattr("governance.scalingo._auth.time.monotonic", lambda: later)
    give(script, "new.new.new")
    refusing.add("new.new.new")

    timed.apps(PARIS)

    assert exchanges(script) == 3


def test_a_token_that_died_meanwhile_is_dead_and_not_without_right(timed, script, refusing):
    script.answers[EXCHANGE] = [
        httpx.Response(200, json={"token": "old.old.old"}),
        httpx.Response(401, json={"error": "Invalid credentials"}),
    ]

    with pytest.raises(DeadToken):
        timed.apps(PARIS)


def test_a_dead_token_is_not_tried_for_each_request(timed, script):
    script.answers[EXCHANGE] = httpx.Response(401, json={"error": "Invalid credentials"})

    for _ in range(3):
        with pytest.raises(DeadToken):
            timed.apps(PARIS)

    assert script.paths() == [EXCHANGE]


def test_a_dead_token_may_be_tried_again_on_purpose(timed, script):
    script.answers[EXCHANGE] = [
        httpx.Response(401, json={"error": "Invalid credentials"}),
        httpx.Response(200, json={"token": "new.new.new"}),
    ]
    with pytest.raises(DeadToken):
        timed.exchange()

    timed.exchange()

    assert len(timed.apps(PARIS)) == 0


def test_without_an_exchange_nothing_else_is_asked(timed, script):
    script.answers[EXCHANGE] = httpx.ConnectError("refused")

    for _ in range(2):
        with pytest.raises(Unavailable):
            timed.apps(PARIS)

    assert script.paths() == [EXCHANGE, EXCHANGE]


# --- threads --------------------------------------------------------------------------------------


def at_once(count, call):
    """What `call` returned or raised in each of `count` threads that start together."""
    start = threading.Barrier(count)
    results = []

    def run():
        start.wait(10)
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == count
    return results


def slowly(answer):
    def respond(request):
        time.sleep(0.05)
        return answer(request) if callable(answer) else answer

    return respond


def test_sixteen_threads_make_one_exchange(timed, script, clock):
    bearer = hour_long(clock)
    script.answers[EXCHANGE] = slowly(httpx.Response(200, json={"token": bearer}))

    results = at_once(16, lambda: len(timed.apps(PARIS)))

    assert results == [0] * 16
    assert exchanges(script) == 1


def test_sixteen_threads_renew_once(timed, script, clock):
    bearers = iter([make_bearer(iat=clock(), exp=clock() + 302), hour_long(clock)])
    script.answers[EXCHANGE] = slowly(
        lambda request: httpx.Response(200, json={"token": next(bearers)})
    )
    timed.apps(PARIS)
    clock.now += 3

    at_once(16, lambda: timed.apps(PARIS).close())

    assert exchanges(script) == 2


def test_sixteen_threads_that_are_refused_together_exchange_once(timed, script, refusing):
    bearers = iter(["old.old.old", "new.new.new", "newer.newer.newer"])
    script.answers[EXCHANGE] = slowly(
        lambda request: httpx.Response(200, json={"token": next(bearers)})
    )
    refusing.add("new.new.new")
    timed.exchange()

    results = at_once(16, lambda: len(timed.apps(PARIS)))

    assert results == [0] * 16
    assert exchanges(script) == 2


def test_threads_that_wait_for_a_failing_exchange_share_its_failure(timed, script):
    script.answers[EXCHANGE] = slowly(httpx.Response(503))

    results = at_once(16, lambda: timed.apps(PARIS))

    assert all(type(result) is Unavailable for result in results)
    assert exchanges(script) <= 3


def test_against_the_emulator_a_bearer_that_ends_mid_run_goes_unnoticed(client_of, world):
    world.set_bearer_seconds(1_000)
    olivia = client_of()
    paris = olivia.regions()[0]

    for _ in range(5):
        assert len(olivia.apps(paris)) > 0
        world.forward(900)
