"""The audit log: who did what, when, and can it be believed?"""

import io
import re
import uuid
import zipfile
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from governance.audit import actions, checkpoints, checks
from governance.audit.events import Entry, Source
from governance.audit.models import Check, Event, Witness
from governance.audit.sentences import SENTENCES
from governance.audit.verify import verify
from tests import owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(company):
    """`record("platform.joined", app=…, person=…)`: one event, an hour ago; its sequence."""
    started = timezone.now() - timedelta(hours=1)

    def make(kind="user.signed_in", *, app=None, person=None, actor=None, at=None, **fields):
        entry = Entry(
            kind=kind,
            at=at or started + timedelta(seconds=Event.objects.count()),
            source=fields.pop("source", Source.PLATFORM),
            actor_id=actor.pk if actor else None,
            actor_kind=fields.pop("actor_kind", "user" if actor else "unknown"),
            app_id=app.pk if app else None,
            person_id=person.pk if person else None,
            **fields,
        )
        return actions.record_many([entry])[0]

    return make


def shown(response):
    """The sequences on the page, from the first row to the last."""
    return [int(one) for one in re.findall(r'<tr id="event-(\d+)"', response.text)]


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", "", response.text).split())


def test_each_event_is_one_sentence_with_its_people_and_apps_as_links(
    client_of, bob, company, record
):
    record("platform.joined", app=company.api, person=company.ana, data={"explained": "none"})

    page = client_of(bob).get("/audit/")

    assert "ana is now on billing-api." in text_of(page)
    assert f'<a href="/people/{company.ana.pk}/">ana</a>' in page.text
    assert f'<a href="/apps/{company.api.pk}/">billing-api</a>' in page.text


def test_every_kind_can_be_shown(client_of, bob, record):
    """Whatever its sentence speaks of, and whether or not the event holds it."""
    for kind in SENTENCES:
        record(kind)
    record("from.a_later_version")
    browser = client_of(bob)

    address, seen = "", 0
    while address is not None:
        page = browser.get(f"/audit/{address}")
        assert page.status_code == 200
        seen += len(shown(page))
        address = link(page, "next")

    assert seen == len(SENTENCES) + 1
    assert "{" not in re.sub(r"<[^>]*>", "", page.text.partition("<tbody>")[2])


def test_the_newest_comes_first(client_of, bob, record):
    for _ in range(3):
        record()

    assert shown(client_of(bob).get("/audit/")) == [3, 2, 1]


def test_names_are_those_of_then_and_erased_ones_are_said_to_be(client_of, bob, company, record):
    record(
        "platform.left",
        app=company.api,
        person=company.ana,
        personal={"person": "Ana of then", "email": "ana@then.example"},
    )
    record("user.sign_in_failed", personal={"email": "eve@example.com"}, target_id=uuid.uuid4())
    page = client_of(bob).get("/audit/")
    assert "Ana of then is no longer on billing-api." in text_of(page)
    assert "Somebody failed to sign in as eve@example.com." in text_of(page)

    target = Event.objects.get(kind="user.sign_in_failed").target_id
    actions.erase_personal([target], by=None, source=Source.TERMINAL, at=timezone.now())

    page = client_of(bob).get("/audit/")
    assert "Somebody failed to sign in as (erased)." in text_of(page)
    assert "eve@example.com" not in page.text


def test_a_change_on_scalingo_says_who_or_that_nobody_knows(client_of, bob, company, record):
    at = {"app": company.api, "person": company.ana, "data": {"explained": "event"}}
    record("platform.joined", personal={"actor": "Olivia"}, **at)
    record("platform.left", **{**at, "data": {"explained": "unexplained"}})

    text = text_of(client_of(bob).get("/audit/"))

    assert "ana is now on billing-api. by Olivia, on Scalingo" in text
    assert "ana is no longer on billing-api. unexplained" in text


