"""Rows and bearers as Scalingo sends them, and a transport that answers by path."""

import base64
import json
import time

import httpx

from governance.scalingo import Region

# In pieces, so that nothing in the repository looks like a token.
TOKEN = "tk-us-" + "a" * 8
PARIS = Region("osc-fr1", "Paris", "https://api.osc-fr1.scalingo.com")


def make_bearer(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'HS512', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"


def hour_long(clock=time.time, **claims):
    now = int(clock())
    said = {"iss": "Scalingo", "iat": now, "exp": now + 3600, "uuid": "us-1"}
    return make_bearer(**said | claims)


def collaborator(**changes):
    row = {
        "id": "c1",
        "email": "dev@example.org",
        "user_id": "us-1111",
        "username": "dev",
        "tfa_status": True,
        "status": "accepted",
        "is_limited": False,
        "invitation_link": "",
        "app_id": "app1",
        "app_name": "billing",
    }
    row.update(changes)
    return {name: value for name, value in row.items() if value is not ...}


class Script:
    """A transport that answers by path; `answers[path]` is a response, or a list used in turn.

    The exchange answers a bearer that lasts an hour unless said otherwise. `asked` holds the
    requests. An answer may be an exception, or a function of the request.
    """

    def __init__(self):
        self.answers = {"/v1/tokens/exchange": self._bearer}
        self.asked = []

    def _bearer(self, request):
        return httpx.Response(200, json={"token": hour_long()})

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.get(request.url.path)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return httpx.Response(404, json={"resource": "app", "error": "not found"})
        return answer

    def paths(self):
        return [request.url.path for request in self.asked]

    def body(self, path, body, **kwargs):
        """Answer `path` with these bytes as JSON, in pieces as they would come."""
        self.answers[path] = lambda request: in_pieces(body, **kwargs)


class Pieces(httpx.SyncByteStream):
    def __init__(self, body, size=65536):
        self.body, self.size = body, size

    def __iter__(self):
        for start in range(0, len(self.body), self.size):
            yield self.body[start : start + self.size]


def in_pieces(body, *, size=65536, status=200, kind="application/json; charset=utf-8", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(
        status, headers={"content-type": kind, **named}, stream=Pieces(body, size)
    )
