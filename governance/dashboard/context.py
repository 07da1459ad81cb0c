"""What the frame of every page shows beside the page: counts that ask for work, and freshness."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.accounts.models import User
from governance.accounts.permissions import may_change_access
from governance.connections.permissions import may_see_connections
from governance.core import remembered
from governance.core.templatetags.interface import ago
from governance.inventory.queries.newest import NEWEST, memory
from governance.inventory.queries.prepared import limited, prepared

MOST_PEOPLE = 100


@dataclass(frozen=True, slots=True)
class Frame:
    """Counts over what one person may see, and how fresh that is at `now`."""

    now: datetime
    connections: int
    refused: int  # connections that Scalingo refuses
    unopened: int  # connections whose token we cannot open
    apps: int  # expected
    read: int  # of those: by a reading that was not followed by a failed one
    oldest_at: datetime | None  # the oldest of their readings; None while nothing was ever read
    failing: int  # scopes whose latest reading failed
    held: int  # removals that wait for a person
    running: bool
    overdue: int  # duties to change what somebody could read, past their date
    changes_ask: int  # changes that came to nothing lately, or of which it is not known what became
    without_two_factor: int  # people with access whose 2FA is off, counted up to MOST_PEOPLE
    newest: str  # what that rests on (`inventory.queries.newest`), for whoever asks in this request

    @property
    def is_late(self) -> bool:
        """Whether something is older than twice the schedule."""
        oldest: datetime | None = self.oldest_at
        return oldest is not None and self.now - oldest > 2 * every()

    @property
    def tone(self) -> str:
        """`bad`: a connection is shut out; `warn`: late or incomplete; `none`: never read; `ok`."""
        if self.shut_out:
            return "bad"
        if self.oldest_at is None:
            return "none"
        return "warn" if self.is_late or self.read < self.apps else "ok"

    @property
    def sentence(self) -> str:
        """ "Read 4 min ago · 212 of 214 apps", or why there is no such thing."""
        if not self.connections:
            return _("No connection yet")
        parts = []
        if self.refused:
            parts.append(
                ngettext("%(n)d connection refused", "%(n)d connections refused", self.refused)
                % {"n": self.refused}
            )
        if self.unopened:
            parts.append(
                ngettext(
                    "%(n)d token that cannot be opened",
                    "%(n)d tokens that cannot be opened",
                    self.unopened,
                )
                % {"n": self.unopened}
            )
        if self.oldest_at is None:
            parts.append(_("Reading for the first time") if self.running else _("Never read yet"))
        else:
            parts.append(_("Read %(ago)s") % {"ago": ago(self.oldest_at, self.now)})
            parts.append(_("%(read)d of %(apps)d apps") % {"read": self.read, "apps": self.apps})
        return " · ".join(parts)

    @property
    def shut_out(self) -> int:
        """Connections that nothing can be read with, though they are meant to be."""
        return self.refused + self.unopened

    @property
    def people_ask(self) -> str:
        """How many people have 2FA off, as the sidebar says it; empty when nobody has."""
        if self.without_two_factor >= MOST_PEOPLE:
            return f"{MOST_PEOPLE - 1}+"
        return str(self.without_two_factor or "")

    @property
    def sync_asks(self) -> int:
        """How much on the Sync page waits for a person."""
        return self.held + self.failing


def every() -> timedelta:
    """How often everything is read."""
    span: timedelta = settings.SYNC_EVERY
    return span


def frame(request: HttpRequest) -> dict[str, Any]:
    """For every template. `frame` costs its one query only where a template speaks of it."""
    user = getattr(request, "user", None)
    context: dict[str, Any] = {
        "site_name": settings.SITE_NAME,
        "theme": remembered.theme.chosen(request),
        "slash": remembered.slash.chosen(request),
    }
    if user is not None and user.is_authenticated:
        context["may_see_connections"] = may_see_connections(user)
        context["may_act"] = bool(may_change_access(user))
        context["frame"] = SimpleLazyObject(lambda: frame_of(request))
    return context


def frame_of(request: HttpRequest) -> Frame:
    """The frame of the page that is asked for: read once, whoever speaks of it first."""
    found: Frame | None = getattr(request, "_frame", None)
    if found is None:
        found = read_frame(cast(User, request.user), timezone.now())
        request._frame = found  # type: ignore[attr-defined]
    return found


# The price must not grow with the inventory: every page pays it. Who sees everything is told what
# the last run counted when it ended (the apps are counted here only before the first has); who
# sees some projects has few apps. People are counted up to a hundred: beyond, "99+" says it; and
# only where something happened since they were counted last.
_NEWEST = f"WITH newest AS MATERIALIZED (SELECT {NEWEST} AS words)"
_EVERYTHING = """
, ended AS (
    SELECT (coverage->>'expected')::int AS expected, (coverage->>'read')::int AS read
    FROM sync_run WHERE coverage->>'expected' IS NOT NULL ORDER BY requested_at DESC LIMIT 1
), apps AS (
    SELECT coalesce((SELECT expected FROM ended),
                    (SELECT count(*) FROM inventory_app WHERE gone_at IS NULL)) AS apps,
           coalesce((SELECT read FROM ended), (
               SELECT count(*) FROM inventory_app app
               JOIN inventory_scope scope ON scope.id = app.scope_id
               JOIN inventory_coverage coverage ON coverage.scope_id = scope.id AND coverage.latest
               WHERE app.gone_at IS NULL AND app.stale_since IS NULL
                 AND scope.stale_since IS NULL)) AS read,
           (SELECT min(coverage.until) FROM inventory_coverage coverage
            JOIN inventory_scope scope ON scope.id = coverage.scope_id
            WHERE coverage.latest AND scope.retired_at IS NULL
              AND scope.kind IN ('collaborators', 'app')) AS until
), off AS (
    SELECT words, CASE WHEN words <> %(kept)s THEN (SELECT count(*) FROM (
        SELECT FROM inventory_person person
        WHERE person.two_factor = 'off' AND EXISTS (
            SELECT FROM inventory_collaboration held
            WHERE held.person_id = person.id AND held.ended_at IS NULL)
        LIMIT %(limit)s) enough) END AS people
    FROM newest
)
"""
_SOME = """
, seen AS MATERIALIZED (
    SELECT id, scope_id, stale_since FROM inventory_app
    WHERE gone_at IS NULL AND project_id = ANY(%(projects)s::uuid[])
), by_scope AS (
    SELECT scope_id, count(*) AS apps, count(*) FILTER (WHERE stale_since IS NULL) AS believed
    FROM seen GROUP BY scope_id
), apps AS (
    SELECT coalesce(sum(by_scope.apps), 0) AS apps,
           coalesce(sum(believed) FILTER (
               WHERE coverage.until IS NOT NULL AND scope.stale_since IS NULL), 0) AS read,
           min(coverage.until) AS until
    FROM by_scope
    LEFT JOIN inventory_scope scope ON scope.id = by_scope.scope_id
    LEFT JOIN inventory_coverage coverage ON coverage.scope_id = scope.id AND coverage.latest
), off AS (
    SELECT words, CASE WHEN words <> %(kept)s THEN (SELECT count(*) FROM (
        SELECT FROM (
            SELECT DISTINCT held.person_id FROM seen CROSS JOIN LATERAL (
                SELECT person_id FROM inventory_collaboration
                WHERE app_id = seen.id AND ended_at IS NULL OFFSET 0) held
        ) held JOIN inventory_person person ON person.id = held.person_id
        WHERE person.two_factor = 'off'
        LIMIT %(limit)s) enough) END AS people
    FROM newest
)
"""
_REST = """
SELECT (SELECT count(*) FROM connections_connection),
       (SELECT count(*) FROM connections_connection
        -- A token that was refused at its first test was not kept: nothing stopped working.
        WHERE paused_at IS NULL AND state = 'refused' AND account_id > ''),
       (SELECT count(*) FROM connections_connection
        WHERE paused_at IS NULL AND state = 'unreadable'),
       apps.apps, apps.read, apps.until,
       (SELECT count(*) FROM inventory_scope
        WHERE stale_since IS NOT NULL AND retired_at IS NULL),
       (SELECT count(*) FROM sync_heldremoval WHERE state = 'waiting'),
       EXISTS (SELECT FROM sync_run WHERE state = 'running'),
       (SELECT count(*) FROM rotations_duty duty
        WHERE duty.state IN ('open', 'offered') AND duty.due_at < %(now)s{of_duty}),
       (SELECT count(*) FROM changes_change change
        WHERE (change.state = 'unknown'
            OR (change.state IN ('refused', 'failed')
                AND change.ended_at > %(now)s - interval '7 days'
                -- Whoever placed what was refused at once was told so, and nobody needs to see to
                -- what was so already when its turn came.
                AND (change.state = 'failed' OR (change.ended_at >= change.due_at
                    AND change.code NOT IN ('already', 'on_it', 'gone_app')))))
            -- Whoever tried again, or decided otherwise, has seen it.
            AND NOT EXISTS (SELECT FROM changes_change later
                WHERE later.app_id = change.app_id AND later.address = change.address
                    AND later.due_at > change.due_at){of_change}),
       off.words, off.people
