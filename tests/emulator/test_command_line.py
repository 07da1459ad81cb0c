"""The requests of Scalingo's own command line, which accepts exact statuses and types alone.

Its Go client was read, not run: `GET` and `DELETE` requests end in a lone `?`, bodies are
announced as JSON on every request, the bearer must have an `exp`, and 200, 201 and 204 are told
apart.
"""

import base64
import http.client
import json
from datetime import datetime

import pytest

from governance.emulator import World
from governance.emulator.server import Server

from .conftest import LIMITED, OWNER

# Of the Go client's structures: the type that each field is decoded into; None is accepted.
COLLABORATOR = {
    "id": str,
    "app_id": str,
    "username": str,
    "email": str,
    "status": str,
    "user_id": str,
    "is_limited": bool,
}
APP = {
    "id": str,
    "name": str,
    "region": str,
    "owner": dict,
    "git_url": str,
    "url": str,
    "base_url": str,
    "status": str,
    "last_deployment_id": str,
    "created_at": datetime,
    "updated_at": datetime,
    "force_https": bool,
    "router_logs": bool,
    "sticky_session": bool,
    "stack_id": str,
    "flags": dict,
    "limits": dict,
    "hds_resource": bool,
    "private_networks_ids": list,
    "project": dict,
}
EVENT = {
    "id": str,
    "created_at": datetime,
    "user": dict,
    "type": str,
    "app_id": str,
    "app_name": str,
    "type_data": dict,
}


class CommandLine:
    """Asks as the command line does, with the addresses it takes from the environment."""

    def __init__(self, server, secret):
        self.wire = http.client.HTTPConnection(server.host, server.port, timeout=5)
        self.api = "/osc-fr1"  # the path of SCALINGO_API_URL; SCALINGO_AUTH_URL has none
        answer = self._ask(
            "POST",
            "/v1/tokens/exchange",
            {"Authorization": "Basic " + base64.b64encode(f":{secret}".encode()).decode()},
        )
        self.bearer = self.expecting(200, answer)["token"]

    def _ask(self, method, path, headers, body=None):
        common = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "Scalingo CLI v1.39.0",
            "X-Request-ID": "5f0c9b9e-0000-4000-8000-000000000001",
        }
        text = json.dumps(body) if body is not None else None
        self.wire.request(method, path, body=text, headers=common | headers)
        answer = self.wire.getresponse()
        return answer.status, answer.headers, answer.read()

    def ask(self, method, path, body=None):
        lone = "?" if method in ("GET", "DELETE") and "?" not in path else ""
        headers = {"Authorization": f"Bearer {self.bearer}"}
        return self._ask(method, f"{self.api}/v1/{path}{lone}", headers, body)

    def expecting(self, status, answer):
        assert answer[0] == status, answer
        return json.loads(answer[2]) if answer[2] else None


@pytest.fixture
def world():
    return World(company="small")


@pytest.fixture
def command_line(world):
    with Server(world) as server:
        line = CommandLine(server, world.token_of(OWNER))
        yield line
        line.wire.close()


def fits(row, types):
    for name, kind in types.items():
        value = row.get(name)
        if kind is datetime and value is not None:
            assert datetime.fromisoformat(value).tzinfo, name
        else:
            assert value is None or isinstance(value, kind), (name, value)
    return True


def collaborators(line):
    return line.expecting(200, line.ask("GET", "apps/billing-api/collaborators"))["collaborators"]


def test_its_bearer_says_when_it_is_over(command_line):
    payload = command_line.bearer.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    assert isinstance(claims["exp"], int)
    assert len(command_line.bearer.split(".")) == 3


def test_apps(command_line):
    apps = command_line.expecting(200, command_line.ask("GET", "apps"))["apps"]

    assert len(apps) == 3
    assert all(fits(app, APP) for app in apps)
    assert all(fits(app["owner"], {"id": str, "username": str, "email": str}) for app in apps)


def test_collaborators(command_line):
    rows = collaborators(command_line)
    app = command_line.expecting(200, command_line.ask("GET", "apps/billing-api"))["app"]

    assert len(rows) == 3
    assert all(fits(row, COLLABORATOR) for row in rows)
    assert app["owner"]["email"] == OWNER


