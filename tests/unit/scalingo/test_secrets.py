"""Neither the token, nor a bearer, nor an invitation link shows itself anywhere."""

import contextlib
import copy
import logging
import pickle
import traceback

import httpx
import pytest

from governance.scalingo import Client, Refused, ScalingoError
from governance.scalingo._auth import Secret
from governance.scalingo._errors import scrub

from .scripts import PARIS, TOKEN, hour_long

BEARER = hour_long()
LINK_TOKEN = "ab" * 20
LINK = f"https://my.scalingo.com/apps/collaboration?token={LINK_TOKEN}"
SECRETS = (TOKEN, BEARER, LINK_TOKEN, httpx.BasicAuth("", TOKEN)._auth_header[6:])


def shows(text):
    return [secret for secret in SECRETS if secret in text]


@pytest.fixture
def holding(script):
    """A client that holds a bearer, and answers that echo what they were asked."""
    script.answers["/v1/tokens/exchange"] = httpx.Response(200, json={"token": BEARER})
    with Client(TOKEN, transport=httpx.MockTransport(script)) as client:
        client.exchange()
        yield client


def test_nothing_shows_itself_in_a_repr(holding):
    parts = [holding, *vars(holding).values(), holding._keeper._bearer, holding._http._client]

    assert not shows(" ".join(map(repr, parts)) + " ".join(map(str, parts)))


def chain(error):
    """All that an error holds, and those behind it."""
    seen = []
    while error is not None:
        seen += [repr(error), repr(vars(error)), *map(repr, error.args)]
        error = error.__cause__ or error.__context__
    return " ".join(seen)


def local_values(error):
    """What a careless report of an error would show of the functions that it went through."""
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
    return " ".join(repr(value) for frame in frames for value in frame.f_locals.values())


ECHO = {
    "echoed": lambda r: httpx.Response(
        400, json={"error": f"bad {r.headers['authorization']} and {TOKEN} and {LINK}"}
    ),
    "fields": lambda r: httpx.Response(
        422, json={"errors": {TOKEN: [r.headers["authorization"]], "link": [LINK]}}
    ),
    "forbidden": lambda r: httpx.Response(403, json={"error": r.headers["authorization"]}),
    "resource": lambda r: httpx.Response(404, json={"resource": TOKEN, "error": LINK}),
    "html": lambda r: httpx.Response(
        200, text=f"<p>{r.headers['authorization']}", headers={"content-type": "text/html"}
    ),
    "bad json": lambda r: httpx.Response(
        200,
        content=b'{"collaborators":[{"id":"\xff%b"' % r.headers["authorization"].encode(),
        headers={"content-type": "application/json"},
    ),
    "redirect": lambda r: httpx.Response(302, headers={"location": f"https://x/?{LINK_TOKEN}"}),
    "no right": lambda r: httpx.Response(401, json={"error": r.headers["authorization"]}),
    "timeout": lambda r: (_ for _ in ()).throw(httpx.ReadTimeout("slow", request=r)),
    "reset": lambda r: (_ for _ in ()).throw(httpx.ReadError(LINK, request=r)),
}


@pytest.mark.parametrize("name", ECHO)
def test_nothing_shows_itself_in_an_error_or_a_log(holding, script, name, caplog):
    script.answers["/v1/apps/app1/collaborators"] = ECHO[name]
    caplog.set_level(logging.DEBUG)

    with pytest.raises(ScalingoError) as caught:
        holding.collaborators_of(PARIS, "app1")

    assert not shows(chain(caught.value))
    assert not shows("".join(traceback.format_exception(caught.value)))
    assert not shows(caplog.text)


def test_nothing_shows_itself_when_the_exchange_fails(script, caplog):
    caplog.set_level(logging.DEBUG)
    for answer in (
        httpx.Response(401, json={"error": TOKEN}),
        httpx.Response(400, json={"error": TOKEN}),
        httpx.Response(200, json={"token": {"token": BEARER}}),
        httpx.Response(200, json={"token": BEARER + "\n"}),
        httpx.ConnectError(TOKEN),
    ):
        script.answers["/v1/tokens/exchange"] = answer
        with (
            Client(TOKEN, transport=httpx.MockTransport(script)) as client,
            pytest.raises(ScalingoError) as caught,
        ):
            client.apps(PARIS)
        assert not shows(chain(caught.value))
    assert not shows(caplog.text)


@pytest.mark.parametrize("status", [200, 302, 401, 404, 422, 429, 500])
@pytest.mark.parametrize("path", ["/v1/tokens/exchange", "/v1/apps/app1/collaborators"])
def test_nothing_shows_itself_in_local_values_either(script, status, path):
    script.answers["/v1/tokens/exchange"] = httpx.Response(200, json={"token": BEARER})
    script.answers[path] = httpx.Response(status, json={"error": "no"})
    client = Client(TOKEN, transport=httpx.MockTransport(script))

    def ask():
        return client.collaborators_of(PARIS, "app1")

    with pytest.raises(ScalingoError) as caught:
        ask()

    inside = caught.value.__traceback__.tb_next
    assert not shows(local_values(caught.value.with_traceback(inside)))
    client.close()


@pytest.mark.parametrize("token", ["tk-us-\n", "tk-us-é", "tk-us-\udcff", "", " ", "x" * 10_000])
def test_a_token_of_any_characters_is_sent_or_refused_without_showing(script, token):
    script.answers["/v1/tokens/exchange"] = httpx.Response(401, json={"error": "no"})

    with (
        Client(token, transport=httpx.MockTransport(script)) as client,
        pytest.raises(ScalingoError),
    ):
        client.exchange()


def test_the_hooks_are_given_no_secret(script):
    given = []
    script.answers["/v1/tokens/exchange"] = httpx.Response(200, json={"token": BEARER})
    with (
        Client(
            TOKEN, transport=httpx.MockTransport(script), before=given.append, after=given.append
        ) as client,
        contextlib.suppress(ScalingoError),
    ):
        client.collaborators_of(PARIS, "app1")

    assert len(given) == 4
    assert not shows(repr(given))
    assert "app1" not in repr(given)


def test_a_secret_is_neither_shown_nor_pickled():
    secret = Secret(TOKEN)

    assert TOKEN not in f"{secret} {secret!r} {secret:}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    "words",
    [TOKEN, f"Bearer {BEARER}", BEARER, LINK, f"x{LINK_TOKEN.upper()}"[1:], f"basic {'Q' * 30}=="],
)
def test_words_of_others_are_scrubbed(words):
    kept = scrub(f"before {words} after")

    assert kept.startswith("before ")
    assert "[hidden]" in kept
    assert not shows(kept.lower() + kept)


def test_words_of_others_are_short_and_printable():
    kept = scrub("a\x00b\x1b[31m\u202e" + "long " * 10_000)

    assert len(kept) <= 300
    assert kept.replace("…", "").isprintable()


@pytest.mark.parametrize("copied", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301
def test_errors_survive_being_copied(copied):
    error = Refused("Scalingo refused: no.", fields={"email": ["is bad"]}, status=422)

    again = copied(error)

    assert (str(again), again.code, again.fields, again.status) == (
        str(error),
        "refused",
        {"email": ["is bad"]},
        422,
    )
