"""Who may what, for every address: the access policy of this product on one screen.

An address that is missing from the table fails. Seen from the side of a person: 302 is "sign in
first", 403 "not with your roles, and here is why", 404 "there is no such thing for you".
"""

import contextlib
import os
import uuid
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone

from governance.audit.events import Source
from governance.audit.models import Event
from governance.changes import plans
from governance.facts.models import PersonNote
from tests import factories

pytestmark = pytest.mark.django_db

# Anonymous; mallory signs in without a role; dave is a viewer of one project, bob of everything;
# carol is auditor, alice admin, olga operator.
CAST = ("anonymous", "mallory", "dave", "bob", "carol", "alice", "olga")

# {app} and {person} are not among dave's; {his_app} and {his_person} are.
#                                                  anon  mall  dave  bob  carol alice olga
MATRIX = {
    "GET  /":                                      (302, 403, 200, 200, 200, 200, 200),
    "GET  /people/":                               (302, 403, 200, 200, 200, 200, 200),
    "GET  /people/matching/invite/":               (302, 403, 403, 403, 403, 200, 403),
    "GET  /people/matching/everything/":           (302, 403, 404, 404, 404, 404, 404),
    "GET  /people/{person}/":                      (302, 403, 404, 200, 200, 200, 200),
    "GET  /people/{his_person}/":                  (302, 403, 200, 200, 200, 200, 200),
    "GET  /people/{nobody}/":                      (302, 403, 404, 404, 404, 404, 404),
    "POST /people/{person}/":                      (302, 403, 404, 403, 403, 422, 403),
    "POST /people/{his_person}/":                  (302, 403, 403, 403, 403, 422, 403),
    "POST /people/{person}/notes/{note}/withdraw/":
                                                   (302, 403, 404, 403, 403, 303, 403),
    "POST /people/{his_person}/notes/{his_note}/withdraw/":
                                                   (302, 403, 403, 403, 403, 303, 403),
    "GET  /apps/":                                 (302, 403, 200, 200, 200, 200, 200),
    "GET  /apps/matching/removals/":               (302, 403, 403, 403, 403, 200, 403),
    "GET  /apps/{app}/":                           (302, 403, 404, 200, 200, 200, 200),
    "GET  /apps/{his_app}/":                       (302, 403, 200, 200, 200, 200, 200),
    "GET  /apps/{nobody}/":                        (302, 403, 404, 404, 404, 404, 404),
    "POST /apps/{app}/":                           (302, 403, 404, 403, 403, 422, 403),
    "POST /apps/{his_app}/":                       (302, 403, 403, 403, 403, 422, 403),
    "GET  /invite/":                               (302, 403, 403, 403, 403, 200, 403),
    "POST /invite/":                               (302, 403, 403, 403, 403, 422, 403),
    "GET  /changes/":                              (302, 403, 200, 200, 200, 200, 200),
    "GET  /changes/roles/":                        (302, 403, 403, 403, 403, 200, 403),
    "POST /changes/roles/":                        (302, 403, 403, 403, 403, 422, 403),
    "GET  /changes/removals/":                     (302, 403, 403, 403, 403, 200, 403),
    "POST /changes/removals/":                     (302, 403, 403, 403, 403, 422, 403),
    # Nobody is selected, which is said.
    "POST /changes/selected/":                     (302, 403, 403, 403, 403, 303, 403),
    "POST /people/{person}/offboard/":             (302, 403, 403, 403, 403, 303, 403),
    "POST /people/{nobody}/offboard/":             (302, 403, 403, 403, 403, 404, 403),
    # {plan} is alice's; a plan is its maker's alone.
    "GET  /changes/plans/{plan}/":                 (302, 403, 403, 403, 403, 200, 403),
    "POST /changes/plans/{plan}/":                 (302, 403, 403, 403, 403, 422, 403),
    "GET  /changes/plans/{others_plan}/":          (302, 403, 403, 403, 403, 404, 403),
    "POST /changes/plans/{others_plan}/":          (302, 403, 403, 403, 403, 404, 403),
    "GET  /changes/{batch}/":                      (302, 403, 404, 200, 200, 200, 200),
    "GET  /changes/{his_batch}/":                  (302, 403, 200, 200, 200, 200, 200),
    "GET  /changes/{nobody}/":                     (302, 403, 404, 404, 404, 404, 404),
    "POST /changes/{batch}/cancel/":               (302, 403, 404, 403, 403, 303, 403),
    "POST /changes/{his_batch}/cancel/":           (302, 403, 403, 403, 403, 303, 403),
    "POST /changes/{batch}/retry/":                (302, 403, 404, 403, 403, 303, 403),
    "POST /changes/{his_batch}/retry/":            (302, 403, 403, 403, 403, 303, 403),
    "POST /changes/{batch}/download/":             (302, 403, 404, 403, 200, 200, 403),
    "POST /changes/{his_batch}/download/":         (302, 403, 403, 403, 200, 200, 403),
    "GET  /search/":                               (302, 403, 200, 200, 200, 200, 200),
    "GET  /audit/":                                (302, 403, 200, 200, 200, 200, 200),
    "POST /audit/export/":                         (302, 403, 403, 403, 200, 200, 403),
    "GET  /2fa/":                                  (302, 403, 200, 200, 200, 200, 200),
    "GET  /2fa/over-time/":                        (302, 403, 200, 200, 200, 200, 200),
    "GET  /2fa/remind/":                           (302, 403, 403, 403, 403, 200, 403),
    "POST /2fa/remind/":                           (302, 403, 403, 403, 403, 303, 403),
    "GET  /2fa/people/{person}/":                  (302, 403, 404, 200, 200, 200, 200),
    "GET  /2fa/people/{his_person}/":              (302, 403, 200, 200, 200, 200, 200),
    "GET  /2fa/people/{nobody}/":                  (302, 403, 404, 404, 404, 404, 404),
    "POST /2fa/people/{person}/attest/":           (302, 403, 404, 403, 403, 422, 403),
    "POST /2fa/people/{his_person}/attest/":       (302, 403, 403, 403, 403, 422, 403),
    # Nothing holds that could be ended, which is said.
    "POST /2fa/people/{person}/withdraw/":         (302, 403, 404, 403, 403, 409, 403),
    "POST /2fa/people/{his_person}/withdraw/":     (302, 403, 403, 403, 403, 409, 403),
    "POST /2fa/people/{person}/except/":           (302, 403, 404, 403, 403, 422, 403),
    "POST /2fa/people/{his_person}/except/":       (302, 403, 403, 403, 403, 422, 403),
    "POST /2fa/people/{person}/end-exception/":    (302, 403, 404, 403, 403, 409, 403),
    "POST /2fa/people/{his_person}/end-exception/":
                                                   (302, 403, 403, 403, 403, 409, 403),
    "POST /2fa/people/{person}/remind/":           (302, 403, 404, 403, 403, 303, 403),
    "POST /2fa/people/{his_person}/remind/":       (302, 403, 403, 403, 403, 303, 403),
    # A review speaks of everybody, so for who sees some projects there is none.
    "GET  /2fa/reviews/":                          (302, 403, 404, 200, 200, 200, 200),
    "POST /2fa/reviews/start/":                    (302, 403, 404, 403, 403, 303, 403),
    "GET  /2fa/reviews/{review}/":                 (302, 403, 404, 200, 200, 200, 200),
    "GET  /2fa/reviews/{nobody}/":                 (302, 403, 404, 404, 404, 404, 404),
    "POST /2fa/reviews/{review}/1/decide/":        (302, 403, 404, 403, 403, 422, 403),
    "POST /2fa/reviews/{review}/sign-off/":        (302, 403, 404, 403, 403, 422, 403),
    "GET  /rotations/":                            (302, 403, 200, 200, 200, 200, 200),
    "GET  /rotations/{duty}/":                     (302, 403, 404, 200, 200, 200, 200),
    "GET  /rotations/{his_duty}/":                 (302, 403, 200, 200, 200, 200, 200),
    "GET  /rotations/{nobody}/":                   (302, 403, 404, 404, 404, 404, 404),
    "POST /rotations/{duty}/close/":               (302, 403, 404, 403, 403, 422, 403),
    "POST /rotations/{his_duty}/close/":           (302, 403, 403, 403, 403, 422, 403),
    "POST /rotations/{duty}/reopen/":              (302, 403, 404, 403, 403, 422, 403),
    "POST /rotations/{his_duty}/reopen/":          (302, 403, 403, 403, 403, 422, 403),
    # Nobody's, which it is already.
    "POST /rotations/{duty}/assign/":              (302, 403, 404, 403, 403, 303, 403),
    "POST /rotations/{his_duty}/assign/":          (302, 403, 403, 403, 403, 303, 403),
    "GET  /reports/":                              (302, 403, 200, 200, 200, 200, 200),
    "GET  /difference/":                           (302, 403, 200, 200, 200, 200, 200),
    "GET  /reports/access-by-app/":                (302, 403, 200, 200, 200, 200, 200),
    "POST /reports/access-by-app/":                (302, 403, 403, 403, 200, 200, 403),
    "GET  /reports/pack/":                         (302, 403, 200, 200, 200, 200, 200),
    "POST /reports/pack/":                         (302, 403, 403, 403, 303, 303, 403),
    "GET  /reports/{nobody}/":                     (302, 403, 404, 404, 404, 404, 404),
    # To nobody, which is said.
    "POST /reports/access-by-app/mail/":           (302, 403, 403, 403, 422, 422, 403),
    "GET  /reports/exports/{export}/":             (302, 403, 404, 200, 200, 200, 200),
    "GET  /reports/exports/{his_export}/":         (302, 403, 200, 200, 200, 200, 200),
    "GET  /reports/exports/{nobody}/":             (302, 403, 404, 404, 404, 404, 404),
    "POST /reports/exports/{export}/download/":    (302, 403, 404, 403, 200, 200, 403),
    "POST /reports/exports/{his_export}/download/":
                                                   (302, 403, 403, 403, 200, 200, 403),
    "GET  /reports/schedules/":                    (302, 403, 200, 200, 200, 200, 200),
    "POST /reports/schedules/{schedule}/pause/":   (302, 403, 404, 403, 303, 303, 403),
    "POST /reports/schedules/{his_schedule}/pause/":
                                                   (302, 403, 403, 403, 303, 303, 403),
    # It is not paused, which is said.
    "POST /reports/schedules/{schedule}/resume/":  (302, 403, 404, 403, 409, 409, 403),
    "POST /reports/schedules/{schedule}/end/":     (302, 403, 404, 403, 303, 303, 403),
    "GET  /sync/":                                 (302, 403, 200, 200, 200, 200, 200),
    "POST /sync/start/":                           (302, 403, 403, 403, 403, 303, 303),
    # A digest that is not the plan's: whoever may decide is told that it is another one.
    "POST /sync/held/{held}/decide/":              (302, 403, 403, 403, 403, 409, 409),
    "POST /sync/held/{nobody}/decide/":            (302, 403, 403, 403, 403, 409, 409),
    # To viewers the accounts that we read with do not exist.
    "GET  /settings/connections/":                 (302, 403, 404, 404, 200, 200, 200),
    "GET  /settings/connections/add/":             (302, 403, 404, 404, 403, 403, 200),
    "POST /settings/connections/add/":             (302, 403, 404, 404, 403, 403, 422),
    "GET  /settings/connections/{connection}/":    (302, 403, 404, 404, 200, 200, 200),
    "GET  /settings/connections/{nobody}/":        (302, 403, 404, 404, 404, 404, 404),
    "GET  /settings/connections/{connection}/replace-token/":
                                                   (302, 403, 404, 404, 403, 403, 200),
    "POST /settings/connections/{connection}/replace-token/":
                                                   (302, 403, 404, 404, 403, 403, 422),
    "POST /settings/connections/{connection}/test/":
                                                   (302, 403, 404, 404, 403, 403, 303),
    "POST /settings/connections/{connection}/pause/":
                                                   (302, 403, 404, 404, 403, 403, 303),
    "POST /settings/connections/{connection}/resume/":
                                                   (302, 403, 404, 404, 403, 403, 303),
    "POST /settings/connections/{connection}/remove/":
                                                   (302, 403, 404, 404, 403, 403, 303),
    # So it is with those who sign in here. {user} is another viewer.
    "GET  /settings/":                             (302, 403, 404, 404, 200, 200, 200),
    "GET  /settings/people/":                      (302, 403, 404, 404, 200, 200, 200),
    "GET  /settings/people/add/":                  (302, 403, 404, 404, 403, 403, 200),
    "POST /settings/people/add/":                  (302, 403, 404, 404, 403, 403, 422),
    "GET  /settings/people/{user}/":               (302, 403, 404, 404, 200, 200, 200),
    "GET  /settings/people/{nobody}/":             (302, 403, 404, 404, 404, 404, 404),
    "POST /settings/people/{user}/":               (302, 403, 404, 404, 403, 403, 422),
    "POST /settings/people/{user}/deactivate/":    (302, 403, 404, 404, 403, 403, 303),
    # They may already, which is said.
    "POST /settings/people/{user}/activate/":      (302, 403, 404, 404, 403, 403, 303),
    "POST /settings/people/{user}/password/":      (302, 403, 404, 404, 403, 403, 200),
    # For everybody, also without signing in.
    "GET  /sign-in/":                              (200, 303, 303, 303, 303, 303, 303),
    "POST /sign-in/":                              (422, 303, 303, 303, 303, 303, 303),
    "POST /sign-out/":                             (303, 303, 303, 303, 303, 303, 303),
    "POST /theme/":                                (303, 303, 303, 303, 303, 303, 303),
    "POST /slash/":                                (303, 303, 303, 303, 303, 303, 303),
    "GET  /health/live/":                          (200, 200, 200, 200, 200, 200, 200),
    "GET  /health/ready/":                         (200, 200, 200, 200, 200, 200, 200),
}  # fmt: skip
PUBLIC = {"/sign-in/", "/sign-out/", "/theme/", "/slash/", "/health/live/", "/health/ready/"}
OTHER_METHODS = ("put", "patch", "delete", "options", "trace")

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
MEANS = {
    200: "yes",
    303: "yes",
    409: "yes",
    422: "yes",
    302: "sign in",
    403: "refused",
    404: "not there",
}
TITLES = {
    "anonymous": "not signed in",
    "mallory": "no role",
    "dave": "viewer of a project",
    "bob": "viewer",
    "carol": "auditor",
    "alice": "admin",
    "olga": "operator",
}


