"""Pictures of every page, for looking at and for the README: SCREENSHOTS names their folder."""

import os
from pathlib import Path

import pytest

from tests.browser.conftest import NARROW
from tests.browser.test_every_page import PAGES
from tests.factories import RunFactory, StepFactory

FOLDER = os.environ.get("SCREENSHOTS", "")
SIZES = {"wide": (1360, 860), "narrow": NARROW}

pytestmark = pytest.mark.skipif(not FOLDER, reason="SCREENSHOTS names no folder to write to.")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_picture(open_page, paths, name, size, theme):
    page = open_page("olga", size=SIZES[size], theme=theme)
    page.goto(paths[name])

    target = Path(FOLDER) / f"{name}-{size}-{theme}.png"
    page.screenshot(path=target, full_page=True)

    assert target.stat().st_size > 1000


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_a_running_sync(open_page, size):
    run = RunFactory(running=True, requests={"GET /apps": 2, "GET /collaborators": 21}, waited=4)
    StepFactory(run=run, connection_name="Plateforme", region_name="", total=0)
    StepFactory(run=run, connection_name="Plateforme", state="applying", done=41, total=48)
    page = open_page("olga", size=SIZES[size])
    page.goto("/sync/")

    page.screenshot(path=Path(FOLDER) / f"sync-running-{size}.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_picture_of_signing_in(open_page, theme):
    page = open_page(theme=theme)
    page.goto("/sign-in/")

    page.screenshot(path=Path(FOLDER) / f"sign-in-{theme}.png")
