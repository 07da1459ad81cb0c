"""What each register says, of a company that syncs have read; and that its totals can fail."""

import json
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from governance.audit.actions import record
from governance.audit.events import Source
from governance.facts.models import PersonFact
from governance.inventory.models import App, Collaboration, Coverage, Scope
from governance.reports.making import CannotBeMade
from governance.reports.registers import REPORTS, _people
from governance.rotations import actions as rotations
from governance.sync.models import Run
from tests.factories import AppPeriodFactory, ChangeFactory, CollaborationFactory, UserFactory

ACCESS = ("access-by-app", "access-by-person", "privileged")


@pytest.fixture
def read(acting, made):
    """The rows and the manifest of a report at the company's now, or at `at`."""

    def rows(name, **asked):
        asked = {"at": acting.now, "is_now": "at" not in asked, **asked}
        found, data = made(name, "json", **asked)
        whole = json.loads(data)
        assert whole["manifest"]["complete"] == found.complete
        return whole["rows"], {**whole["manifest"], "why": found.why_partial}

    return rows


def figures(manifest):
    return manifest["control_totals"]["figures"]


def known_by(rows):
    """As `Company.known` puts it: everybody but owners."""
    return {
        (row["resource_name"], row["email"].lower(), row["role"], row["status"])
        for row in rows
        if row["role"] != "owner"
    }


# --- access ---------------------------------------------------------------------------------------


def changing(acting):
    """Some days of the company: each time and what was known of it then."""
    world = acting.world
    acts = (
        lambda: world.add_account("nina@acme.example"),
        lambda: world.add_member("billing-api", "nina@acme.example", limited=True),
        lambda: world.change_role("billing-api", "nina@acme.example", limited=False),
        lambda: world.remove("billing-api", "nina@acme.example"),
        lambda: world.add_member("billing-api", "nina@acme.example", limited=True),
        lambda: world.rename_app("billing-api", "invoices-api"),
        lambda: world.delete_account("nina@acme.example"),
    )
    then = [(acting.now, acting.known())]
    for act in acts:
        act()
        acting.sync()
        then.append((acting.now, acting.known()))
    return then


def test_the_access_register_is_what_was_known_at_each_instant(acting, read):
    then = changing(acting)
    assert len({frozenset(known) for _, known in then}) == 5
    for at, known in then[:-1]:
        for name in ("access-by-app", "access-by-person"):
            rows, manifest = read(name, at=at)
            assert known_by(rows) == {
                (app, email, role, "deleted" if status == "user account deleted" else status)
                for app, email, role, status in known
            }, at
            assert manifest["complete"], manifest["why"]
            assert figures(manifest)["population"] == len(rows)


def test_now_and_the_instant_of_now_are_the_same_register(acting, read):
    changing(acting)
    for name in ACCESS:
        now, _ = read(name)
        then, _ = read(name, at=acting.now)
        for row in (*now, *then):
            row.pop("is_scm_linker")
        assert now == then


def test_owners_and_full_collaborators_are_privileged_and_others_are_not(acting, read):
    rows, manifest = read("privileged")
    everybody, _ = read("access-by-app")
    expected = [row for row in everybody if row["role"] in ("owner", "collaborator")]
    assert len(rows) == len(expected) == figures(manifest)["privileged"] > 0
    assert all(row["privileged"] for row in rows)


def test_a_row_says_who_gave_the_access_and_why(acting, read):
    acting.place(acting.invitation("zoe@acme.example", "billing-api"), reason="Ticket 7")
    acting.tell()
    acting.sync()
    rows, _ = read("access-by-app", filters={"q": ("ZOE@acme",)})
    (row,) = rows
    assert row["granted_by"] == "alice@example.com"
    assert row["grant_reason"] == "Ticket 7"
    assert row["status"] == "pending"
    assert row["access_since_source"] == "event"


def test_2fa_is_as_of_its_reading_and_not_of_its_last_change(acting, read):
    """Nothing changes between the two syncs; all of it is read again."""
    first = acting.now
    acting.sync(after={"minutes": 30})
    owners = set()
    for at, not_before in ((None, acting.now), (acting.now, acting.now), (first, None)):
        rows, _ = read("access-by-app", **({"at": at} if at else {}))
        for row in rows:
            if row["tfa_status"] == "unknown":
                assert (row["tfa_observed_at"], row["tfa_source"]) == (None, None)
                continue
            read_at = datetime.fromisoformat(row["tfa_observed_at"])
            assert read_at <= (at or acting.now)
            assert not_before is None or read_at >= not_before
            if row["role"] == "owner":
                owners.add(row["tfa_source"])
            else:
                assert (read_at, row["tfa_source"]) == (
                    datetime.fromisoformat(row["data_as_of"]),
                    "listing",
                )
    assert "own account" in owners


