"""Notes about a person: written by admins, withdrawn and never edited, erased with the person."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from governance.audit.events import Source
from governance.audit.models import Event, Personal
from governance.core.verdict import Refused
from governance.facts import notes
from governance.facts.models import PersonNote
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db
SECRET = "Leaves at the end of March."


@pytest.fixture
def ana():
    return PersonFactory(username="ana")


@pytest.fixture
def done(now):
    return {"source": Source.PAGE, "at": now}


def test_a_note_is_kept_with_who_wrote_it_and_its_words_are_not_in_the_chain(ana, alice, done):
    note = notes.add_note(ana, SECRET, by=alice, **done)

    assert (note.text, note.said_by, note.withdrawn_at) == (SECRET, alice, None)
    event = Event.objects.get()
    assert (event.kind, event.person_id, event.actor_id) == ("fact.note_added", ana.pk, alice.pk)
    assert SECRET not in event.line
    assert SECRET in Personal.objects.get(sequence=event.sequence).fields


def test_nobody_but_admins_writes_or_withdraws(ana, alice, bob, carol, olga, done):
    note = notes.add_note(ana, SECRET, by=alice, **done)

    for user in (bob, carol, olga):
        with pytest.raises(Refused):
            notes.add_note(ana, SECRET, by=user, **done)
        with pytest.raises(Refused):
            notes.withdraw_note(note, by=user, **done)

    assert PersonNote.objects.get().withdrawn_at is None


def test_a_note_is_withdrawn_once_and_stays_as_it_was(ana, alice, make_user, done, now):
    note = notes.add_note(ana, SECRET, by=alice, **done)
    anna = make_user("anna", "admin")

    notes.withdraw_note(note, by=anna, **done)
    with pytest.raises(notes.AlreadyWithdrawn, match="Anna withdrew this note already"):
        notes.withdraw_note(note, by=alice, **done)

    note.refresh_from_db()
    assert (note.text, note.withdrawn_by, note.withdrawn_at) == (SECRET, anna, now)
    assert list(Event.objects.order_by("sequence").values_list("kind", flat=True)) == [
        "fact.note_added",
        "fact.note_withdrawn",
    ]


def test_erasing_a_person_erases_what_was_written_about_them_and_nobody_else(ana, alice, done):
    ben = PersonFactory(username="ben")
    for person in (ana, ben):
        notes.add_note(person, SECRET, by=alice, **done)

    call_command("erase_personal", str(ana.pk), stdout=StringIO())
    assert PersonNote.objects.filter(text=SECRET).count() == 2  # it only showed what it would do

    call_command("erase_personal", str(ana.pk), "--apply", stdout=StringIO())

    gone, kept = PersonNote.objects.get(person=ana), PersonNote.objects.get(person=ben)
    assert (gone.text, gone.erased_at is None) == ("", False)
    assert (kept.text, kept.erased_at) == (SECRET, None)
    events = dict(Event.objects.filter(kind="fact.note_added").values_list("person_id", "sequence"))
    assert Personal.objects.get(sequence=events[ana.pk]).fields is None
    assert SECRET in Personal.objects.get(sequence=events[ben.pk]).fields


@pytest.mark.parametrize("changes", [{"text": ""}, {"withdrawn_at": "2026-03-01T00:00Z"}])
def test_the_database_refuses_half_a_note(ana, alice, done, changes):
    note = notes.add_note(ana, SECRET, by=alice, **done)

    with pytest.raises(IntegrityError), transaction.atomic():
        PersonNote.objects.filter(pk=note.pk).update(**changes)