def test_collaborators_add(command_line):
    body = {"collaborator": {"email": "new@acme.example", "is_limited": False}}

    answer = command_line.ask("POST", "apps/billing-api/collaborators", body)

    row = command_line.expecting(201, answer)["collaborator"]
    assert fits(row, COLLABORATOR)
    assert row["is_limited"] is False


def test_collaborators_update(command_line):
    row = next(one for one in collaborators(command_line) if one["email"] == LIMITED)
    body = {"collaborator": {"is_limited": False}}

    answer = command_line.ask("PATCH", f"apps/billing-api/collaborators/{row['id']}", body)

    assert command_line.expecting(200, answer)["collaborator"]["is_limited"] is False


def test_collaborators_remove(command_line):
    row = next(one for one in collaborators(command_line) if one["email"] == LIMITED)
    path = f"apps/billing-api/collaborators/{row['id']}"

    assert command_line.expecting(204, command_line.ask("DELETE", path)) is None
    assert LIMITED not in {one["email"] for one in collaborators(command_line)}


def test_timeline(command_line, world):
    world.forward(60)
    world.change_role("billing-api", LIMITED, limited=False)

    answer = command_line.ask("GET", "apps/billing-api/events?page=1&per_page=20")

    body = command_line.expecting(200, answer)
    assert all(fits(event, EVENT) for event in body["events"])
    assert fits(
        body["meta"]["pagination"],
        {"current_page": int, "next_page": int, "prev_page": int, "total_pages": int},
    )


def test_rename(command_line):
    body = {"current_name": "billing-api", "new_name": "billing-core"}

    answer = command_line.ask("POST", "apps/billing-api/rename", body)

    assert fits(command_line.expecting(200, answer)["app"], APP)


def test_restart(command_line):
    status, headers, _ = command_line.ask("POST", "apps/billing-api/restart", {"scope": None})

    assert status == 202
    assert headers["Location"]


def test_database_collaborators(command_line, world):
    """It reads the bare array, asks each database for its add-on and shows it as an app."""
    world.create_database("billing-postgres", owner=OWNER, region="osc-fr1")
    world.switch(databases_bare=True)

    rows = command_line.expecting(200, command_line.ask("GET", "databases"))
    database = rows[0]["database"]
    addons = command_line.expecting(200, command_line.ask("GET", f"apps/{database['id']}/addons"))
    app = command_line.expecting(200, command_line.ask("GET", f"apps/{database['name']}"))["app"]
    addon = addons["addons"][0]["id"]
    token = command_line.expecting(
        200, command_line.ask("POST", f"apps/{database['id']}/addons/{addon}/token", {})
    )["addon"]["token"]
    command_line.bearer, command_line.api = token, "/osc-fr1/db-api"
    status, _, text = command_line._ask(
        "GET",
        f"/osc-fr1/db-api/api/databases/{addon}?",
        {"Authorization": f"Bearer {token}"},
    )

    assert fits(app, APP)
    assert status == 200
    assert json.loads(text)["database"]["app_name"] == "billing-postgres"


def test_errors_are_decoded_by_status(command_line, world):
    status, headers, text = command_line.ask("GET", "apps/no-such-app")
    assert (status, json.loads(text)["resource"]) == (404, "app")

    status, headers, text = command_line.ask(
        "POST", "apps/billing-api/collaborators", {"collaborator": {"email": LIMITED}}
    )
    assert status == 422
    assert json.loads(text)["errors"]["email"]
    assert headers["X-Request-Id"] == "5f0c9b9e-0000-4000-8000-000000000001"

    world.create_app("hidden-api", owner="oscar@other.example", region="osc-fr1")
    status, headers, text = command_line.ask("GET", "apps/hidden-api/collaborators")
    assert status == 401
    assert isinstance(json.loads(text)["error"], str)


def test_projects_and_databases(command_line):
    assert command_line.expecting(200, command_line.ask("GET", "projects"))["projects"]
    assert command_line.expecting(200, command_line.ask("GET", "databases")) == {"databases": []}


def test_self(command_line):
    command_line.api = ""

    assert command_line.expecting(200, command_line.ask("GET", "users/self"))["user"]["email"] == (
        OWNER
    )