def test_what_was_decided_here_is_not_said_to_be_done_on_scalingo(
    client_of, bob, alice, company, record
):
    at = {"app": company.api, "person": company.ana, "data": {"explained": "ours"}}
    record("platform.invited", actor=alice, **at)
    record("platform.left", **at)

    text = text_of(client_of(bob).get("/audit/"))

    assert "ana was invited to billing-api. as Alice decided here" in text
    assert "ana is no longer on billing-api. as was decided here" in text
    assert "by Alice" not in text


def test_what_comes_from_outside_is_text(client_of, bob, company, record):
    company.ana.username = '<script>alert("x")</script>{actor}'
    company.ana.save()
    record("platform.joined", app=company.api, person=company.ana)

    page = client_of(bob).get("/audit/")

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;{actor}" in page.text


@pytest.fixture
def several(company, record, alice):
    """Five events, by what is asked for."""
    return {
        "ana": record("platform.joined", app=company.api, person=company.ana),
        "ben": record("platform.left", app=company.index, person=company.ben),
        "alice": record("fact.app_described", app=company.web, actor=alice, source=Source.PAGE),
        "sync": record("sync.finished", actor_kind="system", source=Source.SCHEDULE),
        "old": record("user.signed_in", at=timezone.now() - timedelta(days=30)),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("person=ana", ["ana"]),
        ("person={company.ana.pk}", ["ana"]),
        ("app=shop-index", ["ben"]),
        ("app=billing", ["alice", "ana"]),
        ("app={company.web.pk}", ["alice"]),
        ("actor=alice", ["alice"]),
        ("kind=platform", ["ben", "ana"]),
        ("kind=platform.left", ["ben"]),
        ("kind=platform.left&kind=sync.finished", ["sync", "ben"]),
        ("source=schedule", ["sync"]),
        ("source=schedule,page", ["sync", "alice"]),
        ("until={days[20]}", ["old"]),
        ("since={days[20]}", ["sync", "alice", "ben", "ana"]),
        ("since={days[40]}&until={days[28]}", ["old"]),
        ("person=ana&app=shop-index", []),
        ("kind=platform&source=platform&app=billing-api", ["ana"]),
    ],
)
def test_it_is_narrowed_by(client_of, bob, several, company, query, found):
    today = timezone.localdate()
    days = {ago: (today - timedelta(days=ago)).isoformat() for ago in (20, 28, 40)}

    page = client_of(bob).get("/audit/?" + query.format(company=company, days=days))

    assert page.status_code == 200
    assert shown(page) == [several[name] for name in found]
    assert "so the list is shown without it" not in page.text


@pytest.mark.parametrize(
    "query",
    [
        "kind=nonsense",
        "source=moon",
        "person=nobody-at-all",
        "app=00000000-0000-0000-0000-000000000007",
        "actor=%00%27",
    ],
)
def test_an_unknown_filter_is_ignored_and_said_so(client_of, bob, several, query):
    page = client_of(bob).get(f"/audit/?{query}")

    assert page.status_code == 200
    assert "is not known, so the list is shown without it." in page.text
    assert len(shown(page)) == 5


def test_a_name_that_means_too_many_is_said_so(client_of, bob, several, monkeypatch):
    monkeypatch.setattr("governance.dashboard.audit.asked.MOST", 1)

    page = client_of(bob).get("/audit/?app=billing")

    assert "more than 1 match “billing”" in page.text
    assert len(shown(page)) == 5


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=2026-03-02&until=2026-03-01", "The period ends before it begins."),
        ("since=2999-01-01", "This day is still to come."),
        ("until=yesterday", "Enter a valid date."),
    ],
)
def test_a_period_that_cannot_be_is_refused_at_its_field(client_of, bob, several, query, words):
    for headers in ({}, {"HX-Request": "true", "HX-Target": "events"}):
        page = client_of(bob).get(f"/audit/?{query}", headers=headers)

        assert page.status_code == 422
        assert words in page.text
        assert len(shown(page)) == 5


