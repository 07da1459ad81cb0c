"""The evidence pack: chosen reports, their manifest, and what proves that nothing was touched.

    evidence-20261121T170000Z/
        access-by-app.csv, access-by-app.pdf, …   the reports, all from one snapshot
        manifest.json                              what they rest on (`manifest.py`)
        README.txt                                 how to check it, with sha256sum and openssl alone
        checkpoints/, keys/                        the audit log at that time, and the public key
        SHA256SUMS, SHA256SUMS.sig                 every file above, and the signature over that

It is signed with the key of the audit log, so it is made where that key is: in a worker or at the
terminal. One report that is not complete makes all of it PARTIAL, and each file says so.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.utils.translation import gettext as _

from governance.audit import checkpoints, signing
from governance.audit.canonical import canonical
from governance.audit.models import Checkpoint
from governance.reports import making
from governance.reports.beside import Beside, Maker, beside, second
from governance.reports.making import CannotBeMade, Made, Options, Progress, Sink
from governance.reports.manifest import File, LeftOut, manifest
from governance.reports.registers.base import Asked, Totals
from governance.reports.snapshot import Snapshot, snapshot

MEDIA_TYPE = "application/zip"
_README = Path(__file__).with_name("README.txt")


def make_pack(
    reports: Sequence[Asked],
    formats: Sequence[str],
    out: BinaryIO,
    *,
    by: Maker | None,
    at: datetime,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Made:
    """Write a pack of `reports`, each in each of `formats`, to `out`.

    Record that it is made before: its checkpoint then covers that event. Raises `CannotBeMade`
    (also without a key to sign with), and what `making.make` raises.
    """
    ways = [(one, name) for one in reports for name in formats]
    if not ways or len({(one.report, name) for one, name in ways}) < len(ways):
        raise CannotBeMade(_("A pack has at least one report, and each of them once."))
    for one, name in ways:
        making.report_of(one)
        making.format_of(name)
    if not settings.AUDIT_SIGNING_KEY:
        raise CannotBeMade(_("A pack is signed, and there is no AUDIT_SIGNING_KEY here."))
    checkpoint = checkpoints.take(
        private=settings.AUDIT_SIGNING_KEY, origin=settings.AUDIT_ORIGIN, at=at
    )
    sink = Sink(out)
    progress = progress or making.no_progress
    with snapshot() as reading:
        founds = []
        for one in reports:
            progress(0, 0)  # counting takes its time, too
            founds.append(beside(making.report_of(one), one, reading, by=by, at=at))
        pack = _Pack(sink, _all_or_partial(founds), reading, options or Options(), progress)
        pack.choose(formats)
        pack.reports()
        pack.evidence(checkpoint)
    return replace(pack.made(sink), checkpoint=checkpoint)


def _all_or_partial(founds: list[Beside]) -> list[Beside]:
    """Where one report is not complete, the others say so: no page of it is taken for whole."""
    partial = [found for found in founds if not found.is_complete]
    if not partial:
        return founds
    because = _("This pack is partial because of: %(reports)s.") % {
        "reports": ", ".join(found.report.name for found in partial)
    }
    return [
        found if found in partial else replace(found, own_reasons=(*found.own_reasons, because))
        for found in founds
    ]


@dataclass
class _Pack:
    """A ZIP that is written from front to end, and the sum of each file in it."""

    sink: Sink
    founds: list[Beside]
    reading: Snapshot
    options: Options
    progress: Progress
    formats: list[list[str]] = field(default_factory=list)  # of each of `founds`
    left_out: list[LeftOut] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    rows: int = 0

    def __post_init__(self) -> None:
        first = self.founds[0]
        self.at = first.made_at.astimezone(UTC)
        self.mark = "" if first.is_complete else "-PARTIAL"
        self.folder = f"evidence-{self.at:%Y%m%dT%H%M%SZ}{self.mark}"
        self._zip = zipfile.ZipFile(cast(BinaryIO, self.sink), "w", zipfile.ZIP_DEFLATED)

    @property
    def partial(self) -> list[str]:
        return list(dict.fromkeys(why for found in self.founds for why in found.why_partial))

    def choose(self, formats: Sequence[str]) -> None:
        """Leave out a format that has no room for a report, where another one has.

        Raises `CannotBeMade` where none has: a report that was asked for is part of the pack.
        """
        for found in self.founds:
            kept = [name for name in formats if making.holds(making.format_of(name), found)]
            if not kept:
                making.enforce_most(making.format_of(formats[0]), formats[0], found)
            self.formats.append(kept)
            for name in formats:
                if name not in kept:
                    most = making.format_of(name).most_rows or 0
                    self.left_out.append(LeftOut(found.report.name, name, found.rows, most))

    def reports(self) -> None:
        """Write each report in each format that was chosen for it."""
        ways = list(zip(self.founds, self.formats, strict=True))
        expected = sum(found.rows * len(formats) for found, formats in ways)
        written: list[Beside] = []
        for found, formats in ways:
            for name in formats:
                rows = self._report(found, name, expected)
                self.rows += rows
                self.progress(self.rows, expected)
            written.append(found.with_rows(rows))
        self.founds = written

    def _report(self, found: Beside, format_: str, expected: int) -> int:
        """Whoever waits sees each row, and a worker that is at a long one keeps what it makes."""
        way = making.format_of(format_)
        before = self.rows
        with self._open(f"{found.report.name}{self.mark}.{format_}", found.report.name) as file:
            rows = way.write(
                self.reading,
                found,
                file,
                self.options,
                lambda done, _of: self.progress(before + done, expected),
            )
        # Whether the pack is whole stands in every name of it, so it is known before.
        making.enforce_rows(found, rows)
        return rows

    def evidence(self, checkpoint: Checkpoint) -> None:
        """Write what proves the rest: it comes last, and nothing after it."""
        data = manifest(
            self.founds,
            list(self.files),
            self.reading,
            checkpoint,
            partial=self.partial,
            left_out=self.left_out,
        )
        key = f"keys/{checkpoint.key_id}.pem"
        public = signing.public_key_of(settings.AUDIT_SIGNING_KEY)
        self.write("manifest.json", canonical(data).encode())
        self.write(f"checkpoints/{checkpoint.file_name}", checkpoint.note.encode())
        self.write(key, signing.public_pem(public).encode())
        self.write("README.txt", self._readme(key, checkpoint).encode())
        sums = "".join(f"{file.sha256}  {file.name}\n" for file in self.files).encode()
        signature = signing.sign_bytes(sums, private=settings.AUDIT_SIGNING_KEY)
        self.write("SHA256SUMS", sums)
        self.write("SHA256SUMS.sig", signature)
        self._zip.close()

    def _readme(self, key: str, checkpoint: Checkpoint) -> str:
        partial = "".join(f"PARTIAL: {why}\n" for why in self.partial)
        partial += "".join(f"{_('LEFT OUT')}: {one}\n" for one in self.left_out)
        return _README.read_text(encoding="utf-8").format(
            at=second(self.at),
            partial=f"\n{partial}" if partial else "",
            key=key,
            checkpoint=f"checkpoints/{checkpoint.file_name}",
        )

    def write(self, name: str, data: bytes) -> None:
        with self._open(name, "") as file:
            file.write(data)

    def _open(self, name: str, report: str) -> "_Entry":
        at = self.at
        moment = (at.year, at.month, at.day, at.hour, at.minute, at.second)
        info = zipfile.ZipInfo(f"{self.folder}/{name}", date_time=moment)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        return _Entry(self, name, report, self._zip.open(info, "w", force_zip64=True))

    def made(self, sink: Sink) -> Made:
        """What became of it."""
        sentences = [
            f"{found.report.name}: {sentence}"
            for found in self.founds
            for sentence in found.totals.sentences
        ]
        return Made(
            rows=self.rows,
            bytes=sink.size,
            sha256=sink.sha256,
            totals=Totals({"rows": self.rows}, {}),
            complete=not self.partial,
            why_partial=self.partial,
            media_type=MEDIA_TYPE,
            file_name=f"{self.folder}.zip",
            equation="\n".join(sentences),
            coverage="\n".join(
                [making.coverage_sentence(self.founds[0]), *map(str, self.left_out)]
            ),
        )


class _Entry:
    """One file of the ZIP, counted and hashed while it is written."""

    def __init__(self, pack: _Pack, name: str, report: str, file: object) -> None:
        self._pack, self._name, self._report = pack, name, report
        self._file = cast(BinaryIO, file)
        self._sink = Sink(self._file)

    def __enter__(self) -> io.RawIOBase:
        return self._sink

    def __exit__(self, *_exception: object) -> None:
        self._file.close()
        sink = self._sink
        self._pack.files.append(File(self._name, sink.size, sink.sha256, self._report))
