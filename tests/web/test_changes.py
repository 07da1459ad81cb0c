"""Changes: what did we ask Scalingo to do, and is it true now?"""

import csv
import io
import re
from datetime import timedelta

import pytest

from governance.audit.models import Event
from governance.changes.models import Batch, Change, Purpose, State
from tests.factories import (
    AppFactory,
    BatchFactory,
    ChangeFactory,
    PersonFactory,
    UserFactory,
    ago,
)

pytestmark = pytest.mark.django_db
REASON = "Ticket 4711"
PART = {"HX-Request": "true", "HX-Target": "progress"}
# As each is in the database when it is in this state.
IN_STATE = {
    "waiting": {},
    "telling": {"state": "telling", "tells": 1, "leased_until": ago(minutes=-2)},
    "told": {"told": True},
    "verified": {"verified": True},
    "refused": {"state": "refused", "code": "no_right", "ended_at": ago(minutes=1)},
    "failed": {"failed": True},
    "unknown": {"unknown": True},
}


@pytest.fixture(autouse=True)
def company(acting):
    return acting


@pytest.fixture
def browser(client_of, alice):
    return client_of(alice)


@pytest.fixture
def batch(alice):
    return BatchFactory(decided_by=alice)


def page_of(batch):
    return f"/changes/{batch.pk}/"


def titles(html):
    return re.findall(r'<th scope="row"><a href="/changes/[^"]*"><bdi>([^<]*)', html)


def head_of(html, text):
    return text(re.search(r'<div class="run-head">.*?</h2>.*?</p>', html, re.S)[0])


# --- one batch ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", IN_STATE)
def test_each_state_has_its_icon_and_its_word_and_no_other(browser, batch, rows, state):
    ChangeFactory(batch=batch, **IN_STATE[state])

    html = browser.get(page_of(batch)).text

    [row] = rows(html)
    word = str(State(state).label)
    assert f" {word} " in row
    others = {str(other.label) for other in State} - {word}
    assert not [other for other in others if f" {other} " in row]
    assert re.search(r'<span class="badge tone-\w+"><svg.*?</svg>' + word, html, re.S)


def test_nothing_is_told_before_scalingo_said_so_nor_true_before_it_was_read(browser, batch, text):
    change = ChangeFactory(batch=batch)

    def head():
        return head_of(browser.get(page_of(batch)).text, text)

    assert head().startswith("Scalingo is not told yet 0 of 1 done · told in ")
    Change.objects.update(due_at=ago(seconds=1))
    assert head().startswith("Scalingo is being told 0 of 1 done")
    Change.objects.update(state="told", told_at=ago(seconds=1), tells=1)
    assert head() == "Scalingo was told; the next reading shows whether it is so 0 of 1 done"
    Change.objects.update(state="verified", verified_at=ago(), ended_at=ago())
    assert head() == "All of it was read again, and is so Nothing more is to come."
    ChangeFactory(batch=batch, failed=True)
    assert head() == "1 of 2 were read again and are so Nothing more is to come."
    assert change.batch == batch


def test_it_asks_again_while_something_is_open_and_stops_when_all_is_over(browser, batch):
    change = ChangeFactory(batch=batch)
    page, part = (browser.get(page_of(batch), headers=headers) for headers in ({}, PART))
    assert (page.status_code, part.status_code) == (200, 200)
    assert part.text.lstrip().startswith('<section id="progress"')
    assert 'hx-trigger="every 2s"' in part.text

    change.state, change.told_at, change.tells = "told", ago(), 1
    change.save()
    assert 'hx-trigger="every 8s"' in browser.get(page_of(batch), headers=PART).text

    change.state, change.verified_at, change.ended_at = "verified", ago(), ago()
    change.save()
    last = browser.get(page_of(batch), headers=PART)
    assert last.status_code == 286
    assert "hx-trigger" not in last.text
    assert browser.get(page_of(batch)).status_code == 200


