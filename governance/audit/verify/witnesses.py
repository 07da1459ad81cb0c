"""The log against its signed checkpoints: what the chain alone cannot show.

Whoever owns the tables can rewrite the whole chain with right hashes, or cut off its end and set
the head back. A checkpoint says which hash an event had; one kept outside says it against them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.audit import signing
from governance.audit.models import KEY_REVOKED, Checkpoint, Event
from governance.audit.verify.faults import Fault, FaultKind
from governance.audit.verify.scan import GENESIS, Head


@dataclass(frozen=True, slots=True)
class Outside:
    """What the person who checks brought along: notes by name, and keys they believe.

    With `keys`, nothing that the log says about keys counts. `beside` are the keys that lay beside
    the notes: where the log does not know a key, because it was rewritten or cut off, they show
    that it did once.
    """

    notes: Mapping[str, str] = field(default_factory=dict)
    keys: Collection[bytes] = ()
    beside: Collection[bytes] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint that could be read and whose signature is right."""

    name: str
    note: signing.Note
    is_believed: bool  # by a key that the log announces, or that the person brought along


@dataclass(slots=True)
class Heard:
    """What the checkpoints say: the good ones, and what is wrong with the others."""

    good: list[Held] = field(default_factory=list)
    agreed: int = 0  # of the good ones, once the log was compared with them
    faults: list[Fault] = field(default_factory=list)
    weaknesses: list[str] = field(default_factory=list)


def hear(origin: str, outside: Outside, *, since: int = 0) -> Heard:
    """Read every checkpoint of the database from event `since` on, and those from outside."""
    heard = Heard()
    keys = _Keys(origin, outside)
    kept = list(Checkpoint.objects.filter(size__gte=since).order_by("size", "id"))
    for row in kept:
        name = _("number {n}").format(n=row.pk)
        note = _read(name, row.note, origin, keys, heard)
        if note and (note.size, note.hash, note.at) != (row.size, bytes(row.hash), row.at):
            words = _("The row of the checkpoint {name} is not what its note says.")
            heard.faults.append(_fault(FaultKind.SIGNATURE, row.size, words, name=name))
    texts = {row.note for row in kept}
    for name, text in outside.notes.items():
        note = None if text in texts else _read(name, text, origin, keys, heard)
        if note and note.size >= since:
            words = _("The database does not have the checkpoint {name} any more.")
            heard.faults.append(_fault(FaultKind.WITHHELD, note.size, words, name=name))
    heard.weaknesses += keys.weaknesses()
    return heard


def faults(heard: Heard, head: Head | None) -> Iterator[Fault]:
    """Every way in which the log differs from a good checkpoint."""
    yield from heard.faults
    end = head.sequence if head else 0
    hashes = _hashes({held.note.size for held in heard.good})
    agreed = 0
    for held in sorted(heard.good, key=lambda held: held.note.size):
        size = held.note.size
        if size > end:
            yield _rolled_back(held, end)
        elif size in hashes and hashes[size] != held.note.hash:
            yield _rewritten(held, agreed + 1)
        elif size in hashes and held.is_believed:
            agreed = size
            heard.agreed += 1
        elif size in hashes:
            words = _("The checkpoint {name} is signed with a key that nobody announced.")
            yield _fault(FaultKind.SIGNATURE, size, words, name=held.name)


def anchor(heard: Heard, *, until: int | None = None) -> Head | None:
    """The newest good checkpoint that the log agrees with, not after event `until`."""
    hashes = _hashes({held.note.size for held in heard.good})
    agreeing = [
        Head(held.note.size, held.note.hash)
        for held in heard.good
        if held.is_believed
        and hashes.get(held.note.size) == held.note.hash
        and (until is None or held.note.size <= until)
    ]
    return max(agreeing, key=lambda head: head.sequence, default=None)


def newest_before(event: int) -> int:
    """Up to where the newest checkpoint of the database speaks that is not after `event`."""
    found = Checkpoint.objects.filter(size__lte=event).order_by("-size", "-id").first()
    return found.size if found else 0


