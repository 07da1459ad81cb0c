"""The budget is asked before every request, and told what each was."""

import httpx
import pytest

from governance.scalingo import Client, Exchange, Limited, ScalingoError, Unavailable

from .scripts import PARIS, TOKEN


class Stopped(Exception):
    pass


@pytest.fixture
def told():
    return []


@pytest.fixture
def counted(script, told):
    with Client(
        TOKEN,
        transport=httpx.MockTransport(script),
        before=lambda endpoint: told.append(endpoint),
        after=told.append,
    ) as client:
        yield client


def endpoints(told):
    return [item for item in told if isinstance(item, str)]


def results(told):
    return [(item.endpoint, item.status) for item in told if isinstance(item, Exchange)]


def test_each_request_is_announced_and_counted_the_exchange_too(counted, script, told):
    script.answers["/v1/apps"] = httpx.Response(200, json={"apps": []})

    counted.apps(PARIS)

    kinds = [type(item).__name__ for item in told]
    assert kinds == ["str", "Exchange", "str", "Exchange"]
    assert endpoints(told) == ["POST /tokens/exchange", "GET /apps"]
    assert results(told) == [("POST /tokens/exchange", 200), ("GET /apps", 200)]
    assert told[-1].bytes == len(b'{"apps":[]}')
    assert told[-1].seconds >= 0


def test_endpoints_are_counted_together_whatever_the_ids(counted, script, told):
    for app_id in ("app1", "app2"):
        with pytest.raises(ScalingoError):
            counted.remove(PARIS, app_id, "c1")

    assert set(endpoints(told)[1:]) == {"DELETE /apps/:app/collaborators/:id"}


def test_a_second_try_is_announced_as_well(counted, script, told):
    script.answers["/v1/apps"] = httpx.Response(401, json={"error": "no"})

    with pytest.raises(ScalingoError):
        counted.apps(PARIS)

    assert endpoints(told) == ["POST /tokens/exchange", "GET /apps"] * 2


def test_a_request_that_had_no_answer_is_counted_too(counted, script, told):
    script.answers["/v1/apps"] = httpx.ReadTimeout("slow")

    with pytest.raises(Unavailable):
        counted.apps(PARIS)

    assert results(told)[-1] == ("GET /apps", None)


def test_the_wait_that_a_429_asks_for_is_passed_on(counted, script, told):
    script.answers["/v1/apps"] = httpx.Response(
        429, text="Retry later", headers={"retry-after": "7"}
    )

    with pytest.raises(Limited):
        counted.apps(PARIS)

    assert (told[-1].status, told[-1].retry_after) == (429, 7.0)


def test_a_budget_that_says_no_stops_the_request(script):
    def before(endpoint):
        raise Stopped

    with (
        Client(TOKEN, transport=httpx.MockTransport(script), before=before) as client,
        pytest.raises(Stopped),
    ):
        client.apps(PARIS)

    assert script.asked == []


def test_every_page_is_announced(counted, script, told):
    meta = {"current_page": 1, "next_page": 2, "total_pages": 2}
    script.answers["/v1/apps"] = [
        httpx.Response(200, json={"apps": [], "meta": {"pagination": meta}}),
        httpx.Response(200, json={"apps": [], "meta": {"pagination": {"current_page": 2}}}),
    ]

    counted.apps(PARIS)

    assert endpoints(told).count("GET /apps") == 2


def test_reads_are_not_repeated_by_the_client_itself(counted, script, told):
    script.answers["/v1/apps"] = httpx.Response(503)

    with pytest.raises(Unavailable):
        counted.apps(PARIS)

    assert endpoints(told).count("GET /apps") == 1
