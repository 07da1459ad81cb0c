"""What pages cost: P1, P2, P3, P5 (`python -m bench pages [--large]`).

Two inventories stand side by side in one database, ten times apart, and the same requests go to
both in an order of chance, through the whole stack of middleware and with a session. `hello` is a
page behind the sign-in that says the person's name and nothing else. Pages, people, apps and words
to search for are drawn anew for each request, by the same chance for both sizes.

What is compared is processor time, that of this process and of its database session together: on a
busy machine the time that passes says more about the others.

The peer of a cursor is what most pages of lists do: OFFSET and a count.
"""

import gc
import os
import random
import statistics
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import measure
from bench.data import Size, fill
from bench.measure import Figure

ROUNDS = 16
EACH = 6  # requests of an arm in a round
WARMING = 8  # before the first: a connection plans a statement for itself after a few
SCHEMAS = ("small", "big")
TABLES = (
    "inventory_region", "inventory_project", "inventory_person", "inventory_lastchange",
    "inventory_identity", "inventory_twofactorperiod", "inventory_app", "inventory_appperiod",
    "inventory_collaboration", "inventory_attribution", "inventory_scope", "inventory_coverage",
    "facts_appfact", "facts_personfact", "sync_run",
)  # fmt: skip


def run(*, large: bool = False) -> int:
    """Measure, print, and say with 1 that a goal was missed."""
    sizes = (Size(100_000), Size(1_000_000)) if large else (Size(10_000), Size(100_000))
    for schema, size in zip(SCHEMAS, sizes, strict=True):
        make(schema, size)
    site = Site()
    figures = [*costs(site, sizes), *speeds(site, sizes), *depth(site, sizes, large=large)]
    return measure.report("pages", figures)


# --- two inventories ------------------------------------------------------------------------------