class _Keys:
    """Which keys are believed: those given from outside, else those that the log announces."""

    def __init__(self, origin: str, outside: Outside) -> None:
        from governance.audit import checkpoints

        if outside.keys:
            self.believed = _by_id(outside.keys, origin)
            self.of = self.believed
        else:
            self.believed = {**checkpoints.public_keys(), **_by_id(_own(), origin)}
            self.of = {**_by_id(outside.beside, origin), **self.believed}
        # Until where each key was believed: its revocation is an event of the log.
        self.revoked: dict[str, int] = {}
        for event in Event.objects.of_kind(KEY_REVOKED).order_by("sequence"):
            self.revoked.setdefault(str(event.data.get("key_id")), event.sequence)
        self.unbelieved = 0

    def weaknesses(self) -> Iterable[str]:
        if self.unbelieved:
            yield ngettext(
                "{n} checkpoint is signed with a key that was revoked later; it proves nothing.",
                "{n} checkpoints are signed with a key that was revoked later; they prove nothing.",
                self.unbelieved,
            ).format(n=self.unbelieved)


def _read(name: str, text: str, origin: str, keys: _Keys, heard: Heard) -> signing.Note | None:
    """What a checkpoint says, if it is good; otherwise what is wrong goes to `heard`."""
    try:
        note = signing.read(text)
    except signing.BadNote as error:
        words = _("The checkpoint {name} cannot be believed. {why}")
        heard.faults.append(_fault(FaultKind.SIGNATURE, 0, words, name=name, why=error))
        return None
    wrong = _wrong_signature(note, origin, keys)
    if wrong:
        heard.faults.append(_fault(FaultKind.SIGNATURE, note.size, wrong, name=name))
        return None
    if note.key_id in keys.revoked:
        if note.size < keys.revoked[note.key_id]:
            keys.unbelieved += 1
            return None
        words = _("The checkpoint {name} is signed with the key {key}, after that was revoked.")
        fault = _fault(FaultKind.REVOKED, note.size, words, name=name, key=note.key_id)
        heard.faults.append(fault)
        return None
    heard.good.append(Held(name, note, note.key_id in keys.believed))
    return note


def _wrong_signature(note: signing.Note, origin: str, keys: _Keys) -> str:
    """Why the signature is not to be believed; nothing when it is."""
    if note.origin != origin:
        return _("The checkpoint {name} is of another log.")
    if note.key_id not in keys.of:
        return _("The checkpoint {name} is signed with a key that nobody announced.")
    if not note.is_signed_by(keys.of[note.key_id]):
        return _("The signature of the checkpoint {name} is wrong.")
    return ""


def _rolled_back(held: Held, end: int) -> Fault:
    words = _(
        "The checkpoint {name} was taken at event {n}, and the log ends at {end}: its end was cut"
        " off, or an older copy was restored."
    )
    said = words.format(name=held.name, n=held.note.size, end=end)
    return Fault(FaultKind.ROLLED_BACK, end + 1, held.note.size, said)


def _rewritten(held: Held, first: int) -> Fault:
    words = _(
        "Event {n} is not the one that the checkpoint {name} was taken at: the log was rewritten."
    )
    said = words.format(name=held.name, n=held.note.size)
    return Fault(FaultKind.REWRITTEN, min(first, held.note.size), held.note.size, said)


def _by_id(keys: Iterable[bytes], origin: str) -> dict[str, bytes]:
    return {signing.key_id_of(key, origin): key for key in keys}


def _own() -> list[bytes]:
    """The key of this process, where it has one: believed whatever became of the log."""
    private = settings.AUDIT_SIGNING_KEY
    return [signing.public_key_of(private)] if private else []


def _fault(kind: FaultKind, place: int, words: str, **names: object) -> Fault:
    return Fault(kind, place, place, words.format(**names))


def _hashes(places: Collection[int]) -> dict[int, bytes]:
    """The hash of each event at `places` that is there; before the first stands the genesis."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sequence, hash FROM audit_event WHERE sequence = ANY(%s::bigint[])",
            [list(places)],
        )
        found = {sequence: bytes(hash_ or b"") for sequence, hash_ in cursor.fetchall()}
    return {**found, 0: GENESIS}