def test_filters_narrow_the_rows_and_the_totals_still_balance(acting, read):
    acting.later(seconds=1)
    everybody, _ = read("access-by-app")
    narrowed = {
        "role": ("owner",),
        "status": ("pending",),
        "two-factor": ("off", "unknown"),
        "region": ("osc-fr1",),
        "kind": ("app",),
        "class": ("unknown",),
        "health-data": ("unknown", "yes", "no"),
        "employment": ("unknown",),
        "app": ("billing-api",),
    }
    columns = {
        "two-factor": "tfa_status",
        "kind": "resource_type",
        "class": "resource_class",
        "employment": "internal_or_external",
        "app": "resource_name",
    }
    for name, values in narrowed.items():
        for at in (None, acting.now):
            rows, manifest = read(
                "access-by-app", filters={name: values}, **({"at": at} if at else {})
            )
            column = columns.get(name, name)
            expected = [row for row in everybody if name == "health-data" or row[column] in values]
            assert len(rows) == len(expected) == manifest["row_count"], name
            assert manifest["control_totals"]["balance"]
            assert figures(manifest)["population"] == len(everybody)
            assert manifest["filters"]["data"] == [[name, list(values)]]


@pytest.mark.parametrize("name", ["access-by-person", "two-factor"])
@pytest.mark.parametrize(
    ("domains", "external", "internal"),
    [
        ({"example.com"}, {"ben", "ana"}, {"platform"}),
        # Without domains of our own nobody is external because of an address.
        (set(), {"ana"}, set()),
    ],
)
def test_external_is_who_was_said_to_be_and_else_whose_domain_is_not_ours(
    company, made, settings, name, domains, external, internal
):
    settings.COMPANY_DOMAINS = frozenset(domains)
    PersonFact.objects.create(
        person=company.ana,
        kind="human",
        employment="external",
        said_by=UserFactory(admin=True),
        said_at=timezone.now(),
    )

    def found(value):
        _, data = made(name, "json", filters={"external": (value,)})
        return {row["username"] for row in json.loads(data)["rows"]} - {""}

    assert (found("yes"), found("no")) == (external, internal)


def test_filters_are_said_in_words_and_totals_say_what_they_are_over(company, made, of_billing):
    def said(name, filters, **asked):
        whole = json.loads(made(name, "json", filters=filters, **asked)[1])["manifest"]
        return whole["filters"]["sentence"], whole["control_totals"]["equations"], whole["scope"]

    over = " (of all that may be seen, before filters)"
    words, equations, _ = said("access-by-app", {})
    assert words == "none: everything that may be seen"
    assert not any(over in equation for equation in equations)

    filters = {"role": ("owner", "limited"), "project": (str(company.billing.pk),)}
    words, equations, _ = said("access-by-app", filters)
    assert words == "Project: billing; Role: Owner or Limited"
    assert equations
    assert all(equation.endswith(over) for equation in equations)
    found, _data = made("access-by-app", "csv", filters=filters)
    assert found.totals.sentences[-1] == "rows written 5 = rows counted 5"

    words, _, _ = said("audit", {"person": (str(company.ana.pk),)})
    assert words == "Person: ana"
    # What is of the rows that are shown does not say otherwise.
    _, equations, _ = said("invitations", {"role": ("limited",)})
    assert not any(over in equation for equation in equations)

    words, _, scope = said("access-by-app", {"project": (str(company.shop.pk),)}, user=of_billing)
    assert words == f"Project: {company.shop.pk}", "a name that is hidden from him stays hidden"
    assert scope["names"] == ["billing"]
    _, text = made("access-by-app", "csv", user=of_billing)
    assert b"# sees: these projects alone: billing\n" in text


def test_whoever_sees_some_projects_gets_those_alone(company, made, of_billing):
    _, data = made("access-by-app", "json", user=of_billing)
    whole = json.loads(data)
    assert {row["project"] for row in whole["rows"]} == {"billing"}
    assert figures(whole["manifest"])["population"] == len(whole["rows"]) == 6
    assert whole["manifest"]["coverage"][0]["apps_expected"] == 2
    since = datetime.fromisoformat("2020-01-01T00:00+00:00")
    for app in (company.api, company.index):
        ChangeFactory(app=app)
        CollaborationFactory(app=app, pending=True)
        record("fact.app", by=None, source=Source.PAGE, at=timezone.now(), app_id=app.pk)
    for name in ("movers", "invitations", "changes", "audit"):
        _, data = made(name, "json", user=of_billing, since=since)
        rows = json.loads(data)["rows"]
        apps = {row["app"] if name == "audit" else row["resource_name"] for row in rows}
        assert apps, name
        assert apps <= {"billing-api", "billing-web"}, name
    with pytest.raises(CannotBeMade, match="see everything"):
        made("coverage", "json", user=of_billing)


