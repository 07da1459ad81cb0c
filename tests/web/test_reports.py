"""Reports: ask, wait, take; by whom is written down, and who may not is told why."""

import csv
import hashlib
import io
import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.utils import timezone

from governance.audit import actions as audit
from governance.audit.events import Source
from governance.audit.models import Event
from governance.inventory.models import Collaboration
from governance.reports import actions, sizes
from governance.reports.models import Download, Export, Schedule
from governance.reports.registers import REPORTS
from tests.factories import ChangeFactory, DownloadFactory, ExportFactory, ScheduleFactory, ago

# Reports are read through a connection of their own: what they speak of is committed.
pytestmark = pytest.mark.django_db(transaction=True)

FORM = "/reports/access-by-app/"


def content(response):
    return b"".join(response.streaming_content)


def rows_of(data):
    """The rows of a CSV, without what stands under them."""
    found = list(csv.DictReader(io.StringIO(data.decode())))
    return [row for row in found if row["resource_name"]]


def kinds():
    found = Event.objects.filter(kind__startswith="report.").order_by("sequence")
    return [kind.removeprefix("report.") for kind in found.values_list("kind", flat=True)]


@pytest.fixture
def ask(client_of, carol, company, sent):
    """`ask(format="xlsx")`: post the form as Carol, the auditor."""

    def one(address=FORM, *, user=None, headers=None, **data):
        return client_of(user or carol).post(address, data, headers=headers or {})

    return one


# --- asking ---------------------------------------------------------------------------------------


def test_every_report_stands_there_with_its_sentence_and_a_form(client_of, bob, text):
    page = client_of(bob).get("/reports/")

    for report in REPORTS.values():
        assert f'href="/reports/{report.name}/"' in page.text
        assert str(report.sentence) in text(page.text)
        assert client_of(bob).get(f"/reports/{report.name}/").status_code == 200


def test_a_small_csv_of_what_was_not_read_says_so_in_its_name(ask, company):
    company.api.stale_since = ago(hours=3)
    company.api.save()

    answer = ask()

    assert "-PARTIAL.csv" in answer["Content-Disposition"]
    content(answer)
    export = Export.objects.get()
    assert answer["Content-Disposition"] == f'attachment; filename="{export.file_name}"'
    assert export.is_partial


def test_a_small_csv_comes_at_once_and_is_kept_and_on_record(ask, carol):
    answer = ask()
    assert answer.streaming
    assert kinds() == ["asked"]
    data = content(answer)

    export = Export.objects.get()
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer["Content-Disposition"] == f'attachment; filename="{export.file_name}"'
    assert len(data) == export.bytes
    assert export.sha256 == hashlib.sha256(data).hexdigest()
    assert len(rows_of(data)) == export.rows == 9
    assert Download.objects.get().by == carol
    assert kinds() == ["asked", "made", "downloaded"]


def test_the_options_of_a_csv_are_kept_to(ask):
    data = content(ask(bom="on", semicolon="on"))

    assert data.startswith(b"\xef\xbb\xbf")
    assert data.splitlines()[0].count(b";") == len(REPORTS["access-by-app"].columns) - 1


def test_filters_narrow_it_as_they_do_the_page(ask):
    data = content(ask(role="owner,collaborator", app="billing-api"))

    assert {(row["resource_name"], row["role"]) for row in rows_of(data)} == {
        ("billing-api", "owner"),
        ("billing-api", "collaborator"),
    }
    assert Export.objects.get().asked["filters"] == {
        "app": ["billing-api"],
        "role": ["owner", "collaborator"],
    }


@pytest.mark.parametrize("way", ["xlsx", "json", "pdf"])
def test_what_takes_longer_is_a_job_with_a_page(ask, client_of, carol, way, text):
    answer = ask(format=way)

    export = Export.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/reports/exports/{export.pk}/")
    page = client_of(carol).get(answer["Location"])
    assert "Waiting for its turn" in page.text
    assert 'hx-trigger="every 2s"' in page.text

    actions.make_due(clock=timezone.now)
    page = client_of(carol).get(answer["Location"])
    export.refresh_from_db()
    assert export.sha256 in page.text
    assert "every 2s" not in page.text
    taken = client_of(carol).post(f"{answer['Location']}download/")
    assert hashlib.sha256(content(taken)).hexdigest() == export.sha256
    assert kinds() == ["asked", "made", "downloaded"]


