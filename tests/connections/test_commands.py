"""The terminal does what the pages do."""

import io

import pytest
from django.core.management import CommandError, call_command

from governance.audit.models import Event
from governance.connections import keys, sealing
from governance.connections.models import Connection, State

pytestmark = pytest.mark.django_db


def run(*words, stdin="", monkeypatch=None):
    out = io.StringIO()
    if monkeypatch:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_connection_is_added_with_its_token_on_standard_input(
    olivias_token, sent, monkeypatch, scalingo_transport
):
    said = run(
        "add_connection", "Production", "--token-stdin",
        stdin=f"{olivias_token}\n", monkeypatch=monkeypatch,
    )  # fmt: skip

    connection = Connection.objects.get(name="Production")
    assert "Production" in said
    assert olivias_token not in said
    assert connection.state == State.UNTESTED
    assert Event.objects.get().source == "terminal"

    said = run("test_connection", "production")
    assert "olivia@acme.example" in said
    connection.refresh_from_db()
    assert connection.state == State.WORKING

    assert "it works" in run("test_connection", "Production"), "a second test asks again"


def test_a_token_that_scalingo_refuses_fails_the_command(sent, monkeypatch, scalingo_transport):
    token = "tk-us-" + "0" * 48
    run("add_connection", "Wrong", "--token-stdin", stdin=token, monkeypatch=monkeypatch)

    for _ in range(2):
        with pytest.raises(CommandError, match="Wrong: "):
            run("test_connection", "Wrong")


@pytest.mark.parametrize(
    ("name", "token"), [(" ", "tk-us-" + "a" * 20), ("x" * 81, ""), ("A", "b")]
)
def test_what_makes_no_sense_is_refused_in_a_sentence(name, token, monkeypatch):
    with pytest.raises(CommandError):
        run("add_connection", name, "--token-stdin", stdin=token, monkeypatch=monkeypatch)

    assert not Connection.objects.exists()


def test_nobody_is_asked_for_a_token_where_nobody_can_answer(monkeypatch):
    with pytest.raises(CommandError, match="--token-stdin"):
        run("add_connection", "Production", stdin="", monkeypatch=monkeypatch)


def test_an_unknown_name_is_said_to_be_unknown(db):
    with pytest.raises(CommandError, match="Nowhere"):
        run("test_connection", "Nowhere")


def test_a_new_pair_of_keys_is_printed_as_an_environment_file():
    lines = dict(line.split("=", 1) for line in run("make_sealing_keys").split())

    box = sealing.seal("secret", lines["SEALING_PUBLIC_KEY"])
    assert sealing.open_sealed(box, lines["SEALING_PRIVATE_KEY"]) == "secret"


def test_tokens_are_sealed_again_only_when_told_to(working, settings):
    public, private = sealing.make_keys()
    old = settings.SEALING_PRIVATE_KEY
    settings.SEALING_PUBLIC_KEY, settings.SEALING_PRIVATE_KEY = public, f"{private},{old}"

    assert "1 token to seal again" in run("reseal_tokens")
    working.refresh_from_db()
    assert not sealing.is_sealed_for(bytes(working.sealed_token), public)

    assert "1 token sealed again" in run("reseal_tokens", "--apply")
    working.refresh_from_db()
    assert sealing.is_sealed_for(bytes(working.sealed_token), public)
    assert "newest key" in run("reseal_tokens", "--apply")


def test_without_the_old_key_nothing_is_sealed_again(working, settings):
    settings.SEALING_PUBLIC_KEY, settings.SEALING_PRIVATE_KEY = sealing.make_keys()

    with pytest.raises(CommandError, match="Nothing was changed"):
        run("reseal_tokens", "--apply")

    settings.SEALING_PRIVATE_KEY = ""
    with pytest.raises(CommandError, match="SEALING_PRIVATE_KEY"):
        run("reseal_tokens", "--apply")


def test_without_a_public_key_the_newest_private_one_gives_it(settings):
    settings.SEALING_PUBLIC_KEY = ""

    assert keys.open_sealed(keys.seal("secret")) == "secret"
