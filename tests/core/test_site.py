"""What holds for the whole site: health, the theme, error pages, icons and unsafe markup."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from redis.exceptions import ConnectionError as BrokerAway

from governance.core import icons

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
SCRIPT = ROOT / "static" / "js" / "app.js"


def name_of(path):
    return str(path.relative_to(ROOT))


# --- health ---------------------------------------------------------------------------------------


def test_it_lives_without_a_database(client):
    assert client.get("/health/live/").status_code == 200


@pytest.mark.django_db
def test_it_is_ready_when_database_and_broker_answer(client):
    response = client.get("/health/ready/")

    assert (response.status_code, response.json()) == (200, {"database": True, "broker": True})


@pytest.mark.django_db
def test_it_is_not_ready_without_the_broker(client, monkeypatch):
    class Away:
        def get(self, key):
            raise BrokerAway("secret-host:6379")

    monkeypatch.setattr("governance.core.health.cache", Away())
    response = client.get("/health/ready/")

    assert (response.status_code, response.json()) == (503, {"database": True, "broker": False})
    assert b"secret-host" not in response.content


# --- the theme ------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestTheme:
    def test_it_is_remembered(self, client):
        response = client.post("/theme/", {"theme": "dark", "next": "/sign-in/"})

        assert (response.status_code, response["Location"]) == (303, "/sign-in/")
        assert b'data-theme="dark"' in client.get("/sign-in/").content

    def test_the_system_decides_again(self, client):
        client.post("/theme/", {"theme": "dark"})
        client.post("/theme/", {"theme": "system"})

        assert b"data-theme" not in client.get("/sign-in/").content.replace(
            b"data-theme-choice", b""
        )

    def test_its_cookie_is_for_us_alone(self, client):
        client.post("/theme/", {"theme": "light"})

        cookie = client.cookies["theme"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"

    @pytest.mark.parametrize("value", ["", "x", '"><script>', "dark\r\nSet-Cookie: a=b"])
    def test_another_word_chooses_nothing(self, client, value):
        client.cookies["theme"] = value

        assert b'<html lang="en">' in client.get("/sign-in/").content

    @pytest.mark.parametrize(
        "address", ["//evil.example/", "https://evil.example/", "\\\\evil", ""]
    )
    def test_it_never_leads_elsewhere(self, client, address):
        response = client.post("/theme/", {"theme": "dark", "next": address})

        assert response["Location"] == "/"

    def test_reading_changes_nothing(self, client):
        assert client.get("/theme/?theme=dark").status_code == 405


# --- what went wrong ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_does_not_exist_says_the_same_to_everybody(client_of, alice):
    response = client_of(alice).get("/no/such/page/")

    assert response.status_code == 404
    assert "This does not exist, or you may not see it." in response.content.decode()


@pytest.mark.django_db
def test_somebody_without_a_role_is_told_why(client_of, mallory):
    response = client_of(mallory).get("/")

    assert response.status_code == 403
    assert "nobody has given you a role" in response.content.decode()


@pytest.mark.django_db
def test_a_broken_page_shows_nothing_of_its_inside(client_of, alice, monkeypatch):
    client = client_of(alice, raise_request_exception=False)

    def break_down(*_, **__):
        raise RuntimeError("SELECT secret FROM inside")

    monkeypatch.setattr("governance.dashboard.overview.views.read_trend", break_down)
    response = client.get("/")

    assert response.status_code == 500
    assert b"secret" not in response.content
    assert b"Traceback" not in response.content
    assert "Content-Security-Policy" in response.headers


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("host=secret"), BrokerAway("secret:6379")])
def test_without_its_servers_it_says_so_and_when_to_come_back(client_of, alice, monkeypatch, error):
    client = client_of(alice, raise_request_exception=False)

    def away(*_, **__):
        raise error

    monkeypatch.setattr("governance.dashboard.overview.views.read_trend", away)
    response = client.get("/")

    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert b"The dashboard is not ready" in response.content
    assert b"secret" not in response.content


# --- markup ---------------------------------------------------------------------------------------

UNSAFE = {
    "an inline style": r"<style|\sstyle\s*=",
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "an inline handler": r"\son[a-z]+\s*=",
    "hx-on": r"hx-on",
    "a script in hx-vals": r"hx-vals\s*=\s*[\"']js:",
    "text that is not escaped": r"\|\s*safe\b|autoescape\s+off",
    "a script address": r"javascript:",
    "something from another host": r"(?:src|href)\s*=\s*[\"'](?:https?:)?//",
}


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_no_template_holds_what_the_content_policy_refuses(path):
    text = re.sub(r"{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)

    assert [what for what, pattern in UNSAFE.items() if re.search(pattern, text, re.I)] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "templates" / "components").glob("*.html")), ids=name_of
)
def test_every_component_says_its_context(path):
    text = path.read_text()

    assert text.startswith("{% comment %}")
    assert "Context" in text.split("{% endcomment %}")[0]


# Each of them makes markup out of words and ids of ours, and escapes the rest.
REVIEWED = {
    "governance/core/templatetags/interface.py",
    "governance/core/filters.py",
    "governance/dashboard/moments.py",
    "governance/dashboard/rows.py",
    "governance/dashboard/sentences.py",
    "governance/dashboard/templatetags/frame.py",
    "governance/dashboard/tree_rows.py",
}


def test_text_is_called_safe_in_reviewed_files_alone():
    marked = {
        name_of(path)
        for path in (ROOT / "governance").rglob("*.py")
        if re.search(r"\bmark_safe\(|\bSafeString\(", path.read_text())
    }

    assert marked == REVIEWED


def test_the_shared_icons_are_those_of_the_list():
    assert (ROOT / "static" / "icons.svg").read_text() == icons.sprite(), (
        "run: python manage.py draw_icons"
    )


def test_pages_use_icons_that_lucide_has():
    used = {
        name
        for path in TEMPLATES
        for name in re.findall(r"{% (?:icon|badge) \"([a-z0-9-]+)\"", path.read_text())
    }

    assert used
    for name in used - set(icons.NAMES):
        icons.inline(name)


# --- weight ---------------------------------------------------------------------------------------


def test_the_style_and_our_script_stay_light():
    style = sum(path.stat().st_size for path in STYLES)

    assert len(SCRIPT.read_text().splitlines()) <= 100
    assert style + SCRIPT.stat().st_size < 40_000


def test_every_layer_is_declared_in_its_order():
    declared = "@layer reset, tokens, base, layout, components, pages, print;"

    assert declared in (ROOT / "static" / "css" / "reset.css").read_text()
    for path in STYLES:
        assert f"@layer {path.stem} {{" in path.read_text()


@pytest.mark.django_db
def test_the_page_is_told_how_htmx_must_behave(client):
    page = client.get("/sign-in/").content.decode()
    config = re.search(r"<meta name=\"htmx-config\" content='([^']+)'", page)[1]

    for rule in (
        '"allowEval":false',
        '"allowScriptTags":false',
        '"includeIndicatorStyles":false',
        '"selfRequestsOnly":true',
        '"historyCacheSize":0',
    ):
        assert rule in config


def test_the_database_of_these_tests_is_postgres():
    assert connection.vendor == "postgresql"
