"""What an auditor does: the quarter's evidence, by keyboard and mouse alone."""

import hashlib
import io
import os
import re
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from django.utils import timezone
from playwright.sync_api import expect

from governance.reports import actions
from governance.reports.models import Download, Export, Schedule
from tests.browser.test_every_page import LOOKS, complaints_of
from tests.factories import DownloadFactory, ExportFactory, ScheduleFactory

FOLDER = os.environ.get("SCREENSHOTS", "")


def taken(page, button):
    """What is downloaded when `button` is pressed: its bytes."""
    with page.expect_download() as found:
        button.click()
    return Path(found.value.path()).read_bytes()


def test_an_auditor_produces_the_quarters_access_register_and_2fa_report(open_page, script):
    page = open_page("aude", script=script)
    page.goto("/")
    then = (timezone.localdate() - timedelta(days=40)).isoformat()

    pages = page.get_by_role("navigation", name="Pages", exact=True)
    pages.get_by_role("link", name="Reports").click()
    page.get_by_role("link", name="Access register, by app").click()
    page.get_by_label("As of").fill(then)
    csv = taken(page, page.get_by_role("button", name="Make the report"))

    made = Export.objects.get(report="access-by-app")
    assert made.sha256 == hashlib.sha256(csv).hexdigest()
    assert "population" in csv.decode()

    pages.get_by_role("link", name="Reports").click()
    page.get_by_role("link", name="Two-factor authentication").click()
    page.get_by_label("As of").fill(then)
    page.get_by_label("Format").select_option("xlsx")
    page.get_by_role("button", name="Make the report").click()
    expect(page.locator("#progress-title")).to_have_text("Waiting for its turn")
    assert actions.make_due(clock=timezone.now) == 1
    if not script:
        page.get_by_role("link", name="Look again").click()
    expect(page.locator("#progress-title")).to_have_text(re.compile("^Ready"))
    xlsx = taken(page, page.get_by_role("button", name="Download"))

    made = Export.objects.get(report="two-factor")
    expect(page.get_by_text(made.sha256)).to_be_visible()
    assert made.sha256 == hashlib.sha256(xlsx).hexdigest()
    assert openpyxl.load_workbook(io.BytesIO(xlsx), read_only=True).sheetnames
    pages.get_by_role("link", name="Reports").click()
    row = page.get_by_role("row", name=re.compile("XLSX"))
    expect(row).to_contain_text("Aude Martin")
    assert Download.objects.count() == 2


def test_a_report_by_mail_is_set_up_paused_and_ended(open_page, script, settings):
    settings.MAIL_URL = "smtp://127.0.0.1:1"
    page = open_page("aude", script=script)
    page.goto("/reports/privileged/")

    page.get_by_label("How often").select_option("quarter")
    page.get_by_role("checkbox", name=re.compile("Aude Martin")).check()
    page.get_by_role("button", name="Have it mailed").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reports by mail")
    page.get_by_role("button", name="Pause Privileged access").click()
    expect(page.get_by_role("row", name=re.compile("Privileged access"))).to_contain_text("Paused")
    page.get_by_role("button", name="Resume Privileged access").click()
    page.get_by_role("button", name="End Privileged access").click()
    expect(page.get_by_text("No report comes by mail yet.")).to_be_visible()
    assert Schedule.objects.get().ended_at


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_what_an_auditor_sees_is_accessible(open_page, user, size, theme):
    aude = user("aude")
    whole = ExportFactory(ready=True, asked_by=aude)
    DownloadFactory(export=whole, by=user("ada"))
    partial = ExportFactory(partial=True, asked_by=aude, format="pdf")
    making = ExportFactory(making=True, asked_by=aude, format="xlsx", report="privileged")
    ExportFactory(failed=True, asked_by=aude)
    ExportFactory(deleted=True, asked_by=aude)
    schedule = ScheduleFactory(made_by=aude)
    ScheduleFactory(made_by=aude, paused=True, report="privileged", every="quarter")
    ExportFactory(ready=True, schedule=schedule, asked_by=aude)
    page = open_page("aude", size=size, theme=theme)
    addresses = {
        "reports": "/reports/",
        "report": "/reports/access-by-app/?role=owner,collaborator&hair=red",
        "report-error": "/reports/access-by-app/?at=2999-01-01",
        "report-pack": "/reports/pack/",
        "report-ready": f"/reports/exports/{whole.pk}/",
        "report-partial": f"/reports/exports/{partial.pk}/",
        "report-making": f"/reports/exports/{making.pk}/",
        "report-schedules": "/reports/schedules/",
    }
    page.watch.expected.append("422")

    for name, address in addresses.items():
        page.goto(address)
        if FOLDER:
            file = Path(FOLDER) / f"{name}-{size[0]}-{theme}.png"
            page.screenshot(path=file, full_page=True)
        assert complaints_of(page) == [], name
