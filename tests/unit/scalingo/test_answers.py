"""What each answer that is not a good one means."""

import json
import time
from email.utils import formatdate

import httpx
import pytest

from governance.scalingo import (
    Blocked,
    DeadToken,
    Limited,
    NoRight,
    NotFound,
    NotUnderstood,
    Refused,
    ScalingoError,
    Unavailable,
)

from .scripts import PARIS, collaborator

HTML = "<!doctype html><title>Oops</title>"


def text(status, body="", kind="text/plain", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, text=body, headers={"content-type": kind, **named})


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (httpx.Response(403, json={"error": "no", "code": "region_disabled"}), NoRight, "no_right"),
        (text(403, HTML, "text/html"), NoRight, "no_right"),
        (text(403, "Forbidden\n"), Blocked, "blocked"),
        (
            httpx.Response(404, json={"resource": "app", "error": "not found"}),
            NotFound,
            "not_found",
        ),
        (text(404, HTML, "text/html"), NotFound, "not_found"),
        (text(429, "Retry later"), Limited, "limited"),
        (httpx.Response(429, json={"error": "slow", "code": "x"}), Limited, "limited"),
        (httpx.Response(500, json={"error": "Internal error"}), Unavailable, "server_error"),
        (text(502, HTML, "text/html"), Unavailable, "server_error"),
        (text(503), Unavailable, "server_error"),
        (text(504, HTML, "text/html"), Unavailable, "server_error"),
        (text(408), Unavailable, "server_error"),
        (httpx.Response(400, json={"error": "bad JSON"}), Refused, "refused"),
        (httpx.Response(402, json={"error": "pay", "url": "https://x"}), Refused, "refused"),
        (httpx.Response(409, json={"error": "apps left"}), Refused, "refused"),
        (httpx.Response(422, json={"errors": {"email": ["is bad"]}}), Refused, "refused"),
        (text(410), Refused, "refused"),
        (httpx.Response(204), NotUnderstood, "not_understood"),
        (httpx.Response(202, json={}), NotUnderstood, "not_understood"),
        (text(302, "", location="https://evil.example/"), NotUnderstood, "redirect"),
        (httpx.ReadTimeout("slow"), Unavailable, "timeout"),
        (httpx.ConnectTimeout("slow"), Unavailable, "timeout"),
        (httpx.ReadError("reset"), Unavailable, "unreachable"),
        (httpx.ConnectError("refused"), Unavailable, "unreachable"),
        (httpx.RemoteProtocolError("half"), Unavailable, "unreachable"),
    ],
)
def test_each_answer_has_its_meaning(client, script, answer, kind, code):
    script.answers["/v1/apps/app1/collaborators"] = lambda request: answer

    with pytest.raises(ScalingoError) as caught:
        client.collaborators_of(PARIS, "app1")

    assert type(caught.value) is kind
    assert caught.value.code == code
    assert caught.value.sentence.endswith(".")
    assert str(caught.value) == caught.value.sentence
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_a_404_that_names_nothing_is_not_the_app_that_is_missing(client, script):
    script.answers["/v1/apps/app1"] = text(404, HTML, "text/html")

    with pytest.raises(NotFound) as caught:
        client.app(PARIS, "app1")

    assert caught.value.resource == ""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0", 0.0),
        (" 30 ", 30.0),
        ("1000000000", 120.0),
        ("9" * 5000, 120.0),
        ("-5", None),
        ("1e9", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Fri, 99 Foo 2026 25:00:00 GMT", None),
    ],
)
def test_retry_after_is_honoured_capped_or_ignored(client, script, value, seconds):
    headers = {} if value is None else {"retry-after": value.encode()}
    script.answers["/v1/apps"] = httpx.Response(429, text="Retry later", headers=headers)

    with pytest.raises(Limited) as caught:
        client.apps(PARIS)

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(("ahead", "least", "most"), [(30, 25, 30), (-90, 0, 0), (9999, 120, 120)])
def test_retry_after_may_be_a_date(client, script, ahead, least, most):
    when = formatdate(time.time() + ahead, usegmt=True)
    script.answers["/v1/apps"] = text(429, "Retry later", retry_after=when)

    with pytest.raises(Limited) as caught:
        client.apps(PARIS)

    assert least <= caught.value.retry_after <= most


