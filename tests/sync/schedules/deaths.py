"""Where a worker may die: before a statement, after it, or on either side of its commit."""

import contextlib

from django.db import DEFAULT_DB_ALIAS, connection, connections

# What the statement begins with or holds, white space made one and names unquoted.
POINTS = {
    "a run is taken": "UPDATE sync_run SET connection_id",
    "a step is begun": "INSERT INTO sync_step",
    "apps are listed": "INSERT INTO inventory_app (",
    "people are made": "INSERT INTO inventory_person",
    "changes are found": "INSERT INTO diff",
    "somebody else is not first": "UPDATE inventory_scope s SET applied",
    "periods are closed": "FROM diff d WHERE d.what = 'changed'",
    "periods are opened": "INSERT INTO inventory_collaboration",
    "an app is as it was read": "UPDATE inventory_app a SET digest = CASE",
    "2fa is written": "UPDATE inventory_twofactorperiod",
    "it is recorded": "audit_append",
    "nothing was new": "UPDATE inventory_coverage SET until",
    "something was new": "INSERT INTO inventory_coverage",
    "it could not be read": "stale_since = %s",
    "ends are written": "SET ended_after = GREATEST(c.started_at, CASE",
    "apps are as they were left": "SET digest = COALESCE(e.digest",
    "some are missing": "SET missing_after = e.previous",
    "all are back": "SET missing_after = NULL, missing_at = NULL WHERE c.missing_at",
    "ends are held": "INSERT INTO sync_heldremoval",
    "a plan is settled": "UPDATE sync_heldremoval",
    "an app is buried": "SET gone_at = %s",
    "the outcome is counted": "SELECT (SELECT count(*) FROM inventory_app",
}
HOW = ("before", "after", "uncommitted", "committed", "disconnected")
# Points that few syncs come to: death waits there from the first one on.
RARE = (
    "2fa is written",
    "some are missing",
    "all are back",
    "ends are held",
    "a plan is settled",
)


def _plain(sql):
    return " ".join(str(sql).replace('"', "").split())


class Killed(BaseException):
    """As if by SIGKILL."""


class Death:
    """Waits at one of the points for whoever comes there first."""

    def __init__(self, random, points):
        self.point = random.choice(points)
        self.how = random.choice(HOW)
        self.met = False

    @contextlib.contextmanager
    def waits(self):
        try:
            with connection.execute_wrapper(self._meet):
                yield
        finally:
            vars(connections[DEFAULT_DB_ALIAS]).pop("_commit", None)
            if self.met:
                connection.close()

    def _meet(self, execute, sql, params, many, context):
        if self.met or POINTS[self.point] not in _plain(sql):
            return execute(sql, params, many, context)
        self.met = True
        if self.how == "before":
            raise Killed
        if self.how == "disconnected":
            connection.connection.close()
        found = execute(sql, params, many, context)
        if self.how in {"uncommitted", "committed"} and connection.in_atomic_block:
            connection._commit = self._dies_at_commit(connection._commit)
            return found
        raise Killed

    def _dies_at_commit(self, commit):
        def dies():
            if self.how == "committed":
                commit()
            else:
                connection._rollback()
            raise Killed

        return dies
