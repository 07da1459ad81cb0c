"""What was true when: the oracle against which a reader of the platform is checked.

Each change of a collaboration, an app or an account appends its whole new state, so the state at
an instant is the latest one of each key.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Member:
    """One person on one app. `user_id` is None while invited; `limited` is the role."""

    region: str
    app_id: str
    collaborator_id: str
    email: str
    user_id: str | None
    limited: bool
    status: str


@dataclass(frozen=True, slots=True)
class AppState:
    region: str
    id: str
    name: str
    kind: str
    owner_id: str
    project_id: str
    parent_name: str


@dataclass(frozen=True, slots=True)
class AccountState:
    id: str
    email: str
    username: str
    two_factor: bool
    deleted: bool


State = Member | AppState | AccountState
Key = tuple[str, ...]
S = TypeVar("S", Member, AppState, AccountState)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: the new state of `key`, or None when it ended."""

    at: datetime
    key: Key
    state: State | None


def _kind(state: State) -> str:
    return type(state).__name__


class History:
    """Append-only, in the order in which things happened."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._latest: dict[Key, State | None] = {}

    def put(self, at: datetime, key: Key, state: State | None) -> None:
        """Note the new state of `key`; the same state again is no change and leaves no entry."""
        if self._latest.get(key) == state:
            return
        self._latest[key] = state
        self.entries.append(Entry(at, key, state))

    def at(self, instant: datetime, kind: type[S]) -> list[S]:
        """All states of one kind that were true at `instant`, a change at that instant included."""
        true: dict[Key, State | None] = {}
        for entry in self.entries:
            if entry.at <= instant:
                true[entry.key] = entry.state
        return [state for state in true.values() if isinstance(state, kind)]

    def between(self, after: datetime, until: datetime) -> list[Entry]:
        """The changes later than `after` and not later than `until`."""
        return [entry for entry in self.entries if after < entry.at <= until]
