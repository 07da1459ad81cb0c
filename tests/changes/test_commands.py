"""From the terminal: the plan is printed, and nothing is done without --apply."""

import csv
import io
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance.audit.models import Event
from governance.changes.models import Batch, Change, Preview
from governance.inventory.models import App, Collaboration
from tests.factories import CollaborationFactory, PersonFactory

NEW = "new@acme.example"
FRED, LIM = "fred@acme.example", "lim@acme.example"
BY = ("--by", "alice@example.com")


@pytest.fixture
def company(company, monkeypatch):
    """Commands read the clock once: here it is the company's."""
    monkeypatch.setattr(timezone, "now", lambda: company.now)
    return company


def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("act_as", "says"), [("alice@example.com", "lim is removed"), ("", "--by")]
)
def test_without_by_the_admin_of_the_setting_acts(company, settings, act_as, says):
    settings.ACT_AS = act_as

    try:
        said = run("remove", LIM, "--app", "billing-api")
    except CommandError as error:
        said = str(error)

    assert says in said


COMMANDS = {
    "invite": (("invite", NEW, "--app", "billing-api", "billing-web"), "is invited to billing-api"),
    "remove": (("remove", LIM, "--app", "billing-api"), "lim is removed from billing-api"),
    "change_role": (
        ("change_role", LIM, "--app", "billing-api", "--role", "collaborator"),
        "lim becomes collaborator on billing-api",
    ),
    "offboard": (("offboard", LIM, "--confirm", LIM), "lim is removed from billing-web"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_plan_is_shown_and_nothing_is_done(company, name):
    arguments, sentence = COMMANDS[name]
    text = run(*arguments, *BY)

    assert sentence in text
    assert "Nothing was done." in text
    assert not Change.objects.exists()
    assert not Preview.objects.exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_with_apply_it_is_placed_told_and_seen(company, name):
    arguments, _ = COMMANDS[name]
    text = run(*arguments, *BY, "--reason", "Ticket 1", "--apply")

    batch = Batch.objects.get()
    assert str(batch.pk) in text
    assert (batch.source, batch.reason, batch.decided_by) == ("terminal", "Ticket 1", company.admin)
    company.tell()
    company.sync()
    assert {state for state, _ in company.states()} == {"verified"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("invite", NEW, "--app", "nothing", *BY), "no app called nothing"),
        (("invite", NEW, "--app", "billing-api", "--by", "nobody@x.example"), "Nobody signs in"),
        (("remove", "nobody@x.example", "--app", "billing-api", *BY), "Nobody is known"),
        (("invite", NEW, "--app", "billing-api", *BY, "--apply"), "Say why"),
        (("invite", FRED, "--app", "billing-api", *BY, "--reason", "x", "--apply"), "Nothing of"),
        (("offboard", LIM, *BY, "--reason", "x", "--apply"), "Type the address"),
        (("offboard", LIM, *BY, "--not-before", "2020-01-01"), "in the past"),
        (("offboard", LIM, *BY, "--not-before", "soon"), "no time"),
    ],
)
def test_what_cannot_be_done_says_why(company, arguments, why):
    with pytest.raises(CommandError, match=why):
        run(*arguments)
    assert not Change.objects.exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_whoever_may_not_act_on_pages_may_not_here_and_is_on_record(company, make_user, name):
    bob = make_user("bob", "viewer")
    arguments, _ = COMMANDS[name]
    with pytest.raises(CommandError, match="Only admins"):
        run(*arguments, "--by", "bob@example.com", "--reason", "x", "--apply")
    assert not Change.objects.exists()
    event = Event.objects.get(kind="user.refused")
    assert (event.actor_id, event.source, event.data) == (bob.pk, "terminal", {"command": name})
    # Whoever is invited for the first time is nobody yet.
    assert event.person_id == (None if name == "invite" else company.person(LIM).pk)
    several = name in ("invite", "offboard")
    assert event.app_id == (None if several else company.app_ids("billing-api")[0])


def test_what_an_admin_left_out_is_no_refusal(company):
    with pytest.raises(CommandError, match="Say why"):
        run("invite", NEW, "--app", "billing-api", *BY, "--apply")
    assert not Event.objects.filter(kind="user.refused").exists()


def test_apps_of_the_same_name_are_told_apart_by_their_region(company):
    company.create_app("billing-api", region="osc-secnum-fr1")
    company.sync()
    with pytest.raises(CommandError, match="Several apps"):
        run("invite", NEW, "--app", "billing-api", *BY)
    assert "is invited" in run("invite", NEW, "--app", "osc-secnum-fr1/billing-api", *BY)


# --- the file -------------------------------------------------------------------------------------


def exported():
    return lines_of(run("export_access"))


