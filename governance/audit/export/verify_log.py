#!/usr/bin/env python3
"""Check an exported audit log: Python 3.9 or later and nothing else, no network, no database.

    python3 verify_log.py [FOLDER] [--checkpoints DIR] [--public-key FILE]

FOLDER holds log.jsonl as it was exported; this one, where none is named. Every line is hashed
again, and every checkpoint in FOLDER/checkpoints and in DIR is compared with it. DIR is for those
that you were given before: they show whether the log was rewritten since. With --public-key, no
other key is believed, whatever the log says about keys.

Prints every fault by its kind. Exit status 0 without one, 1 with any, 2 when there is nothing to
check.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

GENESIS = "0" * 64


class Fault(NamedTuple):
    """One thing that is wrong, first at event `first`; 0 where it is of no event."""

    kind: str
    first: int
    words: str


class Line(NamedTuple):
    """What a line says; no hashes where it cannot be believed."""

    sequence: int
    previous: str | None
    hash: str | None


class Note(NamedTuple):
    """What a checkpoint says."""

    name: str
    origin: str
    size: int
    hash: str
    key_id: str
    signature: bytes
    text: bytes


# --- Ed25519, RFC 8032: it only checks, so nothing here is secret ---------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: tuple[int, ...]) -> tuple[int, ...]:
    result: tuple[int, ...] = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point, number = add(point, point), number >> 1
    return result


def point_of(raw: bytes) -> tuple[int, ...] | None:
    """The point that 32 bytes stand for; None for none."""
    y = int.from_bytes(raw, "little")
    odd, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and odd):
        return None
    x = P - x if x & 1 != odd else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether the key with these 32 bytes made this signature of 64 bytes over `text`."""
    key, point = point_of(public), point_of(signature[:32])
    number = int.from_bytes(signature[32:], "little")
    if key is None or point is None or number >= ORDER or len(signature) != 64:
        return False
    digest = hashlib.sha512(signature[:32] + public + text).digest()
    assert BASE is not None  # noqa: S101  a constant of the curve
    a = times(number, BASE)
    b = add(point, times(int.from_bytes(digest, "little") % ORDER, key))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


# --- the chain ------------------------------------------------------------------------------------


class Chain:
    """The lines of a log in the order of the file, and what is wrong with them."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.count = 0
        self.last = Line(0, "", GENESIS)
        self.keys: dict[str, bytes] = {}  # announced
        self.revoked: dict[str, int] = {}  # with the event that revokes it
        self.hashes: dict[int, str | None] = {}  # of the events that checkpoints speak of
        self._missing: set[int] = set()
        # Events that were not there, and the hash that the next one names.
        self._wanted: dict[int, str | None] = {}
        self._late: list[Line] = []

    def read(self, raw: bytes, wanted: set[int]) -> None:
        """Take one line without its newline. `wanted` are the events whose hashes to keep."""
        self.count += 1
        line = self._parsed(raw)
        if line is None:
            line = Line(self.last.sequence + 1, None, None)
            self._fault("edited", line.sequence, "Event {n} is not what was recorded.")
        if line.sequence <= self.last.sequence:
            self._late.append(line)
            return
        self._follow(line)
        self.last = line
        if line.sequence in wanted:
            self.hashes[line.sequence] = line.hash

    def _follow(self, line: Line) -> None:
        expected = self.last.sequence + 1
        if line.sequence > expected:
            self._missing.update(range(expected, min(line.sequence, expected + 100_000)))
            self._wanted[line.sequence - 1] = line.previous
        elif None not in (self.last.hash, line.previous) and line.previous != self.last.hash:
            wrong = max(self.last.sequence, 1)
            self._fault("edited", wrong, "Event {n} is not what was recorded.")

    def end(self, read_again: Callable[[set[int]], dict[int, str | None]]) -> None:
        """Tell apart what came out of order. `read_again(sequences)` gives the hashes of lines."""
        first = read_again({line.sequence for line in self._late}) if self._late else {}
        for line in self._late:
            if line.sequence in self._missing:
                self._missing.discard(line.sequence)
                self._fault("reordered", line.sequence, "Event {n} stands in another place.")
                if self._wanted.get(line.sequence, line.hash) != line.hash:
                    self._fault("edited", line.sequence, "Event {n} is not what was recorded.")
            elif first.get(line.sequence) == line.hash:
                self._fault("duplicate", line.sequence, "Event {n} stands there twice.")
            else:
                self._fault("inserted", line.sequence, "A second line calls itself event {n}.")
        for sequence in sorted(self._missing):
            self._fault("missing", sequence, "Event {n} is missing.")

    def _parsed(self, raw: bytes) -> Line | None:
        try:
            text = raw.decode()
            found = json.loads(text)
            again = json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            line = Line(found["sequence"], found["previous"], hashlib.sha256(raw).hexdigest())
            if again != text or type(line.sequence) is not int or line.sequence < 1:
                return None
            self._note_keys(found["event"], line.sequence)
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return line

    def _note_keys(self, event: Any, sequence: int) -> None:
        if event["kind"] == "audit.key_added":
            raw = event["data"]["public_key"]
            public = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
            self.keys.setdefault(event["data"]["key_id"], public)
        elif event["kind"] == "audit.key_revoked":
            self.revoked.setdefault(event["data"]["key_id"], sequence)

    def _fault(self, kind: str, place: int, words: str) -> None:
        self.faults.append(Fault(kind, place, words.format(n=place)))


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of the log. A last one without its newline is given too, and is a fault."""
    with path.open("rb") as file:
        for raw in file:
            yield raw[:-1] if raw.endswith(b"\n") else raw + b"\x00"


