"""Where the rows of some apps come from, and how they are gathered app by app.

An answer of a hundred thousand rows is never held whole: it is read again for the apps that differ,
and an app is handed on as soon as the last of its rows has come.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import groupby

from governance.scalingo import Collaborator, Listing
from governance.sync.rows import Digests, app_id_of


@dataclass(frozen=True, slots=True)
class Answers:
    """Where the rows of some apps come from: the listing, or a later reading of the app itself."""

    listing: Iterable[Collaborator]
    digests: Digests
    single: Mapping[str, tuple[Listing[Collaborator], Digests]]
    owned: bool = True

    def digest(self, app_id: str) -> bytes:
        return self.of(app_id).of(app_id)

    def of(self, app_id: str) -> Digests:
        """What the answer that counts for an app says as a whole."""
        return self.single[app_id][1] if app_id in self.single else self.digests

    def in_order(self, wanted: Set[str]) -> list[str]:
        """The `wanted` apps, about as `of_each` hands them on."""
        listed = [app_id for app_id in self.digests.apps() if app_id in wanted]
        return [*listed, *sorted(wanted - self.digests.apps())]

    def of_each(self, wanted: Set[str]) -> Iterator[tuple[str, list[Collaborator]]]:
        """Each of the `wanted` apps with all of its rows; in the end, those without any."""
        gathered: dict[str, list[Collaborator]] = {}
        for app_id, run in self._runs(wanted):
            rows = gathered.pop(app_id, [])
            rows += run
            if len(rows) < self.of(app_id).count(app_id):
                gathered[app_id] = rows
            else:
                yield app_id, rows
        for app_id in sorted(wanted):
            if not self.of(app_id).count(app_id):
                yield app_id, []

    def _runs(self, wanted: Set[str]) -> Iterator[tuple[str, Iterator[Collaborator]]]:
        """The rows of `wanted` apps, those of an app that come together at once."""
        if listed := wanted - self.single.keys():
            for app_id, run in groupby(self.listing, app_id_of):
                if app_id in listed:
                    yield app_id, run
        for app_id in wanted & self.single.keys():
            for found, run in groupby(self.single[app_id][0], app_id_of):
                if found == app_id:
                    yield app_id, run
