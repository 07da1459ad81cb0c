"""Give a file to somebody, and write down that they took it."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit import actions as audit
from governance.audit import checkpoints
from governance.audit.events import Source
from governance.audit.models import Witness
from governance.reports import permissions
from governance.reports.models import Chunk, Download, Export, State


class NoFile(Exception):
    """There is no file to take: not yet, not any more, or it could not be made."""

    def __init__(self, export: Export) -> None:
        self.export = export
        super().__init__(_SAID[State(export.state)]())


_SAID = {
    State.WAITING: lambda: _("It is not made yet."),
    State.MAKING: lambda: _("It is not made yet."),
    State.FAILED: lambda: _("It could not be made, so there is no file."),
    State.DELETED: lambda: _("Its file was deleted after its time. Ask for the report again."),
    State.READY: lambda: _("Its file is there."),
}


def download(export: Export, *, by: User, source: Source, at: datetime) -> Iterator[bytes]:
    """The file, piece by piece, once it is on record that `by` takes it.

    Raises `Refused` and `NoFile`. Which exports are somebody's to see is asked before.
    """
    permissions.may_export(by).enforce()
    with transaction.atomic():
        # Against the sweep that deletes files: one of the two is first.
        one = Export.objects.select_for_update().get(pk=export.pk)
        if one.state != State.READY:
            raise NoFile(one)
        note_taken(one, by=by, source=source, at=at)
    return _given(one, at)


def _given(export: Export, at: datetime) -> Iterator[bytes]:
    """The file; once all of it was taken, the checkpoint in it has left the database."""
    yield from pieces_of(export)
    note_witness(export, at=at)


def note_witness(export: Export, *, at: datetime) -> None:
    """Note that the checkpoint in this file, if there is one, is outside now."""
    if export.checkpoint:
        checkpoints.witnessed([export.checkpoint], Witness.Kind.EXPORT, at=at)


def note_taken(export: Export, *, by: User, source: Source, at: datetime) -> None:
    """Write down that `by` takes it, last in the transaction that gives it."""
    Download.objects.create(export=export, by=by, at=at)
    audit.record(
        "report.downloaded",
        by=by,
        source=source,
        at=at,
        target=export,
        data={
            "report": export.report,
            "format": export.format,
            "rows": export.rows or 0,
            "sha256": export.sha256,
        },
    )


def pieces_of(export: Export) -> Iterator[bytes]:
    """The bytes of a file. One short query a piece: whoever stops reading leaves nothing open."""
    of_it = Chunk.objects.filter(export_id=export.pk, lease=export.lease)
    number = 0
    while True:
        data = of_it.filter(number=number).values_list("data", flat=True).first()
        if data is None:
            return
        yield bytes(data)
        number += 1
