"""Accesses of an instant that no reading decides: those that may have been there, or be gone.

The last reading before the instant counts. Where the next says otherwise, nobody knows when it
became so: who is in the next alone is a row that is not counted, and who is in the last alone is
counted and unknown. Either makes a report partial: neither is shown as absence, nor as presence.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy, ngettext

from governance.inventory.queries import asof
from governance.reports import standing
from governance.reports.registers.base import Asked, Column, Reader

# For rows `k` of a register, beside the common table `place`.
COUNTED = Column(
    "in_population",
    "boolean",
    "(k.started_at <= %(at)s)",
    gettext_lazy("In the population"),
)
KNOWN = Column(
    "known",
    "text",
    f"CASE WHEN k.started_at > %(at)s OR {asof.doubted('k')} THEN 'unknown' ELSE place.known END",
    gettext_lazy("Known"),
    ours=True,
)
MAY_HAVE_BEEN = gettext_lazy("may have been there")


def holds(asked: Asked) -> str:
    """SQL of which rows `k` a register has on the apps of `place`: with those not counted."""
    if asked.is_now:
        return asof.Moment(asked.at).holds("k")
    return f"(place.was_there AND {asof.believed('k')} OR {asof.may_have_joined('k')})"


@dataclass(frozen=True, slots=True)
class Doubts:
    """How many there are, over all that may be seen."""

    may_have_been: int
    may_be_gone: int

    def sentences(self) -> list[str]:
        found = []
        if self.may_have_been:
            found.append(
                ngettext(
                    "%(n)d access may have been there already: the next reading has it, and the"
                    " last had not.",
                    "%(n)d accesses may have been there already: the next reading has them, and"
                    " the last had not.",
                    self.may_have_been,
                )
                % {"n": self.may_have_been}
            )
        if self.may_be_gone:
            found.append(
                ngettext(
                    "%(n)d access may have been gone already: the last reading had it, and the"
                    " next has not.",
                    "%(n)d accesses may have been gone already: the last reading had them, and"
                    " the next has not.",
                    self.may_be_gone,
                )
                % {"n": self.may_be_gone}
            )
        return found


_COUNT = "SELECT count(*) FROM {apps} a JOIN inventory_collaboration k ON k.app_id = a.id WHERE "


def doubts(asked: Asked, reader: Reader, only: str = "true") -> Doubts:
    """Of the accesses `k` for which the SQL `only` is true, counted from the periods alone."""
    believed = asof.Moment(asked.at, asked.is_now).holds("k")

    def count(apps: str, condition: str) -> int:
        sql = f"{_COUNT.format(apps=apps)} {condition} AND {only}"
        found: int = reader.row(sql, standing.values(asked))[0]
        return found

    there = standing.apps_sql(asked)
    return Doubts(
        0
        if asked.is_now
        else count(standing.apps_sql(asked, begun=True), asof.may_have_joined("k")),
        count(there, f"{believed} AND {asof.doubted('k')}"),
    )


def why(asked: Asked, reader: Reader) -> list[str]:
    """For `Report.incomplete`."""
    return doubts(asked, reader).sentences()
