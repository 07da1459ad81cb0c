"""A token goes in sealed and is seen by Scalingo alone: in no log, error, repr, message or dump."""

import base64
import io
import json
import logging
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client as Browser
from django.views.debug import ExceptionReporter

from governance.connections import actions, clients, keys, sealing, tasks
from governance.connections.actions import Outcome, tokens, trials
from governance.connections.budget import Kind
from governance.connections.forms import AddForm
from governance.connections.models import Connection, State
from governance.emulator.server import Server

CANARY = "tk-us-" + "CANARY" * 8
PATH = "/settings/connections/"


def shapes_of(token):
    """How a token may look where somebody forgot it."""
    basic = base64.b64encode(f":{token}".encode()).decode()
    return [token, token[6:], basic, basic[4:-4], token.encode().hex(), token[::-1]]


def assert_no_secret(text, token=CANARY):
    for shape in shapes_of(token):
        assert shape not in text


@pytest.fixture
def everything_logged(caplog):
    """All that was logged, at the most talkative level, as one text."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "django", "django.db.backends", "celery", "redis"):
        caplog.set_level(logging.DEBUG, logger=name)

    def text():
        shown = []
        for record in caplog.records:
            shown += [record.getMessage(), repr(vars(record))]
            if record.exc_info and record.exc_info[1]:
                shown += traceback.format_exception(record.exc_info[1])
        return "\n".join(shown)

    return text


def dump_of_the_database():
    """Every row of every table, as text."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        )
        tables = [name for (name,) in cursor.fetchall()]
        rows = []
        for table in tables:
            cursor.execute(f"SELECT t::text, to_json(t)::text FROM {table} t")  # noqa: S608
            rows += [f"{table} {text} {as_json}" for text, as_json in cursor.fetchall()]
    return "\n".join(rows)


def dump_of_redis(url):
    """Every value, and the bodies of messages as they were before they were encoded."""
    with redis.Redis.from_url(url.replace("redis+socket://", "unix://")) as client:
        values = [value for key in client.keys("*") for value in values_of(client, key)]
    return "\n".join([*values, *(body_of(value) for value in values)])


def values_of(client, key):
    match client.type(key):
        case b"list":
            found = client.lrange(key, 0, -1)
        case b"hash":
            found = [part for pair in client.hgetall(key).items() for part in pair]
        case b"set":
            found = client.smembers(key)
        case b"zset":
            found = client.zrange(key, 0, -1)
        case _:
            found = [client.get(key)]
    return [f"{key} {value!r}" for value in found]


def body_of(value):
    found = re.search(r'"body": "([A-Za-z0-9+/=]+)"', value)
    return base64.b64decode(found[1]).decode() if found else ""


# --- the good way ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_of_a_token_leaves_no_trace_of_it(
    olga, client_of, acme, settings, redis_url, everything_logged
):
    """From the form over the queue and a worker to a Scalingo on a real socket, and again."""
    from governance.celery import app

    first = acme.token_of("olivia@acme.example")
    second = acme.add_token("olivia@acme.example", "newer").secret
    settings.SCALINGO_HOSTS = ["127.0.0.1"]
    app.conf.broker_url = redis_url
    pages = []
    with Server(acme) as scalingo:
        settings.SCALINGO_AUTH_URL = scalingo.url
        browser = client_of(olga)
        for token in (first, second):
            form = {"name": "Production", "token": token}
            where = f"{Connection.objects.get().pk}/replace-token/" if pages else "add/"
            pages.append(browser.post(f"{PATH}{where}", form).text)
            connection = Connection.objects.get()
            pages += [browser.get(f"{PATH}{connection.pk}/").text, browser.get(PATH).text]
            tasks.test(str(connection.pk))
            pages.append(browser.get(f"{PATH}{connection.pk}/").text)
            pages.append(browser.post(f"{PATH}{where}", {**form, "name": ""}).text)
            connection.refresh_from_db()
            assert connection.state == State.WORKING
        assert keys.open_sealed(bytes(connection.sealed_token)) == second

    seen = "\n".join([*pages, dump_of_the_database(), dump_of_redis(redis_url)])
    for token in (first, second):
        assert_no_secret(seen, token)
        assert_no_secret(everything_logged(), token)
        assert_no_secret(repr([vars(row) for row in Connection.objects.all()]), token)
    # A message of the queue is JSON in base64, which begins like a bearer but has no dots.
    assert not re.search(r"eyJ[\w-]+\.[\w-]+\.", seen + everything_logged()), "no bearer either"
    assert str(connection.pk) in dump_of_redis(redis_url), "or nothing was sent at all"


