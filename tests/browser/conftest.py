"""A browser before the pretend company, whose year was read by the real sync.

The year is read once for all these tests; each finds the database as it was then. Whatever a page
does in vain fails its test: a console message, a refusal of the content policy, a request that
fails, and a request to anywhere else.
"""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from governance.accounts.models import Role, User
from governance.inventory.models import App, Collaboration
from governance.rotations.models import Duty
from tests.factories import ExportFactory, ReviewFactory, ScheduleFactory
from tests.sync import slate

# Playwright runs an event loop in this thread; Django would take it for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

PASSWORD = "five words that nobody guesses"
WIDE, NARROW, NARROWEST = (1280, 860), (390, 844), (320, 640)
CAST = {
    "ada": [Role.ADMIN],
    "olga": [Role.OPERATOR],
    "aude": [Role.AUDITOR],
    "vera": [Role.VIEWER],
}


def find_chromium():
    """Where Chromium is: BROWSER, else on the PATH. None when there is none."""
    named = os.environ.get("BROWSER", "")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


def pytest_collection_modifyitems(items):
    missing = pytest.mark.skip(
        reason="No Chromium was found. Install one, or name it in BROWSER, to run these."
    )
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if find_chromium() is None:
                item.add_marker(missing)


@pytest.fixture(scope="module")
def browser():
    """Not for the session: its event loop would be in the way of other tests."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox"]
        )
        yield launched
        launched.close()


# --- the company ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _no_rows(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return slate.take()


@pytest.fixture(scope="session")
def _year(_no_rows, django_db_blocker):
    """What the tables hold when the company's year has been read."""
    from governance.emulator import World
    from governance.local.set_up import replay
    from governance.local.set_up.demo import DOMAIN, SCOPE
    from governance.local.set_up.descriptions import describe

    with django_db_blocker.unblock():
        anchor = datetime.now(UTC).replace(microsecond=0)
        world = World.at_start_of_year("demo", anchor=anchor)
        people = {
            name: User.objects.create_user(
                f"{name}@{DOMAIN}", PASSWORD, name=f"{name.title()} Martin", roles=roles
            )
            for name, roles in CAST.items()
        }
        scoped = User.objects.create_user(
            f"basile@{DOMAIN}", PASSWORD, name="Basile Martin", roles=[Role.VIEWER]
        )
        replay.connect(world)
        _live_through(world, whole=bool(os.environ.get("SCREENSHOTS")))
        describe(world, by=people["ada"], scoped=scoped, project=SCOPE, at=anchor)
        replay.rotations(world, anchor)
        _witness(anchor)
        return slate.take()


def _witness(at):
    """Let the log be checked, and a checkpoint of it leave the database."""
    from django.conf import settings

    from governance.audit import checkpoints, checks
    from governance.audit.models import Witness
    from governance.audit.verify import verify

    key, origin = settings.AUDIT_SIGNING_KEY, settings.AUDIT_ORIGIN
    signed = checkpoints.take(private=key, origin=origin, at=at)
    checkpoints.witnessed([signed], Witness.Kind.MAIL, at=at)
    checks.keep(verify(), at=at)


def _live_through(world, *, whole):
    """Let the company's year happen. Pictures deserve every reading; tests do with every sixth."""
    from governance.local.set_up import replay

    instants = list(world.year())
    for number, instant in enumerate(reversed(instants)):
        if not whole and number % 6:
            instants.remove(instant)
    for instant in instants:
        world.advance_to(instant)
        replay._read(world, instant)


@pytest.fixture
def db(_year, _no_rows, django_db_blocker, settings):
    """The database at the end of the company's year; real transactions, taken back afterwards."""
    from governance.local.set_up.demo import DOMAIN

    settings.COMPANY_DOMAINS = frozenset({DOMAIN})
    with django_db_blocker.unblock():
        slate.put(_year)
        yield
        slate.put(_no_rows)
        Session.objects.all().delete()


