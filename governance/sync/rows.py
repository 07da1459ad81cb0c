"""Scalingo's rows as the inventory keeps them, and the digest that says whether anything changed.

Everything here is pure: no database, no clock. Whatever Scalingo says may be hostile or odd, so
text is made storable here and nowhere else.
"""

from collections.abc import Collection, Iterable, Iterator, Set
from functools import cached_property
from hashlib import blake2b, sha256
from itertools import groupby
from operator import attrgetter

import msgspec

from governance.inventory.models import Role, Status, TwoFactor
from governance.scalingo import Collaborator

# Scalingo's words (section 4 of its API reference); the third is in its clients alone.
_STATUSES = {
    "accepted": Status.ACCEPTED,
    "pending": Status.PENDING,
    "user account deleted": Status.DELETED,
}
_TWO_FACTOR = {True: TwoFactor.ON, False: TwoFactor.OFF, None: TwoFactor.UNKNOWN}
_ROLES = {True: Role.LIMITED, False: Role.COLLABORATOR, None: Role.UNKNOWN}

USER_ID = "user_id"
EMAIL = "email"


def storable(text: str, limit: int) -> str:
    """`text` as Postgres can keep it in `limit` characters, two different ones staying different.

    Postgres refuses NUL and lone surrogates, which JSON allows; and what is too long for a column
    is cut, with a digest of the whole so that two long texts never become one.
    """
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) > limit:
        mark = blake2b(text.encode(), digest_size=8).hexdigest()
        text = f"{text[: limit - 17]}…{mark}"
    return text


def person_key(row: Collaborator) -> tuple[str, str]:
    """What this person is known by: the account, or the lower-cased address while only invited."""
    if row.user_id:
        return USER_ID, storable(row.user_id, 254)
    return EMAIL, storable(row.email.lower(), 254)


def role_of(row: Collaborator) -> Role:
    """The role; unknown where Scalingo left `is_limited` out."""
    return _ROLES[row.is_limited]


def status_of(row: Collaborator) -> tuple[Status, str]:
    """The status, and Scalingo's own word where we do not know it."""
    known = _STATUSES.get(row.status)
    return (known, "") if known else (Status.UNKNOWN, storable(row.status, 60))


def membership(row: Collaborator) -> tuple[object, ...]:
    """Who is on the app, as what: 2FA and names may be said in one answer and not in another."""
    return row.id, person_key(row), row.is_limited, row.status


encode = msgspec.msgpack.Encoder().encode
app_id_of = attrgetter("app_id")
_row_id = attrgetter("id")


def row_digests(rows: Iterable[Collaborator]) -> Iterator[bytes]:
    """Of each row, 16 bytes that change when anything of it does."""
    return (blake2b(text, digest_size=16).digest() for text in map(encode, rows))


_ROOM = bytes(16)  # before a digest of 16 bytes, for what several of them add up to
_NOBODY = bytes(32)


def _sum(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") + int.from_bytes(other, "big")).to_bytes(32, "big")


class Digests:
    """The digest of each app's rows, whatever their order, without keeping the rows.

    Rows of an app that come together are sorted and digested together; where an app's rows are
    scattered, its digest is the sum over the runs. So an answer in another order may look changed,
    which costs a comparison, and a changed one never looks the same. Also gathers what one body
    says of each account's 2FA, because a body may disagree with itself; and who is on the apps to
    `watch`, to compare two answers by what matters.
    """

    def __init__(self, watch: frozenset[str] = frozenset()) -> None:
        self.watched: dict[str, set[tuple[object, ...]]] = {app_id: set() for app_id in watch}
        self._sums: dict[str, bytes] = {}
        self._counts: dict[str, int] = {}
        # Whose 2FA is on, off, or not said; of a body that disagrees, an account stands in two.
        self._on: set[str | None] = set()
        self._off: set[str | None] = set()
        self._silent: set[str | None] = set()

    def read(self, rows: Iterable[Collaborator]) -> "Digests":
        """Take all of `rows` in. Returns itself."""
        sums, counts, watched = self._sums, self._counts, self.watched
        on, off, silent = self._on.add, self._off.add, self._silent.add
        for app_id, group in groupby(rows, app_id_of):
            run = sorted(group, key=_row_id)
            # Most processors have instructions for it: half the time of any other.
            digest = _ROOM + sha256(encode(run)).digest()[:16]
            sums[app_id] = _sum(sums[app_id], digest) if app_id in sums else digest
            counts[app_id] = counts.get(app_id, 0) + len(run)
            if app_id in watched:
                watched[app_id].update(map(membership, run))
            for row in run:
                if row.two_factor:
                    on(row.user_id)
                elif row.two_factor is None:
                    silent(row.user_id)
                else:
                    off(row.user_id)
        return self

    @cached_property
    def disagreeing(self) -> frozenset[str]:
        """The accounts of which this body says that their 2FA is on, and that it is off."""
        return frozenset(user_id for user_id in self._on & self._off if user_id)

    @cached_property
    def _two_factor(self) -> dict[str, bool | None]:
        """What is said of each account; what says nothing gives way to what does."""
        said = ((self._silent, None), (self._off, False), (self._on, True))
        return {user_id: value for ids, value in said for user_id in ids if user_id}

    def __contains__(self, app_id: str) -> bool:
        return app_id in self._sums

    def apps(self) -> Set[str]:
        """The Scalingo ids of the apps that have rows, in the order of the rows."""
        return self._sums.keys()

    def of(self, app_id: str) -> bytes:
        """32 bytes; those of nobody are zeros."""
        return self._sums.get(app_id, _NOBODY)

    def count(self, app_id: str) -> int:
        """How many rows an app has."""
        return self._counts.get(app_id, 0)

    def whole(self) -> bytes:
        """32 bytes over everything read."""
        return sha256(encode(sorted(self._sums.items()))).digest()

    def two_factor_of(self, user_id: str | None) -> TwoFactor:
        """What this body says of an account's 2FA; unknown if it says both, or nothing."""
        if user_id is None or user_id in self.disagreeing:
            return TwoFactor.UNKNOWN
        return _TWO_FACTOR[self._two_factor.get(user_id)]

    def two_factor(self, among: Collection[str] | None = None) -> dict[str, TwoFactor]:
        """What this body says of the 2FA of the accounts in it, by storable user id.

        Of all of them, or of those `among` whom it is asked for.
        """
        named = ((storable(user_id, 254), user_id) for user_id in self._two_factor)
        return {
            name: self.two_factor_of(user_id)
            for name, user_id in named
            if among is None or name in among
        }


def seen(row: Collaborator, digests: Digests, *, owned: bool) -> tuple[str, ...]:
    """The row as `apply` copies it into its temporary table, without the app and the digest.

    Of an app that is not `owned`, silence about 2FA says nothing (empty): Scalingo may show it to
    owners alone.
    """
    kind, key = person_key(row)
    status, said = status_of(row)
    two_factor = digests.two_factor_of(row.user_id).value
    if not owned and row.two_factor is None and row.user_id not in digests.disagreeing:
        two_factor = ""
    return (
        storable(row.id, 80),
        kind,
        key,
        storable(row.email, 254),
        "" if kind == EMAIL else storable(row.username, 200),
        role_of(row).value,
        status.value,
        said,
        two_factor,
    )
