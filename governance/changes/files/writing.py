"""Write who has access as a file."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from governance.inventory.models import Collaboration

COLUMNS = ("app", "region", "email", "role", "status", "exported_at")
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def rows(*, at: datetime) -> Iterator[Sequence[str]]:
    """The lines of the file, with its header, as of `at`: what is known now."""
    yield COLUMNS
    found = (
        Collaboration.objects.open()
        .filter(app__gone_at=None, missing_at=None)
        .order_by("app__region__name", "app__name", "app_id", "role", "person__email")
        .values_list("app__name", "app__region__name", "person__email", "role", "status")
    )
    for row in found.iterator(chunk_size=2000):
        yield tuple(neutral(cell) for cell in (*row, at.isoformat()))


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one `'` in front of what looks like one."""
    return f"'{cell}" if cell.startswith((*_RISKY, "'")) else cell


def as_it_was(cell: str) -> str:
    """What `neutral` was given."""
    return cell[1:] if cell.startswith("'") else cell