def test_who_why_and_when(browser, batch, company):
    ChangeFactory(
        batch=batch, app=company.api, removal=True, person=company.ana, email="ana@x.test"
    )

    html = browser.get(page_of(batch)).text

    assert "<h1><bdi>Remove ana from billing-api</bdi></h1>" in html
    assert "Alice decided so: “Ticket 4711”" in html
    assert f'<a href="/people/{company.ana.pk}/">ana</a>' in html
    assert f'<a href="/apps/{company.api.pk}/">billing-api</a>' in html


def test_hostile_text_is_shown_as_text(browser, alice):
    batch = BatchFactory(decided_by=alice, reason="<img src=x>\u202e evil")
    ChangeFactory(
        batch=batch,
        app=AppFactory(name="<b>app</b>"),
        person=PersonFactory(username="<i>ana</i>"),
        state="refused",
        code="refused",
        said="<script>alert(1)</script>",
        ended_at=ago(),
    )

    for address in (page_of(batch), "/changes/"):
        html = browser.get(address).text
        assert not re.search(r"<(img|b|i|script)>", html)
        assert "&lt;img src=x&gt;" in html
    assert "&lt;script&gt;alert(1)" in browser.get(page_of(batch)).text


def test_a_long_batch_is_paged_and_small(browser, batch, rows):
    for _number in range(130):
        ChangeFactory(batch=batch)

    html, seen = browser.get(page_of(batch)).text, []
    while True:
        assert len(html) < 100_000
        seen += rows(html)
        more = re.search(r'rel="next" href="(\?after=[^"]*)"', html)
        if more is None:
            break
        html = browser.get(f"{page_of(batch)}{more[1]}").text

    assert len(seen) == 130
    assert "Cancel all 130 that wait" in html


# --- stopping and trying again --------------------------------------------------------------------


def test_all_that_waits_can_be_cancelled(browser, batch):
    ChangeFactory(batch=batch)
    ChangeFactory(batch=batch)
    told = ChangeFactory(batch=batch, told=True)
    assert "Cancel all 2 that wait" in browser.get(page_of(batch)).text

    answer = browser.post(f"{page_of(batch)}cancel/")

    assert (answer.status_code, answer["Location"]) == (303, page_of(batch))
    html = browser.get(page_of(batch)).text
    assert "2 changes are cancelled. Scalingo was told nothing of them." in html
    assert html.count("Alice cancelled it before Scalingo was told.") == 2
    assert Change.objects.get(state="told") == told
    assert Event.objects.of_kind("change.cancelled").count() == 2


def test_one_can_be_cancelled_without_leaving_the_page(browser, batch):
    keep, stop = ChangeFactory(batch=batch), ChangeFactory(batch=batch)
    assert f'id="cancel-{stop.pk}"' in browser.get(page_of(batch)).text

    answer = browser.post(f"{page_of(batch)}cancel/", {"change": stop.pk}, headers=PART)

    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<section id="progress"')
    assert "1 change is cancelled." in answer.text
    # It goes on asking for the page, not for the address that cancels.
    assert f'hx-get="{page_of(batch)}"' in answer.text
    assert Change.objects.get(state="waiting") == keep


def test_a_change_of_another_batch_is_not_cancelled_with_it(browser, batch):
    ChangeFactory(batch=batch, told=True)
    other = ChangeFactory()

    answer = browser.post(f"{page_of(batch)}cancel/", {"change": other.pk})

    assert answer.status_code == 409
    assert Change.objects.get(pk=other.pk).state == "waiting"


@pytest.mark.parametrize("headers", [{}, PART])
def test_too_late_is_said(browser, batch, headers):
    ChangeFactory(batch=batch, told=True)

    answer = browser.post(f"{page_of(batch)}cancel/", headers=headers)

    assert answer.status_code == 409
    assert "It is too late to cancel: Scalingo is being told, or was told." in answer.text


