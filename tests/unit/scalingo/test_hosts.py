"""The token goes to Scalingo's hosts, and nowhere else."""

import httpx
import pytest

from governance.scalingo import Client, NotUnderstood, Region

from .scripts import PARIS, TOKEN


def region(api):
    return Region("somewhere", "Somewhere", api)


EVIL = [
    "https://evil.example",
    "https://scalingo.com.evil.example",
    "https://evilscalingo.com",
    "https://api.scalingo.com@evil.example",
    "https://evil.example/?x=.scalingo.com",
    "https://evil.example#.scalingo.com",
    "https://evil.example\\.scalingo.com",
    "https://user:pass@api.scalingo.com",
    "http://api.osc-fr1.scalingo.com",
    "https://api.osc-fr1.scalingo.com:8443",
    "https://api.scalingo.com.",
    "https://127.0.0.1",
    "http://localhost",
    "https://[::1]",
    "ftp://api.scalingo.com",
    "file:///etc/passwd",
    "//api.scalingo.com",
    "api.scalingo.com",
    "https://",
    "https://\u0130.scalingo.com.evil.example",
    "https://api.scalingo.com\r\nHost: evil.example",
    "",
    " ",
    "x" * 100_000,
]


@pytest.mark.parametrize("api", EVIL)
def test_a_region_that_names_another_host_is_not_spoken_to(client, script, api):
    client.exchange()
    script.asked.clear()

    for ask in (client.apps, client.collaborators):
        with pytest.raises(NotUnderstood) as caught:
            ask(region(api))
        assert caught.value.code == "foreign_host"

    assert script.asked == []


def test_an_evil_region_in_the_list_leaves_the_others_as_they_are(client, script):
    script.answers["/v1/regions"] = httpx.Response(
        200,
        json={
            "regions": [
                {"name": "evil", "api": "https://evil.example"},
                {"name": "none"},
                {"name": PARIS.name, "api": PARIS.api},
            ]
        },
    )
    script.answers["/v1/apps"] = httpx.Response(200, json={"apps": []})

    evil, none, paris = client.regions()

    assert len(client.apps(paris)) == 0
    for refused in (evil, none):
        with pytest.raises(NotUnderstood):
            client.apps(refused)
    assert {request.url.host for request in script.asked} <= {
        "auth.scalingo.com",
        "api.osc-fr1.scalingo.com",
    }


@pytest.mark.parametrize(
    ("hosts", "api"),
    [
        (("scalingo.com",), "https://api.osc-secnum-fr1.scalingo.com"),
        (("scalingo.com",), "https://API.Scalingo.COM/"),
        (("scalingo.com",), "https://api.scalingo.com:443"),
        (("scalingo.com", "127.0.0.1"), "http://127.0.0.1:4000/osc-fr1"),
        (("scalingo.com", "127.0.0.1:4000"), "http://127.0.0.1:4000/osc-fr1"),
        (("scalingo.com", "[::1]:4000"), "http://[::1]:4000"),
        (("scalingo.com", "platform.internal:8080"), "http://platform.internal:8080"),
    ],
)
def test_hosts_that_are_listed_are_spoken_to(script, hosts, api):
    for prefix in ("", "/osc-fr1"):
        script.answers[f"{prefix}/v1/apps"] = httpx.Response(200, json={"apps": []})

    with Client(TOKEN, hosts=hosts, transport=httpx.MockTransport(script)) as client:
        assert len(client.apps(region(api))) == 0


@pytest.mark.parametrize(
    ("hosts", "api"),
    [
        (("scalingo.com", "127.0.0.1:4000"), "http://127.0.0.1:4001"),
        (("scalingo.com", "127.0.0.1:4000"), "http://127.0.0.2:4000"),
        (("scalingo.com", "127.0.0.1"), "http://localhost:4000"),
        (("scalingo.com", "platform.internal:8080"), "http://sub.platform.internal:8080"),
    ],
)
def test_a_listed_port_is_that_port_alone(script, hosts, api):
    with (
        Client(TOKEN, hosts=hosts, transport=httpx.MockTransport(script)) as client,
        pytest.raises(NotUnderstood),
    ):
        client.apps(region(api))


def test_an_auth_address_that_is_not_listed_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="auth_url"):
        Client(TOKEN, auth_url="https://auth.evil.example")


def test_cookies_are_not_kept(client, script):
    script.answers["/v1/apps"] = lambda request: httpx.Response(
        200, json={"apps": []}, headers={"set-cookie": "session=1; Domain=scalingo.com; Path=/"}
    )

    client.apps(PARIS)
    client.apps(PARIS)

    assert all("cookie" not in request.headers for request in script.asked)
