"""A plan as a table: person by app where that is readable, else row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.changes import words
from governance.changes.models import Kind
from governance.changes.plans import Plan, Row
from governance.core.templatetags.interface import badge
from governance.inventory.models import Role

# More columns than this cannot be read side by side.
MOST_COLUMNS = 6
# Rows on one page of a plan.
SIZE = 120

# Icon and tone of what will happen, and its word.
_HAPPENS: Mapping[str, tuple[str, str, Promise]] = {
    Kind.INVITE: ("user-plus", "ok", gettext_lazy("Will be invited")),
    Kind.CHANGE_ROLE: ("arrow-right", "info", gettext_lazy("Role will change")),
    Kind.REMOVE: ("user-x", "bad", gettext_lazy("Will be removed")),
    Kind.CANCEL: ("mail", "warn", gettext_lazy("Invitation will be cancelled")),
}
# Icon and short word of why nothing will happen; the sentence stands beside it.
_NOT: Mapping[str, tuple[str, Promise]] = {
    "malformed": ("circle-alert", gettext_lazy("Not an address")),
    "no_app": ("circle-question-mark", gettext_lazy("No such app")),
    "several_apps": ("circle-question-mark", gettext_lazy("Several apps")),
    "gone_app": ("ghost", gettext_lazy("App is gone")),
    "on_it": ("check", gettext_lazy("Already on it")),
    "invited": ("clock", gettext_lazy("Already invited")),
    "missing": ("scan-eye", gettext_lazy("Not seen last time")),
    "owner": ("crown", gettext_lazy("Owner")),
    "linker": ("git-branch", gettext_lazy("SCM linker")),
    "same_role": ("check", gettext_lazy("Already so")),
    "not_on_it": ("minus", gettext_lazy("Not on it")),
    "on_nothing": ("minus", gettext_lazy("On no app")),
    "only_owner": ("crown", gettext_lazy("Owner")),
    "accepted": ("check", gettext_lazy("Accepted meanwhile")),
    "no_right": ("ban", gettext_lazy("Not allowed")),
    "yourself": ("user", gettext_lazy("Yourself")),
    "stale": ("clock", gettext_lazy("Not read lately")),
    "never_read": ("circle-question-mark", gettext_lazy("Never read")),
    "under_way": ("hourglass", gettext_lazy("Under way already")),
    "twice": ("minus", gettext_lazy("Twice in this plan")),
    "database_role": ("database", gettext_lazy("No limited role")),
    "not_first": ("minus", gettext_lazy("Depends on another")),
}
# These warnings are said once for all rows.
_SAID_ONCE = ("mails",)


@dataclass(frozen=True, slots=True)
class Group:
    """One person of a plan, with their rows; in a matrix one cell for each app."""

    name: str
    email: str
    person_id: Any
    is_malformed: bool
    cells: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of a plan. `columns` are the apps of a matrix; none where it is a list."""

    groups: list[Group]
    columns: list[dict[str, str]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    before: str = ""
    after: str = ""
    first: int = 1
    last: int = 0


def shown(plan: Plan, number: str = "") -> Shown:
    """The page `number` of a plan, from 1. A kept plan never changes, so numbers will do."""
    columns = _columns(plan.rows)
    groups = _groups(plan, is_matrix=bool(columns))
    pages = _pages(groups)
    at = min(max(int(number), 1), len(pages)) if number.isascii() and number.isdigit() else 1
    first = 1 + sum(len(group.cells) for page in pages[: at - 1] for group in page)
    return Shown(
        groups=pages[at - 1],
        columns=columns,
        left_out=_left_out(plan),
        before=f"?{urlencode({'page': at - 1})}" if at > 1 else "",
        after=f"?{urlencode({'page': at + 1})}" if at < len(pages) else "",
        first=first,
        last=first - 1 + sum(len(group.cells) for group in pages[at - 1]),
    )


def _columns(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The apps, where each person is asked about on all of them and there are few."""
    apps = {row.app_id: {"name": row.app_name, "region": row.region} for row in rows}
    people = {row.email for row in rows}
    if None in apps:
        return []
    is_full = len(rows) == len(apps) * len(people)
    if not (is_full and 2 <= len(apps) <= MOST_COLUMNS and len(people) >= 2):
        return []
    return list(apps.values())


def _groups(plan: Plan, *, is_matrix: bool) -> list[Group]:
    """People in the order of the plan; where it is a list, apps of one person stand together."""
    found = []
    for email, some in groupby(plan.rows, lambda row: row.email):
        rows = list(some)
        cells = [cell(row) for row in rows]
        malformed = rows[0].code == "malformed"
        found.append(
            Group(
                name=rows[0].name or email,
                email=email if rows[0].name and rows[0].name != email else "",
                person_id=rows[0].person_id,
                is_malformed=malformed,
                cells=cells[:1] if malformed else cells,
            )
        )
    return found


def _pages(groups: list[Group]) -> list[list[Group]]:
    """Groups in pages of about SIZE rows. A long group is cut."""
    pages: list[list[Group]] = [[]]
    room = SIZE
    for group in groups:
        cells = group.cells
        while cells:
            if room <= 0:
                pages.append([])
                room = SIZE
            some = cells if len(cells) <= max(room, MOST_COLUMNS) else cells[:room]
            pages[-1].append(
                Group(group.name, group.email, group.person_id, group.is_malformed, some)
            )
            room -= len(some)
            cells = cells[len(some) :]
    return pages


def cell(row: Row) -> dict[str, Any]:
    """One row as the templates read it."""
    return {
        "app": row.app_name,
        "app_id": row.app_id,
        "region": row.region,
        "badge": badge_of(row),
        "happens": row.happens,
        "now": _now(row),
        "sentence": row.what if row.happens else row.reason,
        "other": row.other_batch,
        "warnings": [words.warning(code, row) for code in row.warnings if code not in _SAID_ONCE],
        "rotation": opens_a_rotation(row),
    }


def badge_of(row: Row) -> SafeString:
    """What will happen, or that nothing will, as an icon and a word."""
    if not row.happens:
        icon, word = _NOT.get(row.code, ("ban", gettext_lazy("Not possible")))
        return badge(icon, "bad" if row.code == "malformed" else "none", str(word))
    icon, tone, word = _HAPPENS[row.kind]
    if row.kind == Kind.CHANGE_ROLE:
        raised = row.role_then == Role.COLLABORATOR
        word = gettext_lazy("Becomes full") if raised else gettext_lazy("Becomes limited")
        return badge("user" if raised else "user-minus", "warn" if raised else "info", str(word))
    if row.kind == Kind.INVITE and row.role_then == Role.COLLABORATOR:
        return badge(icon, tone, _("Will be invited, full"))
    return badge(icon, tone, str(word))


def _now(row: Row) -> str:
    """What they are on the app now, in a word."""
    return words.role_word(row.role_now) if row.role_now else ""


def opens_a_rotation(row: Row) -> bool:
    """Whether secrets that they could read have to be changed after it.

    Limited collaborators are shown no value: after them nothing has to be.
    """
    if not row.happens or row.role_now == Role.LIMITED:
        return False
    return row.kind == Kind.REMOVE or (
        row.kind == Kind.CHANGE_ROLE and row.role_then == Role.LIMITED
    )


def _left_out(plan: Plan) -> list[dict[str, Any]]:
    """Why some will not happen: each reason with how many, and the sentences of a few."""
    found = []
    by_code: dict[str, list[Row]] = {}
    for row in plan.left_out:
        by_code.setdefault(row.code, []).append(row)
    for code, rows in by_code.items():
        sentences = list(dict.fromkeys((row.reason, row.other_batch) for row in rows))
        found.append(
            {
                "badge": badge_of(rows[0]),
                "n": len(sentences if code == "malformed" else rows),
                "sentences": sentences[:NAMED],
                "more": max(len(sentences) - NAMED, 0),
            }
        )
    return found


NAMED = 12
