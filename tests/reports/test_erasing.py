"""Somebody is found wherever the record names them, and can be forgotten there."""

import json
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from governance.audit.events import Source
from governance.audit.models import Event, Personal
from governance.audit.verify import verify
from governance.changes.models import Change
from governance.inventory.models import Person
from governance.reports.two_factor.models import Decision, Reviewed
from governance.reports.two_factor.review import actions as reviews

NEW = "new.one@acme.example"


@pytest.fixture
def invited(acting):
    """Somebody whom nobody knew by then, from the decision to the reading that shows them."""
    acting.place(acting.invitation(NEW, "billing-api"), reason=f"Ticket 7, for {NEW}")
    acting.place(
        acting.invitation([NEW, "other@acme.example"], "billing-web"), reason="Two of them"
    )
    acting.tell()
    acting.sync()
    return acting.person(NEW)


def kept(text=NEW):
    """The kinds of events that still hold this text."""
    found = Personal.objects.filter(fields__contains=text).values("sequence")
    return sorted(Event.objects.filter(sequence__in=found).values_list("kind", flat=True))


def listed(browser, query):
    page = browser.get(f"/audit/?{query}")
    assert page.status_code == 200
    assert "so the list is shown without it" not in page.text
    found = [int(one) for one in re.findall(r'<tr id="event-(\d+)"', page.text)]
    kinds = dict(Event.objects.values_list("sequence", "kind"))
    return [kinds[one] for one in reversed(found)]


def test_the_event_of_a_verified_invitation_says_whom_it_was_about(invited):
    verified = Event.objects.filter(kind="change.verified")

    assert {event.person_id for event in verified} >= {invited.pk}
    assert None not in {event.person_id for event in verified}


def test_an_invitation_that_turned_out_to_be_needless_says_whom_it_was_about(acting):
    acting.place(acting.invitation(NEW, "billing-api"))
    acting.world.invite("billing-api", NEW)
    acting.sync(after={"seconds": 10})
    acting.tell()

    refused = Event.objects.get(kind="change.refused")
    assert refused.person_id == acting.person(NEW).pk


@pytest.mark.parametrize("asked", ["person={address}", "person={id}"])
def test_the_log_of_a_person_begins_with_the_decision_that_invited_them(
    client_of, invited, make_user, asked
):
    browser = client_of(make_user("bob", "viewer"))

    found = listed(browser, asked.format(address=NEW, id=invited.pk))

    assert found[:2] == ["change.placed", "change.batch_placed"]
    one = ["batch_placed", "placed", "telling", "told", "verified"]
    assert sorted(found) == sorted(
        ["platform.invited"] * 2 + [f"change.{kind}" for kind in one * 2]
    )
    assert "other@acme.example" not in browser.get(f"/audit/?person={NEW}").text


def test_the_log_of_a_person_goes_through_their_cursor_without_gap_or_repetition(
    client_of, invited, make_user, monkeypatch
):
    from governance.audit import queries

    page = queries.page
    monkeypatch.setattr(queries, "page", lambda where, **kw: page(where, **kw, size=3))
    browser, address, seen = client_of(make_user("bob", "viewer")), f"?person={NEW}", []
    while address:
        text = browser.get(f"/audit/{address}").text
        seen += [int(one) for one in re.findall(r'<tr id="event-(\d+)"', text)]
        more = re.search(r'rel="next" href="([^"]+)"', text)
        address = more and more[1].replace("&amp;", "&")

    assert len(seen) == len(set(seen)) == 12
    assert seen == sorted(seen, reverse=True)


def test_the_log_of_an_address_that_nobody_is_known_by_is_what_was_decided_about_it(
    client_of, acting, make_user
):
    acting.place(acting.invitation(NEW, "billing-api"))
    browser = client_of(make_user("bob", "viewer"))

    assert listed(browser, f"person={NEW.upper()}") == ["change.placed", "change.batch_placed"]
    nobody = browser.get("/audit/?person=nobody@acme.example").text
    assert "so the list is shown without it" in nobody


