"""Recorded answers, read as the client would read them."""

import json

import pytest

from governance.scalingo import replay


@pytest.fixture
def record(tmp_path):
    def record(name, method, path, status, body=None, **response):
        if body is not None:
            response["json_body"] = body
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Transfer-Encoding": "chunked",
        }
        recording = {
            "path": path,
            "method": method,
            "request": {"headers": {"Authorization": "Bearer x"}},
            "response": {"status": status, "headers": headers, **response},
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(recording))
        return tmp_path

    return record


def person(**changes):
    row = {
        "id": "c1",
        "email": "a@example.org",
        "username": "a",
        "status": "accepted",
        "app_id": "app1",
    }
    return row | changes


@pytest.fixture
def lines(capsys):
    def lines(folder):
        status = replay.main([str(folder)])
        return status, capsys.readouterr().out.splitlines()

    return lines


def test_one_line_says_what_was_understood_of_each(record, lines):
    record("1", "post", "/tokens/exchange", 200, {"token": "JWT-REDACTED"})
    record("2", "post", "/tokens/exchange", 401, {"error": "Invalid credentials"})
    record("3", "get", "/apps/app1/collaborators", 200, {"collaborators": [person()]})
    record("4", "post", "/apps/app1/collaborators", 201, {"collaborator": person(status="pending")})
    record("5", "post", "/apps/app1/collaborators", 422, {"errors": {"email": ["is invalid"]}})
    record("6", "delete", "/apps/app1/collaborators/c1", 204)
    owner = {"id": "us-1", "email": "o@example.org", "username": "o"}
    folder = record("7", "get", "/apps", 200, {"apps": [{"id": "a", "name": "b", "owner": owner}]})

    status, said = lines(folder)

    assert status == 0
    assert len(said) == 7
    assert "55 minutes" in said[0]
    assert "DeadToken" in said[1]
    assert "1 collaborators" in said[2]
    assert "pending, role not said" in said[3]
    assert "email: is invalid" in said[4]
    assert "removed" in said[5]
    assert "1 apps" in said[6]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "/apps", {"apps": None}),
        ("get", "/apps", {"apps": [{"id": "a"}]}),
        ("get", "/apps/app1/collaborators", {"collaborators": [person(app_id="other")]}),
        ("get", "/never/asked", {}),
        ("put", "/apps", {"apps": []}),
    ],
)
def test_what_is_not_understood_fails_the_whole(record, lines, method, path, body):
    record("good", "post", "/tokens/exchange", 200, {"token": "JWT-REDACTED"})
    folder = record("odd", method, path, 200, body)

    status, said = lines(folder)

    assert status == 1
    assert len(said) == 2
    assert "not understood" not in said[0]
    assert "not understood" in said[1]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"path": "/apps"}', "\udcff"])
def test_a_file_that_is_no_recording_fails_the_whole(tmp_path, lines, text):
    (tmp_path / "x.json").write_bytes(text.encode(errors="surrogateescape"))

    status, (said,) = lines(tmp_path)

    assert status == 1
    assert "is not a recording" in said


def test_an_empty_folder_proves_nothing(tmp_path, lines):
    status, said = lines(tmp_path)

    assert (status, said) == (2, [])