def test_the_filters_stand_as_chips_that_lead_to_the_page_without_them(client_of, bob, several):
    page = client_of(bob).get("/audit/?person=ana&kind=platform&since=2026-01-01")

    assert "Person: ana" in page.text
    assert 'href="?kind=platform&amp;since=2026-01-01" aria-label="Remove the filter' in page.text


def test_pages_lead_on_and_back(client_of, bob, record):
    for _ in range(120):
        record()
    browser = client_of(bob)

    first = browser.get("/audit/")
    second = browser.get("/audit/" + link(first, "next"))
    third = browser.get("/audit/" + link(second, "next"))
    back = browser.get("/audit/" + link(third, "prev"))
    front = browser.get("/audit/" + link(back, "prev"))

    assert shown(first) + shown(second) + shown(third) == list(range(120, 0, -1))
    assert (shown(back), shown(front)) == (shown(second), shown(first))
    assert link(first, "prev") is None
    assert link(third, "next") is None


def link(page, rel):
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page.text)
    return found and found[1].replace("&amp;", "&")


def test_a_viewer_of_a_project_reads_of_its_apps_alone(client_of, of_billing, company, several):
    browser = client_of(of_billing)

    assert shown(browser.get("/audit/")) == [several["alice"], several["ana"]]
    assert shown(browser.get("/audit/?kind=platform")) == [several["ana"]]
    hidden = browser.get("/audit/?app=shop-index")
    assert "so the list is shown without it" in hidden.text
    assert shown(hidden) == [several["alice"], several["ana"]]
    assert "ben is no longer on" not in text_of(hidden)


def test_a_viewer_of_no_project_is_told_that_nothing_happened(client_of, dave, several):
    page = client_of(dave).get("/audit/")

    assert shown(page) == []
    assert "Nothing has happened on the apps of your projects so far." in page.text


def test_each_empty_state_has_its_own_words(client_of, bob, several):
    page = client_of(bob).get("/audit/?person=ana&app=shop-index")

    assert "No event matches." in page.text
    assert "Clear all filters" in page.text


def test_it_costs_the_same_with_more_events(client_of, bob, company, record, assert_same_cost):
    def grow():
        for person in (company.ana, company.ben, company.owner):
            record("platform.joined", app=company.api, person=person, personal={"person": "x"})

    record("platform.joined", app=company.api, person=company.ana)
    browser = client_of(bob)

    assert_same_cost(grow, lambda: browser.get("/audit/"))


def test_it_costs_six_queries(client_of, bob, several, django_assert_num_queries):
    browser = client_of(bob)
    browser.get("/audit/")

    # The session, the person, the frame, how the log stands, its events, the names in them.
    with django_assert_num_queries(6):
        browser.get("/audit/")


# --- can it be believed? --------------------------------------------------------------------------


def standing(response):
    """What the line on the log's integrity says, its tone first."""
    found = re.search(
        r'<div class="notice tone-(\w+) standing".*?</div></div>', response.text, re.S
    )
    return found[1], " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def sign():
    return checkpoints.take(
        private=settings.AUDIT_SIGNING_KEY, origin=settings.AUDIT_ORIGIN, at=timezone.now()
    )


def test_a_log_that_nobody_checked_says_so(client_of, bob, several):
    tone, words = standing(client_of(bob).get("/audit/"))

    assert tone == "none"
    assert "The log was not checked yet. No checkpoint has left the database yet." in words
    assert "5 newer events are not yet witnessed" in words
    assert "tamper-evident" in words


def test_a_log_in_order_says_what_is_known_and_what_is_not(client_of, bob, several, record):
    checkpoints.witnessed([sign()], Witness.Kind.MAIL, at=timezone.now())
    checks.keep(verify(), at=timezone.now())
    record()

    tone, words = standing(client_of(bob).get("/audit/"))

    assert tone == "ok"
    assert "No fault was found in the log. All 6 events then were recomputed just now" in words
    assert (
        "outside of the database (mail) is of just now and speaks for the events up to 6" in words
    )
    assert "1 newer event is not yet witnessed" in words