def test_what_holds_a_token_does_not_show_it(db, settings):
    form = AddForm({"name": "Production", "token": CANARY})
    wrong = AddForm({"name": "Production", "token": CANARY + " " + CANARY})
    client = clients.client_with(CANARY, kind=Kind.INTERACTIVE)
    form.is_valid(), wrong.is_valid()

    for thing in (form, wrong, form.errors, wrong.errors, wrong["token"], client, clients.Tally()):
        assert_no_secret(f"{thing!r} {thing}")
    assert_no_secret(wrong.as_p() + form.as_p() + wrong.errors.as_json())
    client.close()


# --- bad days -------------------------------------------------------------------------------------

BREAKS = {
    "sealing": (sealing, "X25519PrivateKey"),
    "hkdf": (sealing, "HKDF"),
    "cipher": (sealing, "ChaCha20Poly1305"),
    "seal": (keys, "seal"),
    "row": (Connection.objects, "create"),
    "lock": (tokens, "locked"),
    "nudge": (tokens, "after_commit"),
    "event": (tokens, "record"),
    "permission": (tokens, "may_manage_connections"),
    "shape": (tokens, "clean_token"),
}


class Boom(Exception):
    """Something that nobody thought of."""


class Broken:
    """Breaks when it is called, and when it is asked for anything."""

    def __call__(self, *args, **kwargs):
        raise Boom("forced")

    def __getattr__(self, name):
        raise Boom("forced")


def break_it(monkeypatch, where):
    monkeypatch.setattr(*where, Broken())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", BREAKS)
@pytest.mark.parametrize("path", ["add/", "replace"])
def test_a_page_that_breaks_anywhere_does_not_show_the_token(
    place, path, olga, sent, now, monkeypatch, everything_logged
):
    existing = actions.add("Existing", "tk-us-" + "other" * 9, by=None, at=now)
    break_it(monkeypatch, BREAKS[place])
    browser = Browser(raise_request_exception=False)
    browser.force_login(olga)
    where = f"{existing.pk}/replace-token/" if path == "replace" else path

    response = browser.post(f"{PATH}{where}", {"name": "Production", "token": CANARY})

    assert response.status_code in {303, 500}  # not each of them is on both ways
    assert_no_secret(response.text)
    assert_no_secret(everything_logged())
    assert_no_secret(dump_of_the_database())


@pytest.mark.django_db
@pytest.mark.parametrize("place", BREAKS)
def test_a_report_of_the_error_with_all_its_variables_does_not_show_it(
    place, olga, sent, monkeypatch, rf
):
    """What Django would mail to the admins: frames, their variables, and the request."""
    from governance.connections import views

    break_it(monkeypatch, BREAKS[place])
    request = rf.post(f"{PATH}add/", {"name": "Production", "token": CANARY})
    request.user = olga
    try:
        views.add(request)
    except Boom:
        report = ExceptionReporter(request, *sys.exc_info())
        assert_no_secret(report.get_traceback_html() + report.get_traceback_text())
    else:
        assert place == "lock", "this one is not on the way"


