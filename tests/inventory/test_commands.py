"""A viewer is limited to projects from a terminal: shown first, done with --apply."""

import pytest
from django.core.management import CommandError, call_command

from governance.audit.models import Event
from tests.factories import AppFactory, ProjectFactory, RegionFactory


@pytest.fixture
def run(capsys):
    def command(*arguments):
        call_command("limit_viewer", *arguments)
        return capsys.readouterr().out

    return command


@pytest.fixture
def billing(db):
    project = ProjectFactory(name="billing")
    AppFactory.create_batch(2, project=project)
    AppFactory(project=project, gone=True)
    return project


def test_it_shows_what_the_viewer_would_see(run, billing, bob):
    said = run("bob@example.com", "--project", "billing")

    assert said == ("billing, osc-fr1: 2 apps\nBob would see these alone. Do it with --apply.\n")
    bob.refresh_from_db()
    assert not bob.scoped


def test_it_limits_the_viewer_and_leaves_an_event(run, billing, bob):
    run("bob@example.com", "--project", "billing", "--apply")

    bob.refresh_from_db()
    assert (bob.scoped, bob.projects) == (True, [billing.pk])
    assert Event.objects.get().kind == "user.scope_changed"


def test_it_says_that_an_admin_sees_everything_anyway(run, billing, alice):
    said = run("alice@example.com", "--project", "billing")

    assert "Alice sees everything by another role" in said


def test_it_wants_the_region_where_two_have_a_project_of_that_name(run, billing, bob):
    there = ProjectFactory(name="billing", region=RegionFactory(name="osc-secnum-fr1"))

    with pytest.raises(CommandError, match="billing@osc-fr1, billing@osc-secnum-fr1"):
        run("bob@example.com", "--project", "billing", "--apply")
    run("bob@example.com", "--project", "billing@osc-secnum-fr1", "--apply")

    bob.refresh_from_db()
    assert bob.projects == [there.pk]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bob@example.com", "--project", "payroll"], "No project is called payroll"),
        (["bob@example.com", "--project", "billing@mars"], "No project is called billing@mars"),
        (["erin@example.com", "--project", "billing"], "Nobody signs in here as erin@"),
    ],
)
def test_it_refuses_what_does_not_exist(run, billing, bob, arguments, words):
    with pytest.raises(CommandError, match=words):
        run(*arguments, "--apply")

    bob.refresh_from_db()
    assert not bob.scoped
