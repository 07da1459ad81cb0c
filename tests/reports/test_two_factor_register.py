"""The registers of 2FA and of its reviews: the columns, the denominators, and what does not tie."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection

from governance.audit.events import Source
from governance.facts import vouching
from governance.inventory.models import App, Person
from governance.notifications.models import Delivery
from governance.reports.making import CannotBeMade
from governance.reports.registers import REPORTS
from governance.reports.two_factor.models import Decision
from governance.reports.two_factor.review import actions as reviews
from tests.factories import CollaborationFactory, PersonFactory

COLUMNS = [
    "email", "username", "person_key", "account_type", "internal_or_external", "tfa_status",
    "first_seen_without_2fa", "days_without_2fa", "last_changed_at", "apps_total",
    "apps_full_role", "apps_hds", "apps_prod", "owner_of", "exception_id", "exception_expires",
    "reminders_sent", "last_reminder_at", "attested_by", "attested_at", "attestation_evidence",
]  # fmt: skip


@pytest.fixture
def read(acting, made):
    """The rows of a report by address, and its manifest, at the company's now or at `at`."""

    def rows(name="two-factor", **asked):
        asked = {"at": acting.now, "is_now": "at" not in asked, **asked}
        _found, data = made(name, "json", **asked)
        whole = json.loads(data)
        return whole["rows"], whole["manifest"]["control_totals"]

    return rows


def by_address(rows):
    return {row["email"].lower(): row for row in rows}


def test_its_columns_are_those_that_auditors_ask_for():
    names = [column.name for column in REPORTS["two-factor"].columns]

    assert names == [*COLUMNS, "attestation_expires", "belongs", "known"]


def test_each_person_is_one_row_whatever_is_known_of_them(acting, read):
    rows, totals = read()

    people = Person.objects.filter(collaborations__ended_at=None).distinct()
    assert len(rows) == people.count()
    found = {row["email"].lower(): row["tfa_status"] for row in rows}
    assert found == {one.email.lower(): one.two_factor for one in people}
    assert totals["balance"]


def test_the_three_denominators_add_up(acting, read):
    rows, totals = read()
    figures = totals["figures"]

    accepted = [row for row in rows if row["belongs"] == "accepted"]
    known = [row for row in accepted if row["tfa_status"] != "unknown"]
    assert figures["accepted_known"] == len(known)
    assert figures["belongs_accepted"] == len(accepted)
    assert figures["population"] == figures["rows"] == len(rows)
    assert 0 < len(known) <= len(accepted) < len(rows)


def test_what_was_done_about_somebody_stands_in_their_row(acting, read):
    owner = App.objects.exclude(owner__two_factor="on").exclude(owner=None).first().owner
    Person.objects.filter(pk=owner.pk).update(two_factor="unknown")
    until, at = acting.now + timedelta(days=30), acting.now
    by = acting.admin
    vouching.attest(owner, evidence="Seen.", until=until, by=by, source=Source.PAGE, at=at)
    said = vouching.except_from_two_factor(
        owner, reason="A phone.", until=until, by=by, source=Source.PAGE, at=at
    )

    row = by_address(read()[0])[owner.email.lower()]

    assert row["tfa_status"] == "unknown"
    assert (row["attested_by"], row["attestation_evidence"]) == (by.email, "Seen.")
    assert row["exception_id"] == str(said.pk)
    assert row["owner_of"] >= 1


def test_it_is_as_of_an_instant(acting, read):
    before = acting.now
    rows_before, _ = read()
    off = next(row for row in rows_before if row["tfa_status"] == "off")
    Person.objects.get(email=off["email"])
    acting.world.set_two_factor(off["email"], on=True)
    acting.sync()

    now = by_address(read()[0])[off["email"].lower()]
    then = by_address(read(at=before)[0])[off["email"].lower()]

    assert (now["tfa_status"], then["tfa_status"]) == ("on", "off")
    assert now["days_without_2fa"] is None
    assert now["last_changed_at"]


