"""The same from a terminal: shown first, done with --apply."""

import io
import uuid

import pytest
from django.core.management import CommandError, call_command

from governance.accounts.models import User
from governance.audit.models import Event

LONG = "correct horse battery staple"


@pytest.fixture
def run(db, capsys, monkeypatch):
    def command(*arguments, stdin=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        call_command(*arguments)
        return capsys.readouterr().out

    return command


def test_add_user_reads_the_password_from_standard_input(run):
    said = run(
        "add_user", "Erin@example.com", "--name", "Erin", "--role", "admin", "--role", "viewer",
        "--password-stdin", stdin=LONG + "\n",
    )  # fmt: skip

    user = User.objects.get()
    assert (user.email, user.name, user.roles) == ("erin@example.com", "Erin", ["viewer", "admin"])
    assert user.check_password(LONG)
    assert said == "Erin may sign in as erin@example.com: viewer, admin.\n"
    event = Event.objects.get()
    assert (event.kind, event.source, event.actor_kind) == ("user.created", "terminal", "system")


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["erin@example.com", "--password-stdin"], "short\n", "too short"),
        (["erin", "--password-stdin"], LONG, "valid email"),
        (["bob@example.com", "--password-stdin"], LONG, "signs in here already"),
        (["erin@example.com"], "", "--password-stdin"),
        (["erin@example.com", "--role", "root", "--password-stdin"], LONG, "invalid choice"),
    ],
)
def test_add_user_says_what_will_not_do(run, bob, arguments, stdin, words):
    with pytest.raises(CommandError, match=words):
        run("add_user", *arguments, stdin=stdin)

    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "would", "then"),
    [
        (["change_roles", "Bob@example.com", "--role", "auditor"],
         "Bob has viewer and would have auditor.", "Bob had viewer and now has auditor."),
        (["change_roles", "bob@example.com"],
         "Bob has viewer and would have no role.", "Bob had viewer and now has no role."),
        (["change_scope", "bob@example.com", "--project", str(uuid.UUID(int=7))],
         "Bob sees all apps and would see 1 project.", "Bob now sees 1 project."),
        (["deactivate_user", "bob@example.com"],
         "From then on Bob may no longer sign in.", "Bob may no longer sign in."),
    ],
)  # fmt: skip
def test_a_change_is_shown_first_and_done_with_apply(run, bob, arguments, would, then):
    before = User.objects.values().get()

    assert run(*arguments) == f"{would} Do it with --apply.\n"
    assert User.objects.values().get() == before
    assert not Event.objects.exists()

    assert run(*arguments, "--apply") == f"{then}\n"
    assert User.objects.values().get() != before
    assert Event.objects.get().source == "terminal"


@pytest.mark.parametrize("command", ["change_roles", "deactivate_user"])
def test_somebody_who_does_not_sign_in_here_is_not_found(run, command):
    with pytest.raises(CommandError, match="Nobody signs in here as erin"):
        run(command, "erin@example.com", "--apply")


def test_a_sign_in_can_be_given_back(run, bob):
    run("deactivate_user", "bob@example.com", "--apply")
    run("deactivate_user", "bob@example.com", "--undo", "--apply")

    assert User.objects.get().is_active
    with pytest.raises(CommandError):
        run("deactivate_user", "bob@example.com", "--undo", "--apply")