def test_only_what_came_to_nothing_is_tried_again_through_its_own_plan(
    browser, batch, company, rows
):
    ChangeFactory(batch=batch, app=company.api, verified=True, email="done@example.com")
    ChangeFactory(batch=batch, app=company.api, failed=True, email="lost@example.com")
    ChangeFactory(batch=batch, app=company.web, failed=True, email="ana.lopez@example.com")
    assert "Try 2 again" in browser.get(page_of(batch)).text

    plan = browser.post(f"{page_of(batch)}retry/")["Location"]

    lost, ana = rows(browser.get(plan).text)
    assert lost == "lost@example.com billing-api osc-fr1 Will be invited"
    assert "Already on it ana is on billing-web already, as limited collaborator." in ana
    browser.post(plan, {"reason": REASON})
    again = Batch.objects.get(purpose="retry")
    assert [change.email for change in again.changes.all()] == ["lost@example.com"]
    assert titles(browser.get("/changes/").text)[0] == "Invite lost@example.com to billing-api"


def test_what_went_well_offers_nothing_to_try(browser, batch):
    ChangeFactory(batch=batch, verified=True)

    assert "again</button>" not in browser.get(page_of(batch)).text
    answer = browser.post(f"{page_of(batch)}retry/")
    assert (answer.status_code, answer["Location"]) == (303, page_of(batch))


# --- the result, downloaded -----------------------------------------------------------------------


def test_the_result_can_be_downloaded_by_those_who_may_and_that_is_an_event(
    client_of, carol, bob, batch, company
):
    change = ChangeFactory(
        batch=batch, app=company.api, person=company.ana, email="ana@x.test", told=True
    )

    answer = client_of(carol).post(f"{page_of(batch)}download/")

    assert answer["Content-Type"] == "text/csv"
    assert re.fullmatch(
        r'attachment; filename="changes-\d{8}T\d{6}Z.csv"', answer["Content-Disposition"]
    )
    text = answer.content.decode("utf-8-sig")
    row, *_foot = csv.DictReader(io.StringIO(text))
    assert row["change"] == str(change.pk)
    assert (row["app"], row["person"], row["state"]) == ("billing-api", "ana", "told")
    assert row["told_at"].endswith("+00:00")
    as_of, covered = text.splitlines()[-2:]
    assert as_of.startswith("# as of: ")
    assert covered.startswith("# data as of, osc-fr1: ")
    assert covered.endswith(": 1 apps expected, 1 read, 0 not read")
    [event] = Event.objects.of_kind("change.result_downloaded")
    assert (event.actor_id, event.target_id, event.data) == (carol.pk, batch.pk, {"changes": 1})
    assert "Download the result" not in client_of(bob).get(page_of(batch)).text


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "a\n=1", "\u00a0=1", "\uff1d1"],
)
def test_no_cell_of_it_is_a_formula(browser, alice, name):
    batch = BatchFactory(decided_by=alice, reason=name)
    ChangeFactory(batch=batch, app=AppFactory(name=name))

    answer = browser.post(f"{page_of(batch)}download/")

    row, *_foot = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert row["app"] == row["reason"] == f"'{name}"
    assert row["email"].startswith("invited-")


# --- the list -------------------------------------------------------------------------------------


def test_the_newest_comes_first_with_how_far_it_is(browser, alice, company, rows):
    old = BatchFactory(decided_by=alice, purpose="remove", decided_at=ago(days=2), reason="Old")
    ChangeFactory(batch=old, app=company.api, person=company.ana, removal=True, verified=True)
    new = BatchFactory(decided_by=alice, reason="Summer school")
    for app in (company.api, company.web):
        ChangeFactory(batch=new, app=app)
    ChangeFactory(batch=new, app=company.api, failed=True)

    html = browser.get("/changes/").text

    assert titles(html) == ["Invite 3 people to 2 apps", "Remove ana from billing-api"]
    assert rows(html)[0].startswith(
        "Invite 3 people to 2 apps Summer school 2 waiting 1 failed Alice 1 min ago"
    )
    assert " 1 verified Alice 2 days ago" in rows(html)[1]