@pytest.fixture
def things(alice, dave, make_user, sent, settings):
    """One of each thing that an address can name, by the word that the table uses for it."""
    region = factories.RegionFactory()
    connection = factories.ConnectionFactory()
    scope = factories.ScopeFactory(region=region, connection_id=connection.pk)
    project = factories.ProjectFactory(region=region)
    apps = [factories.AppFactory(region=region, scope=scope, project=of) for of in (None, project)]
    for app in apps:
        factories.AppPeriodFactory(app=app)
    people = [factories.CollaborationFactory(app=app).person for app in apps]
    dave.projects = [project.pk]
    dave.save()
    settings.MAIL_URL = "smtp://127.0.0.1:1"  # nothing is sent by promising it
    return {
        "review": factories.ReviewFactory(started_by=alice, one=True, rows=1).pk,
        "app": apps[0].pk,
        "his_app": apps[1].pk,
        "person": people[0].pk,
        "his_person": people[1].pk,
        "plan": _plan(apps[0], alice),
        "others_plan": factories.PreviewFactory().pk,
        "batch": factories.ChangeFactory(app=apps[0]).batch_id,
        "his_batch": factories.ChangeFactory(app=apps[1]).batch_id,
        "duty": factories.DutyFactory(app=apps[0], person=people[0]).pk,
        "his_duty": factories.DutyFactory(app=apps[1], person=people[1]).pk,
        "export": factories.ExportFactory(ready=True).pk,
        "his_export": factories.ExportFactory(
            ready=True, of_projects=True, projects=[project.pk]
        ).pk,
        "schedule": factories.ScheduleFactory().pk,
        "his_schedule": factories.ScheduleFactory(of_projects=True, projects=[project.pk]).pk,
        "connection": connection.pk,
        "held": factories.HeldRemovalFactory().pk,
        "note": _note(people[0], alice),
        "his_note": _note(people[1], alice),
        "user": make_user("erin", "viewer").pk,
        "nobody": uuid.UUID(int=7),
    }