def lines_of(text):
    """The lines of a file, without those below that say what it rests on."""
    found = csv.DictReader(io.StringIO(text, newline=""))
    return [row for row in found if not row["app"].startswith("#")]


def write(path, rows, columns=("app", "region", "email", "role", "status", "exported_at")):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_everybody_is_in_the_file_owners_and_invitations_too(company):
    rows = exported()
    assert len(rows) == len(company.truth()) + 4  # an owner each
    assert {"app": "billing-api", "role": "limited", "status": "pending"}.items() <= next(
        row for row in rows if row["email"] == "waiting@new.example"
    ).items()
    assert Event.objects.get(kind="access.exported").data == {"rows": len(rows)}


def test_the_file_says_how_much_was_read_and_when(company, tmp_path):
    read = company.now
    company.fault(path="/v1/collaborators", region="osc-secnum-fr1", status=500, times=None)
    company.fault(path="/v1/apps/*/collaborators", region="osc-secnum-fr1", status=500, times=None)
    company.sync()

    text = run("export_access")

    assert text.splitlines()[-3:] == [
        f"# as of: {company.now.isoformat()}",
        f"# data as of, osc-fr1: {company.now.isoformat()}: 3 apps expected, 3 read, 0 not read",
        f"# data as of, osc-secnum-fr1: {read.isoformat()}: 1 apps expected, 0 read, 1 not read",
    ]
    (tmp_path / "a.csv").write_text(text, newline="")
    assert "so already" in run("plan_access", str(tmp_path / "a.csv"), *BY)


def test_whoever_may_not_export_gets_no_file(company, make_user):
    make_user("bob", "viewer")
    with pytest.raises(CommandError, match="Only auditors and admins"):
        run("export_access", "--by", "bob@example.com")
    assert not Event.objects.filter(kind="access.exported").exists()
    event = Event.objects.get(kind="user.refused")
    assert (event.source, event.data) == ("terminal", {"command": "export_access"})


def test_whoever_may_not_act_does_not_with_a_file(company, make_user, tmp_path):
    make_user("bob", "viewer")
    rows = [row for row in exported() if row["email"] != LIM]
    by = ("--by", "bob@example.com")
    text = run("plan_access", str(write(tmp_path / "access.csv", rows)), *by)
    with pytest.raises(CommandError, match="Only admins"):
        run("apply_plan", text.split("apply_plan ")[1].split()[0], *by, "--reason", "x")
    event = Event.objects.get(kind="user.refused")
    assert (event.data, event.person_id) == ({"command": "apply_plan"}, company.person(LIM).pk)


def test_a_file_that_was_not_edited_changes_nothing(company, tmp_path):
    text = run("plan_access", str(write(tmp_path / "a.csv", exported())), *BY)
    assert "so already" in text


def test_what_was_edited_is_a_plan_and_its_id_applies_it(company, tmp_path):
    rows = [row for row in exported() if (row["app"], row["email"]) != ("billing-web", LIM)]
    for row in rows:
        if (row["app"], row["email"]) == ("billing-api", LIM):
            row["role"] = "collaborator"
    region = rows[0]["region"]
    rows.append({"app": "billing-web", "region": region, "email": NEW, "role": "limited"})

    text = run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)

    for sentence in (
        "lim is removed from billing-web.",
        "lim becomes collaborator on billing-api.",
        f"{NEW} is invited to billing-web as limited collaborator.",
    ):
        assert sentence in text
    assert not Change.objects.exists()

    plan = Preview.objects.get()
    assert str(plan.pk) in text
    run("apply_plan", str(plan.pk), *BY, "--reason", "The yearly review")
    assert sorted(change.kind for change in company.changes()) == [
        "change_role",
        "invite",
        "remove",
    ]
    company.tell()
    company.sync()
    assert {state for state, _ in company.states()} == {"verified"}
    text = run("apply_plan", str(plan.pk), *BY, "--reason", "again")
    assert "placed before" in text


def test_apps_that_the_file_does_not_name_are_left_alone(company, tmp_path):
    rows = [row for row in exported() if row["app"] == "billing-web" and row["email"] != LIM]
    run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)
    assert [row["app_name"] for row in Preview.objects.get().rows["rows"]] == ["billing-web"]


def test_whoever_came_after_the_export_stays(company, tmp_path):
    rows = exported()
    company.world.invite("billing-api", NEW)
    company.sync()
    text = run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)
    assert "came to billing-api after the file was exported: they stay" in text
    assert "0 of 1 would happen" in text
    assert not Preview.objects.exists()


