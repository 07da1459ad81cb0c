"""Reads recorded exchanges as the client would: `python -m governance.scalingo.replay DIR`.

Prints one line per file and what was understood of it. Exit status: 0 when all were understood,
1 when any was not, 2 when there is nothing to read.

A recording is `{"path", "method", "response": {"status", "headers", "json_body"}}`; a body that
is not JSON may be given as "body". What was asked is not looked at.
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from . import Client, NotUnderstood, Region, ScalingoError

REGION = Region("recorded", "Recorded", "https://api.recorded.scalingo.com")
# The recordings have no exchange before each: this bearer stands for it.
_BEARER = {"token": "a-bearer-that-says-nothing"}
# Headers of the wire that no longer hold once the body is at hand.
_OF_THE_WIRE = frozenset({"transfer-encoding", "content-encoding", "content-length", "connection"})

Ask = Callable[[Client, Sequence[str]], str]


def _exchange(client: Client, ids: Sequence[str]) -> str:
    client.exchange()
    if client.account_id:
        return f"a bearer for {client.account_id}"
    return "a bearer that does not say for whom or until when: to be renewed after 55 minutes"


def _rows(listing: Any, what: str) -> str:
    with listing:
        if listing.problems:
            problem = listing.problems[0]
            raise NotUnderstood(f"has a row {problem.row} whose {problem.field} {problem.why}")
        strange = sorted(listing.unknown_fields)
        more = f"; fields we do not know: {', '.join(strange)}" if strange else ""
        return f"{len(listing)} {what}{more}"


def _person(found: Any) -> str:
    role = {True: "limited collaborator", False: "collaborator", None: "role not said"}
    return f"{found.email}, {found.status}, {role[found.is_limited]}"


def _removed(client: Client, ids: Sequence[str]) -> str:
    client.remove(REGION, *ids)
    return "removed"


_NAME = "([^/]+)"
ROUTES: list[tuple[str, str, Ask]] = [
    ("post", "/tokens/exchange", _exchange),
    ("get", "/regions", lambda c, ids: f"{len(c.regions())} regions"),
    ("get", "/users/self", lambda c, ids: f"the account {c.self_account().id}"),
    ("get", "/client/tfa", lambda c, ids: f"2FA is {'on' if c.own_two_factor() else 'off'}"),
    ("get", "/apps", lambda c, ids: _rows(c.apps(REGION), "apps")),
    ("get", "/projects", lambda c, ids: _rows(c.projects(REGION), "projects")),
    ("get", "/databases", lambda c, ids: _rows(c.databases(REGION), "databases")),
    ("get", "/collaborators", lambda c, ids: _rows(c.collaborators(REGION), "collaborators")),
    ("get", f"/apps/{_NAME}", lambda c, ids: f"the app {c.app(REGION, *ids).name}"),
    (
        "get",
        f"/apps/{_NAME}/collaborators",
        lambda c, ids: _rows(c.collaborators_of(REGION, *ids), "collaborators"),
    ),
    (
        "post",
        f"/apps/{_NAME}/collaborators",
        lambda c, ids: _person(c.invite(REGION, ids[0], "somebody@example.org", is_limited=True)),
    ),
    (
        "patch",
        f"/apps/{_NAME}/collaborators/{_NAME}",
        lambda c, ids: _person(c.change_role(REGION, *ids, is_limited=True)),
    ),
    ("delete", f"/apps/{_NAME}/collaborators/{_NAME}", _removed),
    ("get", f"/apps/{_NAME}/events", lambda c, ids: _rows(c.events(REGION, ids[0]), "events")),
    (
        "get",
        f"/apps/{_NAME}/variables",
        lambda c, ids: f"{len(c.variable_names(REGION, *ids))} names of variables",
    ),
    (
        "get",
        f"/apps/{_NAME}/scm_repo_link",
        lambda c, ids: "linked" if c.scm_linker(REGION, *ids) else "not linked",
    ),
]


class Recording(msgspec.Struct):
    """One exchange as it was recorded."""

    class Response(msgspec.Struct):
        status: int
        headers: dict[str, str] = {}
        json_body: msgspec.Raw = msgspec.Raw()
        body: str = ""

    path: str
    method: str
    response: Response

    def replayed(self, request: httpx.Request) -> httpx.Response:
        """The recorded answer; to the exchange that comes before it, a bearer."""
        if request.url.path.endswith("/tokens/exchange") and "exchange" not in self.path:
            return httpx.Response(200, json=_BEARER)
        said = self.response
        headers = {n: v for n, v in said.headers.items() if n.lower() not in _OF_THE_WIRE}
        content = bytes(said.json_body) or said.body.encode()
        return httpx.Response(said.status, headers=headers, content=content)


def understood(recording: Recording) -> str:
    """What the client makes of a recording. Raises `NotUnderstood`."""
    path = recording.path.removeprefix("/v1").partition("?")[0]
    for method, pattern, ask in ROUTES:
        match = re.fullmatch(pattern, path)
        if match and method == recording.method.lower():
            with Client("recorded", transport=httpx.MockTransport(recording.replayed)) as client:
                return _outcome(client, ask, match.groups())
    raise NotUnderstood("is to a question that we never ask")


def _outcome(client: Client, ask: Ask, ids: Sequence[str]) -> str:
    """What was understood. A refusal that we know is understood too."""
    try:
        return ask(client, ids)
    except NotUnderstood:
        raise
    except ScalingoError as error:
        fields = "; ".join(f"{k}: {', '.join(v)}" for k, v in getattr(error, "fields", {}).items())
        return f"{type(error).__name__}: {error.sentence}" + (f" ({fields})" if fields else "")


def _line(path: Path) -> tuple[bool, str]:
    try:
        recording = msgspec.json.decode(path.read_bytes(), type=Recording)
    except (msgspec.DecodeError, ValueError):
        return False, f"{path.name}: not understood: is not a recording"
    asked = f"{path.name}: {recording.method.upper()} {recording.path}"
    try:
        return True, f"{asked} {recording.response.status}: {understood(recording)}"
    except NotUnderstood as error:
        return False, f"{asked} {recording.response.status}: not understood: {error.why}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each recording of a folder, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m governance.scalingo.replay")
    parser.add_argument("folder", type=Path, help="where the recordings are (*.json)")
    paths = sorted(parser.parse_args(arguments).folder.glob("*.json"))
    if not paths:
        sys.stderr.write("There is no recording in this folder.\n")
        return 2
    lines = [_line(path) for path in paths]
    sys.stdout.write("".join(f"{line}\n" for _, line in lines))
    return 0 if all(good for good, _ in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())