TRIALS = {
    "opening": (trials, "open_token"),
    "decryption": (sealing, "ChaCha20Poly1305"),
    "client": (trials, "client_with"),
    "budget": (clients, "shared"),
    "transport": (clients.scalingo._http.httpx.Client, "send"),
    "exchange": (clients.scalingo.Client, "exchange"),
    "account": (clients.scalingo.Client, "self_account"),
    "keeping": (trials, "_put_into_use"),
    "recording": (trials, "record"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("place", TRIALS)
def test_a_worker_that_breaks_anywhere_does_not_show_the_token(
    place, added, acme, olivias_token, settings, monkeypatch, everything_logged
):
    with Server(acme) as scalingo:
        settings.SCALINGO_AUTH_URL = scalingo.url
        break_it(monkeypatch, TRIALS[place])
        try:
            tasks.test(str(added.pk))
        except Exception as error:  # noqa: BLE001  Whatever it is.
            shown = "".join(traceback.format_exception(error))
            assert "Boom" in shown
            assert_no_secret(shown + repr(error) + repr(error.__context__), olivias_token)
        else:
            added.refresh_from_db()
            assert added.state != State.WORKING, "it was not on the way"
    added.refresh_from_db()
    assert_no_secret(added.said + everything_logged() + dump_of_the_database(), olivias_token)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/v1/tokens/exchange", "/v1/users/self"])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 418, 422, 429, 500, 503])
def test_a_scalingo_that_repeats_the_token_is_not_repeated(
    path, status, added, acme, olivias_token, scalingo_transport, everything_logged, now
):
    parrot = json.dumps({"error": olivias_token, "errors": {olivias_token: [olivias_token]}})
    acme.fault(path=path, times=None, status=status, body=parrot)

    outcome = actions.test(added.pk, at=now)

    added.refresh_from_db()
    assert outcome in {Outcome.REFUSED, Outcome.UNCLEAR}
    assert added.said
    assert_no_secret(added.said + everything_logged() + dump_of_the_database(), olivias_token)


@pytest.mark.django_db
@pytest.mark.parametrize("text", [CANARY, f"x{CANARY}", f"{CANARY} {CANARY}", f'"{CANARY}"'])
def test_the_terminal_does_not_repeat_a_token(text, sent, monkeypatch, everything_logged):
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    try:
        call_command("add_connection", "Production", "--token-stdin", stdout=out, stderr=out)
    except CommandError as error:
        out.write("".join(traceback.format_exception(error)))
    assert_no_secret(out.getvalue() + everything_logged())


# --- who can open ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_web_process_can_seal_and_not_open(added, olivias_token, settings, now, acme):
    settings.SEALING_PRIVATE_KEY = ""
    connection = actions.add("Another", CANARY, by=None, at=now)
    Connection.objects.filter(pk=connection.pk).update(sealed_token=keys.seal(CANARY))
    connection.refresh_from_db()

    with pytest.raises(keys.NoKey):
        keys.open_sealed(bytes(connection.sealed_token))
    with pytest.raises(clients.TokenUnavailable, match="SEALING_PRIVATE_KEY") as caught:
        clients.client_for(connection, kind=Kind.INTERACTIVE)
    assert caught.value.__cause__ is caught.value.__context__ is None
    with pytest.raises(keys.sealing.CannotOpen):
        sealing.open_sealed(bytes(connection.sealed_token), settings.SEALING_PUBLIC_KEY)
    assert actions.test(added.pk, at=now) is Outcome.UNREADABLE
    assert acme.traffic.total == 0


def test_a_process_that_was_given_the_public_key_alone_holds_no_other(tmp_path):
    """A process of its own, with the environment of a web process and nothing inherited."""
    public, private = sealing.make_keys()
    box = sealing.seal(CANARY, public)
    program = (
        "import django, sys; django.setup();"
        "from governance.connections import keys;"
        "assert keys.seal('x');"
        f"keys.open_sealed(bytes.fromhex('{box.hex()}'))"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "governance.settings",
        "SECRET_KEY": "not-secret",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1",
        "SEALING_PUBLIC_KEY": public,
    }
    root = Path(__file__).resolve().parents[2]

    def run(**more):
        return subprocess.run(
            [sys.executable, "-c", program],
            env=environment | more, cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip

    web, worker = run(), run(SEALING_PRIVATE_KEY=private)

    assert worker.returncode == 0, worker.stderr
    assert web.returncode == 1
    assert "NoKey" in web.stderr
    assert_no_secret(web.stderr + web.stdout + worker.stderr + worker.stdout)
    assert private not in web.stderr + web.stdout
