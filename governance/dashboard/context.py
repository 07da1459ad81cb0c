"""What the frame of every page shows beside the page: counts that ask for work, and freshness."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.accounts.models import User
from governance.core import theme
from governance.core.templatetags.interface import ago


@dataclass(frozen=True, slots=True)
class Frame:
    """Counts over what one person may see, and how fresh that is at `now`."""

    now: datetime
    connections: int
    refused: int  # connections that Scalingo refuses, or whose token we cannot open
    apps: int  # expected
    read: int  # of those: by a reading that was not followed by a failed one
    oldest_at: datetime | None  # the oldest of their readings; None while nothing was ever read
    failing: int  # scopes whose latest reading failed
    without_two_factor: int  # people with access whose 2FA is off
    held: int  # removals that wait for a person
    running: bool

    @property
    def is_late(self) -> bool:
        """Whether something is older than twice the schedule."""
        oldest: datetime | None = self.oldest_at
        return oldest is not None and self.now - oldest > 2 * every()

    @property
    def tone(self) -> str:
        """`bad`: a connection is refused; `warn`: late or incomplete; `none`: never read; `ok`."""
        if self.refused:
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
        if self.oldest_at is None:
            parts.append(_("Reading for the first time") if self.running else _("Never read yet"))
        else:
            parts.append(_("Read %(ago)s") % {"ago": ago(self.oldest_at, self.now)})
            parts.append(_("%(read)d of %(apps)d apps") % {"read": self.read, "apps": self.apps})
        return " · ".join(parts)

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
    context: dict[str, Any] = {"site_name": settings.SITE_NAME, "theme": theme.chosen(request)}
    if user is not None and user.is_authenticated:
        context["frame"] = SimpleLazyObject(lambda: read_frame(user, timezone.now()))
    return context


# Apps are counted by scope before anything is joined: there are few scopes and many apps.
_QUERY = """
WITH by_scope AS (
    SELECT scope_id, count(*) AS apps, count(*) FILTER (WHERE stale_since IS NOT NULL) AS doubted
    FROM inventory_app
    WHERE gone_at IS NULL AND (%(everything)s OR project_id = ANY(%(projects)s::uuid[]))
    GROUP BY scope_id
), readings AS (
    SELECT by_scope.apps, by_scope.doubted, scope.stale_since, coverage.until
    FROM by_scope
    LEFT JOIN inventory_scope scope ON scope.id = by_scope.scope_id
    LEFT JOIN inventory_coverage coverage ON coverage.scope_id = scope.id AND coverage.latest
)
SELECT
    (SELECT count(*) FROM connections_connection),
    (SELECT count(*) FROM connections_connection
     WHERE paused_at IS NULL AND state IN ('refused', 'unreadable')),
    (SELECT coalesce(sum(apps), 0) FROM readings),
    (SELECT coalesce(sum(apps - doubted), 0) FROM readings
     WHERE until IS NOT NULL AND stale_since IS NULL),
    (SELECT min(until) FROM readings),
    (SELECT count(*) FROM inventory_scope
     WHERE stale_since IS NOT NULL AND retired_at IS NULL),
    (SELECT count(*) FROM inventory_person person
     WHERE person.two_factor = 'off' AND EXISTS (
        SELECT FROM inventory_collaboration held JOIN inventory_app app ON app.id = held.app_id
        WHERE held.person_id = person.id AND held.ended_at IS NULL
          AND (%(everything)s OR app.project_id = ANY(%(projects)s::uuid[])))),
    (SELECT count(*) FROM sync_heldremoval WHERE state = 'waiting'),
    EXISTS (SELECT FROM sync_run WHERE state = 'running')
"""


def read_frame(user: User, now: datetime) -> Frame:
    """The counts of the frame for `user`, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _QUERY, {"everything": user.sees_everything, "projects": list(user.projects)}
        )
        row = cursor.fetchone()
    return Frame(now, *row)
