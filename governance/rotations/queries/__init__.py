"""Questions about duties: a page of them, one of them, how many are overdue."""

from governance.rotations.queries.beside import Beside, beside, of_app, of_person
from governance.rotations.queries.detail import Detail, detail_rows, read_detail
from governance.rotations.queries.listing import Listed, Page, read_page

__all__ = [
    "Beside",
    "Detail",
    "Listed",
    "Page",
    "beside",
    "detail_rows",
    "of_app",
    "of_person",
    "read_detail",
    "read_page",
]