@pytest.mark.parametrize("broken", ["lost", "doubled"])
def test_a_row_that_a_join_lost_or_doubled_is_found(acting, made, monkeypatch, broken):
    """The control totals are counted without the joins of the rows."""
    joins = {
        "lost": _people.JOINS.replace("LEFT JOIN facts_personfact", "JOIN facts_personfact"),
        "doubled": f"{_people.JOINS} CROSS JOIN (VALUES (1), (2)) twice(n)",
    }
    monkeypatch.setattr(_people, "JOINS", joins[broken])
    for way in ("csv", "pdf"):
        found, _ = made("access-by-app", way, at=acting.now, is_now=True)
        assert not found.complete
        assert "do not balance: rows written" in found.why_partial[0]
    # Both have said before their rows that they are complete.
    for way in ("json", "xlsx"):
        with pytest.raises(CannotBeMade, match="were counted"):
            made("access-by-app", way, at=acting.now, is_now=True)


# --- movers ---------------------------------------------------------------------------------------


def test_joined_less_left_is_the_difference_of_the_populations(acting, read):
    then = changing(acting)
    kinds = []
    for number, (since, _) in enumerate(then):
        for at, _ in then[number + 1 :]:
            rows, manifest = read("movers", at=at, since=since)
            assert manifest["complete"], manifest["why"]
            said = figures(manifest)
            assert said["population"] - said["population_before"] == (
                said["joined"] + said["first_read"] - said["left"]
            )
            kinds.append([row["what"] for row in rows])
    assert kinds[len(then) - 2] == ["joined", "role", "left", "joined", "account deleted"]


def test_movers_say_how_long_each_step_took(acting, read):
    since = acting.now
    acting.place(acting.invitation("zoe@acme.example", "billing-api", role="collaborator"))
    acting.tell()
    acting.sync()
    acting.world.add_account("zoe@acme.example")
    acting.later(hours=2)
    acting.world.accept("billing-api", "zoe@acme.example")
    acting.sync()
    acting.place(acting.removal(("zoe@acme.example", "billing-api")))
    acting.tell()
    acting.sync()
    rotations.open_duties(at=acting.now)
    rows, manifest = read("movers", since=since)
    assert manifest["complete"], manifest["why"]
    joined, accepted, left = [row for row in rows if row["email"] == "zoe@acme.example"]
    assert [row["what"] for row in (joined, accepted, left)] == ["joined", "accepted", "left"]
    assert joined["source"] == left["source"] == "ours"
    assert joined["done_by"] == "alice@example.com"
    assert joined["asked_to_told_seconds"] == 30
    assert left["told_to_verified_seconds"] == 600
    assert accepted["invited_to_accepted_seconds"] >= 2 * 3600
    assert left["left_to_gone_seconds"] == 600
    assert left["rotation_due_at"]
    assert left["rotation_closed_at"] is None


def test_an_owner_who_is_followed_by_another_left_and_the_other_joined(acting, read):
    since = acting.now
    row = Collaboration.objects.open().filter(role="owner").first()
    other = Collaboration.objects.open().exclude(person=row.person).first().person
    acting.later(minutes=10)
    Collaboration.objects.filter(pk=row.pk).update(ended_at=acting.now, ended_after=since)
    row.pk, row.person, row.started_after, row.started_at = None, other, since, acting.now
    row.since_at = acting.now
    row.save()
    rows, manifest = read("movers", since=since)
    assert sorted(one["what"] for one in rows) == ["joined", "left"]
    assert {one["source"] for one in rows} == {"unexplained"}, "as a difference has it"
    assert manifest["control_totals"]["balance"]


@pytest.mark.parametrize("name", ["movers", "difference"])
def test_what_lies_between_needs_a_beginning_that_was_read(acting, read, name):
    with pytest.raises(CannotBeMade, match="since when"):
        read(name)
    _, manifest = read(name, since=acting.now - timedelta(days=9))
    assert not manifest["complete"]
    assert manifest["why"][0].startswith("At the beginning")
    since = acting.now
    acting.sync()
    _, manifest = read(name, since=since)
    assert manifest["complete"], manifest["why"]


# --- invitations, changes, coverage, audit --------------------------------------------------------


