"""Every page: loads quietly, fits, is accessible in both themes and sizes, works without script."""

from pathlib import Path

import axe_core_python
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, NARROWEST, WIDE

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PAGES = [
    "overview",
    "people",
    "person",
    "apps",
    "changes",
    "app",
    "audit",
    "sync",
    "two-factor",
    "two-factor-as-of",
    "two-factor-person",
    "two-factor-over-time",
    "two-factor-reviews",
    "two-factor-review",
    "rotations",
    "rotation",
    "difference",
    "people-as-of",
    "person-as-of",
    "apps-as-of",
    "app-as-of",
    "reports",
    "report",
    "report-pack",
    "report-export",
    "report-schedules",
    "connections",
    "connection-add",
    "settings",
    "settings-people",
    "settings-add",
    "settings-person",
]


# Colours do not depend on the width, nor what is where on the theme.
LOOKS = (("light", WIDE), ("dark", NARROW))
# On both sides of where something is laid out otherwise.
WIDTHS = (NARROWEST[0], 870, 900, 1000, 1090, 1280)


def complaints_of(page):
    """What axe finds on the page, with the element and the reason."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"][:5]
    ]


def is_wider_than_its_window(page):
    return page.evaluate(
        "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )


@pytest.mark.parametrize("name", PAGES)
def test_it_weighs_little_is_accessible_and_fits(open_page, paths, name):
    page = open_page("olga")

    answer = page.goto(paths[name])

    assert_it_weighs_little_and_is_kept_by_nobody(page, answer)
    for theme, size in LOOKS:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": size[0], "height": size[1]})
        assert complaints_of(page) == [], f"{name}, {theme}, {size[0]} px"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert not is_wider_than_its_window(page), f"{name} scrolls sideways, {width} px"
        assert tables_cut_off(page) == 0, f"{name}, {width} px"


def assert_it_weighs_little_and_is_kept_by_nobody(page, answer):
    assert len(answer.body()) < 100_000
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    # htmx keeps the address of the page there; names and rights it keeps nowhere.
    assert page.evaluate(
        "() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]"
    ) in ([], ["htmx-current-path-for-history"])


def tables_cut_off(page):
    """How many tables are broader than the card they stand in, which would cut them off."""
    return page.evaluate(
        "() => [...document.querySelectorAll('table.table')].filter("
        "(one) => one.offsetWidth > one.parentElement.clientWidth + 1).length"
    )


@pytest.mark.parametrize("name", PAGES)
def test_it_works_without_script(open_page, paths, name):
    page = open_page("olga", script=False)

    answer = page.goto(paths[name])

    assert answer.status == 200
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    pages = page.get_by_role("navigation", name="Pages", exact=True)
    for name_of_page in (
        "Overview",
        "People",
        "Apps",
        "Audit log",
        "Reports",
        "Sync",
        "Connections",
    ):
        expect(pages.get_by_role("link", name=name_of_page)).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_signing_in_is_accessible_too(open_page, theme):
    page = open_page(theme=theme)

    page.goto("/sign-in/")

    assert complaints_of(page) == []


@pytest.mark.parametrize("name", ["overview", "people", "apps", "sync"])
def test_who_sees_one_project_gets_whole_pages_too(open_page, paths, name):
    page = open_page("basile")

    answer = page.goto(paths[name])

    assert answer.status == 200
    assert complaints_of(page) == []
