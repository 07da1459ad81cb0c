"""What an admin does about a leaver's secrets, by keyboard and mouse alone."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from governance.inventory.models import App
from governance.rotations.models import Duty
from tests.browser.test_every_page import LOOKS, complaints_of
from tests.factories import DutyFactory, PersonFactory

FOLDER = os.environ.get("SCREENSHOTS", "")


@pytest.fixture
def duties(db):
    """One overdue, one offered for closing, of two people who left two apps of the company."""
    names = {"late": {"overdue": True}, "nearly": {"offered": True}}
    apps = App.objects.listed().order_by("name")
    return {
        name: DutyFactory(app=app, person=PersonFactory(username=name), **traits)
        for app, (name, traits) in zip(apps, names.items(), strict=False)
    }


def test_an_admin_finds_closes_and_reopens_a_duty(open_page, duties, script):
    page = open_page("ada", script=script)
    page.goto("/")

    page.get_by_role("link", name=re.compile("rotations? (is|are) overdue")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rotations")
    page.get_by_role("link", name=re.compile("^late on ")).click()
    page.get_by_label("Owner").select_option(label="Vera Martin")
    page.get_by_role("button", name="Give it to them").click()
    expect(page.get_by_role("status").first).to_contain_text("Vera Martin's duty")
    page.get_by_label("Note").fill("Both variables are new, and the default user too.")
    page.get_by_role("button", name="Close", exact=True).click()

    expect(page.get_by_text("Both variables are new")).to_be_visible()
    assert Duty.objects.get(pk=duties["late"].pk).state == "closed"
    page.get_by_label("Note").fill("One of them is still the old one.")
    page.get_by_role("button", name="Open again").click()
    expect(page.get_by_text("One of them is still")).to_be_visible()
    assert Duty.objects.get(pk=duties["late"].pk).state == "open"


def test_filters_are_kept_in_the_address_and_can_be_taken_away(open_page, duties, script):
    page = open_page("vera", script=script)
    page.goto("/rotations/")

    page.get_by_label("State").select_option("offered")
    if not script:
        page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("link", name=re.compile("^late on "))).to_have_count(0)
    expect(page.get_by_role("link", name=re.compile("^nearly on "))).to_be_visible()
    assert "state=offered" in page.url
    page.get_by_role("link", name=re.compile("Remove the filter")).click()
    expect(page.get_by_role("link", name=re.compile("^late on "))).to_be_visible()


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_what_an_admin_sees_is_accessible(open_page, paths, size, theme):
    page = open_page("ada", size=size, theme=theme)
    page.goto(paths["rotation"])

    assert complaints_of(page) == []
    if FOLDER:
        name = f"rotation-admin-{size[0]}-{theme}.png"
        page.screenshot(path=Path(FOLDER) / name, full_page=True)
