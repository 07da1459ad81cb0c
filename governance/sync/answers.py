"""Where the rows of some apps come from, and how they are gathered app by app.

An answer of a hundred thousand rows is never held whole: it is read again for the apps that differ,
and an app is handed on as soon as the last of its rows has come.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from governance.scalingo import Collaborator, Listing
from governance.sync.apply.compare import APPS_PER_BATCH
from governance.sync.rows import Digests

# Rows of whole apps held in memory at once; an app has some twenty.
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Answers:
    """Where the rows of some apps come from: the listing, or a later reading of the app itself."""

    listing: Iterable[Collaborator]
    digests: Digests
    single: Mapping[str, tuple[Listing[Collaborator], Digests]]
    owned: bool = True

    def digest(self, app_id: str) -> bytes:
        return self.of(app_id).of(app_id)

    def rows(self, wanted: frozenset[str]) -> Iterator[Collaborator]:
        """The rows of `wanted` apps."""
        listed = wanted - self.single.keys()
        if listed:
            yield from (row for row in self.listing if row.app_id in listed)
        for app_id in wanted & self.single.keys():
            yield from (row for row in self.single[app_id][0] if row.app_id == app_id)

    def of(self, app_id: str) -> Digests:
        """What the answer that counts for an app says as a whole."""
        return self.single[app_id][1] if app_id in self.single else self.digests

    def in_batches(self, wanted: frozenset[str]) -> Iterator[list[tuple[str, list[Collaborator]]]]:
        """The rows of `wanted` apps, whole apps at a time; in the end, those without any."""
        gathered: dict[str, list[Collaborator]] = {}
        batch: list[tuple[str, list[Collaborator]]] = []
        held = 0
        for row in self.rows(wanted):
            rows = gathered.setdefault(row.app_id, [])
            rows.append(row)
            if len(rows) < self.of(row.app_id).count(row.app_id):
                continue
            batch.append((row.app_id, gathered.pop(row.app_id)))
            held += len(rows)
            if held >= _ROWS_AT_ONCE or len(batch) >= APPS_PER_BATCH:
                yield batch
                batch, held = [], 0
        nobody = (app_id for app_id in sorted(wanted) if not self.of(app_id).count(app_id))
        for app_id in nobody:
            batch.append((app_id, []))
            if len(batch) >= APPS_PER_BATCH:
                yield batch
                batch = []
        if batch:
            yield batch
