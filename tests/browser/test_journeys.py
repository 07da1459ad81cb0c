"""What people come for, by roles and labels alone; each with JavaScript and without."""

import functools
import re
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone
from playwright.sync_api import expect

from governance.connections import clients
from governance.connections.actions import trials
from governance.connections.models import Connection
from governance.emulator import World, wsgi
from governance.inventory.models import Person
from governance.sync.models import Run, Step
from tests.browser.conftest import NARROW, PASSWORD
from tests.factories import RunFactory, StepFactory


def test_signing_in_comes_back_to_where_one_wanted_to_be(open_page, user, script):
    page = open_page(script=script)
    page.watch.expected += ["422"]

    page.goto("/sync/")
    page.get_by_label("Address").fill(user("ada").email)
    page.get_by_label("Password").fill("not the password at all")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    expect(page.get_by_label("Address")).to_have_value(user("ada").email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1, name="Sync")).to_be_visible()


def test_signing_out(open_page, script):
    page = open_page("vera", script=script)
    page.goto("/")

    page.get_by_role("button", name="Vera Martin").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    page.goto("/people/")
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


def test_the_number_without_two_factor_leads_to_the_people_without_it(open_page, script):
    off = Person.objects.with_access().filter(two_factor="off").count()
    page = open_page("vera", script=script)
    page.goto("/")

    section = page.get_by_role("region", name="Two-factor authentication")
    section.get_by_role("link", name="Off").click()

    page.wait_for_load_state()
    assert page.url.endswith("/2fa/?two-factor=off")
    people = page.get_by_role("table").last
    expect(people.get_by_role("rowheader")).to_have_count(off)


def test_the_theme_is_chosen_and_remembered(open_page, script):
    page = open_page("vera", script=script)
    page.goto("/")

    page.get_by_role("button", name="Vera Martin").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_load_state("networkidle")
    page.goto("/people/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    page.get_by_role("button", name="Vera Martin").click()
    page.get_by_role("button", name="System").click()
    page.wait_for_load_state("networkidle")
    page.goto("/people/")
    assert page.locator("html").get_attribute("data-theme") is None


def test_the_menu_of_a_narrow_screen(open_page, script):
    page = open_page("vera", size=NARROW, script=script)
    page.goto("/")
    pages = page.get_by_role("navigation", name="Pages", exact=True)
    expect(pages).to_be_hidden()

    page.get_by_role("button", name="Menu").click()
    expect(pages).to_be_visible()
    page.keyboard.press("Escape")
    expect(pages).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    pages.get_by_role("link", name="Sync").click()

    expect(page.get_by_role("heading", level=1, name="Sync")).to_be_visible()


def test_a_sync_is_asked_for_and_the_second_is_told(open_page, script):
    page = open_page("olga", script=script)
    page.goto("/sync/")

    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("A sync is about to start.")).to_be_visible()
    expect(page.get_by_text("A sync waits for a worker")).to_be_visible()
    page.get_by_role("button", name="Sync now").click()

    expect(page.get_by_text("You asked for a sync")).to_be_visible()
    assert Run.objects.filter(state=Run.State.WAITING).count() == 1


def test_a_viewer_is_told_why_they_cannot_start_one(open_page):
    page = open_page("vera")
    page.goto("/sync/")

    button = page.get_by_role("button", name="Sync now")

    expect(button).to_be_disabled()
    expect(button).to_have_accessible_description("Only admins and operators can start a sync.")


def test_a_running_sync_is_followed_to_its_end_without_a_reload(open_page):
    run = RunFactory(running=True)
    step = StepFactory(run=run, region_name="osc-fr1", state="reading", done=3, total=60)
    page = open_page("vera")
    page.goto("/sync/")
    expect(page.get_by_text("3 of 60 apps")).to_be_visible()

    Step.objects.filter(pk=step.pk).update(done=41)
    expect(page.get_by_text("41 of 60 apps")).to_be_visible()
    Run.objects.filter(pk=run.pk).update(
        state=Run.State.COMPLETE, finished_at=timezone.now(), seconds=77, found={"joined": 83}
    )

    expect(page.get_by_text("Nothing is being read right now.")).to_be_visible()
    expect(page.get_by_text("83 joined")).to_be_visible()
    expect(page.locator("#progress")).not_to_have_attribute("hx-trigger", "every 2s")


