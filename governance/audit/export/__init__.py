"""The whole log as one file that anybody can check, without us: a ZIP, streamed.

    ask()      records that somebody asked, and wants a checkpoint that covers it
    covered()  waits a moment for that checkpoint; a worker signs it
    archive()  the file, piece by piece, in memory that does not grow with the log

Beside the log the file holds its checkpoints, the public keys, how to check them with `sha256sum`
and `openssl`, and `verify_log.py`, which does it with Python alone.
"""

import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO

from django.db import connection, transaction

from governance.audit import actions, checkpoints, signing
from governance.audit.actions import Actor
from governance.audit.events import Json, Source
from governance.audit.models import Checkpoint, Head, Witness
from governance.core import nudges

_HERE = Path(__file__).resolve().parent
_FOLDER = "audit-log"
_LINES = 2_000  # per statement: some megabytes
# Seconds: a worker that is there signs at once, and nobody waits long for one that is not.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """An export that somebody asked for: all events up to `last`, the event that says so."""

    last: int
    by: Actor | None
    source: Source
    at: datetime


def ask(*, by: Actor | None, source: Source, at: datetime) -> Asked:
    """Record that the log is exported, with how long it is and the hash of its last event."""
    with transaction.atomic():
        head = Head.objects.get()
        data: dict[str, Json] = {"events": head.sequence, "hash": bytes(head.hash).hex()}
        last = actions.record("audit.exported", by=by, source=source, at=at, data=data)
        nudges.after_commit("audit.checkpoint")
    return Asked(last, by, source, at)


def covered(asked: Asked, *, patience: float | None = None) -> Checkpoint | None:
    """The checkpoint that covers the export; without one after `patience` seconds, the newest."""
    deadline = time.monotonic() + (PATIENCE if patience is None else patience)
    while True:
        found = Checkpoint.objects.order_by("size", "id").last()
        if (found and found.size >= asked.last) or time.monotonic() >= deadline:
            return found
        time.sleep(0.1)


def archive(
    asked: Asked, newest: Checkpoint | None, clock: Callable[[], datetime]
) -> Iterator[bytes]:
    """The ZIP in pieces; when the last one was taken, an event says what was received.

    It ends with the event that `newest` covers, where that is later than what was asked for.
    """
    last = max(asked.last, newest.size if newest else 0)
    sink = _Sink(asked.at)
    for make in (_log, _checkpoints, _texts):
        for _ in make(sink, last, newest):
            yield sink.take()
    sink.text("SHA256SUMS", "".join(f"{sum_}  {name}\n" for name, sum_ in sink.sums.items()))
    sink.close()
    yield sink.take()
    _received(asked, last, sink.sums["log.jsonl"], newest, clock())


def _received(
    asked: Asked, last: int, digest: str, newest: Checkpoint | None, at: datetime
) -> None:
    covered_to = newest.size if newest else None
    data: dict[str, Json] = {"events": last, "sha256": digest, "checkpoint": covered_to}
    with transaction.atomic():
        if newest:
            checkpoints.witnessed([newest], Witness.Kind.EXPORT, at=at)
        actions.record("audit.export_delivered", by=asked.by, source=asked.source, at=at, data=data)


# --- what is in it --------------------------------------------------------------------------------


def _log(sink: "_Sink", last: int, newest: Checkpoint | None) -> Iterator[None]:
    with sink.file("log.jsonl") as write:
        for first in range(1, last + 1, _LINES):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT line FROM audit_event WHERE sequence BETWEEN %s AND %s"
                    " ORDER BY sequence",
                    [first, min(first + _LINES - 1, last)],
                )
                write("".join([f"{line}\n" for (line,) in cursor.fetchall()]).encode())
            yield


def _checkpoints(sink: "_Sink", last: int, newest: Checkpoint | None) -> Iterator[None]:
    """One for each length of the log: the others of it say nothing more."""
    rows = Checkpoint.objects.filter(size__lte=last).order_by("size", "id").distinct("size")
    for checkpoint in rows.iterator(500):
        sink.text(f"checkpoints/{checkpoint.file_name}", checkpoint.note)
        yield
    for key_id, public in checkpoints.public_keys().items():
        sink.text(f"keys/{key_id}.pem", signing.public_pem(public))
    yield


def _texts(sink: "_Sink", last: int, newest: Checkpoint | None) -> Iterator[None]:
    of_checkpoint = "\nThere is no checkpoint yet: nothing outside vouches for this log.\n"
    shown = Checkpoint.objects.filter(size__lte=last).order_by("size", "-id").last()
    if shown:
        of_checkpoint = _read("CHECKPOINT.md").format(
            checkpoint=f"checkpoints/{shown.file_name}", key=f"keys/{shown.key_id}.pem"
        )
    at = sink.at.astimezone(UTC)
    readme = _read("README.md").format(
        at=f"{at:%Y-%m-%d %H:%M} UTC", last=last, of_checkpoint=of_checkpoint
    )
    sink.text("README.md", readme)
    sink.text("verify_log.py", _read("verify_log.py"))
    yield


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


# --- a ZIP that is taken away while it is written -----------------------------------------------


@dataclass
class _Sink:
    """A ZIP file whose bytes are taken piece by piece, and the SHA-256 of each file in it."""

    at: datetime
    sums: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pieces: list[bytes] = []
        self._zip = zipfile.ZipFile(self, "w", zipfile.ZIP_DEFLATED)

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """`zipfile` asks for it."""

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken

    def close(self) -> None:
        self._zip.close()

    def text(self, name: str, text: str) -> None:
        with self.file(name) as write:
            write(text.encode())

    def file(self, name: str) -> "_File":
        return _File(self, name)

    def open(self, name: str) -> IO[bytes]:
        at = self.at.astimezone(UTC)
        date_time = (at.year, at.month, at.day, at.hour, at.minute, at.second)
        info = zipfile.ZipInfo(f"{_FOLDER}/{name}", date_time=date_time)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        return self._zip.open(info, "w", force_zip64=True)


class _File:
    """One file of the ZIP, hashed while it is written."""

    def __init__(self, sink: _Sink, name: str) -> None:
        self._sink, self._name, self._sum = sink, name, sha256()

    def __enter__(self) -> Callable[[bytes], None]:
        self._file = self._sink.open(self._name)
        return self._write

    def __exit__(self, *_exception: object) -> None:
        self._file.close()
        self._sink.sums[self._name] = self._sum.hexdigest()

    def _write(self, piece: bytes) -> None:
        self._sum.update(piece)
        self._file.write(piece)
