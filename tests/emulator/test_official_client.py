"""npm's official `scalingo` client, unchanged, against the pretend Scalingo.

Installs the package into a folder of its own, so it needs node and a registry; where one is
missing it says so and is skipped.
"""

import json
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from governance.emulator import World, switches
from governance.emulator.server import Server

from .conftest import ANCHOR, FULL, LIMITED, OUTSIDER, OWNER

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]

HERE = Path(__file__).parent.parent / "contract_js"
NOBODY = {"status": 404, "data": {"resource": "collaborator", "error": "not found"}}


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """The folder with the installed package, outside the repository."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("official-client")
    shutil.copy(HERE / "package.json", folder)
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm's registry did not answer within two minutes")
    if done.returncode:
        pytest.skip(f"npm could not install the client: {done.stderr.strip()[-300:]}")
    return folder / "node_modules"


@pytest.fixture(scope="module")
def told(modules):
    """What every call of the rehearsal resolved or was rejected with, and the world after it."""
    world = World(company="small", anchor=ANCHOR, rate_limit=60)
    world.forward(timedelta(days=1).total_seconds())
    people = {"owner": OWNER, "full": FULL, "limited": LIMITED, "outsider": OUTSIDER}
    tokens = json.dumps({name: world.token_of(who) for name, who in people.items()})
    with Server(world) as server:
        done = subprocess.run(
            ["node", str(HERE / "rehearse.js"), server.url, tokens],
            env=os.environ | {"REHEARSAL_MODULES": str(modules)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"world": world}


def resolved(told, name):
    assert "resolved" in told[name], told[name]
    return told[name]["resolved"]


def rejected(told, name):
    assert "rejected" in told[name], told[name]
    return told[name]["rejected"]


def test_it_signs_in_and_knows_itself(told):
    assert resolved(told, "self")["email"] == OWNER
    assert resolved(told, "two factor")["enabled"] is True
    assert [one["name"] for one in resolved(told, "regions")] == ["osc-fr1", "osc-secnum-fr1"]
    assert resolved(told, "tokens")[0]["last_used_at"]


def test_a_wrong_token_is_refused(told):
    refusal = {"status": 401, "data": {"error": "Invalid credentials"}}

    assert rejected(told, "exchange refused") == refusal


def test_it_lists_apps_and_what_belongs_to_them(told):
    apps = resolved(told, "apps")

    assert {app["name"] for app in apps} == {"billing-api", "billing-web", "other-api"}
    assert resolved(told, "app")["owner"]["email"] == OWNER
    assert resolved(told, "projects")[0]["name"] == "billing"
    assert resolved(told, "databases") == {"databases": []}
    assert resolved(told, "link")["linker"]["email"] == FULL
    assert resolved(told, "variables") == []


def test_it_tells_a_missing_right_from_a_missing_app(told):
    assert rejected(told, "app without right")["status"] == 401
    assert rejected(told, "app unknown") == {
        "status": 404,
        "data": {"resource": "app", "error": "not found"},
    }


def test_it_lists_collaborators_both_ways(told):
    everybody = resolved(told, "collaborators")["collaborators"]
    of_app = resolved(told, "collaborators of app")

    assert {row["app_name"] for row in everybody} == {"billing-api", "billing-web"}
    assert [row for row in everybody if row["app_name"] == "billing-api"] == of_app


def test_it_invites_with_the_role_it_said_and_limited_when_it_said_none(told):
    assert resolved(told, "invite")["is_limited"] is False
    assert resolved(told, "invite address")["is_limited"] is True
    assert resolved(told, "invite")["status"] == "pending"


def test_refused_invitations_say_why(told):
    assert rejected(told, "invite again") == {
        "status": 422,
        "data": {"errors": {"email": [switches.DUPLICATE_INVITE]}},
    }
    assert rejected(told, "invite nobody") == {
        "status": 422,
        "data": {"errors": {"email": ["can't be blank", "is invalid"]}},
    }
    assert rejected(told, "invite as limited")["status"] == 401


def test_it_changes_a_role(told):
    assert resolved(told, "promote")["is_limited"] is False
    assert rejected(told, "promote unknown") == NOBODY


def test_it_accepts_an_invitation(told):
    assert resolved(told, "accept")["app"]["name"] == "billing-api"
    assert rejected(told, "accept again") == NOBODY


def test_it_removes_somebody_once(told):
    assert resolved(told, "destroy") == ""
    assert rejected(told, "destroy again") == NOBODY


def test_it_reads_timelines(told):
    everything = resolved(told, "events of app")

    assert [event["type"] for event in everything["events"][:3]] == [
        "delete_collaborator",
        "accept_collaborator",
        "change_collaborator_role",
    ]
    assert resolved(told, "events")["meta"]["pagination"]["current_page"] == 1
    assert resolved(told, "event types")


def test_it_follows_a_restart_to_its_end(told):
    assert resolved(told, "restart") == "done"


def test_it_meets_the_limit_as_text(told):
    assert rejected(told, "limit")["status"] == 429
    assert rejected(told, "limit")["data"].strip() == "Retry later"


def test_what_it_asked_was_what_is_documented(told):
    requests = told["world"].traffic.requests

    assert "GET (unknown)" not in requests
    assert "POST (unknown)" not in requests
    assert requests["POST /v1/apps/:app/collaborators"] == 5
    assert requests["DELETE /v1/apps/:app/collaborators/:id"] == 2