def test_a_row_of_the_past_says_how_far_it_is_known_as_the_page_does(acting, read, client_of):
    before = acting.now
    off = next(row for row in read()[0] if row["tfa_status"] == "off")
    acting.world.set_two_factor(off["email"], on=True)
    acting.sync(after={"days": 3})
    between = before + timedelta(days=1)

    assert {row["known"] for row in read()[0]} == {"known"}
    assert {row["known"] for row in read(at=before)[0]} == {"known"}
    rows = by_address(read(at=between)[0])
    narrowed = read(at=between, filters={"q": (off["email"],)})[0]

    assert narrowed == [rows[off["email"].lower()]]
    assert narrowed[0]["known"] == "unknown"
    known = {row["known"] for row in rows.values() if row != narrowed[0]}
    assert known == {"not_read_between"}
    page = client_of(acting.admin).get(f"/2fa/?two-factor=all&at={quote(between.isoformat())}")
    assert page.text.count("Not read between") == len(rows) - 1
    assert page.text.count("Not known then") == 1


@pytest.mark.parametrize(
    ("name", "value", "keeps"),
    [
        ("two-factor", "off", lambda row: row["tfa_status"] == "off"),
        ("reach", "full", lambda row: row["apps_full_role"] > 0),
        ("belongs", "pending", lambda row: row["belongs"] == "pending"),
        ("exception", "yes", lambda row: row["exception_id"]),
    ],
)
def test_it_narrows_as_the_page_does(acting, read, name, value, keeps):
    everybody, _ = read()

    rows, totals = read(filters={name: (value,)})

    assert rows == [row for row in everybody if keeps(row)]
    assert totals["balance"]


def test_a_person_without_a_row_is_found(acting, read, monkeypatch):
    """As if the standings forgot the invited ones: the population is counted another way."""
    from governance.reports.registers import two_factor

    real = two_factor.standings.of
    monkeypatch.setattr(
        two_factor.standings,
        "of",
        lambda moment: f"SELECT * FROM ({real(moment)}) q WHERE belongs <> 'pending'",  # noqa: S608
    )

    with pytest.raises(CannotBeMade, match="rows where"):
        read()


# --- reviews --------------------------------------------------------------------------------------


def test_a_review_is_a_row_per_person_with_the_decision_that_held(acting, read):
    by = acting.admin
    review = reviews.start(by=by, source=Source.PAGE, at=acting.now)
    first = review.people.get(number=1)
    for number, what in enumerate((Decision.What.REMIND, Decision.What.REMOVE)):
        reviews.decide(
            first,
            what=what,
            note="" if what == Decision.What.REMIND else "Left the team.",
            until=None,
            by=by,
            source=Source.PAGE,
            at=acting.now + timedelta(seconds=number),
        )

    rows, totals = read("two-factor-review", at=acting.now + timedelta(minutes=1))

    assert [row["row_no"] for row in rows] == list(range(1, review.rows + 1))
    assert rows[0]["decision"] == "remove"
    assert rows[0]["changed_from"] == "remind"
    assert {row["decision"] for row in rows[1:]} <= {"not_decided"}
    assert not any(row["self_review"] for row in rows)
    assert totals["balance"]
    assert totals["figures"]["people"] == review.rows >= 1
    assert rows[0]["justification"] == "Left the team."
    reviewer = (rows[0]["reviewer_id"], rows[0]["reviewer_name"], rows[0]["reviewer_basis"])
    assert reviewer == (str(by.pk), by.name, "admin")
    assert rows[0]["decided_by"] == by.email


def test_a_row_of_a_review_has_all_that_was_frozen(acting, read):
    review = reviews.start(by=acting.admin, source=Source.PAGE, at=acting.now)

    rows, _totals = read("two-factor-review", at=acting.now + timedelta(minutes=1))

    for row, one in zip(rows, review.people.all(), strict=True):
        assert (row["belongs"], row["owner_of"]) == (one.belongs, one.owned)
        assert (row["reminders_before"], row["excepted_before_until"]) == (one.reminders, None)
        for of, values in (("known", "on off"), ("accepted", "on off unknown")):
            for place, value in enumerate(values.split()):
                assert row[f"{of}_{value}"] == review.numbers[of][place]
        assert row["everyone_unknown"] == review.numbers["everyone"][2] > 0