def read_chain(path: Path, wanted: set[int]) -> Chain:
    chain = Chain()
    for raw in lines_of(path):
        chain.read(raw, wanted)

    def read_again(sequences: set[int]) -> dict[int, str | None]:
        found: dict[int, str | None] = {}
        for raw in lines_of(path):
            line = Chain()._parsed(raw)
            if line is not None and line.sequence in sequences:
                found.setdefault(line.sequence, line.hash)
        return found

    chain.end(read_again)
    return chain


# --- checkpoints ----------------------------------------------------------------------------------

NOTE = re.compile(
    r"(?P<text>(?P<origin>[^\s+]{1,200})\n(?P<size>0|[1-9]\d{0,18})\n(?P<hash>[0-9a-f]{64})\n"
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\n)"
    "\n\N{EM DASH} "
    r"(?P<name>[^\s+]{1,200}) (?P<signature>[A-Za-z0-9+/]+={0,2})\n"
)


def note_of(name: str, raw: bytes) -> Note | None:
    """What a checkpoint says; None for what is none."""
    match = NOTE.fullmatch(raw.decode(errors="replace"))
    if match is None or match["name"] != match["origin"]:
        return None
    try:
        signed = base64.b64decode(match["signature"], validate=True)
    except ValueError:
        return None
    if len(signed) != 4 + 64:
        return None
    text = match["text"].encode()
    size = int(match["size"])
    return Note(name, match["origin"], size, match["hash"], signed[:4].hex(), signed[4:], text)


def key_in(path: Path) -> bytes | None:
    """The 32 bytes of the Ed25519 key in a PEM file; None for another file."""
    body = "".join(re.findall(r"^[A-Za-z0-9+/=]+$", path.read_text(), flags=re.MULTILINE))
    raw = base64.b64decode(body)
    return raw[-32:] if raw[:-32] == bytes.fromhex("302a300506032b6570032100") else None


def key_id_of(public: bytes, origin: str) -> str:
    return hashlib.sha256(origin.encode() + b"\n\x01" + public).digest()[:4].hex()