def test_a_log_narrowed_to_a_person_is_exported_so(invited, acting, made):
    found, data = made("audit", "json", at=acting.now, filters={"person": (NEW,)})

    kinds = [row["kind"] for row in json.loads(data)["rows"]]
    assert kinds[:2] == ["change.placed", "change.batch_placed"]
    assert len(kinds) == found.rows == 12


def test_nothing_in_the_log_names_somebody_who_was_erased(invited, acting, capsys):
    assert "change.placed" in kept()

    call_command("erase_personal", str(invited.pk))
    assert "Events with a personal part: 11." in capsys.readouterr().out
    assert kept()
    call_command("erase_personal", str(invited.pk), "--apply")

    assert "Events whose personal part is erased: 11." in capsys.readouterr().out
    assert kept() == []
    # What was decided about others stays, and so does a reason that is theirs as well.
    assert "change.placed" in kept("other@acme.example")
    assert kept("Two of them") == ["change.batch_placed"]
    assert verify().faults == ()


def test_somebody_who_accepted_is_erased_with_what_they_were_before(invited, acting):
    acting.world.accept("billing-api", NEW)
    acting.world.accept("billing-web", NEW)
    acting.sync()
    now = Person.objects.get(email=NEW, merged_into=None)
    assert now.pk != invited.pk
    assert "platform.invited" in kept()

    call_command("erase_personal", str(now.pk), "--apply")

    assert kept() == []
    assert verify().faults == ()


def test_an_address_that_nobody_was_ever_known_by_is_erased_by_itself(acting):
    acting.place(acting.invitation(NEW, "billing-api"))
    acting.cancel(*Change.objects.all())

    call_command("erase_personal", NEW.upper(), "--apply")

    assert kept() == []
    assert verify().faults == ()


# --- reviews of 2FA -------------------------------------------------------------------------------


@pytest.fixture
def signed(acting):
    review = reviews.start(by=acting.admin, source=Source.PAGE, at=acting.now)
    given = {"by": acting.admin, "source": Source.PAGE, "at": acting.now}
    for one in review.people.all():
        reviews.decide(one, what=Decision.What.REMOVE, note="left", until=None, **given)
    return reviews.sign_off(review, statement="Looked at each of them.", **given)


def test_a_signed_review_forgets_a_name_and_nothing_else(signed, acting, client_of, made, capsys):
    one = signed.people.exclude(username="").first()
    name, address = one.username, one.email
    others = Reviewed.objects.exclude(pk=one.pk)
    before = list(others.values())
    later = acting.now + timedelta(minutes=1)
    whole, _ = made("two-factor-review", "json", at=later)

    call_command("erase_personal", str(one.person_id))
    assert "Rows in reviews of 2FA: 1." in capsys.readouterr().out
    assert Reviewed.objects.get(pk=one.pk).username == name
    call_command("erase_personal", str(one.person_id), "--apply")

    assert "Rows in reviews of 2FA without a name now: 1." in capsys.readouterr().out
    page = client_of(acting.admin).get(f"/2fa/reviews/{signed.pk}/")
    assert f"<bdi>{name}</bdi>" not in page.text
    assert address not in page.text
    assert "Looked at each of them." in page.text
    assert str(one.person_id) in page.text
    found, data = made("two-factor-review", "json", at=later)
    (row,) = (row for row in json.loads(data)["rows"] if row["row_no"] == one.number)
    assert (row["username"], row["email"]) == ("", "")
    assert address.encode() not in data
    assert found.totals == whole.totals
    assert found.totals.balance
    assert found.rows == signed.rows
    assert list(others.values()) == before
    signed.refresh_from_db()
    assert signed.is_signed
    event = Event.objects.get(kind="two_factor.review_forgotten")
    assert (event.person_id, event.target_id) == (one.person_id, signed.pk)
    assert address not in event.line
    assert verify().faults == ()


def test_forgetting_twice_is_forgetting_once(signed):
    one = signed.people.first()
    for _ in range(2):
        call_command("erase_personal", str(one.person_id), "--apply")

    assert Event.objects.filter(kind="two_factor.review_forgotten").count() == 1


def test_the_database_lets_nobody_put_another_name_there(signed):
    one = signed.people.first()
    call_command("erase_personal", str(one.person_id), "--apply")

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE two_factor_reviewed SET username = 'ben' WHERE id = %s", [one.pk])