def test_whoever_left_after_the_export_is_not_invited_again(company, tmp_path):
    path = write(tmp_path / "a.csv", exported())
    company.place(company.offboarding(LIM))
    company.tell()
    company.sync()
    assert {state for state, _ in company.states()} == {"verified"}

    text = run("plan_access", str(path), *BY)

    assert "lim left billing-api after the file was exported: they are not invited again." in text
    assert "0 of 2 would happen" in text
    assert not Preview.objects.exclude(batch__isnull=False).exists()


def test_whoever_left_before_it_is_invited_by_a_line_of_their_own(company, tmp_path):
    company.world.remove("billing-api", LIM)
    company.sync()
    rows = exported()
    rows.append({**rows[0], "app": "billing-api", "email": LIM, "role": "limited"})
    company.sync()
    text = run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)
    assert "lim is invited to billing-api as limited collaborator." in text


def test_a_role_that_was_changed_after_the_export_is_kept(company, tmp_path):
    rows = exported()
    company.world.change_role("billing-api", LIM, limited=False)
    company.sync()

    text = run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)

    assert "lim became collaborator on billing-api after the file was exported: they stay" in text
    assert "0 of 1 would happen" in text


def test_an_app_that_was_given_away_after_the_export_keeps_its_new_owner(company, tmp_path):
    rows = exported()
    company.world.transfer_app("billing-api", FRED)
    company.sync()
    assert company.app("billing-api").owner == company.person(FRED)

    text = run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)

    assert "0 of" in text
    assert "fred became owner on billing-api after the file was exported" in text


def test_whoever_the_last_reading_was_without_is_in_the_file_and_stays(company, tmp_path):
    company.sync_without("billing-api")
    rows = exported()
    missing = {row["email"] for row in rows if row["status"] == "missing"}
    assert missing == {FRED, LIM, "waiting@new.example"}
    path = write(tmp_path / "a.csv", rows)

    assert "so already" in run("plan_access", str(path), *BY)
    company.sync()
    assert "so already" in run("plan_access", str(path), *BY)

    rows = [row for row in rows if (row["app"], row["email"]) != ("billing-api", LIM)]
    text = run("plan_access", str(write(path, rows)), *BY)
    assert "lim is removed from billing-api." in text
    assert "1 of 1 would happen" in text


def test_a_file_is_compared_with_whom_the_last_reading_was_without(company, tmp_path):
    path = write(tmp_path / "a.csv", exported())
    company.sync_without("billing-api")
    assert "so already" in run("plan_access", str(path), *BY)


def test_whoever_was_missing_at_the_export_and_had_left_is_not_invited(company, tmp_path):
    company.world.remove("vault-api", FRED)
    company.sync()
    path = write(tmp_path / "a.csv", exported())
    company.sync()
    assert company.period("vault-api", FRED).ended_at is not None

    text = run("plan_access", str(path), *BY)

    assert "fred left vault-api after the file was exported" in text
    assert "0 of 1 would happen" in text


def test_another_app_of_the_same_name_is_not_taken_for_the_one_of_the_file(company, tmp_path):
    before = write(tmp_path / "before.csv", exported())
    company.world.delete_app("billing-web")
    company.create_app("billing-web")
    company.sync()
    assert App.objects.listed().filter(name="billing-web").count() == 2

    with pytest.raises(CommandError, match="billing-web was not known yet when the file was"):
        run("plan_access", str(before), *BY)

    rows = exported()
    assert [row["role"] for row in rows if row["app"] == "billing-web"] == ["owner"]
    assert "so already" in run("plan_access", str(write(tmp_path / "now.csv", rows)), *BY)


# As Scalingo may say them, and as people may be known.
ODD = {
    "role": ["collaborator", "limited", "unknown"],
    "status": ["accepted", "pending", "deleted", "unknown"],
    "email": [
        "",
        "=1+1",
        "'quoted@x.example",
        " Ana@X.example ",
        "ana@x.example",
        "a;b,c",
        "two\nlines",
    ],
    "missing": [False, False, True],
}


@pytest.mark.parametrize("seed", range(12))
def test_a_file_that_was_not_edited_changes_nothing_however_odd_it_is(company, tmp_path, seed):
    chosen = Random(seed)
    for app in App.objects.order_by("name"):
        for _number in range(chosen.randint(0, 6)):
            odd = {name: chosen.choice(values) for name, values in ODD.items()}
            CollaborationFactory(
                app=app,
                person=PersonFactory(email=odd["email"]),
                role=odd["role"],
                status=odd["status"],
                missing_at=company.now if odd["missing"] else None,
            )

    path = tmp_path / "a.csv"
    text = run("export_access")
    path.write_text(text, newline="")

    assert "so already" in run("plan_access", str(path), *BY)
    again = write(tmp_path / "b.csv", lines_of(text))
    assert "so already" in run("plan_access", str(again), *BY)
    assert not Preview.objects.exists()


