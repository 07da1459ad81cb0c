"""Write who has access as a file."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Case, Exists, F, OuterRef, Q, Value, When

from governance.changes import words
from governance.inventory.models import App, AppQuerySet, Collaboration
from governance.inventory.queries.coverage import read_of

COLUMNS = ("app", "region", "email", "role", "status", "exported_at")
# Instead of a status: the last reading was without them, but whether they left is not settled.
MISSING = "missing"
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def rows(*, at: datetime) -> Iterator[Sequence[str]]:
    """The lines of the file, with its header, as of `at`: what is known now.

    Whoever the last reading was without has a line as long as their end is not settled: a line that
    was never there would read as one taken out.
    """
    yield COLUMNS
    status = Case(When(missing_at=None, then=F("status")), default=Value(MISSING))
    found = (
        Collaboration.objects.open()
        .filter(app__in=named())
        .order_by("app__region__name", "app__name", "app_id", "role", "person__email")
        .values_list("app__name", "app__region__name", "person__email", "role", status)
    )
    for row in found.iterator(chunk_size=2000):
        yield tuple(neutral(cell) for cell in (*row, at.isoformat()))


def foot(*, at: datetime) -> Iterator[str]:
    """What the file rests on, as lines below the others; whoever reads it leaves them out."""
    return words.rests_on(read_of(named()), at=at)


def named() -> AppQuerySet:
    """The apps that a file can name. Of two of one name the one that Scalingo still lists."""
    listed = App.objects.listed()
    other = listed.filter(region=OuterRef("region"), name=OuterRef("name"), suspect_since=None)
    return listed.filter(Q(suspect_since=None) | ~Exists(other))


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one `'` in front of what looks like one."""
    return f"'{cell}" if cell.startswith((*_RISKY, "'")) else cell


def as_it_was(cell: str) -> str:
    """What `neutral` was given."""
    return cell[1:] if cell.startswith("'") else cell