def make(schema: str, size: Size) -> None:
    """Fill tables of their own in `schema`, which shadow those of the product."""
    import psycopg
    from django.conf import settings

    started = time.perf_counter()
    with psycopg.connect(os.environ["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
        owner.execute(f"CREATE SCHEMA {schema}")
        for table in TABLES:
            owner.execute(f"CREATE TABLE {schema}.{table} (LIKE public.{table} INCLUDING ALL)")
        role = settings.DATABASE_APPLICATION_ROLE
        owner.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        owner.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}")
        owner.execute(f"SET search_path TO {schema}, public")
        fill(owner.cursor(), size, datetime.now(UTC))
    seconds = time.perf_counter() - started
    print(f"  {size.collaborations:,} collaborations in {seconds:.0f} s", file=sys.stderr)


class Site:
    """A signed-in browser that looks at one inventory or the other."""

    def __init__(self) -> None:
        from django.conf import settings
        from django.test import Client

        from governance.accounts.models import User

        settings.ROOT_URLCONF = "bench.urls"
        user = User.objects.create_user("bench@example.com", name="Bench", roles=["viewer"])
        self.user = user
        self.client = Client()
        self.client.force_login(user)
        self.connections = {schema: _connected(schema) for schema in SCHEMAS}
        self.kept: dict[str, Any] = {schema: OrderedDict() for schema in SCHEMAS}

    def look_at(self, schema: str) -> None:
        """Each inventory has its own connection, with its plans, and its own kept answers."""
        from django.db import connection

        from governance.inventory.queries.newest import memory

        connection.connection = self.connections[schema]
        memory._kept = self.kept[schema]

    def get(self, path: str) -> bytes:
        response = self.client.get(path)
        assert response.status_code == 200, (path, response.status_code)
        content: bytes = response.content
        return content

    def seconds(self, call: Callable[[], object]) -> float:
        """Processor time of a call, here and in the database; elapsed where no one keeps that."""
        from django.db import connection

        session = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
        if not session.exists():
            start = time.perf_counter()
            call()
            return time.perf_counter() - start
        there, here = _nanoseconds(session), time.process_time_ns()
        call()
        return (time.process_time_ns() - here + _nanoseconds(session) - there) / 1e9


def _nanoseconds(schedstat: Path) -> int:
    return int(schedstat.read_text().split()[0])


def _connected(schema: str) -> Any:
    from django.db import connection

    connection.connect()
    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path TO {schema}, public")
    return connection.connection


# --- what is asked for ----------------------------------------------------------------------------


class Paths:
    """Addresses of one inventory, drawn by a chance that is the same for both."""

    def __init__(self, site: Site, schema: str) -> None:
        from governance.core import cursor
        from governance.inventory.models import App, Person
        from governance.inventory.queries import people, tree

        site.look_at(schema)
        self.people = [str(id_) for id_ in Person.objects.values_list("pk", flat=True)[:20_000]]
        self.apps = [str(id_) for id_ in App.objects.values_list("pk", flat=True)[:20_000]]
        self.words = list(Person.objects.values_list("email", flat=True)[:20_000])
        listed = people.described(people.listed(site.user), site.user)
        order = people.order("name", falling=False)
        self.people_cursors = list(
            _walk(lambda after: cursor.paginate(listed, *order, after=after), limit=300)
        )
        self.tree_cursors = list(
            _walk(lambda after: tree.heads(site.user, tree.Wanted(), after=after), limit=300)
        )

    def draw(self, arm: str, chance: random.Random) -> str:
        return _ARMS[arm](self, chance)


def _walk(ask: Callable[[str | None], object], limit: int) -> Iterator[str]:
    """The cursors of a list, from its second page to its last or to `limit`."""
    after = None
    for _page in range(limit):
        after = ask(after).after  # type: ignore[attr-defined]
        if after is None:
            return
        yield after


_ARMS: dict[str, Callable[[Paths, random.Random], str]] = {
    "hello": lambda _paths, _chance: "/hello/",
    "frame": lambda _paths, _chance: "/frame/",
    "tree": lambda paths, chance: f"/apps/?after={chance.choice(paths.tree_cursors)}",
    "tree expanded": lambda paths, chance: (
        f"/apps/?open=all&after={chance.choice(paths.tree_cursors[:-2])}"
    ),
    "people": lambda paths, chance: f"/people/?after={chance.choice(paths.people_cursors)}",
    "search": lambda paths, chance: (
        "/people/?q=" + chance.choice(paths.words).partition(".")[2][:6]
    ),
    "person": lambda paths, chance: f"/people/{chance.choice(paths.people)}/",
    "app": lambda paths, chance: f"/apps/{chance.choice(paths.apps)}/",
}


# --- P1: queries ----------------------------------------------------------------------------------


def costs(site: Site, sizes: tuple[Size, Size]) -> list[Figure]:
    """How many queries each page costs at both sizes: the same number, at most six."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    found: dict[str, list[int]] = {}
    for schema in SCHEMAS:
        paths = Paths(site, schema)
        for arm in _ARMS:
            path = paths.draw(arm, random.Random(3))
            site.get(path)
            with CaptureQueriesContext(connection) as captured:
                site.get(path)
            found.setdefault(arm, []).append(len(captured))
    return [
        measure.number(
            f"P1 queries of {arm}, at {sizes[0].collaborations:,} and {sizes[1].collaborations:,}",
            max(counts),
            "the same, ≤ 6",
            met=len(set(counts)) == 1 and counts[0] <= 6,
            counts=counts,
        )
        for arm, counts in found.items()
    ]


# --- P2 and P3: time ------------------------------------------------------------------------------


def speeds(site: Site, sizes: tuple[Size, Size]) -> list[Figure]:
    """P2: ten times the inventory, the same time. P3: the tree against a page that says hello."""
    paths = {schema: Paths(site, schema) for schema in SCHEMAS}
    small, big = SCHEMAS
    figures = []
    for arm in _ARMS:
        if arm in {"hello", "frame"}:
            continue
        times = _sizes_in_turn(site, paths, arm)
        name = f"P2 {arm}: {sizes[1].collaborations:,} against {sizes[0].collaborations:,}"
        tail = _tail(times[big]) / _tail(times[small])
        figures.append(measure.at_most(name, _middle(times[big]), _middle(times[small]), 1.15))
        figures.append(measure.number(f"{name}, p95", tail, "≤ 1.6", met=tail <= 1.6, unit="x"))
    rounds = _arms_in_turn(site, paths[big], ("hello", "frame", "tree", "tree expanded"))
    middle = {arm: _middle(times) for arm, times in rounds.items()}
    for arm, peer, goal in (
        ("tree", "hello", 2.5),
        ("tree expanded", "hello", 15),
        # What the tree itself costs: against a page with the same frame and nothing in it.
        ("tree", "frame", 2.5),
    ):
        name = f"P3 {arm} against {peer}"
        figures.append(measure.at_most(name, middle[arm], middle[peer], goal))
    return figures


def _sizes_in_turn(site: Site, paths: dict[str, Paths], arm: str) -> dict[str, list[list[float]]]:
    """Seconds of a page in both inventories, by round."""
    return _in_turn(
        site, {schema: (schema, _draws(site, paths[schema], arm)) for schema in SCHEMAS}
    )


def _arms_in_turn(site: Site, paths: Paths, arms: tuple[str, ...]) -> dict[str, list[list[float]]]:
    """Seconds of pages of the larger inventory, by round."""
    return _in_turn(site, {arm: (SCHEMAS[1], _draws(site, paths, arm)) for arm in arms})


def _draws(site: Site, paths: Paths, arm: str) -> Callable[[], object]:
    """Ask for one page after another, by a chance that starts the same for every inventory."""
    chance = random.Random(arm)
    return lambda: site.get(paths.draw(arm, chance))


def _in_turn(
    site: Site, arms: dict[str, tuple[str, Callable[[], object]]]
) -> dict[str, list[list[float]]]:
    """Seconds of each arm, by round: its calls in an order of chance, after some that are dropped.

    In a fixed order one arm would always find its own code and rows still warm, another never.
    """
    chance = random.Random(0)
    gc.collect()
    gc.freeze()  # what the measurement itself keeps is nobody's cost
    rounds: list[dict[str, list[float]]] = []
    for each in (WARMING, *[EACH] * ROUNDS):
        found: dict[str, list[float]] = {name: [] for name in arms}
        for name in chance.sample([*arms] * each, len(arms) * each):
            schema, call = arms[name]
            site.look_at(schema)
            found[name].append(site.seconds(call))
        rounds.append(found)
    return {name: [found[name] for found in rounds[1:]] for name in arms}


def _middle(rounds: list[list[float]]) -> list[float]:
    return [statistics.median(times) for times in rounds]


def _tail(rounds: list[list[float]]) -> float:
    times = sorted(seconds for times in rounds for seconds in times)
    return times[int(len(times) * 0.95)]


# --- P5: deep pages -------------------------------------------------------------------------------


def depth(site: Site, sizes: tuple[Size, Size], *, large: bool) -> list[Figure]:
    """The last page costs what the first does, and far less than OFFSET and a count."""
    from governance.core import cursor
    from governance.inventory.models import Collaboration

    schema, size = SCHEMAS[1], sizes[1]
    site.look_at(schema)
    rows = Collaboration.objects.open().select_related("person", "app")
    order = ("-started_at", "-id")
    skipped = size.collaborations * 9 // 10
    last = rows.order_by(*order)[skipped]
    deep = cursor.encode([last.started_at, last.pk])

    def by_cursor(after: str | None) -> list[int]:
        return [row.pk for row in cursor.paginate(rows, *order, after=after, size=100).rows]

    def by_offset() -> list[int]:
        rows.count()
        return [row.pk for row in rows.order_by(*order)[skipped + 1 : skipped + 101]]

    assert by_cursor(deep) == by_offset()
    deepest = Paths(site, schema).tree_cursors[-2]
    arms: dict[str, Callable[[], object]] = {
        "deep": lambda: by_cursor(deep),
        "first": lambda: by_cursor(None),
        "tree deep": lambda: site.get(f"/apps/?after={deepest}"),
        "tree first": lambda: site.get("/apps/"),
        "offset": by_offset,
    }
    rounds = _in_turn(site, {name: (schema, call) for name, call in arms.items()})
    times = {name: _middle(found) for name, found in rounds.items()}
    goal = 100 if large else 10
    return [
        measure.at_least(
            f"P5 OFFSET and count against a cursor, {size.collaborations:,} rows, per page",
            times["offset"],
            times["deep"],
            goal,
        ),
        measure.at_most("P5 a deep page against the first", times["deep"], times["first"], 1.2),
        measure.at_most(
            "P5 a deep page of the tree against its first",
            times["tree deep"],
            times["tree first"],
            1.2,
        ),
    ]
