"""What the report is narrowed to, as its address says: filters, order, and the instant.

A filter is a word of the address with one or several of a few known values. What is not known is
left out and said. Each value is a piece of SQL over a standing `s` and its person `p`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.core import instants
from governance.facts.queries import external_sql
from governance.inventory.models import TwoFactor
from governance.inventory.queries.asof import Moment
from governance.inventory.words import SHORTEST, like
from governance.reports.two_factor.models import Belongs

Words = str | Promise
LONGEST = 100
EVERYONE = "all"
SORTS = ("risk", "since", "-since")

_EXCEPTED = """EXISTS (SELECT FROM facts_twofactorexception x WHERE x.person_id = s.person_id
    AND x.said_at <= %(at)s AND x.until >= %(at)s
    AND (x.ended_at IS NULL OR x.ended_at > %(at)s))"""
_EXTERNAL = external_sql("coalesce(person_fact.employment, 'unknown')", "p.email")
# `risk` is said too, since the index begins with it.
CONDITIONS: Mapping[str, Mapping[str, str]] = {
    "two-factor": {
        "off": "s.two_factor = 'off' AND s.risk < 4",
        "unknown": "s.two_factor = 'unknown' AND s.risk BETWEEN 4 AND 7",
        "on": "s.two_factor = 'on' AND s.risk = 8",
        EVERYONE: "true",
    },
    "reach": {
        "full": "s.full_role > 0",
        "owner": "s.owned > 0",
        "limited": "s.full_role = 0 AND s.limited > 0",
    },
    "on": {
        "production": "s.production > 0",
        "health": "s.health_data > 0",
        "sensitive": "s.sensitive > 0",
    },
    "belongs": {value: f"s.belongs = '{value}'" for value in Belongs.values},
    "exception": {"yes": _EXCEPTED, "no": f"NOT {_EXCEPTED}"},
    "external": {
        "yes": _EXTERNAL,
        "no": f"NOT {_EXTERNAL}",
    },
}
# Those that a tally alone can answer.
_TALLIED = frozenset({"two-factor", "belongs"})
_LACKING = "s.risk < 8"

LABELS: Mapping[str, Words] = {
    "two-factor": gettext_lazy("2FA"),
    "reach": gettext_lazy("Role"),
    "on": gettext_lazy("On apps"),
    "belongs": gettext_lazy("Belongs"),
    "exception": gettext_lazy("Exception"),
    "external": gettext_lazy("External"),
}
ANY: Mapping[str, Words] = {
    "two-factor": gettext_lazy("Off or unknown"),
    "reach": gettext_lazy("Any role"),
    "on": gettext_lazy("On any app"),
    "belongs": gettext_lazy("Invited or not"),
    "exception": gettext_lazy("Excepted or not"),
    "external": gettext_lazy("Internal and external"),
}
VALUES: Mapping[str, Mapping[str, Words]] = {
    "two-factor": {
        "off": TwoFactor.OFF.label,
        "unknown": TwoFactor.UNKNOWN.label,
        "on": TwoFactor.ON.label,
        EVERYONE: gettext_lazy("On, off or unknown"),
    },
    "reach": {
        "full": gettext_lazy("Full or owner"),
        "owner": gettext_lazy("Owner"),
        "limited": gettext_lazy("Limited alone"),
    },
    "on": {
        "sensitive": gettext_lazy("Full role on sensitive apps"),
        "production": gettext_lazy("In production"),
        "health": gettext_lazy("With health data"),
    },
    "belongs": {str(one.value): one.label for one in Belongs},
    "exception": {"yes": gettext_lazy("Excepted"), "no": gettext_lazy("Not excepted")},
    "external": {"yes": gettext_lazy("External"), "no": gettext_lazy("Internal")},
}


@dataclass(slots=True)
class Asked:
    """The filters in force and the instant. Without a filter of 2FA: whoever lacks it."""

    moment: Moment
    text: str = ""
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = "risk"
    ignored: list[str] = field(default_factory=list)
    at_asked: str = ""  # as it stands in the address
    at_error: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.values)

    @property
    def is_past(self) -> bool:
        return not self.moment.is_now

    @property
    def at_is_day(self) -> bool:
        return instants.is_date(self.at_asked)

    @property
    def status(self) -> int:
        return 422 if self.at_error else 200

    @property
    def is_tallied(self) -> bool:
        """Whether the tallies alone can say how many are meant."""
        return not self.text and self.values.keys() <= _TALLIED

    @property
    def condition(self) -> str:
        """SQL over `s`, `p` and `person_fact`."""
        found = [
            "(" + " OR ".join(f"({CONDITIONS[name][value]})" for value in values) + ")"
            for name, values in self.values.items()
        ]
        if "two-factor" not in self.values:
            found.append(_LACKING)
        if self.text:
            found.append("lower(p.username || ' ' || p.email) LIKE %(like)s")
            if len(self.text) >= SHORTEST:
                found.append("text_pieces((p.username || ' ' || p.email)) @> text_pieces(%(text)s)")
        return " AND ".join(found)

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "at": self.moment.at,
            "text": self.text,
            "like": like(self.text),
            "company_domains": sorted(settings.COMPANY_DOMAINS),
        }


def read(get: QueryDict, now: datetime) -> Asked:
    """What `get` asks for. Raises nothing, whatever stands there."""
    asked = Asked(Moment(now), text=" ".join(get.get("q", "").replace("\0", "").split())[:LONGEST])
    for name, known in CONDITIONS.items():
        given = [one.strip() for value in get.getlist(name) for one in value.split(",")]
        for value in filter(None, given[:20]):
            if value in known and not (name == "external" and not settings.COMPANY_DOMAINS):
                asked.values[name] = (*asked.values.get(name, ()), value)
            else:
                _ignore(asked, LABELS[name], value)
    if sort := get.get("sort", ""):
        if sort in SORTS:
            asked.sort = sort
        else:
            _ignore(asked, _("Order"), sort)
    _read_at(asked, get.get("at", "").strip(), now)
    return asked


def _ignore(asked: Asked, label: Words, value: str) -> None:
    asked.ignored.append(
        _("%(filter)s: “%(value)s” is not known, so the list is shown without it.")
        % {"filter": label, "value": value.replace("\0", "")[:LONGEST]}
    )


def _read_at(asked: Asked, text: str, now: datetime) -> None:
    """The instant of the page. One that is still to come is an error at its field."""
    asked.at_asked = text.replace("\0", "")[:LONGEST]
    if not text:
        return
    found = instants.read(text)
    if found is None:
        _ignore(asked, _("As of"), text)
    elif found > now:
        asked.at_error = _("That is still to come. Please choose a day that is over.")
    else:
        asked.moment = Moment(found, is_now=False)


@dataclass(frozen=True, slots=True)
class Chip:
    text: str
    remove: str


def chips(get: QueryDict, asked: Asked) -> list[Chip]:
    """The filters in force, each with the address without it."""
    found = [Chip(f"“{asked.text}”", without(get, "q"))] if asked.text else []
    for name, values in asked.values.items():
        words = " / ".join(str(VALUES[name][value]) for value in values)
        found.append(Chip(f"{LABELS[name]}: {words}", without(get, name)))
    if asked.is_past:
        found.append(
            Chip(_("As of %(at)s") % {"at": instants.words(asked.moment.at)}, without(get, "at"))
        )
    return found


def without(get: QueryDict, *names: str) -> str:
    """The query without some of its filters, from the first page on."""
    query = get.copy()
    for name in (*names, "after", "before"):
        query.pop(name, None)
    return f"?{query.urlencode()}"


@dataclass(frozen=True, slots=True)
class Select:
    """One filter as a form shows it."""

    name: str
    label: Words
    any_: Words
    options: Sequence[tuple[str, Words, bool]]
    several: str  # the values in force where there are more than one, and their words
    words: str

    @property
    def is_first(self) -> bool:
        """Whether it is always in sight; the others are behind a button."""
        return self.name in {"two-factor", "reach", "on"}


def selects(asked: Asked) -> list[Select]:
    found = []
    for name, options in VALUES.items():
        chosen = asked.values.get(name, ())
        if name == "external" and not settings.COMPANY_DOMAINS:
            continue
        found.append(
            Select(
                name,
                LABELS[name],
                ANY[name],
                [(value, word, chosen == (value,)) for value, word in options.items()],
                ",".join(chosen) if len(chosen) > 1 else "",
                " / ".join(str(options[value]) for value in chosen),
            )
        )
    return found