def test_a_csv_of_many_rows_is_a_job_too(ask, monkeypatch):
    monkeypatch.setattr(sizes, "AT_ONCE", 8)

    assert ask().status_code == 303
    assert Export.objects.get().state == "waiting"


def test_a_pack_is_a_job_and_holds_what_was_chosen(ask, client_of, carol):
    assert "holds (PDF: 5,000) is left out in it" in client_of(carol).get("/reports/pack/").text
    answer = ask("/reports/pack/", reports=["access-by-app", "privileged"], formats=["csv", "json"])
    actions.make_due(clock=timezone.now)

    export = Export.objects.get()
    assert (export.state, export.format) == ("ready", "zip"), export.said
    page = client_of(carol).get(answer["Location"])
    assert "Privileged access" in page.text
    taken = client_of(carol).post(f"{answer['Location']}download/")
    assert taken["Content-Type"] == "application/zip"
    data = content(taken)
    assert data[:2] == b"PK"
    for name in ("access-by-app.csv", "privileged.json", "manifest.json", "SHA256SUMS.sig"):
        assert name.encode() in data


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "data", "said"),
    [
        (FORM, {"at": "2999-01-01"}, "This day is still to come."),
        (FORM, {"at": "soon"}, "“soon” is no date."),
        ("/reports/movers/", {}, "say from which day"),
        ("/reports/movers/", {"since": "2999-01-01"}, "This day is still to come."),
        (
            "/reports/movers/",
            {"since": "2026-03-02", "at": "2026-02-01"},
            "The time ends before it begins.",
        ),
        ("/reports/pack/", {"reports": ["nothing"]}, "nothing"),
        (
            "/reports/pack/",
            {"reports": ["access-by-app", "audit"], "formats": "csv", "region": "osc-fr1"},
            "leave one of them out",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_at_its_field(ask, address, data, said, text):
    answer = ask(address, **data)

    assert answer.status_code == 422
    assert said in text(answer.text)
    assert not Export.objects.exists()


def test_today_is_not_over_yet(ask, text):
    answer = ask(at=timezone.localdate().isoformat())

    assert answer.status_code == 422
    assert "This day is not over yet." in text(answer.text)


def test_an_address_with_a_date_to_come_says_so_too(client_of, bob, text):
    answer = client_of(bob).get(f"{FORM}?at=2999-01-01")

    assert answer.status_code == 422
    assert "This day is still to come." in text(answer.text)


def test_what_is_not_known_is_left_out_and_said(client_of, bob, company, text):
    answer = client_of(bob).get(f"{FORM}?role=king&hair=red&sort=-name&after=x&q=ana")

    assert answer.status_code == 200
    said = text(answer.text)
    assert "Role: “king” is not known, so it is left out." in said
    assert "This report cannot be narrowed by “hair”, so it holds all of them." in said
    assert "“sort”" not in said
    assert 'value="ana"' in answer.text


def test_what_was_chosen_is_still_chosen_when_something_is_wrong(ask):
    answer = ask(at="soon", role="owner", format="pdf", bom="on")

    assert '<option value="owner" selected>' in answer.text
    assert re.search(r'<option value="pdf"\s+selected>', answer.text)
    assert re.search(r'name="bom"[^>]*checked', answer.text)


def test_a_moment_within_a_day_stays_what_it_is(ask):
    then = (timezone.now() - timedelta(days=3)).replace(microsecond=0)

    ask(at=then.isoformat())

    assert Export.objects.get().as_of == then


# --- who may --------------------------------------------------------------------------------------


def test_who_may_not_export_reads_why_and_the_button_is_off(client_of, bob, text):
    for address in ("/reports/", FORM):
        page = client_of(bob).get(address)
        assert "Only auditors and admins can export." in text(page.text)
    button = re.search(r"<button[^>]*>(?:(?!</button>).)*Make the report", page.text, re.S)
    assert "disabled" in button[0]
    assert 'aria-describedby="why-no-export"' in button[0]


def test_what_is_refused_is_on_record(ask, bob):
    assert ask(user=bob).status_code == 403
    assert Event.objects.get(kind="user.refused").data["route"] == "reports:report"


def test_a_viewer_of_a_project_sees_the_exports_of_it_alone(client_of, of_billing, company):
    ExportFactory(ready=True, report="privileged")
    mine = ExportFactory(ready=True, of_projects=True, projects=[company.billing.pk])
    hers = ExportFactory(ready=True, of_projects=True, projects=[company.shop.pk])

    page = client_of(of_billing).get("/reports/")

    assert str(mine.pk) in page.text
    assert str(hers.pk) not in page.text
    assert page.text.count("/reports/exports/") == 1
    assert client_of(of_billing).get(f"/reports/exports/{hers.pk}/").status_code == 404


# --- what a list shows ----------------------------------------------------------------------------


@pytest.fixture
def exported(client_of, carol, company, record, settings, sent):
    """Follow the way from a list to its report and ask for it: the form's page, and the rows."""
    settings.COMPANY_DOMAINS = frozenset({"example.com"})

    def follow(address):
        browser = client_of(carol)
        shown = browser.get(address)
        assert shown.status_code == 200
        way = re.search(r'href="([^"]+)">Export what is shown<', shown.text)[1]
        form = browser.get(unescape(way))
        assert form.status_code == 200
        answer = browser.post(urlsplit(way).path, dict(parse_qsl(urlsplit(unescape(way)).query)))
        return form, list(csv.DictReader(io.StringIO(content(answer).decode())))

    return follow


@pytest.fixture
def record(company):
    """Two events of the audit log."""
    for kind, app in (("platform.joined", company.api), ("platform.left", company.index)):
        audit.record(
            kind,
            by=None,
            source=Source.PLATFORM,
            at=timezone.now() - timedelta(days=1),
            app_id=app.pk,
            person_id=company.ana.pk,
        )


@pytest.mark.parametrize(
    ("query", "people"),
    [
        ("q=ana", {"ana"}),
        ("external=yes", {"ben"}),
        ("external=no&role=limited", {"ana", ""}),
        ("two-factor=off", {"ana"}),
        ("app=shop-index&sort=-name", {"platform", "ben"}),
        ("status=pending", {""}),
    ],
)
def test_the_people_that_a_list_shows_are_those_of_its_report(exported, query, people):
    form, rows = exported(f"/people/?{query}")

    assert {row["username"] for row in rows if row["resource_name"]} == people
    assert "cannot be narrowed" not in form.text


@pytest.mark.parametrize(
    ("query", "apps"),
    [
        ("q=billing", {"billing-api", "billing-web"}),
        ("q=ben", {"billing-api", "shop-index"}),
        ("role=limited&open=all", {"billing-api", "billing-web"}),
    ],
)
def test_the_apps_that_a_tree_shows_are_those_of_its_report(exported, query, apps):
    form, rows = exported(f"/apps/?{query}")

    assert {row["resource_name"] for row in rows if row["resource_name"]} == apps
    assert "cannot be narrowed" not in form.text


def test_the_events_that_the_log_shows_are_those_of_its_report(exported):
    before = (timezone.localdate() - timedelta(days=2)).isoformat()
    for query, kinds_ in (
        ("kind=platform", ["platform.joined", "platform.left"]),
        ("app=shop&source=platform", ["platform.left"]),
        (f"kind=platform.joined&since={before}", ["platform.joined"]),
    ):
        form, rows = exported(f"/audit/?{query}")
        assert [row["kind"] for row in rows if "." in (row["kind"] or "")] == kinds_, query
        assert "cannot be narrowed" not in form.text


def test_the_log_of_one_person_app_or_actor_is_the_same_in_its_report(exported, company, alice):
    audit.record(
        "user.signed_in", by=alice, source=Source.PAGE, at=timezone.now(), app_id=company.index.pk
    )
    for query, kinds_ in (
        (f"person={company.ana.pk}", {"platform.joined", "platform.left"}),
        (f"app={company.index.pk}", {"platform.left", "user.signed_in"}),
        (f"actor={str(alice.pk).upper()}", {"user.signed_in"}),
    ):
        _form, rows = exported(f"/audit/?{query}")
        assert {row["kind"] for row in rows if "." in (row["kind"] or "")} == kinds_, query


def test_the_log_until_today_is_the_log_until_now(exported):
    today = timezone.localdate()

    form, rows = exported(f"/audit/?kind=platform&until={today.isoformat()}")

    assert form.status_code == 200
    assert len([row for row in rows if "." in (row["kind"] or "")]) == 2


def test_who_is_gone_is_in_no_register_of_access(client_of, carol, company):
    Collaboration.objects.filter(person=company.ana).update(ended_at=timezone.now())

    page = client_of(carol).get("/people/?status=gone").text

    assert "ana.lopez@example.com" in page
    assert "Export what is shown" not in page
    assert 'href="/reports/movers/"' in page


def test_the_changes_that_a_list_shows_are_those_of_its_report(exported, company):
    ChangeFactory(app=company.api, email="new@example.com", removal=True, batch__purpose="remove")
    decider = ChangeFactory(app=company.index, email="old@example.com").batch.decided_by

    for query, addresses in (
        ("person=new", {"new@example.com"}),
        ("app=shop", {"old@example.com"}),
        ("kind=remove", {"new@example.com"}),
        ("state=waiting", {"new@example.com", "old@example.com"}),
        (f"by={decider.pk}", {"old@example.com"}),
    ):
        form, rows = exported(f"/changes/?{query}")
        assert "cannot be narrowed" not in form.text
        assert {row["email"] for row in rows if row["change_id"] and row["email"]} == addresses


def test_those_that_the_2fa_page_shows_are_those_of_its_report(exported, company):
    _form, rows = exported("/2fa/")

    assert {row["email"] for row in rows if row["tfa_status"]} >= {"ana.lopez@example.com"}
    assert {row["tfa_status"] for row in rows if row["tfa_status"]} <= {"off", "unknown"}


# --- the list and one of it -----------------------------------------------------------------------


def test_the_list_says_what_was_made_and_who_took_it(client_of, bob, alice, carol, rows):
    export = ExportFactory(ready=True, asked_by=carol)
    for user in (alice, bob, carol, alice):
        DownloadFactory(export=export, by=user)
    ExportFactory(partial=True, asked_at=ago(hours=2), report="privileged")

    first, second = rows(client_of(bob).get("/reports/").text)

    assert "Access register, by app CSV" in first
    assert "Ready" in first
    assert "Carol" in first
    assert re.search(r"Alice, (Bob|Carol) and 1 other|Carol, \w+ and 1 other|Bob, ", first)
    assert "PARTIAL" in second
    assert "nobody" in second


def test_partial_is_said_plainly_with_its_reasons(client_of, bob, text):
    export = ExportFactory(partial=True)

    said = text(client_of(bob).get(f"/reports/exports/{export.pk}/").text)

    assert "Ready, and PARTIAL" in said
    assert "This report is PARTIAL, and says so on every page." in said
    assert "1 of 4 apps was not read around that time" in said


def test_how_far_it_is_survives_a_reload_and_stops_asking_when_it_is_over(client_of, bob, text):
    export = ExportFactory(making=True)
    address = f"/reports/exports/{export.pk}/"
    assert "41,200 of 120,000 rows" in text(client_of(bob).get(address).text)
    part = {"HX-Request": "true", "HX-Target": "progress"}

    answer = client_of(bob).get(address, headers=part)
    assert answer.status_code == 200
    assert answer.text.strip().startswith('<div id="progress"')

    Export.objects.filter(pk=export.pk).update(
        state="failed", said="It broke.", leased_until=None, ended_at=timezone.now()
    )
    answer = client_of(bob).get(address, headers=part)
    assert answer.status_code == 286
    assert "It broke." in answer.text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({}, "It is not made yet."),
        ({"failed": True}, "there is no file"),
        ({"deleted": True}, "Its file was deleted after its time."),
    ],
)
def test_what_has_no_file_says_so(client_of, carol, state, said, text):
    export = ExportFactory(**state)

    answer = client_of(carol).post(f"/reports/exports/{export.pk}/download/")

    assert answer.status_code == 409
    assert said in text(answer.text)
    assert not Download.objects.exists()