def test_a_refusal_keeps_the_platform_s_words_by_field(client, script):
    script.answers["/v1/apps/app1/collaborators"] = httpx.Response(
        422, json={"errors": {"email": ["can't be blank", "is invalid", 7], "base": "no"}}
    )

    with pytest.raises(Refused) as caught:
        client.invite(PARIS, "app1", "", is_limited=True)

    assert caught.value.fields == {"email": ["can't be blank", "is invalid"], "base": ["no"]}
    assert "can't be blank" in caught.value.sentence


def test_writes_are_sent_once_whatever_happens(client, script):
    for failure in (httpx.ReadTimeout("slow"), httpx.ReadError("reset"), text(500), text(429)):
        script.asked.clear()
        script.answers["/v1/apps/app1/collaborators"] = failure

        with pytest.raises((Unavailable, Limited)):
            client.invite(PARIS, "app1", "new@example.org", is_limited=True)

        assert script.paths().count("/v1/apps/app1/collaborators") == 1


def test_an_invitation_always_says_which_role(client, script):
    made = collaborator(status="pending", is_limited=True)
    script.answers["/v1/apps/app1/collaborators"] = httpx.Response(201, json={"collaborator": made})

    client.invite(PARIS, "app1", "new@example.org", is_limited=True)

    sent = json.loads(script.asked[-1].content)
    assert sent == {"collaborator": {"email": "new@example.org", "is_limited": True}}


@pytest.mark.parametrize(
    "body",
    [
        {"collaborator": []},
        {"collaborator": [collaborator(), collaborator()]},
        {"collaborator": collaborator(id=...)},
        {"collaborator": collaborator(app_id="another")},
        {"collaborator": None},
        {},
        [],
    ],
)
def test_an_answer_to_an_invitation_that_makes_no_sense_is_not_taken_for_a_refusal(
    client, script, body
):
    script.answers["/v1/apps/app1/collaborators"] = httpx.Response(201, json=body)

    with pytest.raises(NotUnderstood):
        client.invite(PARIS, "app1", "new@example.org", is_limited=True)


def test_the_exchange_tells_a_dead_token_from_a_bad_day(client, script):
    script.answers["/v1/tokens/exchange"] = [
        text(503),
        text(429, "Retry later", retry_after="3"),
        text(403, "Forbidden"),
        httpx.Response(200, json={"jeton": "x"}),
        httpx.Response(401, json={"error": "Invalid credentials"}),
    ]

    for kind in (Unavailable, Limited, Blocked, NotUnderstood, DeadToken):
        with pytest.raises(kind):
            client.exchange()


@pytest.mark.parametrize(
    "app_id", ["", ".", "..", "../tokens", "a/b", "a?b", "a#b", "é", "a" * 300]
)
def test_an_id_that_cannot_be_one_is_never_put_into_an_address(client, script, app_id):
    with pytest.raises(NotUnderstood) as caught:
        client.collaborators_of(PARIS, app_id)

    assert caught.value.code == "bad_id"
    assert script.asked == []


@pytest.mark.parametrize(
    ("error", "never_sent"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.ConnectTimeout("slow"), True),
        (httpx.PoolTimeout("full"), True),
        (httpx.ReadTimeout("slow"), False),
        (httpx.WriteTimeout("slow"), False),
        (httpx.ReadError("reset"), False),
        (httpx.WriteError("reset"), False),
        (httpx.RemoteProtocolError("half"), False),
    ],
)
def test_only_without_a_connection_is_an_order_certainly_not_sent(
    client, script, error, never_sent
):
    script.answers["/v1/apps/app1/collaborators"] = lambda request: error

    with pytest.raises(Unavailable) as caught:
        client.invite(PARIS, "app1", "new@acme.example", is_limited=True)

    assert caught.value.never_sent is never_sent