def _note(person, by):
    """What somebody wrote down about a person."""
    note = PersonNote(person=person, text="On leave.", said_by=by, said_at=timezone.now())
    note.save()
    return note.pk


def _plan(app, by):
    """To invite somebody, as `by` was shown it."""
    plan = plans.plan_invitations(["new@example.com"], [app.pk], by=by, at=timezone.now())
    return plans.keep(plan, by=by, source=Source.PAGE).id


@pytest.fixture
def browser_of(request, client_of):
    """The browser of one of the cast."""

    def open_for(who):
        if callable(who):
            return who()
        return Client() if who == "anonymous" else client_of(request.getfixturevalue(who))

    return open_for


def addresses(patterns=None, prefix=""):
    """Every route that the product answers: "people/<uuid:person_id>/"."""
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)


def split(row):
    method, path = row.split()
    return method.lower(), path


def test_every_address_is_in_the_table():
    names = ["app", "person", "duty", "his_app", "his_person", "his_duty"]
    names += ["plan", "others_plan", "batch", "his_batch"]
    names += ["export", "his_export", "schedule", "his_schedule"]
    words = dict.fromkeys(
        [*names, "user", "note", "his_note", "review", "connection", "held", "nobody"], uuid.uuid4()
    )

    known = {resolve(split(row)[1].format(**words)).route for row in MATRIX}

    assert set(addresses()) - known == set()