def test_what_was_deleted_can_be_asked_for_again_as_it_was(ask, client_of, carol, settings):
    then = (timezone.now() - timedelta(days=2)).replace(microsecond=0)
    content(ask(at=then.isoformat(), role="owner", user=carol))
    actions.expire(at=timezone.now() + settings.EXPORTS_KEPT)

    page = client_of(carol).get(f"/reports/exports/{Export.objects.get().pk}/")
    again = re.search(r'href="(/reports/access-by-app/\?[^"]+)"', page.text)[1]
    form = client_of(carol).get(again.replace("&amp;", "&"))

    assert form.status_code == 200
    assert '<option value="owner" selected>' in form.text
    assert then.isoformat() in form.text


def test_the_list_costs_the_same_however_much_was_made(client_of, bob, assert_same_cost, db):
    def grow():
        for _ in range(5):
            DownloadFactory()

    grow()
    client = client_of(bob)
    assert_same_cost(grow, lambda: client.get("/reports/"))


# --- by mail --------------------------------------------------------------------------------------


@pytest.fixture
def mailed(settings):
    """There is a mail server."""
    settings.MAIL_URL = "smtp://127.0.0.1:1"


def test_without_a_mail_server_nothing_is_set_up_and_the_page_says_why(ask, client_of, carol, text):
    page = client_of(carol).get(FORM).text
    assert 'disabled aria-describedby="why-no-mail"' in page
    assert "No mail server is set (MAIL_URL), so nothing can be mailed." in text(page)

    answer = ask(f"{FORM}mail/", every="month", recipients=[carol.pk])

    assert answer.status_code == 403
    assert "No mail server is set" in text(answer.text)
    assert not Schedule.objects.exists()


