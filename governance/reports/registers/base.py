"""What a report is: columns over one statement, and control totals that must balance.

A module beside this one describes one report as a `Report` and nothing else: how its rows become
a file is `formats/`, which writes them all from the same statement and the same snapshot.

    REPORT = Report(
        name="access-by-app",
        columns=(Column("email", "text", "p.email", _("E-mail")), …),
        statement=lambda asked: Statement("inventory_collaboration k JOIN …", asked.values, "k.id"),
        totals=…,
        …,
    )
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _

# Whole numbers alone: how a fraction is written differs between programs, and its rows would not
# be the same bytes everywhere.
Kind = Literal["text", "integer", "boolean", "instant", "date"]
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `sql` is its value in the FROM of the report's statement.

    `ours` is text that nobody outside of this program can write (a role, an id): it needs no
    guard against formulas. `safe` is the same with its guard, where a common table has looked at it
    once for many rows. `printed` columns are those of the PDF, where not all have a place; `span`
    is the head there of a number of seconds, which it says in days, hours and minutes.
    """

    name: str
    kind: Kind
    sql: str
    label: Words
    ours: bool = False
    printed: bool = True
    safe: str = ""
    span: Words = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks a report: as of when, since when, over which apps, narrowed to what.

    `at` is the end of a period too; `is_now` says that it is this moment. `projects` bounds what
    is seen unless `everything` is.
    """

    report: str
    at: datetime
    is_now: bool
    everything: bool
    projects: tuple[UUID, ...] = ()
    since: datetime | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """The parameters that every statement may speak of: at, since, everything, projects, and
        each filter as a list by its name, after `only_`."""
        return {
            "at": self.at,
            "since": self.since,
            "everything": self.everything,
            "projects": list(self.projects),
            **{
                f"only_{name.replace(chr(45), chr(95))}": list(values)
                for name, values in self.filters.items()
            },
        }

    def by(self, known: Collection[str]) -> "Asked":
        """Narrowed by the filters in `known` alone: of a pack, a report may not have them all."""
        return replace(
            self, filters={name: kept for name, kept in self.filters.items() if name in known}
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """`SELECT columns FROM source ORDER BY order`, with parameters by name.

    `before` are common tables (WITH …). `order` ends with something unique: two exports of the
    same state are the same rows in the same order.
    """

    source: str
    values: Mapping[str, Any]
    order: str
    before: str = ""

    def select(self, projection: Sequence[str]) -> str:
        """The whole text, with `projection` for what stands between SELECT and FROM."""
        columns = ", ".join(projection)
        return f"{self.before} SELECT {columns} FROM {self.source} ORDER BY {self.order}"  # noqa: S608  Constants of code; values are parameters.


class Reader(Protocol):
    """The one snapshot of a making, as totals read it."""

    def row(self, sql: str, values: Mapping[str, Any]) -> tuple[Any, ...]: ...

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True)
class Term:
    """One figure of an equation, with its sign."""

    name: str
    sign: int = 1


@dataclass(frozen=True, slots=True)
class Equation:
    """`whole` is the sum of `parts`: names of figures. Each is counted by itself.

    Most are over all that may be seen, whatever a report is narrowed to; `narrowed` ones are over
    what is shown.
    """

    whole: str
    parts: tuple[Term, ...]
    narrowed: bool = False

    def balances(self, figures: Mapping[str, int]) -> bool:
        return figures[self.whole] == sum(term.sign * figures[term.name] for term in self.parts)

    def sentence(self, figures: Mapping[str, int], words: Mapping[str, Words]) -> str:
        """ "population 412 = owners 87 + accepted 290 + pending 30 + accounts deleted 5"."""

        def said(name: str) -> str:
            return f"{words.get(name, name)} {figures[name]}"

        sign = "=" if self.balances(figures) else "≠"
        text = f"{said(self.whole)} {sign} "
        for place, term in enumerate(self.parts):
            joint = (" + " if term.sign > 0 else " \u2212 ") if place else ""
            text += joint + said(term.name)
        return text


@dataclass(frozen=True, slots=True)
class Totals:
    """Control totals: what was counted beside the rows, and the equations that must hold.

    The figure `rows` is how many rows the statement must give, counted another way than by
    running it; a file with another number of rows does not balance. `is_filtered` where the report
    is narrowed: its equations then say what they are over.
    """

    figures: Mapping[str, int]
    words: Mapping[str, Words]
    equations: tuple[Equation, ...] = ()
    is_filtered: bool = False

    @property
    def balance(self) -> bool:
        return all(equation.balances(self.figures) for equation in self.equations)

    @property
    def sentences(self) -> list[str]:
        return [self._sentence(equation) for equation in self.equations]

    def _sentence(self, equation: Equation) -> str:
        said = equation.sentence(self.figures, self.words)
        if not self.is_filtered or equation.narrowed:
            return said
        return _("%(said)s (of all that may be seen, before filters)") % {"said": said}

    def with_rows(self, written: int) -> "Totals":
        """As counted, with what was written beside it: it must be `rows`."""
        return Totals(
            {**self.figures, "rows_written": written},
            {**self.words, "rows": _("rows counted"), "rows_written": _("rows written")},
            (*self.equations, Equation("rows_written", (Term("rows"),), narrowed=True)),
            self.is_filtered,
        )


def no_reason(asked: Asked, reader: Reader) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Report:
    """One kind of report. `filters` are those of `asking.FILTERS` that its statement knows.

    `incomplete` says, in sentences, what of its own makes this report partial, beside totals that
    do not balance and apps that were not read. `speaks_of_a_period` ones need `Asked.since`;
    `rests_on_readings` ones count as complete only where everything was read; what
    `needs_everything` is refused to those who see some projects alone.
    """

    name: str
    title: Words
    sentence: Words
    columns: tuple[Column, ...]
    statement: Callable[[Asked], Statement]
    totals: Callable[[Asked, Reader], Totals]
    known_limits: tuple[Words, ...] = ()
    filters: tuple[str, ...] = ()
    sort: Words = ""
    speaks_of_a_period: bool = False
    rests_on_readings: bool = True
    needs_everything: bool = False
    incomplete: Callable[[Asked, Reader], list[str]] = no_reason

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)
