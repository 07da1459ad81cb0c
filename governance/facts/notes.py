"""Write down something about a person; take it back; forget it with the person."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit import actions as audit
from governance.audit.events import Source
from governance.facts import permissions
from governance.facts.models import PersonNote
from governance.inventory.models import Person


class AlreadyWithdrawn(Exception):
    """Somebody took the note back before."""

    def __init__(self, note: PersonNote) -> None:
        self.note = note
        super().__init__(
            _("%(person)s withdrew this note already.") % {"person": note.withdrawn_by}
        )


@transaction.atomic
def add_note(person: Person, text: str, *, by: User, source: Source, at: datetime) -> PersonNote:
    """Write `text` down about `person`. Raises `Refused`."""
    permissions.may_describe(by).enforce()
    note = PersonNote.objects.create(person=person, text=text, said_by=by, said_at=at)
    audit.record(
        "fact.note_added",
        by=by,
        source=source,
        at=at,
        target=note,
        person_id=person.pk,
        personal={"note": text},
    )
    return note


@transaction.atomic
def withdraw_note(note: PersonNote, *, by: User, source: Source, at: datetime) -> PersonNote:
    """Say that a note does not hold any more. Raises `AlreadyWithdrawn` and `Refused`."""
    note = PersonNote.objects.select_for_update(of=("self",)).get(pk=note.pk)
    permissions.may_describe(by).enforce()
    if note.withdrawn_at is not None:
        raise AlreadyWithdrawn(note)
    note.withdrawn_by, note.withdrawn_at = by, at
    note.save(update_fields=["withdrawn_by", "withdrawn_at"])
    audit.record(
        "fact.note_withdrawn", by=by, source=source, at=at, target=note, person_id=note.person_id
    )
    return note


def erase_notes(people: Collection[UUID], *, at: datetime) -> int:
    """Empty every note about `people`, as part of erasing what is kept of them. How many."""
    kept = PersonNote.objects.filter(person__in=people, erased_at=None)
    return kept.update(text="", erased_at=at)