def test_the_answer_to_a_test_of_a_token_appears_without_a_reload(open_page, monkeypatch):
    scalingo = httpx.WSGITransport(app=wsgi(World("small")))
    to_scalingo = functools.partial(clients.client_with, transport=scalingo)
    monkeypatch.setattr(trials, "client_with", to_scalingo)
    page = open_page("olga")
    page.goto("/settings/connections/add/")
    page.get_by_label("Name", exact=True).fill("Another account")
    page.get_by_label("API token").fill("tk-" + "us-" + "x" * 40)
    page.get_by_role("button", name="Add and test it").click()
    state = page.get_by_role("region", name="State")
    expect(state).to_contain_text("A worker is testing the token.")

    trials.test(Connection.objects.get(name="Another account").pk, at=timezone.now())

    expect(state).to_contain_text("Refused")
    expect(state).not_to_contain_text("A worker is testing the token.")


def test_the_history_is_narrowed_in_place_and_the_link_shows_the_same(open_page, script):
    RunFactory(failed=True, requested_at=timezone.now() - timedelta(days=40))
    page = open_page("vera", script=script)
    page.goto("/sync/")
    history = page.get_by_role("region", name="History")

    history.get_by_role("link", name="Failed").click()
    expect(history.get_by_role("rowheader")).to_have_count(1)
    assert page.url.endswith("/sync/?state=failed")
    page.reload()
    expect(history.get_by_role("rowheader")).to_have_count(1)
    page.go_back()
    expect(history.get_by_role("rowheader")).not_to_have_count(1)


def test_the_focus_stays_where_it_was_when_a_part_is_renewed(open_page):
    page = open_page("vera")
    page.goto("/apps/")
    branch = page.locator("tbody[id]").first
    button = branch.get_by_role("button")

    for is_open in ("true", "false"):
        button.press("Enter")
        expect(button).to_have_attribute("aria-expanded", is_open)
        expect(button).to_be_focused()

    page.goto("/people/")
    head = page.get_by_role("columnheader", name="2FA")
    head.get_by_role("link").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(head.get_by_role("link")).to_be_focused()


@pytest.mark.parametrize("key", ["/", "Control+k", "Meta+k"])
def test_the_palette_leads_anywhere_by_keyboard_alone(open_page, key):
    page = open_page("vera")
    page.goto("/sync/")
    page.get_by_role("button", name="Vera").focus()

    page.keyboard.press(key)

    palette = page.get_by_role("dialog", name="Search")
    box = palette.get_by_role("searchbox")
    expect(box).to_be_focused()
    page.keyboard.type("billing-a")
    expect(palette.get_by_role("link")).to_have_text(
        [re.compile("^billing-admin"), re.compile("^billing-api"), re.compile("^billing-api-st")]
    )
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(palette.get_by_role("link").nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("billing-admin")


def test_escape_closes_the_palette_and_the_focus_returns(open_page):
    page = open_page("vera")
    page.goto("/people/")
    where = page.get_by_role("link", name="Rotations")
    where.focus()

    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Search")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog", name="Search")).to_be_hidden()
    expect(where).to_be_focused()


def test_a_slash_is_typed_where_one_types_and_can_be_kept_from_searching(open_page):
    page = open_page("vera")
    page.goto("/people/")
    box = page.get_by_role("searchbox")
    box.press_sequentially("a/b")
    expect(box).to_have_value("a/b")

    page.get_by_role("button", name="Vera").click()
    page.get_by_role("button", name="Do not let / search").click()
    page.wait_for_load_state()
    page.keyboard.press("/")
    expect(page.get_by_role("dialog", name="Search")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Search")).to_be_visible()


def test_without_script_searching_is_a_page(open_page):
    page = open_page("vera", script=False)
    page.goto("/")

    page.get_by_role("link", name="Search", exact=True).click()
    page.get_by_role("searchbox").fill("billing-api-")
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="billing-api-staging").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("billing-api-staging")


def test_what_fails_is_said_in_a_sentence(open_page):
    RunFactory(running=True)
    page = open_page("vera")
    page.goto("/sync/")

    page.watch.expected += ["500", "Response Status Error"]
    page.route("**/sync/", lambda route: route.fulfill(status=500, body="<p>broken</p>"))

    expect(page.get_by_role("alert").first).to_contain_text("That did not work.")


def test_a_session_that_ends_while_a_page_is_open_leads_to_signing_in(open_page):
    RunFactory(running=True)
    page = open_page("vera")
    page.goto("/sync/")

    page.context.clear_cookies()

    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    assert page.url.endswith("/sign-in/?next=%2Fsync%2F")


def test_the_keyboard_alone_reaches_the_content_first(open_page):
    page = open_page("vera")
    page.goto("/people/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()


@pytest.mark.parametrize("path", ["/people/00000000-0000-0000-0000-000000000000/", "/nowhere/"])
def test_what_is_not_there_says_so(open_page, path):
    page = open_page("basile")
    page.watch.expected += ["404"]

    answer = page.goto(path)

    assert answer.status == 404
    expect(page.get_by_text("This does not exist, or you may not see it.")).to_be_visible()
