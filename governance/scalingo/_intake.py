"""Takes runs of rows into a listing: all at once where they are as they should be, else each."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from ._cutter import NOT_JSON, plain
from ._errors import NotUnderstood
from ._fields import Doubt, Oddities
from ._listing import Listing, Seen, _Row
from ._models import Collaborator, Problem
from ._parse import KNOWN, read_collaborator

T = TypeVar("T", bound=_Row)

_strictly = msgspec.json.Decoder(list[Collaborator]).decode
_names = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


class Intake(Generic[T]):
    """Takes the rows of a listing, page after page, and says in the end which came twice.

    `read` turns a JSON object into a row, a doubt, or None to leave it out; `known` is the reader
    whose fields it knows.
    """

    def __init__(
        self,
        listing: Listing[T],
        read: Callable[[dict[str, Any], Oddities], T | Doubt | None],
        *,
        known: Callable[..., Any],
        app_of: Callable[[T], str | None],
    ) -> None:
        self.listing = listing
        self.rows = 0
        self.pages = 0
        self._read = read
        self._known = KNOWN[known]
        self._odd = Oddities(listing.odd_values)
        self._app_of = app_of
        self._seen = Seen()

    def take(self, run: bytes) -> bool:
        """Take a run row by row; nothing of it, and False, if it is not JSON."""
        try:
            items = plain(run)
        except NOT_JSON:
            return False
        good: list[T] = []
        for item in items:
            row = self._row(item)
            if row is not None:
                good.append(row)
            self.rows += 1
        self._keep(good)
        return True

    def finish(self) -> None:
        """Doubt what came twice in an app, whether or not it is the same.

        Raises `NotUnderstood` when it came on several pages: then others never came.
        """
        twice = self._seen.twice()
        if twice and self.pages > 1:
            raise NotUnderstood("says the same on two pages", code="wrong_shape")
        doubted: set[str | None] = set()
        for number, row in enumerate(self.listing if twice else ()):
            app_id = self._app_of(row)
            if hash(self._key(row)) in twice and app_id not in doubted:
                doubted.add(app_id)
                self.listing.doubt(Problem(number, app_id, "id", "came more than once"))

    def _keep(self, rows: list[T]) -> None:
        self._seen.add(map(self._key, rows))
        self.listing.add(rows)

    def _key(self, row: T) -> tuple[str | None, str]:
        return (self._app_of(row), row.id)

    def _row(self, item: Any) -> T | None:
        if not isinstance(item, dict):
            self._doubt(Doubt(None, "", "is not an object"))
            return None
        self.listing.unknown_fields.update(item.keys() - self._known)
        row = self._read(item, self._odd)
        if isinstance(row, Doubt):
            self._doubt(row)
            return None
        if row is None:
            self.listing.left_out += 1
        return row

    def _doubt(self, doubt: Doubt) -> None:
        self.listing.doubt(Problem(self.rows, doubt.app_id, doubt.field, doubt.why))


class CollaboratorIntake(Intake[Collaborator]):
    """The same for collaborators, of which there may be a hundred thousand: the quick way.

    `of_app`: the app that was asked about. A row of another app puts it in doubt.
    """

    def __init__(self, listing: Listing[Collaborator], *, of_app: str | None = None) -> None:
        super().__init__(
            listing, read_collaborator, known=read_collaborator, app_of=lambda row: row.app_id
        )
        self._of_app = of_app

    def take(self, run: bytes) -> bool:
        """Take a run at once if every row is as it should be, else row by row."""
        try:
            rows = _strictly(run)
            names = set[str]().union(*_names(run))
            run.decode()  # texts that are skipped are not looked at by the other two
        except NOT_JSON:
            return super().take(run)
        if self._of_app is not None and any(row.app_id != self._of_app for row in rows):
            return super().take(run)
        self.listing.unknown_fields |= names - self._known
        self._keep(rows)
        self.rows += len(rows)
        return True

    def _row(self, item: Any) -> Collaborator | None:
        row = super()._row(item)
        if row is not None and self._of_app is not None and row.app_id != self._of_app:
            self._doubt(Doubt(self._of_app, "app_id", "is of another app than the one asked for"))
            return None
        return row

    def _doubt(self, doubt: Doubt) -> None:
        app_id = self._of_app or doubt.app_id
        super()._doubt(Doubt(app_id, doubt.field, doubt.why))


class Pages:
    """Follows `meta.pagination`, where an answer has one, to its end.

    Reference: https://developers.scalingo.com/#pagination. `next_page` ends by null, 0, or by
    repeating itself; a page that is not the one asked for, or a total that changed meanwhile,
    means that the pages do not make one whole (`whole`), or else just the end.
    """

    MOST = 2_000

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._page = 1
        self._total: int | None = None

    def next(self, around: dict[str, Any], rows: int) -> int | None:
        """The page to ask for next, or None after the last. Raises `NotUnderstood`."""
        meta = around.get("meta")
        found = meta.get("pagination") if isinstance(meta, dict) else None
        if found is None:
            if self._page > 1:
                self._broken("has pages, but one without its number")
            return None
        if not isinstance(found, dict):
            self._broken("has pages that are not numbered")
            return None
        if self._number(found, "current_page", self._page) != self._page:
            self._broken("is not the page that was asked for")
            return None
        self._check_total(found)
        following = self._following(found)
        if following is None:
            self._check_end(found, rows)
        return following

    def _following(self, found: dict[str, Any]) -> int | None:
        last = self._number(found, "total_pages", 0)
        # Some services count their pages without naming the next.
        otherwise = self._page + 1 if "next_page" not in found else 0
        after = self._number(found, "next_page", otherwise if last else 0)
        if after <= self._page or (last and self._page >= last):
            return None
        if self._page >= self.MOST:
            self._broken("has more pages than can be")
            return None
        self._page += 1
        return self._page

    def _check_total(self, found: dict[str, Any]) -> None:
        total = self._number(found, "total_count", -1)
        if self._total is not None and total != self._total:
            self._broken("changed while it was read page by page")
        self._total = total

    def _check_end(self, found: dict[str, Any], rows: int) -> None:
        if self._page < self._number(found, "total_pages", 0):
            self._broken("ends before its last page")
        if self._total is not None and self._total >= 0 and self._total != rows:
            self._broken("does not have as many rows as it says")

    @staticmethod
    def _number(found: dict[str, Any], name: str, otherwise: int) -> int:
        value = found.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else otherwise

    def _broken(self, why: str) -> None:
        if self._whole:
            raise NotUnderstood(why, code="wrong_shape")
