"""Going back to a day, and to now again; with JavaScript and without."""

import re
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect


def test_somebody_goes_back_to_a_day_and_returns(open_page, script):
    day = (timezone.localdate() - timedelta(days=200)).isoformat()
    page = open_page("ada", script=script)
    page.goto("/people/")
    now = page.locator("#shown").inner_text()

    page.get_by_label("As of").fill(day)
    page.get_by_role("button", name="Filter").click()

    expect(page.get_by_text(re.compile(r"^As of \d+ \w+ \d{4}, 23:59\.$"))).to_be_visible()
    expect(page.locator("#shown")).not_to_have_text(now)
    expect(page.locator("main input[type=checkbox]")).to_have_count(0)

    page.locator("main tbody th a").first.click()
    expect(page).to_have_url(re.compile(rf"/people/[^/]+/\?at={day}$"))
    expect(page.get_by_role("heading", name="Access then")).to_be_visible()
    page.get_by_role("link", name="Back to now").click()
    expect(page.get_by_role("heading", name="Access now")).to_be_visible()


def test_a_branch_of_the_past_is_opened(open_page, script):
    day = (timezone.localdate() - timedelta(days=200)).isoformat()
    page = open_page("ada", script=script)
    page.goto(f"/apps/?at={day}")

    page.locator("button.disclosure").first.click()

    expect(page.locator("button.disclosure").first).to_have_attribute("aria-expanded", "true")
    expect(page).to_have_url(re.compile(rf"at={day}"))
    expect(page.locator(f'main tbody a[href$="?at={day}"]').first).to_be_visible()


def test_a_day_to_come_is_refused_in_its_place(open_page, script):
    page = open_page("ada", script=script)
    page.watch.expected.append("422")
    page.goto("/apps/")
    page.evaluate("() => document.querySelector('#at').removeAttribute('max')") if script else None
    day = (timezone.localdate() + timedelta(days=3)).isoformat()

    if script:
        page.get_by_label("As of").fill(day)
        page.get_by_role("button", name="Filter").click()
    else:
        page.goto(f"/apps/?at={day}")

    expect(page.get_by_text("This day is still to come.")).to_be_visible()
    expect(page.get_by_label("As of")).to_have_attribute("aria-invalid", "true")


def test_the_difference_is_narrowed(open_page, script):
    page = open_page("ada", script=script)
    since = (timezone.localdate() - timedelta(days=300)).isoformat()
    page.goto(f"/difference/?since={since}")
    expect(page.get_by_text(re.compile("accesses before"))).to_be_visible()
    all_of_it = page.locator("#shown").inner_text()

    page.get_by_label("Kind").select_option("left")
    if not script:
        page.get_by_role("button", name="Show").click()

    expect(page).to_have_url(re.compile("difference=left"))
    expect(page.locator("main tbody tr").first).to_contain_text("is no longer on")
    assert all_of_it
