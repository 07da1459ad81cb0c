"""Spoilt answers: the good body with something missing, changed, doubled or foreign in it."""

import copy
import json
import math
from dataclasses import dataclass
from typing import Any

from .plan import Plan, Request

Row = dict[str, Any]


@dataclass
class Mutation:
    """One thing wrong with a good JSON answer.

    `kind` is one of:

    - "drop", "null", "set": a `field` (dotted for a field inside) is missing, null or `value`.
    - "duplicate": `rows` come twice; the copies have the fields of `value`, when given.
    - "drop_rows": `rows` are missing. "empty": all of them.
    - "add_rows": the rows of `value` come too.
    - "foreign": `rows` come a second time as those of an app nobody knows (`value`: its id).
    - "paginate": `value` rows a page, with `meta`; `then` "cycle" goes back to page 1 after the
      last, "repeat" answers the same page for ever.
    - "root": the whole list is `value`. "body": the whole body is `value`.
    - "cut": the text ends after a share `value` (0 to 1) of it, announced as if whole: bad JSON.

    `rows` is a list of positions, a number (so many from the start), a share below 1, or None for
    all; `where` further keeps those rows whose fields equal it.
    """

    kind: str
    field: str = ""
    value: Any = None
    rows: int | float | list[int] | None = None
    where: dict[str, Any] | None = None
    then: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"no mutation is called {self.kind}")

    def spoil(self, plan: Plan, request: Request) -> Plan:
        """The plan with this thing wrong; unchanged when its body is no JSON object."""
        text = b"".join(plan.chunks)
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        if isinstance(body, dict):
            text = self._spoil_body(body, text, request)
        plan.chunks = [text]
        return plan

    def _spoil_body(self, body: Row, text: bytes, request: Request) -> bytes:
        if self.kind == "cut":
            return text[: int(len(text) * float(self.value or 0.5))]
        if self.kind == "body":
            return json.dumps(self.value).encode()
        root = next(iter(body), "")
        if self.kind == "root":
            body[root] = self.value
        elif self.kind == "paginate":
            self._paginate(body, root, request)
        elif isinstance(body[root], list):
            body[root] = _KINDS[self.kind](self, body[root])
        elif isinstance(body[root], dict):
            body[root] = next(iter(_KINDS[self.kind](self, [body[root]])), None)
        else:
            body = next(iter(_KINDS[self.kind](self, [body])), {})
        return json.dumps(body).encode()

    def _paginate(self, body: Row, root: str, request: Request) -> None:
        size = int(self.value or 2)
        page = int(request.query.get("page", "1") or 1)
        total = max(1, math.ceil(len(body[root]) / size))
        shown = 1 if self.then == "repeat" else page
        following: int | None = page + 1 if page < total else None
        if self.then == "repeat":
            following = page + 1
        elif self.then == "cycle" and following is None:
            following = 1
        pagination = {
            "current_page": page,
            "next_page": following,
            "prev_page": page - 1 if page > 1 else None,
            "total_pages": total,
            "total_count": len(body[root]),
        }
        body[root] = body[root][(shown - 1) * size : shown * size]
        body["meta"] = {"pagination": pagination}

    def _chosen(self, rows: list[Row]) -> set[int]:
        """The positions of the rows meant."""
        fitting = [place for place, row in enumerate(rows) if self._fits(row)]
        if self.rows is None:
            return set(fitting)
        if isinstance(self.rows, list):
            return {fitting[n] for n in self.rows if n < len(fitting)}
        count = math.ceil(len(fitting) * self.rows) if self.rows < 1 else int(self.rows)
        return set(fitting[:count])

    def _fits(self, row: Row) -> bool:
        return all(row.get(name) == value for name, value in (self.where or {}).items())

    def _each(self, rows: list[Row]) -> list[Row]:
        chosen = self._chosen(rows)
        return [self._one(row) if place in chosen else row for place, row in enumerate(rows)]

    def _one(self, row: Row) -> Row:
        spoilt: Any = copy.deepcopy(row)
        inner = spoilt
        *path, last = self.field.split(".")
        for name in path:
            inner = inner.get(name)
            if not isinstance(inner, dict):
                return row
        if self.kind == "drop":
            inner.pop(last, None)
        else:
            inner[last] = None if self.kind == "null" else self.value
        return dict(spoilt)

    def _duplicate(self, rows: list[Row]) -> list[Row]:
        chosen = self._chosen(rows)
        return rows + [{**rows[place], **(self.value or {})} for place in sorted(chosen)]

    def _drop_rows(self, rows: list[Row]) -> list[Row]:
        chosen = self._chosen(rows)
        return [row for place, row in enumerate(rows) if place not in chosen]

    def _add_rows(self, rows: list[Row]) -> list[Row]:
        return rows + list(self.value or [])

    def _foreign(self, rows: list[Row]) -> list[Row]:
        stranger = {"app_id": self.value or "f" * 24, "app_name": "nobody-knows-it"}
        return rows + [{**rows[place], **stranger} for place in sorted(self._chosen(rows))]

    def _empty(self, _rows: list[Row]) -> list[Row]:
        return []

    def _same(self, rows: list[Row]) -> list[Row]:
        return rows


_KINDS = {
    "drop": Mutation._each,
    "null": Mutation._each,
    "set": Mutation._each,
    "duplicate": Mutation._duplicate,
    "drop_rows": Mutation._drop_rows,
    "empty": Mutation._empty,
    "add_rows": Mutation._add_rows,
    "foreign": Mutation._foreign,
    "paginate": Mutation._same,
    "root": Mutation._same,
    "body": Mutation._same,
    "cut": Mutation._same,
}
