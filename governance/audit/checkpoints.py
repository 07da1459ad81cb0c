"""Take checkpoints of the log, and put copies of them where the database's owner is not.

    take()         signs the head of the chain and keeps the note as a row; workers do, each hour
                   and for each export
    write_files()  a small file for each, in `CHECKPOINTS_DIR`
    witnessed()    notes that a copy left the database: a file, a mail, an export

What has no copy outside is not witnessed: its events could be cut off or rewritten unseen.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from governance.audit import actions, signing
from governance.audit.events import Source
from governance.audit.models import KEY_ADDED, KEY_REVOKED, Checkpoint, Event, Head, Witness

# Two workers at once would announce a key twice.
_LOCK = 0x61756469
# Copies of so many are tried again at a time, the newest first.
_AT_ONCE = 500


class UnknownKey(Exception):
    """No checkpoint was ever signed with a key of this id."""


def take(*, private: str, origin: str, at: datetime) -> Checkpoint:
    """Sign where the log ends now.

    A key that signs for the first time is announced by an event, which this checkpoint covers.
    Raises `signing.BadKey`.
    """
    public = signing.public_key_of(private)
    key_id = signing.key_id_of(public, origin)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if key_id not in public_keys():
            _announce(key_id, public, at)
    head = Head.objects.get()
    note = signing.sign(
        origin=origin, size=head.sequence, head=bytes(head.hash), at=at, private=private
    )
    return Checkpoint.objects.create(
        size=head.sequence, hash=head.hash, at=at, key_id=key_id, note=note
    )


def newest() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-at", "-id").first()


def is_due(*, every: timedelta, at: datetime) -> bool:
    """Whether the newest checkpoint is old, also where nothing happened since: silence is signed.

    One from the future, by a clock that went back, is none.
    """
    last = newest()
    return last is None or not timedelta(0) <= at - last.at < every


def is_asked_for() -> bool:
    """Whether an export waits for a checkpoint that covers it."""
    asked = Event.objects.of_kind("audit.exported").order_by("occurred_at", "sequence").last()
    covered = Checkpoint.objects.order_by("size", "id").last()
    return asked is not None and (covered is None or covered.size < asked.sequence)


def public_keys() -> dict[str, bytes]:
    """The public keys that ever signed, by id, as the log itself announces them."""
    found: dict[str, bytes] = {}
    for event in Event.objects.of_kind(KEY_ADDED).order_by("sequence"):
        with contextlib.suppress(signing.BadKey, KeyError, TypeError, ValueError):
            data = event.data
            found.setdefault(data["key_id"], signing.public_bytes(data["public_key"]))
    return found


def revoked_keys() -> set[str]:
    """The ids of keys whose checkpoints prove nothing any more."""
    found = set()
    for event in Event.objects.of_kind(KEY_REVOKED):
        with contextlib.suppress(KeyError, TypeError, ValueError):
            found.add(str(event.data["key_id"]))
    return found


def revoke(key_id: str, *, by: actions.Actor | None, source: Source, at: datetime) -> bool:
    """Say that a key is no longer to be believed; False when that was said before.

    Raises `UnknownKey`.
    """
    with transaction.atomic():
        if key_id in revoked_keys():
            return False
        if key_id not in public_keys():
            raise UnknownKey(key_id)
        actions.record(KEY_REVOKED, by=by, source=source, at=at, data={"key_id": key_id})
    return True


# --- copies outside -------------------------------------------------------------------------------


def without(kind: Witness.Kind) -> "QuerySet[Checkpoint]":
    """The checkpoints of which there is no such copy, newest first."""
    copies = Witness.objects.filter(checkpoint=OuterRef("pk"), kind=kind)
    return Checkpoint.objects.filter(~Exists(copies)).order_by("-at", "-id")


def witnessed(checkpoints: Iterable[Checkpoint], kind: Witness.Kind, *, at: datetime) -> None:
    """Note that a copy of each left the database. Saying it twice is saying it once."""
    Witness.objects.bulk_create(
        [Witness(checkpoint=one, kind=kind, at=at) for one in checkpoints], ignore_conflicts=True
    )


def write_files(folder: Path, *, at: datetime) -> int:
    """Write every checkpoint that has no file yet into `folder`; how many were written.

    Each comes with the public key that checks it. Raises `OSError` when the folder cannot be
    written to; what was written until then counts.
    """
    waiting = list(without(Witness.Kind.FILE)[:_AT_ONCE])
    if not waiting:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    known = public_keys()
    for checkpoint in waiting:
        public = known.get(checkpoint.key_id)
        if public is not None:
            _write_once(folder / f"{checkpoint.key_id}.pem", signing.public_pem(public))
        _write_once(folder / checkpoint.file_name, checkpoint.note)
        witnessed([checkpoint], Witness.Kind.FILE, at=at)
    return len(waiting)


def notes_in(folder: Path) -> Iterator[tuple[str, str]]:
    """The names and texts of the checkpoints in `folder`, in the order of their names.

    Raises `OSError`; bytes that are no UTF-8 come out as what no checkpoint has.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix == ".checkpoint":
            yield path.name, path.read_bytes().decode(errors="replace")


def keys_in(folder: Path) -> Iterator[bytes]:
    """The public keys that lie in `folder`; what is none is left out. Raises `OSError`."""
    for path in sorted(folder.glob("*.pem")):
        with contextlib.suppress(ValueError):
            yield signing.public_bytes(path.read_text(encoding="utf-8"))


def _announce(key_id: str, public: bytes, at: datetime) -> None:
    actions.record(
        KEY_ADDED,
        by=None,
        source=Source.SCHEDULE,
        at=at,
        data={"key_id": key_id, "public_key": signing.public_text(public)},
    )


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all; one that is there already stays, since it may be the only witness."""
    if path.exists():
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        # A link, not a rename, which would replace what another worker wrote meanwhile.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