def test_what_was_set_up_while_there_was_one_says_that_nobody_receives_it(client_of, carol, text):
    schedule = ScheduleFactory(made_by=carol, paused_at=ago(days=1))
    browser = client_of(carol)

    page = browser.get("/reports/schedules/").text

    assert "these reports are made and kept, and nobody receives them" in text(page)
    assert 'disabled aria-describedby="why-no-mail"' in page
    assert browser.post(f"/reports/schedules/{schedule.pk}/resume/").status_code == 403


@pytest.mark.usefixtures("mailed")
def test_a_report_by_mail_is_set_up_with_its_filters(ask, carol, alice, client_of, rows):
    answer = ask(
        f"{FORM}mail/", every="quarter", recipients=[carol.pk, alice.pk], role="owner", format="pdf"
    )

    assert answer["Location"] == "/reports/schedules/"
    schedule = Schedule.objects.get()
    assert (schedule.every, schedule.format) == ("quarter", "pdf")
    assert schedule.asked["filters"] == {"role": ["owner"]}
    assert set(schedule.recipients.all()) == {carol, alice}
    (row,) = rows(client_of(carol).get("/reports/schedules/").text)
    assert "Every quarter" in row
    assert "Alice, Carol" in row
    assert kinds() == ["schedule_made"]


@pytest.mark.usefixtures("mailed")
def test_nobody_can_be_chosen_who_may_not_export(ask, carol, bob, text):
    answer = ask(f"{FORM}mail/", every="month", recipients=[bob.pk])

    assert answer.status_code == 422
    assert not Schedule.objects.exists()
    assert "bob@example.com" not in answer.text


@pytest.mark.usefixtures("mailed")
def test_paused_resumed_and_ended(client_of, carol):
    schedule = ScheduleFactory(made_by=carol)
    browser = client_of(carol)
    for verb, kind in (("pause", "paused"), ("resume", "resumed"), ("end", "ended")):
        assert browser.post(f"/reports/schedules/{schedule.pk}/{verb}/").status_code == 303
        assert kinds()[-1] == f"schedule_{kind}"

    answer = browser.post(f"/reports/schedules/{schedule.pk}/end/")
    assert answer.status_code == 409
    assert "No report comes by mail yet." in answer.text


def test_the_list_of_schedules_costs_the_same_however_many(client_of, bob, assert_same_cost):
    def grow():
        ExportFactory(ready=True, schedule=ScheduleFactory())

    grow()
    client = client_of(bob)
    assert_same_cost(grow, lambda: client.get("/reports/schedules/"))