def test_a_checkpoint_that_did_not_leave_the_database_witnesses_nothing(client_of, bob, several):
    sign()
    checks.keep(verify(), at=timezone.now())

    tone, words = standing(client_of(bob).get("/audit/"))

    assert tone == "warn"
    assert "6 newer events are not yet witnessed" in words


def test_faults_are_named(client_of, bob, several):
    Check.objects.create(
        at=timezone.now(), first=0, last=5, checked=5, checkpoints=0, fault_count=1,
        faults=[{"kind": "edited", "first": 3, "last": 3, "words": "Event 3 was edited."}],
    )  # fmt: skip

    tone, words = standing(client_of(bob).get("/audit/"))

    assert tone == "bad"
    assert "1 fault was found in the log." in words
    assert "Event 3 was edited." in words


def test_a_later_check_of_the_new_events_does_not_hide_a_fault(client_of, bob, several):
    now = timezone.now()
    of = {"last": 5, "checked": 5, "checkpoints": 0}
    fault = {"kind": "edited", "first": 3, "last": 3, "words": "Event 3 is edited."}
    Check.objects.create(at=now - timedelta(hours=2), first=0, fault_count=1, faults=[fault], **of)
    Check.objects.create(at=now, first=4, fault_count=0, **of)

    assert standing(client_of(bob).get("/audit/"))[0] == "bad"


def test_the_worst_since_all_was_recomputed_is_told(client_of, bob, several):
    """Whatever order checks of the new events come in, none of them takes a fault back."""
    now = timezone.now()
    of = {"last": 5, "checked": 5, "checkpoints": 0}
    fault = {"kind": "edited", "first": 5, "last": 5, "words": "Event 5 is edited."}
    browser, said = client_of(bob), []
    for hours, first, faults in [
        (5, 0, []), (4, 4, [fault]), (3, 5, []), (2, 0, [fault]), (1, 5, []), (0, 0, [])
    ]:  # fmt: skip
        Check.objects.create(
            at=now - timedelta(hours=hours), first=first, faults=faults, fault_count=len(faults),
            **of,
        )  # fmt: skip
        said.append(standing(browser.get("/audit/")))

    assert ["1 fault was found" in words for _tone, words in said] == [False, *[True] * 4, False]
    assert [tone == "bad" for tone, _words in said] == [False, *[True] * 4, False]


def test_the_page_says_a_fault_for_as_long_as_it_is_known(
    client_of, bob, several, record, settings
):
    settings.CHECKPOINTS_DIR = None
    now = timezone.now()
    sign()
    checks.run_due(at=now - timedelta(hours=4))
    record()
    owner.tamper("UPDATE audit_event SET kind = 'platform.left' WHERE sequence = 7")
    sign()
    browser = client_of(bob)

    for hours in (3, 2, 1):
        checks.run_due(at=now - timedelta(hours=hours))
        assert "1 fault was found in the log." in standing(browser.get("/audit/"))[1]


def test_a_check_long_ago_is_no_comfort(client_of, bob, several):
    checkpoints.witnessed([sign()], Witness.Kind.MAIL, at=timezone.now())
    checks.keep(verify(), at=timezone.now() - timedelta(days=2))

    tone, words = standing(client_of(bob).get("/audit/"))

    assert tone == "warn"
    assert "was not checked for a while" in words


def test_a_lost_mail_is_shown(client_of, bob, several):
    from governance.notifications import checkpoints as mailed
    from governance.notifications.models import Delivery

    sign()
    mailed.promise(["archive@example.com"], at=timezone.now())
    Delivery.objects.update(state="lost", settled_at=timezone.now())

    _tone, words = standing(client_of(bob).get("/audit/"))

    assert "1 mail with a checkpoint could not be delivered." in words


