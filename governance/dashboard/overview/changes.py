"""The last changes seen: who came, went, was invited, accepted, changed; and who did it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db import connection

from governance.accounts.models import User


@dataclass(frozen=True, slots=True)
class Change:
    """One change that a reading has shown.

    `kind`: joined, owner (`before` is who owned the app until then), invited, accepted, role,
    status, left, uninvited, two_factor. `source`: ours, event (Scalingo's log names `actor_name`),
    unexplained, or empty where nobody looked it up (2FA is the person's own doing).
    """

    at: datetime  # the first reading that showed it; `happened_at` is Scalingo's own time
    kind: str
    person_id: UUID
    person: str
    app_id: UUID | None
    app: str
    before: str
    after: str
    source: str
    happened_at: datetime | None
    actor_id: UUID | None
    actor: str

    @property
    def when(self) -> datetime:
        """When it happened as far as is known: as Scalingo says, else when it was first seen."""
        return self.happened_at or self.at


@dataclass(frozen=True, slots=True)
class Named:
    """A person or an app of a line."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """Changes of one kind that one reading has shown together, by one actor, as one sentence.

    Either one person and some apps, or one app and some people, or some people and no app (2FA).
    `before` and `after` are empty where those of the line differ.
    """

    first: Change
    people: list[Named]
    apps: list[Named]
    before: str
    after: str

    @property
    def more_people(self) -> int:
        """How many are not named."""
        return len(self.people) - len(self.named_people)

    @property
    def more_apps(self) -> int:
        return len(self.apps) - len(self.named_apps)

    @property
    def named_people(self) -> list[Named]:
        return self.people[: NAMED if len(self.people) > NAMED + 1 else NAMED + 1]

    @property
    def named_apps(self) -> list[Named]:
        return self.apps[: NAMED if len(self.apps) > NAMED + 1 else NAMED + 1]


NAMED = 2
# Changes that are fetched so that a line can say how many it stands for.
_FETCHED = 100


# Each leg walks an index from its newest end and stops after a few rows. What was there at the
# first reading is no change, nor is the end of a row that another one continues, nor that of
# somebody who was on the app otherwise by then: a collaborator who became the owner.
_QUERY = """
WITH started AS (
    SELECT started_at AS at, id, app_id, person_id, collaborator_id, role, status, 'start' AS edge,
           started_after
    FROM inventory_collaboration
    WHERE started_after IS NOT NULL AND (%(everything)s OR app_id IN (
        SELECT id FROM inventory_app WHERE project_id = ANY(%(projects)s::uuid[])))
    ORDER BY started_at DESC LIMIT %(limit)s
), ended AS (
    SELECT ended_at AS at, id, app_id, person_id, collaborator_id, role, status, 'end' AS edge,
           NULL::timestamptz
    FROM inventory_collaboration gone
    WHERE ended_at IS NOT NULL AND (%(everything)s OR app_id IN (
        SELECT id FROM inventory_app WHERE project_id = ANY(%(projects)s::uuid[])))
      AND NOT EXISTS (
        SELECT FROM inventory_collaboration next
        WHERE next.app_id = gone.app_id AND next.collaborator_id = gone.collaborator_id
          AND next.started_at = gone.ended_at)
      AND NOT EXISTS (
        SELECT FROM inventory_collaboration other
        WHERE other.app_id = gone.app_id AND other.person_id = gone.person_id
          AND other.id <> gone.id AND other.started_at <= gone.ended_at
          AND (other.ended_at IS NULL OR other.ended_at > gone.ended_at))
    ORDER BY ended_at DESC LIMIT %(limit)s
), edges AS (
    SELECT * FROM started UNION ALL SELECT * FROM ended
), changed AS (
    SELECT edges.at,
           CASE WHEN edges.edge = 'end' AND edges.status = 'pending' THEN 'uninvited'
                WHEN edges.edge = 'end' THEN 'left'
                WHEN edges.role = 'owner' AND edges.person_id IS DISTINCT FROM earlier.person_id
                    THEN 'owner'
                WHEN earlier.id IS NULL AND edges.status = 'pending' THEN 'invited'
                WHEN earlier.id IS NULL THEN 'joined'
                WHEN earlier.status = 'pending' AND edges.status = 'accepted' THEN 'accepted'
                WHEN earlier.role <> edges.role THEN 'role'
                ELSE 'status' END AS kind,
           edges.person_id, edges.app_id, app.name AS app,
           CASE WHEN earlier.role <> edges.role THEN earlier.role
                WHEN edges.role = 'owner'
                    THEN coalesce(nullif(owned.username, ''), owned.email, '')
                ELSE coalesce(earlier.status, '') END AS before,
           CASE WHEN earlier.role = edges.role THEN edges.status ELSE edges.role END AS after,
           coalesce(told.source, '') AS source, told.happened_at, told.actor_id,
           coalesce(nullif(actor.username, ''), actor.email, told.actor_name, '') AS actor
    FROM edges
    JOIN inventory_app app ON app.id = edges.app_id
    LEFT JOIN inventory_collaboration earlier
        ON edges.edge = 'start' AND earlier.app_id = edges.app_id
       AND (earlier.collaborator_id = edges.collaborator_id AND earlier.ended_at = edges.at
            -- Who gave an app away is on it otherwise, as another reading of the same run says.
            OR earlier.collaborator_id = 'owner' AND earlier.person_id = edges.person_id
               AND earlier.ended_at > edges.started_after AND earlier.ended_at <= edges.at)
    LEFT JOIN inventory_person owned ON owned.id = earlier.person_id
    LEFT JOIN inventory_attribution told
        ON told.collaboration_id = edges.id AND told.edge = edges.edge
    LEFT JOIN inventory_person actor ON actor.id = told.actor_id
    UNION ALL
    (SELECT period.started_at, 'two_factor', period.person_id, NULL::uuid, '',
            earlier.value, period.value, '', NULL, NULL::uuid, ''
     FROM inventory_twofactorperiod period
     JOIN inventory_twofactorperiod earlier
        ON earlier.person_id = period.person_id AND earlier.ended_at = period.started_at
     WHERE period.started_after IS NOT NULL AND (%(everything)s OR EXISTS (
        SELECT FROM inventory_collaboration held JOIN inventory_app app ON app.id = held.app_id
        WHERE held.person_id = period.person_id AND held.ended_at IS NULL
          AND app.project_id = ANY(%(projects)s::uuid[])))
     ORDER BY period.started_at DESC LIMIT %(limit)s)
)
SELECT changed.at, changed.kind, changed.person_id,
       coalesce(nullif(person.username, ''), person.email), changed.app_id, changed.app,
       changed.before, changed.after, changed.source, changed.happened_at, changed.actor_id,
       changed.actor
FROM changed JOIN inventory_person person ON person.id = changed.person_id
ORDER BY changed.at DESC, changed.kind, changed.source, 12, changed.after, person.email, changed.app
LIMIT %(limit)s
"""


def read_lines(user: User, *, limit: int = 10) -> list[Line]:
    """The newest changes on what `user` may see, newest first, put together into sentences."""
    lines: list[Line] = []
    for _, same in groupby(read_changes(user, limit=_FETCHED), _together):
        lines += _lines_of(list(same))
    lines.sort(key=lambda line: line.first.when, reverse=True)
    return lines[:limit]


def _together(change: Change) -> tuple[object, ...]:
    switched = change.after if change.app_id is None else ""
    return (change.at, change.kind, change.source, change.actor, switched)


def _lines_of(changes: Sequence[Change]) -> list[Line]:
    """By app or by person, whichever needs fewer sentences."""
    by_app: dict[UUID | None, list[Change]] = defaultdict(list)
    by_person: dict[UUID | None, list[Change]] = defaultdict(list)
    for change in changes:
        by_app[change.app_id].append(change)
        by_person[change.person_id].append(change)
    fewer = by_app if len(by_app) <= len(by_person) else by_person
    return [_line(some) for some in fewer.values()]


def _line(changes: Sequence[Change]) -> Line:
    people = {change.person_id: change.person for change in changes}
    apps = {change.app_id: change.app for change in changes if change.app_id}
    before, after = {one.before for one in changes}, {one.after for one in changes}
    return Line(
        first=changes[0],
        people=[Named(*person) for person in people.items()],
        apps=[Named(*app) for app in apps.items()],
        before=before.pop() if len(before) == 1 else "",
        after=after.pop() if len(after) == 1 else "",
    )


def read_changes(user: User, *, limit: int) -> list[Change]:
    """The newest changes on what `user` may see, newest first, at most `limit`."""
    with connection.cursor() as cursor:
        cursor.execute(
            _QUERY,
            {
                "everything": user.sees_everything,
                "projects": list(user.projects),
                "limit": limit,
            },
        )
        return [Change(*row) for row in cursor.fetchall()]
