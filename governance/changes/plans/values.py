"""What a plan is made of. Values alone: nothing here asks the database or the clock."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from governance.changes import words
from governance.changes.addresses import key
from governance.changes.models import ENDING, Kind, Purpose
from governance.changes.permissions import Typed, confirmation


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that somebody asked for: a kind of change, for one address on one app.

    `app_id` is None where the name that was given is no app (`app_name`). `follows` says that the
    one before it must be true first. `line` is of a file. `problem` is a code of why it cannot be,
    when that is known already.
    """

    kind: str
    email: str
    app_id: UUID | None
    person_id: UUID | None = None
    role: str = ""
    app_name: str = ""
    follows: bool = False
    line: int | None = None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        return _plain(asdict(self))

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Self:
        return cls(**_with_ids(said))


@dataclass(frozen=True, slots=True)
class Row:
    """What will happen to one address on one app, or why nothing will.

    `code` is empty when it will happen; else `reason` says why not. `warnings` are codes, told in
    `warned`. `role_now` is empty where they are not on the app, `role_then` where they will not be.
    `other_…` are of a change that is under way already; `other_set_for` is when Scalingo is told of
    it, where somebody set a time.
    """

    position: int
    kind: str
    app_id: UUID | None
    app_name: str
    region: str
    person_id: UUID | None
    name: str  # of the person; the address where there is no name
    email: str
    role_now: str = ""
    role_then: str = ""
    status_now: str = ""
    collaborator_id: str = ""
    code: str = ""
    warnings: tuple[str, ...] = ()
    digest: str = ""
    follows: bool = False
    line: int | None = None
    other_by: str = ""
    other_at: str = ""
    other_batch: str = ""
    other_set_for: str = ""
    read_at: str = ""  # when the app was last read, as ISO 8601; empty if never

    @property
    def happens(self) -> bool:
        return not self.code

    @property
    def is_ending(self) -> bool:
        return self.kind in ENDING

    @property
    def what(self) -> str:
        """What happens, as a sentence: "Ana is removed from billing-api."."""
        return words.what(self)

    @property
    def reason(self) -> str:
        """Why it does not happen, as a sentence; empty when it does."""
        return words.why_not(self) if self.code else ""

    @property
    def warned(self) -> list[str]:
        """What to know before, as sentences."""
        return [words.warning(code, self) for code in self.warnings]

    def as_json(self) -> dict[str, Any]:
        return _plain(asdict(self))

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Self:
        return cls(**{**_with_ids(said), "warnings": tuple(said["warnings"])})


@dataclass(frozen=True, slots=True)
class Pace:
    """How long telling takes, as far as anybody can say.

    `ahead` are requests that wait already. `seconds` counts from when it is due, if nothing else
    speaks to Scalingo; `at_most` is while a sync uses everything but what is kept for people.
    """

    requests: int
    ahead: int
    seconds: int
    at_most: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody is about to do, row by row. `id` is set once it is kept (`plans.keep`)."""

    purpose: Purpose
    rows: Sequence[Row]
    wanted: Sequence[Wanted]
    at: datetime
    pace: Pace
    id: UUID | None = None
    person_id: UUID | None = None  # who is taken off everything
    offboarded: str = ""  # their address
    leavers: Sequence[str] = ()  # the addresses of those who are on nothing any more after it
    consequences: Sequence[str] = field(default_factory=list)  # sentences, for all rows together

    @property
    def happening(self) -> list[Row]:
        return [row for row in self.rows if row.happens]

    @property
    def left_out(self) -> list[Row]:
        return [row for row in self.rows if not row.happens]

    @property
    def counts(self) -> dict[str, int]:
        """How many will happen by kind, and why the others will not by code."""
        return dict(
            Counter(row.kind for row in self.happening) + Counter(row.code for row in self.left_out)
        )

    @property
    def is_again(self) -> bool:
        """Whether invitations are cancelled to be sent again."""
        return any(row.follows for row in self.rows)

    @property
    def removals(self) -> int:
        return sum(row.kind == Kind.REMOVE for row in self.happening)

    @property
    def ends(self) -> list[Row]:
        """The accesses and invitations that end; not those that are sent again."""
        return ends_of(self.rows)

    @property
    def typed(self) -> Typed:
        """What must be typed before it is placed."""
        if self.offboarded:
            return confirmation(ends=len(self.ends), leavers=[self.offboarded], of_one=True)
        people = {key(row.email) for row in self.ends}
        return confirmation(ends=len(self.ends), leavers=self.leavers, of_one=len(people) == 1)


def ends_of(rows: Sequence[Row]) -> list[Row]:
    """Those rows after which somebody has less, and that no invitation follows."""
    followed = {row.position - 1 for row in rows if row.follows and row.happens}
    return [row for row in rows if row.happens and row.is_ending and row.position not in followed]


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, UUID) else value for name, value in fields.items()
    }


def _with_ids(said: dict[str, Any]) -> dict[str, Any]:
    ids = {name: UUID(said[name]) if said[name] else None for name in ("app_id", "person_id")}
    return {**said, **ids}