def test_the_three_denominators_of_each_review_balance(acting, read):
    by, later = acting.admin, acting.now + timedelta(minutes=1)
    first = reviews.start(by=by, source=Source.PAGE, at=acting.now)
    for one in first.people.all():
        reviews.decide(
            one,
            what=Decision.What.REMIND,
            note="",
            until=None,
            by=by,
            source=Source.PAGE,
            at=acting.now,
        )
    reviews.sign_off(first, statement="Looked at it.", by=by, source=Source.PAGE, at=acting.now)
    second = reviews.start(by=by, source=Source.PAGE, at=later)

    _rows, totals = read("two-factor-review", at=later)

    assert totals["balance"]
    for number, review in ((1, first), (2, second)):
        known, accepted, everyone = (review.numbers[of] for of in ("known", "accepted", "everyone"))
        said = "\n".join(totals["equations"])
        at = f"review as of {review.as_of:%Y-%m-%dT%H:%M:%SZ}"
        assert f"{at}: accepted, 2FA known {sum(known)} = on {known[0]} + off {known[1]}" in said
        assert f"{at}: all accepted {sum(accepted)} = on" in said
        assert (
            f"{at}: everyone {sum(everyone)} = on {everyone[0]} + off (its rows)"
            f" {review.rows} + unknown {everyone[2]}"
        ) in said
        assert totals["figures"][f"review_{number}_everyone_off"] == review.rows


def test_the_register_says_what_followed(acting, read, settings):
    by, later = acting.admin, acting.now + timedelta(minutes=5)
    person = PersonFactory(username="zora", email="zora@acme.example", two_factor="off")
    CollaborationFactory(app=App.objects.get(name="billing-api"), person=person)
    review = reviews.start(by=by, source=Source.PAGE, at=acting.now)
    for one in review.people.all():
        what = Decision.What.EXCEPT if one.username == "zora" else Decision.What.REMIND
        reviews.decide(
            one,
            what=what,
            note="Waits for a phone.",
            until=acting.now + timedelta(days=9) if one.username == "zora" else None,
            by=by,
            source=Source.PAGE,
            at=acting.now,
        )
    rows, _totals = read("two-factor-review", at=acting.now)
    assert {row["followed"] for row in rows} == {None}

    reviews.sign_off(review, statement="Looked at it.", by=by, source=Source.PAGE, at=acting.now)

    rows, totals = read("two-factor-review", at=later)
    followed = {row["email"]: row["followed"] for row in rows}
    assert followed.pop("zora@acme.example") == "exception granted"
    assert set(followed.values()) == {"nothing"}
    reasons = {row["nothing_followed_because"] for row in rows} - {None}
    assert reasons == {"No mail server is set (MAIL_URL), so nobody can be reminded."}
    assert totals["balance"]
    figures = totals["figures"]
    assert (figures["effects"], figures["exceptions_granted"]) == (len(rows), 1)
    assert figures["nothing"] == len(rows) - 1


def test_the_register_says_how_far_a_reminder_is(acting, read, settings):
    settings.MAIL_URL = "smtp://127.0.0.1:1"
    by, sent = acting.admin, acting.now + timedelta(minutes=5)
    review = reviews.start(by=by, source=Source.PAGE, at=acting.now)
    for one in review.people.all():
        reviews.decide(
            one,
            what=Decision.What.REMIND,
            note="",
            until=None,
            by=by,
            source=Source.PAGE,
            at=acting.now,
        )
    reviews.sign_off(review, statement="Looked at it.", by=by, source=Source.PAGE, at=acting.now)
    Delivery.objects.update(state="sent", settled_at=sent)

    for at, word in ((acting.now, "reminder promised"), (sent, "reminder sent")):
        rows, totals = read("two-factor-review", at=at)
        assert {row["followed"] for row in rows} == {word}
        assert totals["figures"]["reminders_promised"] == len(rows) >= 1
        assert totals["balance"]


def test_a_missing_row_of_a_review_does_not_balance(acting, read):
    by = acting.admin
    reviews.start(by=by, source=Source.PAGE, at=acting.now)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        cursor.execute("ALTER TABLE two_factor_reviewed DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM two_factor_reviewed WHERE number = 1")
        cursor.execute(
            "ALTER TABLE two_factor_reviewed"
            " ENABLE ALWAYS TRIGGER two_factor_reviewed_is_added_before,"
            " ENABLE ALWAYS TRIGGER two_factor_reviewed_is_kept,"
            " ENABLE ALWAYS TRIGGER two_factor_reviewed_is_only_forgotten,"
            " ENABLE ALWAYS TRIGGER two_factor_reviewed_is_not_emptied"
        )

    with pytest.raises(CannotBeMade, match="0 rows where 1"):
        read("two-factor-review", at=acting.now + timedelta(minutes=1))