@pytest.fixture(scope="session")
def _server(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        server = LiveServer("127.0.0.1")
        yield server
        server.stop()
        _end_other_sessions()


def _end_other_sessions():
    """A browser keeps its connections open, and so the server's threads theirs."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def site(db, _server, settings, sent):
    """The address of the running product."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    return _server.url


@pytest.fixture
def user(db):
    """Somebody of the cast by name: ada, olga, aude, vera, or basile who sees one project."""

    def find(name):
        return User.objects.get(email__startswith=f"{name}@")

    return find


@pytest.fixture
def paths(db):
    """Every page that a person can open, with an app and a person worth looking at."""
    app = App.objects.listed().order_by("name").first()
    person = Collaboration.objects.open().filter(app=app).order_by("id").first().person
    ScheduleFactory()
    return {
        "overview": "/",
        "people": "/people/",
        "person": f"/people/{person.pk}/",
        "apps": "/apps/",
        "app": f"/apps/{app.pk}/",
        "changes": "/changes/",
        "search": "/search/?q=bill",
        "audit": "/audit/",
        "sync": "/sync/",
        "two-factor": "/2fa/?two-factor=all",
        "two-factor-as-of": f"/2fa/?at={_a_while_ago()}",
        "two-factor-person": f"/2fa/people/{app.owner_id}/",
        "two-factor-over-time": "/2fa/over-time/",
        "two-factor-reviews": "/2fa/reviews/",
        "two-factor-review": f"/2fa/reviews/{ReviewFactory(one=True, rows=1).pk}/",
        "rotations": "/rotations/",
        "rotation": f"/rotations/{Duty.objects.undone().latest('departed_at').pk}/",
        "difference": "/difference/",
        "people-as-of": f"/people/?at={_a_while_ago()}",
        "person-as-of": f"/people/{person.pk}/?at={_a_while_ago()}",
        "apps-as-of": f"/apps/?open=all&at={_a_while_ago()}",
        "app-as-of": f"/apps/{app.pk}/?at={_a_while_ago()}",
        "reports": "/reports/",
        "report": "/reports/access-by-app/",
        "report-pack": "/reports/pack/",
        "report-export": f"/reports/exports/{ExportFactory(partial=True).pk}/",
        "report-schedules": "/reports/schedules/",
        "connections": "/settings/connections/",
        "connection-add": "/settings/connections/add/",
        "settings": "/settings/",
        "settings-people": "/settings/people/",
        "settings-add": "/settings/people/add/",
        "settings-person": f"/settings/people/{User.objects.get(email__startswith='basile@').pk}/",
    }


def _a_while_ago():
    """A day when most of the company was there, and before the readings of today."""
    return (timezone.localdate() - timedelta(days=30)).isoformat()


# --- the browser ----------------------------------------------------------------------------------


class Watch:
    """What went wrong on the pages of one context."""

    def __init__(self, site):
        self._host = urlsplit(site).netloc
        self.wrong = []
        self.expected = []  # parts of messages that a test means to cause

    def follow(self, page):
        page.on("console", lambda message: self._note(f"console: {message.text}"))
        page.on("pageerror", lambda error: self._note(f"error: {error}"))
        page.on("request", self._asked)
        page.on("requestfailed", lambda request: self._failed(request))

    def _asked(self, request):
        if urlsplit(request.url).netloc != self._host:
            self._note(f"request to another host: {request.url}")

    def _failed(self, request):
        # A page that is left behind drops what it was asking for.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"failed: {request.url} {request.failure}")

    def _note(self, text):
        if not any(part in text for part in self.expected):
            self.wrong.append(text)


@pytest.fixture
def open_page(browser, site, user):
    """A page of the product: `open_page("ada", size=NARROW, theme="dark", script=False)`."""
    contexts, watches = [], []

    def opened(name=None, *, size=WIDE, theme="light", script=True):
        context = browser.new_context(
            base_url=site,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            java_script_enabled=script,
            reduced_motion="reduce",
            timezone_id="Europe/Paris",
            locale="en-GB",
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        if name:
            client = Client()
            client.force_login(user(name))
            context.add_cookies(
                [{"name": "session", "value": client.cookies["session"].value, "url": site}]
            )
        page = context.new_page()
        watch = Watch(site)
        watches.append(watch)
        watch.follow(page)
        page.watch = watch
        return page

    yield opened

    for context in contexts:
        context.close()
    assert [wrong for watch in watches for wrong in watch.wrong] == []


@pytest.fixture(params=[True, False], ids=["with-script", "without-script"])
def script(request):
    """Each journey is made with JavaScript and without."""
    return request.param


expect.set_options(timeout=8_000)