@pytest.mark.parametrize("purpose", Purpose.values)
@pytest.mark.parametrize("people", [1, 2])
def test_every_purpose_has_a_title(browser, alice, company, purpose, people):
    batch = BatchFactory(decided_by=alice, purpose=purpose, person=company.ana)
    for _number in range(people):
        ChangeFactory(batch=batch, app=company.api)

    [title] = titles(browser.get("/changes/").text)

    assert "%" not in title
    assert "billing-api" in title or "1 app" in title or "Offboard ana" in title


def test_filters_live_in_the_address(browser, alice, bob, company):
    invite = BatchFactory(decided_by=alice)
    ChangeFactory(batch=invite, app=company.api, email="new@example.com", unknown=True)
    erin = UserFactory(name="Erin", admin=True)
    remove = BatchFactory(decided_by=erin, purpose="remove")
    ChangeFactory(batch=remove, app=company.web, person=company.ana, removal=True, failed=True)

    def found(query):
        return titles(browser.get(f"/changes/?{query}").text)

    of_new, of_ana = ["Invite new@example.com to billing-api"], ["Remove ana from billing-web"]
    assert found("state=failed") == found("kind=remove") == found(f"by={erin.pk}") == of_ana
    assert found("person=ANA") == found("app=web") == of_ana
    assert found("person=new@") == found("state=unknown") == of_new
    assert set(found("state=failed,unknown")) == {*of_new, *of_ana}
    assert found("state=failed&app=api") == []
    assert found("state=failed&state=unknown&person=new") == of_new


def test_a_filter_that_is_not_known_is_ignored_and_said(browser, batch):
    ChangeFactory(batch=batch)

    html = browser.get("/changes/?state=god&kind=&by=nobody&person=%00").text

    assert len(titles(html)) == 1
    assert "State: “god” is not known" in html
    assert "Decided by: “nobody” is not known" in html


@pytest.mark.parametrize("query", ["after=x", "before=%00", "after=W10", "state=,,", "app=%27%25"])
def test_no_address_breaks_the_list(browser, batch, query):
    ChangeFactory(batch=batch)
    assert browser.get(f"/changes/?{query}").status_code == 200
    assert browser.get(f"{page_of(batch)}?{query}").status_code == 200


def test_the_list_is_paged(browser, alice, company):
    for number in range(45):
        decided = BatchFactory(decided_by=alice, decided_at=ago(minutes=number))
        ChangeFactory(batch=decided, app=company.api, email=f"p{number}@example.com")

    first = browser.get("/changes/").text
    more = re.search(r'rel="next" href="(\?after=[^"]*)"', first)[1]
    second = browser.get(f"/changes/{more}", headers={"HX-Request": "true", "HX-Target": "batches"})

    assert [len(titles(html)) for html in (first, second.text)] == [40, 5]
    assert second.text.lstrip().startswith('<div id="batches">')
    assert titles(second.text)[-1] == "Invite p44@example.com to billing-api"


def test_nothing_yet_and_nothing_that_matches_have_words_of_their_own(browser, batch):
    assert "Nothing was decided here yet." in browser.get("/changes/").text
    ChangeFactory(batch=batch)
    assert "No change matches." in browser.get("/changes/?app=nowhere").text


# --- who sees what --------------------------------------------------------------------------------


def test_those_who_may_not_act_read_and_are_offered_nothing(client_of, bob, batch):
    ChangeFactory(batch=batch)
    ChangeFactory(batch=batch, failed=True)

    for address in (page_of(batch), "/changes/"):
        html = client_of(bob).get(address).text
        assert "Invite" in html
        assert not re.search(
            r'(action|href|formaction)="/(invite|changes/[^"]+/(cancel|retry))', html
        )