@contextlib.contextmanager
def undone():
    """Whatever a request changes is as it was before the next one.

    A savepoint and no `atomic`: refusals would take that for a transaction that is about to fail,
    and be recorded beside it, for good.
    """
    savepoint = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(savepoint)


@pytest.fixture
def answers_to(things, browser_of, alice, bob, carol, mallory, olga):
    """What each row of the table answers to somebody, as {row: response}."""

    def ask(who, **headers):
        answers = {}
        for row in MATRIX:
            method, path = split(row)
            with undone():
                browser = browser_of(who)
                answers[row] = getattr(browser, method)(path.format(**things), headers=headers)
        return answers

    return ask


def of(who):
    """The column of the table that is theirs."""
    return {row: answers[CAST.index(who)] for row, answers in MATRIX.items()}


@pytest.mark.parametrize("who", CAST)
def test_each_may_what_the_table_says(who, answers_to):
    answers = answers_to(who)

    assert {row: answer.status_code for row, answer in answers.items()} == of(who)
    for answer in answers.values():
        if answer.status_code == 302:
            assert answer["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("who", CAST)
def test_htmx_is_no_way_around_it(who, answers_to):
    answers = answers_to(who, HX_Request="true", HX_Target="people")

    for row, wanted in of(who).items():
        answer = answers[row]
        if wanted == 302:
            assert answer["HX-Redirect"].startswith("/sign-in/"), row
            assert answer.content == b"", row
        elif wanted == 303:
            assert answer.status_code in {200, 204}, row
        else:
            assert answer.status_code == wanted, row


def test_a_session_of_somebody_deactivated_opens_nothing(answers_to, client_of, olga):
    def deactivated():
        browser = client_of(olga)
        get_user_model().objects.filter(pk=olga.pk).update(is_active=False)
        return browser

    answers = answers_to(deactivated)

    assert {row: answer.status_code for row, answer in answers.items()} == of("anonymous")


@pytest.mark.parametrize("who", ["anonymous", "dave", "alice", "olga"])
def test_no_other_method_does_anything(who, things, browser_of):
    browser = browser_of(who)
    meant = {split(row) for row in MATRIX}
    done = []
    for path in sorted({path for _, path in meant}):
        for method in (*OTHER_METHODS, "get", "post"):
            if (method, path) in meant:
                continue
            status = getattr(browser, method)(path.format(**things)).status_code
            if status not in {302, 403, 404, 405}:
                done.append((method, path, status))

    assert done == []


def test_a_form_of_another_site_is_refused(things, olga):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(olga)

    for row in MATRIX:
        method, path = split(row)
        if method == "post":
            address = path.format(**things)
            assert browser.post(address).status_code == 403, row
            elsewhere = browser.post(address, headers={"Origin": "https://evil.example"})
            assert elsewhere.status_code == 403, row
    assert not Event.objects.exists()


def test_the_public_addresses_are_these():
    public = {split(row)[1] for row, answers in MATRIX.items() if answers[0] != 302}

    assert public == PUBLIC


@pytest.mark.parametrize("who", ["mallory", "carol"])
def test_a_refusal_says_why_and_is_on_record(who, things, browser_of, request):
    refused = [row for row, status in of(who).items() if status == 403]
    words = "nobody has given you a role" if who == "mallory" else "Only "

    for row in refused:
        method, path = split(row)
        response = getattr(browser_of(who), method)(path.format(**things))
        assert words in response.text, row

    events = list(Event.objects.of_kind("user.refused").order_by("sequence"))
    assert [event.data["method"] for event in events] == [split(row)[0].upper() for row in refused]
    assert {event.actor_id for event in events} == {request.getfixturevalue(who).pk}


def test_looking_for_what_one_may_not_know_of_is_on_record(things, browser_of, dave):
    hidden = [row for row, status in of("dave").items() if status == 404]
    about_nothing = [
        row
        for row in hidden
        if ("{nobody}" in row and "/settings/" not in row) or "everything" in row
    ]

    for row in hidden:
        method, path = split(row)
        getattr(browser_of("dave"), method)(path.format(**things))

    events = list(Event.objects.of_kind("user.refused").order_by("sequence"))
    there = [row for row in hidden if row not in about_nothing]
    assert about_nothing
    assert [event.data["method"] for event in events] == [split(row)[0].upper() for row in there]
    assert {event.actor_id for event in events} == {dave.pk}


def test_a_branch_of_the_tree_that_is_hidden_is_on_record_too(things, browser_of):
    there, nowhere = things["app"], things["nobody"]

    for app in (there, nowhere):
        part = {"HX-Request": "true", "HX-Target": f"app-{app}"}
        assert browser_of("dave").get(f"/apps/?show={app}", headers=part).status_code == 404

    assert [event.data["route"] for event in Event.objects.of_kind("user.refused")] == [
        "dashboard:apps"
    ]


def test_the_documented_table_is_this_one():
    """To write it anew: `UPDATE_DOCUMENTS=1 pytest tests/web/test_who_may_what.py`."""
    before, _, _ = DOCUMENT.read_text(encoding="utf-8").partition("| address |")
    if os.environ.get("UPDATE_DOCUMENTS"):
        DOCUMENT.write_text(before + in_markdown(), encoding="utf-8")

    assert DOCUMENT.read_text(encoding="utf-8") == before + in_markdown()


def in_markdown():
    head = ["address", *(TITLES[who] for who in CAST)]
    rows = [
        [f"`{' '.join(row.split())}`", *(MEANS[answer] for answer in answers)]
        for row, answers in MATRIX.items()
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *rows])