def test_it_never_promises_too_much(client_of, bob, several):
    text = text_of(client_of(bob).get("/audit/")).lower()

    assert "tamper-proof" not in text
    assert "immutable" not in text


# --- taking it out --------------------------------------------------------------------------------


def test_an_auditor_takes_the_whole_log_out(client_of, carol, several, sent):
    response = client_of(carol).post("/audit/export/")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"].startswith('attachment; filename="audit-log-2')
    assert response["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as file:
        lines = file.read("audit-log/log.jsonl").splitlines()
    assert len(lines) == 6  # five, and the one that says that somebody asked
    kinds = list(Event.objects.order_by("sequence").values_list("kind", flat=True))
    assert kinds[5:] == ["audit.exported", "audit.export_delivered"]
    assert verify().faults == ()


def test_asking_with_get_takes_nothing_out(client_of, carol, several):
    assert client_of(carol).get("/audit/export/").status_code == 405
    assert Event.objects.count() == 5


def test_the_button_says_why_it_may_not_be_used(client_of, carol, bob, several):
    may, may_not = client_of(carol).get("/audit/"), client_of(bob).get("/audit/")

    assert "Only auditors and admins can export." in text_of(may_not)
    assert re.search(
        r'<button class="button" disabled aria-describedby="why-no-export">', may_not.text
    )
    assert "why-no-export" not in may.text


def test_a_refused_export_is_on_record(client_of, bob, several):
    assert client_of(bob).post("/audit/export/").status_code == 403

    assert Event.objects.order_by("sequence").last().kind == "user.refused"
    assert not Event.objects.filter(kind="audit.exported").exists()


# --- refusals -------------------------------------------------------------------------------------


def test_whoever_was_refused_is_found_by_whom_it_was_about(client_of, bob, company):
    browser = client_of(bob)
    assert browser.post(f"/people/{company.ana.pk}/offboard/").status_code == 403
    assert browser.post(f"/apps/{company.api.pk}/", {"team": "x"}).status_code == 403

    person, app = Event.objects.of_kind("user.refused").order_by("sequence")
    assert (person.person_id, person.app_id) == (company.ana.pk, None)
    assert (app.person_id, app.app_id) == (None, company.api.pk)
    page = browser.get(f"/audit/?person={company.ana.pk}&kind=user.refused")
    assert shown(page) == [person.sequence]
    assert "Bob tried to offboard ana, and was refused." in text_of(page)
    page = browser.get(f"/audit/?app={company.api.pk}")
    assert shown(page) == [app.sequence]
    assert "Bob tried to describe billing-api, and was refused." in text_of(page)


def test_a_decision_is_said_in_words_with_its_links_and_its_reason_once(
    client_of, bob, alice, company, record
):
    at = {"app": company.api, "person": company.ana, "actor": alice}
    data = {"what": "change_role", "role": "collaborator"}
    record("change.placed", data=data, personal={"person": "ana"}, **at)
    reason = {"reason": "Ticket 7"}
    data = {"purpose": "change_role", "changes": 1}
    record("change.batch_placed", actor=alice, data=data, personal=reason)

    page = client_of(bob).get("/audit/")

    assert "Alice decided: ana becomes collaborator on billing-api." in text_of(page)
    assert f'<a href="/people/{company.ana.pk}/">ana</a>' in page.text
    assert f'<a href="/apps/{company.api.pk}/">billing-api</a>' in page.text
    assert "Alice decided on 1 change (other roles), saying “Ticket 7”." in text_of(page)
    assert page.text.count("Ticket 7") == 1


def test_the_kinds_to_choose_from_are_said_in_words(client_of, bob, company):
    page = client_of(bob).get("/audit/")

    options = re.findall(r'<option value="([a-z_]+)"[^>]*>([^<]*)</option>', page.text)
    assert ("two_factor", "Two-factor authentication") in options
    assert ("access", "Access read out") in options
    assert not [value for value, label in options if value == label]
