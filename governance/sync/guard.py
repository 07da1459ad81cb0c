"""Whether staged ends may be written: the mass-disappearance guard and second readings.

Pure, but for the two questions at the end. Absence is evidence only where we looked, and a listing
that lies must not empty the inventory: an app that goes to nobody needs a second reading, and much
at once waits for a person, before the first end is written.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.db import connection

from governance.sync.apply import End

# More than the larger of these two holds a run's ends (product.md, "What makes the numbers true").
MOST_ENDS = 10
MOST_ENDS_SHARE = 0.05
# In one app of at least this many people, more than this share holds that app's ends.
APP_PEOPLE = 5
APP_SHARE = 0.5
SECOND_READING_AFTER = timedelta(seconds=60)


@dataclass(slots=True)
class Verdict:
    """What may end now, what needs a second reading, and what waits for a person, and why."""

    pass_: list[End] = field(default_factory=list)
    unconfirmed: list[End] = field(default_factory=list)
    held: list[End] = field(default_factory=list)
    crowded_apps: list[UUID] = field(default_factory=list)
    too_many: int = 0


def judge(
    ends: Sequence[End], *, live: int, people: Mapping[UUID, int], waiting: int = 0
) -> Verdict:
    """Sort staged `ends`. `live` is everybody on any app; `people` is how many each app has.

    `waiting` is how many are missing on other apps and wait for a person: a part of a held plan,
    read while the rest could not be, is no smaller matter than the whole. Owners count in none of
    these. What is exempt from the guard is not passed in.
    """
    verdict = Verdict()
    by_app: dict[UUID, list[End]] = defaultdict(list)
    for end in ends:
        by_app[end.change.app_id].append(end)
    candidates: list[End] = []
    for app_id, of_app in by_app.items():
        here = people.get(app_id, 0)
        if here >= APP_PEOPLE and len(of_app) > APP_SHARE * here:
            verdict.crowded_apps.append(app_id)
            verdict.held += of_app
        elif len(of_app) >= here and not all(map(_confirmed, of_app)):
            verdict.unconfirmed += of_app
        else:
            candidates += of_app
    found = len(candidates) + len(verdict.unconfirmed)
    if found and found + waiting > max(MOST_ENDS, MOST_ENDS_SHARE * live):
        verdict.too_many = found + waiting
        verdict.held += candidates + verdict.unconfirmed
        verdict.unconfirmed = []
    else:
        verdict.pass_ = candidates
    return verdict


def _confirmed(end: End) -> bool:
    first = end.change.missing_at
    return first is not None and end.seen_at - first >= SECOND_READING_AFTER


def plan_digest(ends: Collection[End]) -> bytes:
    """What a decision is bound to: exactly these collaborations."""
    ids = sorted(str(end.change.collaboration_id) for end in ends)
    return sha256(",".join(ids).encode()).digest()


_PEOPLE = """
SELECT app_id, count(*) FROM inventory_collaboration
 WHERE ended_at IS NULL AND collaborator_id <> 'owner' AND app_id = ANY(%s) GROUP BY app_id
"""


def people_of(app_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many people each of these apps has now, owners not counted."""
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [list(app_ids)])
        return dict(cursor.fetchall())


_WAITING = """
SELECT count(*) FROM inventory_collaboration c JOIN inventory_app a ON a.id = c.app_id
 WHERE c.missing_at IS NOT NULL AND c.ended_at IS NULL AND c.collaborator_id <> 'owner'
   AND a.gone_at IS NULL AND a.suspect_since IS NULL AND NOT (c.app_id = ANY(%s))
"""


def waiting_elsewhere(app_ids: Collection[UUID]) -> int:
    """How many are missing, and not ended yet, on other apps than these."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [list(app_ids)])
        return int(cursor.fetchone()[0])


def live_collaborations() -> int:
    """How many collaborations are open in all, owners not counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM inventory_collaboration"
            " WHERE ended_at IS NULL AND collaborator_id <> 'owner'"
        )
        return int(cursor.fetchone()[0])