def test_who_has_no_address_can_be_taken_out_of_a_file(company, tmp_path):
    ghost = CollaborationFactory(app=company.app("billing-api"), person=PersonFactory(email=""))
    rows = [row for row in exported() if row["email"]]
    run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)
    (row,) = Preview.objects.get().rows["rows"]
    assert (row["kind"], row["collaborator_id"]) == ("remove", ghost.collaborator_id)


def test_which_of_two_people_with_one_address_is_meant_is_not_guessed(company, tmp_path):
    for role in ("limited", "collaborator"):
        person = PersonFactory(email="twin@x.example")
        CollaborationFactory(app=company.app("billing-api"), person=person, role=role)
    rows = exported()
    twins = [row for row in rows if row["email"] == "twin@x.example"]
    assert len(twins) == 2

    one = [row for row in rows if row is not twins[0]]
    text = run("plan_access", str(write(tmp_path / "a.csv", one)), *BY)
    assert "the file cannot say which is meant" in text
    assert "0 of 1 would happen" in text


def test_a_role_that_nobody_knew_at_the_export_is_left_as_it_is(company, tmp_path):
    now = company.period_of_now("billing-api", LIM)
    Collaboration.objects.filter(pk=now.pk).update(role="unknown")
    rows = exported()
    assert "so already" in run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)
    Collaboration.objects.filter(pk=now.pk).update(role="limited")
    assert "so already" in run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)


def _with(**cells):
    return lambda rows: [*rows[:2], {**rows[2], **cells}, *rows[3:]]


WRONG = {
    "role": (_with(role="boss"), "Line 4: the role must be one of"),
    "address": (_with(email="nobody"), "Line 4: nobody is not an address"),
    "app": (_with(app="nothing"), "Line 4: there is no app nothing"),
    "twice": (lambda rows: [*rows[:3], rows[2], *rows[3:]], "Line 5: this app and address"),
    "time": (_with(exported_at="yesterday"), "Line 4: exported_at is not a time"),
    "other time": (_with(exported_at="2026-01-01T00:00:00+00:00"), "Line 4: exported_at is not"),
    "no owner": (lambda rows: [r for r in rows if r["role"] != "owner"], "the owner of"),
    "another owner": (
        lambda rows: [{**r, "role": "limited"} if r["role"] == "owner" else r for r in rows],
        "the owner of an app cannot be changed",
    ),
    "nothing": (lambda rows: [], "no lines"),
    "no time": (lambda rows: [{**r, "exported_at": ""} for r in rows], "when it was exported"),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_file_that_is_not_what_it_claims_is_refused_with_its_line(company, tmp_path, how):
    spoil, why = WRONG[how]
    with pytest.raises(CommandError, match=why):
        run("plan_access", str(write(tmp_path / "a.csv", spoil(exported()))), *BY)
    assert not Preview.objects.exists()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"PK\x03\x04\x00\x00", "not text"),
        (b"app;email\n", "Line 1: the columns must be"),
        (b"app,region,email,role,status,exported_at\na,b\n", "Line 2: it has 2 columns"),
        (b"", "no lines"),
    ],
)
def test_what_is_no_such_file_at_all_is_refused(company, tmp_path, data, why):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(CommandError, match=why):
        run("plan_access", str(path), *BY)
    with pytest.raises(CommandError, match="No such file"):
        run("plan_access", str(tmp_path / "missing.csv"), *BY)


def test_a_spreadsheet_may_write_semicolons_and_a_mark_at_the_start(company, tmp_path):
    rows = [row for row in exported() if (row["app"], row["email"]) != ("billing-web", LIM)]
    text = write(tmp_path / "a.csv", rows).read_text().replace(",", ";")
    (tmp_path / "a.csv").write_bytes("\ufeff".encode() + text.encode())
    assert "lim is removed from billing-web." in run("plan_access", str(tmp_path / "a.csv"), *BY)


def test_no_cell_is_a_formula_and_it_is_read_back_as_it_was(company, tmp_path):
    company.world.add_account("=cmd@evil.example")
    company.world.add_member("billing-api", "=cmd@evil.example")
    company.sync()
    rows = exported()
    assert "'=cmd@evil.example" in {row["email"] for row in rows}
    assert "so already" in run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)


def test_somebody_elses_plan_is_none(company, make_user, tmp_path):
    make_user("erin", "admin")
    rows = [row for row in exported() if (row["app"], row["email"]) != ("billing-web", LIM)]
    run("plan_access", str(write(tmp_path / "a.csv", rows)), *BY)
    plan = Preview.objects.get()
    with pytest.raises(CommandError, match="not there"):
        run("apply_plan", str(plan.pk), "--by", "erin@example.com", "--reason", "x")
