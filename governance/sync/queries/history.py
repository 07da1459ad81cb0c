"""Runs that are over, newest first: what each cost, found and could not read."""

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject, NullIf

from governance.accounts.models import User
from governance.connections.models import Connection
from governance.core import cursor
from governance.sync.models import Run, Step

if TYPE_CHECKING:
    from governance.core.cursor import Slice

SIZE = 20


def read_history(
    *, state: str = "", after: str | None = None, before: str | None = None
) -> "Slice[Run]":
    """One page of runs that are over; with `state`, those that ended so.

    Each has `asked_by` (a name; empty when nobody asked in person), `of` (a connection's name;
    empty for all) and `failures`: [{"connection", "region", "problems"}].
    """
    over = [Run.State.COMPLETE, Run.State.PARTIAL, Run.State.FAILED]
    runs = _told(Run.objects.filter(state__in=[state] if state in over else over))
    return cursor.paginate(runs, "-requested_at", "-id", after=after, before=before, size=SIZE)


def _told(runs: "QuerySet[Run]") -> "QuerySet[Run, Any]":
    people = User.objects.filter(pk=OuterRef("requested_by")).values(
        said=Coalesce(NullIf("name", Value("")), "email", output_field=CharField())
    )
    names = Connection.objects.filter(pk=OuterRef("connection_id")).values("name")
    failures = (
        Step.objects.filter(run=OuterRef("pk"))
        .exclude(problems=[])
        .values(
            json=JSONObject(connection="connection_name", region="region_name", problems="problems")
        )
    )
    return runs.annotate(
        asked_by=Coalesce(Subquery(people), Value("")),
        of=Coalesce(Subquery(names), Value("")),
        failures=ArraySubquery(failures),
    )