def test_a_viewer_of_a_project_sees_its_changes_alone(client_of, of_billing, alice, company, rows):
    batch = BatchFactory(decided_by=alice)
    ChangeFactory(batch=batch, app=company.api, email="seen@example.com")
    ChangeFactory(batch=batch, app=company.index, email="unseen@example.com", failed=True)
    other = BatchFactory(decided_by=UserFactory(name="Zoe", admin=True))
    ChangeFactory(batch=other, app=company.index)
    browser = client_of(of_billing)

    listed, detail = browser.get("/changes/").text, browser.get(page_of(batch)).text

    assert titles(listed) == ["Invite seen@example.com to billing-api"]
    assert len(rows(detail)) == 1
    for html in (listed, detail):
        assert "unseen@example.com" not in html
        assert "1 failed" not in html
        assert "Zoe" not in html
    assert browser.get(page_of(other)).status_code == 404
    assert titles(browser.get("/changes/?state=failed").text) == []
    assert titles(browser.get("/changes/?person=unseen").text) == []


# --- what needs somebody --------------------------------------------------------------------------


def asking(html):
    found = re.search(r"(\d+) changes? needs? somebody", html)
    return int(found[1]) if found else 0


def test_what_failed_or_is_not_known_is_on_the_overview_until_somebody_saw_to_it(
    browser, batch, company
):
    ChangeFactory(batch=batch, verified=True)
    failed = ChangeFactory(batch=batch, app=company.api, failed=True)
    ChangeFactory(batch=batch, app=company.api, unknown=True)
    ChangeFactory(batch=batch, failed=True, ended_at=ago(days=8))

    html = browser.get("/").text
    assert asking(html) == 2
    assert '<a class="link" href="/changes/?state=failed,refused,unknown">' in html
    assert re.search(r'<span class="count tone-warn">2<span class="unseen"> to look at', html)

    ChangeFactory(app=company.api, email=failed.email, due_at=failed.due_at + timedelta(minutes=1))
    assert asking(browser.get("/").text) == 1


# The code, and whether somebody has to see to it.
REFUSED = {
    "not_allowed": 1,
    "changed": 1,
    "no_right": 1,
    "refused": 1,
    "missing": 1,
    "already": 0,
    "on_it": 0,
    "gone_app": 0,
}


@pytest.mark.parametrize("code", REFUSED)
def test_so_is_what_was_refused_when_its_turn_came(browser, batch, company, code):
    came = {"due_at": ago(days=2), "ended_at": ago(days=2, seconds=-3)}
    change = ChangeFactory(batch=batch, app=company.api, state="refused", code=code, **came)
    assert asking(browser.get("/").text) == REFUSED[code]

    Change.objects.update(ended_at=change.due_at - timedelta(seconds=30))  # when it was placed
    assert asking(browser.get("/").text) == 0
    Change.objects.update(due_at=ago(days=9), ended_at=ago(days=8))
    assert asking(browser.get("/").text) == 0


def test_a_viewer_of_a_project_is_asked_about_it_alone(client_of, of_billing, company, batch):
    ChangeFactory(batch=batch, app=company.api, failed=True)
    ChangeFactory(batch=batch, app=company.index, failed=True)

    assert asking(client_of(of_billing).get("/").text) == 1


# --- what it costs --------------------------------------------------------------------------------


def test_the_pages_cost_the_same_for_much_as_for_little(
    browser, alice, company, assert_same_cost, queries_of
):
    batch = BatchFactory(decided_by=alice)
    ChangeFactory(batch=batch)

    def grow():
        for _number in range(8):
            ChangeFactory(batch=batch, app=company.api, person=PersonFactory())
            ChangeFactory(
                batch=BatchFactory(purpose="remove"), removal=True, person=PersonFactory()
            )

    for address in ("/changes/?app=&state=waiting", page_of(batch)):
        assert_same_cost(grow, lambda address=address: browser.get(address))
        # The list: session, user, who decided, the batches, their numbers, the frame.
        # A batch: session, user, the batch, what is ahead of it, its changes, the frame.
        assert len(queries_of(lambda address=address: browser.get(address))) == 6
    assert len(queries_of(lambda: browser.get(page_of(batch), headers=PART))) == 5