def test_invitations_have_their_age(acting, read):
    acting.place(acting.invitation("zoe@acme.example", "billing-api"))
    acting.tell()
    acting.sync(after={"days": 8})
    acting.place(acting.invitation("yan@acme.example", "billing-api"))
    acting.tell()
    acting.sync()
    rows, manifest = read("invitations")
    ages = {row["email"]: row["age_days"] for row in rows}
    assert ages["zoe@acme.example"] == 8
    assert ages["yan@acme.example"] == 0
    said = figures(manifest)
    assert said["pending"] == len(rows)
    assert said["pending"] == said["under_7_days"] + said["under_30_days"] + said["older"]
    assert said["under_7_days"] >= 1
    assert said["under_30_days"] >= 1
    since = [row["invited_at"] for row in rows]
    assert since == sorted(since)


def test_a_change_is_proved_by_the_reading_that_showed_it(acting, read):
    asked = acting.now
    acting.place(acting.removal(("fred@acme.example", "billing-api")))
    decided = acting.now
    acting.tell()
    told = acting.now
    acting.sync()
    (row,), manifest = read("changes")
    assert row["state"] == "verified"
    assert row["email"] == "fred@acme.example"
    run = Run.objects.get(pk=row["verified_by_run"])
    assert run.started_at <= datetime.fromisoformat(row["verified_at"]) <= run.finished_at
    assert row["asked_to_told_seconds"] == 30
    assert row["told_to_verified_seconds"] == 600
    assert figures(manifest)["verified"] == figures(manifest)["changes"] == 1
    assert asked <= decided < told

    (row,), manifest = read("changes", at=told)
    assert (row["state"], row["verified_at"], row["verified_by_run"]) == ("told", None, None)
    assert figures(manifest)["told"] == 1
    (row,), _ = read("changes", at=decided)
    assert (row["state"], row["told_at"]) == ("waiting", None)
    assert read("changes", filters={"state": ("refused",)})[0] == []


def test_coverage_says_what_was_not_read_and_since_when(acting, read):
    rows, manifest = read("coverage")
    assert manifest["complete"]
    assert figures(manifest)["failed"] == 0
    fine = acting.now
    scope = Scope.objects.get(kind="collaborators", region__name="osc-fr1")
    acting.later(minutes=10)
    Scope.objects.filter(pk=scope.pk).update(stale_since=acting.now, stale_reason="timeout")
    rows, manifest = read("coverage")
    assert not manifest["complete"]
    (row,) = [one for one in rows if one["apps_failed"]]
    expected = App.objects.filter(scope=scope, gone_at=None).count()
    assert row["apps_expected"] == row["apps_failed"] == expected > 0
    assert row["why"] == "timeout"
    assert datetime.fromisoformat(row["not_read_since"]) == acting.now
    assert figures(manifest)["failed"] == expected
    _, manifest = read("access-by-app")
    assert f"{expected} of " in manifest["why"][0]
    _, manifest = read("coverage", at=fine)
    assert manifest["complete"], "what was read then is known"


def test_a_long_silence_is_not_covered(acting, read):
    first = acting.now
    acting.sync(after={"days": 3})
    between = first + timedelta(days=1)
    _, manifest = read("access-by-app", at=between)
    assert not manifest["complete"]
    rows, _ = read("coverage", at=between)
    assert {row["apps_read"] for row in rows} == {0}
    late = [row for row in rows if row["apps_expected"]]
    assert all(row["not_read_since"] and row["next_read_at"] for row in late)
    assert Coverage.objects.count() > 0


def test_the_audit_register_has_every_event_in_order(acting, read):
    acting.place(acting.removal(("fred@acme.example", "billing-api")))
    rows, manifest = read("audit")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(sequence) FROM audit_event")
        count, last = cursor.fetchone()
    assert [row["sequence"] for row in rows] == list(range(1, last + 1))
    assert figures(manifest)["events"] == count
    planned = [row for row in rows if row["kind"].startswith("change.")]
    assert planned[-1]["actor"] == "alice@example.com"
    narrowed, _ = read("audit", filters={"actor": ("ALICE",)})
    assert {row["actor"] for row in narrowed} == {"alice@example.com"}


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_each_report_can_be_made_in_each_format_now_and_then(company, made, name):
    for app in App.objects.all():
        AppPeriodFactory(app=app)
    since = timezone.now() - timedelta(days=30)
    for way in ("csv", "json", "xlsx", "pdf"):
        for at in (None, timezone.now() - timedelta(minutes=5)):
            found, data = made(name, way, at=at, since=since)
            assert found.bytes == len(data)
            assert found.totals.balance, found.totals.sentences
