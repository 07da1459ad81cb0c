"""Pages of a long list by cursor: the last row seen, never a number of rows to skip.

    slice = cursor.paginate(people, "email", "id", after=request.GET.get("after"))
    for person in slice.rows: …
    {% include "components/pager.html" with slice=people_slice only %}

The deepest page costs what the first does. A cursor is checked value by value against the fields
it orders by; one that was tampered with, or made for another order, gives the first page.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model, Q, QuerySet

Row = TypeVar("Row")
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """One page of rows, and the cursors of the pages beside it. None: there is no such page."""

    rows: list[Row]
    after: str | None = None
    before: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether everything is on this page."""
        return self.after is None and self.before is None


def paginate(
    rows: "QuerySet[Any, Row]",
    *order: str,
    after: str | None = None,
    before: str | None = None,
    size: int = 50,
) -> Slice[Row]:
    """The rows that follow the cursor `after`, or else those that precede `before`.

    `order` names fields or annotations as `order_by` does (`-changed_at`, `id`). None of them may
    be null, and together they must be unique: end with the primary key.
    """
    keys = _Keys(rows, order)
    start = keys.read(after)
    if start is not None:
        found = list(rows.filter(keys.beyond(start)).order_by(*order)[: size + 1])
        return keys.slice(found[:size], more_after=len(found) > size, more_before=True)
    start = keys.read(before)
    if start is not None:
        return _preceding(rows, keys, start, size)
    found = list(rows.order_by(*order)[: size + 1])
    return keys.slice(found[:size], more_after=len(found) > size, more_before=False)


def encode(values: Sequence[Any]) -> str:
    """A cursor that holds `values`: numbers, text, dates, UUIDs, true and false."""
    text = json.dumps(list(values), cls=_Exact, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class _Exact(DjangoJSONEncoder):
    """Moments to the microsecond: Django's own encoder cuts them short, and a row would repeat."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def decode(cursor: str | None, fields: Sequence["Field[Any, Any]"]) -> list[Any] | None:
    """The values in `cursor`, one for each of `fields`; None when it is no such thing."""
    if not cursor or len(cursor) > _LONGEST:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(values, list) or len(values) != len(fields):
        return None
    try:
        return [_clean(field, value) for field, value in zip(fields, values, strict=True)]
    except (ValidationError, ValueError, TypeError, OverflowError):
        return None


def _clean(field: "Field[Any, Any]", value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise TypeError
    if isinstance(value, str) and "\0" in value:
        raise ValueError
    if isinstance(value, int) and abs(value) >= 2**63:
        raise OverflowError
    return field.to_python(value)


def _preceding(
    rows: "QuerySet[Any, Row]", keys: "_Keys", start: list[Any], size: int
) -> Slice[Row]:
    backwards = [_turned(name) for name in keys.order]
    found = list(rows.filter(keys.beyond(start, backwards=True)).order_by(*backwards)[: size + 1])
    return keys.slice(found[:size][::-1], more_after=True, more_before=len(found) > size)


def _turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


class _Keys:
    """The order of a list, and what it takes to stand between two of its rows."""

    def __init__(self, rows: "QuerySet[Any, Any]", order: Sequence[str]) -> None:
        self.order = list(order)
        self.names = [name.lstrip("-") for name in order]
        self.fields = [_field(rows, name) for name in self.names]

    def read(self, cursor: str | None) -> list[Any] | None:
        return decode(cursor, self.fields)

    def beyond(self, values: Sequence[Any], *, backwards: bool = False) -> Q:
        """The rows that follow `values`; those that precede them when `backwards`."""
        alternatives = []
        for position, name in enumerate(self.names):
            falling = self.order[position].startswith("-") != backwards
            same = {self.names[i]: values[i] for i in range(position)}
            operator = "lt" if falling else "gt"
            alternatives.append(Q(**same, **{f"{name}__{operator}": values[position]}))
        falling = self.order[0].startswith("-") != backwards
        # Said once more for the first field alone, so that the database can start in its index.
        edge = Q(**{f"{self.names[0]}__{'lte' if falling else 'gte'}": values[0]})
        return edge & reduce(or_, alternatives)

    def slice(self, rows: list[Row], *, more_after: bool, more_before: bool) -> Slice[Row]:
        if not rows:
            return Slice(rows)
        return Slice(
            rows,
            after=self._cursor(rows[-1]) if more_after else None,
            before=self._cursor(rows[0]) if more_before else None,
        )

    def _cursor(self, row: Any) -> str:
        return encode([_value(row, name) for name in self.names])


def _value(row: Any, name: str) -> Any:
    if isinstance(row, dict):
        return row[name]
    for part in name.split("__"):
        row = getattr(row, part)
    return row


def _field(rows: "QuerySet[Any, Any]", name: str) -> "Field[Any, Any]":
    """The field behind `name`: an annotation's, or the model's, also across relations."""
    annotation = rows.query.annotations.get(name)
    if annotation is not None:
        found: Field[Any, Any] = annotation.output_field
        return found
    model: type[Model] = rows.model
    *path, last = name.split("__")
    for part in path:
        related = model._meta.get_field(part).related_model
        if not isinstance(related, type):
            raise FieldDoesNotExist(name)
        model = related
    if last == "pk":
        return model._meta.pk
    field: Any = model._meta.get_field(last)
    while field.remote_field is not None:
        field = field.target_field
    return field  # type: ignore[no-any-return]
