"""Notes on the page of a person."""

import re
from html import unescape

import pytest

from governance.facts.models import PersonNote
from tests.factories import PersonFactory, ago

pytestmark = pytest.mark.django_db


@pytest.fixture
def section(client_of, company):
    """The words of the notes of somebody, as a person reads them."""

    def look(user, person):
        html = client_of(user).get(f"/people/{person.pk}/").content.decode()
        part = re.search(r'<section class="card" aria-labelledby="notes">.*?</section>', html, re.S)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", part[0])).split())

    return look


@pytest.fixture
def write(client_of, alice):
    def post(person, text, by=None):
        return client_of(by or alice).post(f"/people/{person.pk}/", {"note": text})

    return post


def test_an_admin_writes_and_everybody_who_sees_the_person_reads(write, section, bob, company):
    assert write(company.ana, "On leave until May.").status_code == 303

    assert "On leave until May. Alice · just now" in section(bob, company.ana)
    assert "On leave" not in section(bob, company.ben)


def test_the_newest_comes_first_and_lines_stay_lines(write, section, bob, company):
    write(company.ana, "First.")
    write(company.ana, "Second.\r\nWith another line.")

    shown = section(bob, company.ana)

    assert shown.index("Second. With another line.") < shown.index("First.")
    assert PersonNote.objects.filter(text="Second.\nWith another line.").exists()


def test_nobody_else_may_and_sees_no_form(write, section, bob, company):
    assert write(company.ana, "Not mine to write.", by=bob).status_code == 403

    assert not PersonNote.objects.exists()
    assert "Keep the note" not in section(bob, company.ana)
    assert "Nobody has written anything down." in section(bob, company.ana)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "required"), ("x" * 1001, "at most 1000"), ("turn\u202ed", "cannot be seen")],
)
def test_what_will_not_do_is_said_and_kept_in_the_form(write, company, text, said):
    response = write(company.ana, text)

    html = response.content.decode()
    assert response.status_code == 422
    assert said in html
    assert f">\n{text}</textarea>" in html
    assert not PersonNote.objects.exists()


def test_a_withdrawn_note_says_by_whom_and_cannot_be_withdrawn_again(
    write, section, client_of, alice, company
):
    write(company.ana, "Wrong person.")
    note = PersonNote.objects.get()
    address = f"/people/{company.ana.pk}/notes/{note.pk}/withdraw/"

    assert client_of(alice).post(address).status_code == 303
    assert "withdrawn by Alice" in section(alice, company.ana)

    assert client_of(alice).post(address).status_code == 303
    assert PersonNote.objects.get().withdrawn_by == alice
    assert "Withdraw Wrong" not in section(alice, company.ana)


def test_a_note_is_withdrawn_from_its_own_person_alone(write, client_of, alice, company):
    write(company.ana, "Hers.")
    note = PersonNote.objects.get()

    address = f"/people/{company.ben.pk}/notes/{note.pk}/withdraw/"
    assert client_of(alice).post(address).status_code == 404

    assert PersonNote.objects.get().withdrawn_at is None


def test_what_was_written_about_an_invited_address_is_told_of_the_account(
    write, section, bob, company
):
    earlier = PersonFactory(username="", email="a@example.com", merged_into=company.ana)
    PersonNote.objects.create(
        person=earlier, text="Invited by mistake.", said_by=bob, said_at=ago(days=2)
    )

    assert "Invited by mistake." in section(bob, company.ana)


def test_hostile_notes_are_text(write, client_of, bob, company):
    write(company.ana, "<script>alert(1)</script>")

    html = client_of(bob).get(f"/people/{company.ana.pk}/").content.decode()

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