def note_faults(
    notes: Sequence[Note], chain: Chain, given: Sequence[bytes]
) -> tuple[list[Fault], int]:
    """What checkpoints show; and the events up to which one of them vouches."""
    faults, witnessed = [], 0
    for note in sorted(notes, key=lambda note: note.size):
        keys = {key_id_of(key, note.origin): key for key in given} or chain.keys
        why = wrong_signature(note, keys, notes)
        if why:
            faults.append(Fault("wrong signature", note.size, f"The checkpoint {note.name} {why}."))
        elif note.key_id in chain.revoked:
            if note.size >= chain.revoked[note.key_id]:
                words = f"The checkpoint {note.name} is signed with a key revoked before."
                faults.append(Fault("revoked key", note.size, words))
        elif note.size > chain.last.sequence:
            end = chain.last.sequence
            words = f"The log ends at event {end}; the checkpoint {note.name} is of {note.size}."
            faults.append(Fault("cut off", end + 1, words))
        elif (chain.hashes.get(note.size) if note.size else GENESIS) != note.hash:
            words = f"Event {note.size} is not that of the checkpoint {note.name}."
            faults.append(Fault("rewritten", note.size, words))
        else:
            witnessed = note.size
    return faults, witnessed


def wrong_signature(note: Note, keys: dict[str, bytes], notes: Sequence[Note]) -> str:
    """Why a checkpoint is not to be believed; nothing when it is."""
    if note.origin != notes[0].origin:
        return "is of another log"
    if note.key_id not in keys:
        return "is signed with a key that nobody announced"
    if not is_signed(keys[note.key_id], note.text, note.signature):
        return "has a wrong signature"
    return ""


# --- the folder -----------------------------------------------------------------------------------


def sum_faults(folder: Path) -> Iterator[Fault]:
    """Files that are not what SHA256SUMS says."""
    path = folder / "SHA256SUMS"
    if not path.exists():
        return
    # Not splitlines(), to which a vertical tab is an end of line too.
    for line in path.read_bytes().decode(errors="replace").removesuffix("\n").split("\n"):
        digest, _, name = line.partition("  ")
        file = folder / name
        if not name or ".." in Path(name).parts or Path(name).is_absolute() or not file.is_file():
            yield Fault("altered file", 0, f"SHA256SUMS names {name!r}, which is not here.")
        elif sha256_of(file) != digest:
            yield Fault("altered file", 0, f"{name} is not the file that was exported.")


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def check(
    folder: Path, others: Path | None, given: Sequence[bytes]
) -> tuple[list[Fault], Chain, int]:
    """Everything that is wrong, the chain, and up to which event a checkpoint vouches."""
    faults = list(sum_faults(folder))
    notes: list[Note] = []
    for place in (folder / "checkpoints", others):
        for path in sorted(place.glob("*.checkpoint")) if place else ():
            note = note_of(path.name, path.read_bytes())
            if note:
                notes.append(note)
            else:
                faults.append(Fault("wrong signature", 0, f"{path.name} is no checkpoint."))
    chain = read_chain(folder / "log.jsonl", {note.size for note in notes})
    of_notes, witnessed = note_faults(notes, chain, given)
    return faults + chain.faults + of_notes, chain, witnessed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--checkpoints", type=Path, metavar="DIR")
    parser.add_argument("--public-key", type=Path, action="append", default=[], metavar="FILE")
    asked = parser.parse_args(arguments)
    if not (asked.folder / "log.jsonl").is_file():
        parser.error(f"there is no log.jsonl in {asked.folder}")
    keys = [key for key in map(key_in, asked.public_key) if key is not None]
    if len(keys) < len(asked.public_key):
        parser.error("a public key is none of Ed25519 in PEM")
    faults, chain, witnessed = check(asked.folder, asked.checkpoints, keys)
    print(f"{chain.count:,} events recomputed. Checkpoints vouch for those up to {witnessed:,}.")
    for fault in faults:
        print(f"{fault.kind.capitalize()}: {fault.words}")
    if not faults:
        print("No fault found.")
    if witnessed < chain.last.sequence:
        print(f"Note: {chain.last.sequence - witnessed:,} newer events have no checkpoint yet.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