FROM apps, off
"""
_OF_PROJECTS = """
            AND {}.app_id IN (
                SELECT id FROM inventory_app WHERE project_id = ANY(%(projects)s::uuid[]))"""
# Two statements and no condition that is true for some: a plan for both would suit neither, and
# the database would make another one for each page.
_FOR_ALL = _NEWEST + _EVERYTHING + _REST.format(of_duty="", of_change="")
_FOR_SOME = (
    _NEWEST
    + _SOME
    + _REST.format(of_duty=_OF_PROJECTS.format("duty"), of_change=_OF_PROJECTS.format("change"))
)


def read_frame(user: User, now: datetime) -> Frame:
    """The counts of the frame for `user`, in one query."""
    scope = None if user.sees_everything else tuple(user.projects)
    kept_newest, kept_off = memory.recall(("frame", scope)) or ("", 0)
    sql = _FOR_ALL if scope is None else _FOR_SOME
    values = {
        "projects": list(user.projects),
        "now": now,
        "kept": kept_newest,
    }
    with prepared() as cursor:
        cursor.execute(limited(sql, MOST_PEOPLE), values)
        *row, newest, off = cursor.fetchone()
    if off is None:
        off = kept_off
    else:
        memory.keep(("frame", scope), (newest, off))
    row += [off, newest]
    return Frame(now, *row)
