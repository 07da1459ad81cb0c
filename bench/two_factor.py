"""What the 2FA report costs: P8, and what keeping its counters costs a sync.

`python -m bench two_factor [--large]`: 30,000 collaborations, or a million.

The report is what its page asks the database for: the three denominators and the first page of
people. It is asked of the counters and of the inventory in turn, through the same functions. What
keeping them costs is measured with the statement that a sync opens collaborations with, with and
without the triggers; and what catching up costs, of a few people and of everybody.
"""

import gc
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import measure
from bench.data import Size, fill
from bench.measure import Figure

ROUNDS = 15
MOVED = 200  # people who moved since somebody looked last


def run(*, large: bool = False) -> int:
    """Measure, print, and say with 1 that a goal was missed."""
    size = Size(1_000_000 if large else 30_000)
    _make(size)
    figures = [*_costs(size, large=large), *_keeping(size)]
    return measure.report("two_factor", figures)


def _make(size: Size) -> None:
    import psycopg

    started = time.perf_counter()
    with psycopg.connect(os.environ["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
        cursor = owner.cursor()
        fill(cursor, size, datetime.now(UTC))
        cursor.execute(_CLASSES)
        cursor.execute("ANALYZE")
    made = time.perf_counter() - started
    print(f"  {size.collaborations:,} collaborations in {made:.0f} s", file=sys.stderr)


# A third of the apps is in production, as somebody said.
_CLASSES = """
WITH who AS (
    INSERT INTO accounts_user (id, password, email, name, roles, scoped, projects, is_active,
        created_at)
    VALUES (gen_random_uuid(), '', 'bench@example.com', 'Bench', '{admin}', false, '{}', true,
        now())
    RETURNING id
)
INSERT INTO facts_appfact (app_id, app_class, team, said_by_id, said_at, current)
SELECT app.id, CASE WHEN ('x' || left(md5(app.id::text), 4))::bit(16)::int % 3 = 0
    THEN 'production' ELSE 'development' END, '', who.id, now(), true
FROM inventory_app app, who
"""


def _costs(size: Size, *, large: bool) -> list[Figure]:
    from governance.accounts.models import User
    from governance.inventory.queries.asof import Moment
    from governance.reports.two_factor import asked, counters, queries

    user = User.objects.get(email="bench@example.com")
    everybody = _seconds(counters.catch_up_with_all)
    now = datetime.now(UTC)
    wanted = asked.Asked(Moment(now))

    def read(counted: bool, moment: Any = None) -> Callable[[], Any]:
        one = asked.Asked(moment) if moment else wanted
        return lambda: queries.read_page(user, one, counted=counted)

    def report() -> Any:
        return queries.read_page(user, wanted)

    counted, live = read(True)(), read(False)()
    assert counted == live, "the counters do not say what the inventory says"
    times = _in_turn(
        {
            "counted": report,
            "live": read(False),
            "past": read(False, Moment(now, is_now=False)),
        }
    )
    few = [_catching_up_of(MOVED, seed) for seed in range(ROUNDS)]
    rows = f"{size.collaborations:,} collaborations"
    goal = 50 if large else 5
    return [
        measure.at_least(
            f"P8 the report live against from its counters, {rows}",
            times["live"],
            times["counted"],
            goal,
        ),
        measure.at_most(
            f"P8 the report of an instant against live, {rows}", times["past"], times["live"], 3
        ),
        measure.number(
            "the report from its counters",
            1000 * statistics.median(times["counted"]),
            "—",
            met=True,
            unit="ms",
        ),
        measure.number(
            "the report live", statistics.median(times["live"]) * 1000, "—", met=True, unit="ms"
        ),
        measure.number(
            f"catching up, of everybody, {rows}", everybody * 1000, "—", met=True, unit="ms"
        ),
        measure.number(
            f"catching up, of {MOVED} people",
            statistics.median(few) * 1000,
            "—",
            met=True,
            unit="ms",
        ),
    ]


def _catching_up_of(number: int, seed: int) -> float:
    """Seconds to look at so many people again, drawn by chance."""
    from governance.inventory.models import Person
    from governance.reports.two_factor import counters
    from governance.reports.two_factor.models import Moved

    ids = list(Person.objects.values_list("pk", flat=True))
    chosen = random.Random(seed).sample(ids, number)
    Moved.objects.bulk_create(Moved(person_id=pk) for pk in chosen)
    return _seconds(counters.catch_up)


# --- what a sync pays -----------------------------------------------------------------------------

# As `sync.apply.collaborations` writes a batch: rows that end, rows that open.
_END = """
UPDATE inventory_collaboration SET ended_after = now(), ended_at = clock_timestamp()
WHERE id = ANY(%s)
"""
_OPEN = """
INSERT INTO inventory_collaboration (app_id, person_id, collaborator_id, role, status, status_said,
    since_after, since_at, started_after, started_at)
SELECT app_id, person_id, collaborator_id, role, status, '', now(), now(), now(), now()
FROM inventory_collaboration WHERE id = ANY(%s)
"""
_BATCH = 1000


def _keeping(size: Size) -> list[Figure]:
    """A batch of a thousand changes, with the triggers and without, in turn; always undone."""
    import psycopg

    from governance.inventory.models import Collaboration

    ids = list(
        Collaboration.objects.open()
        .exclude(role="owner")
        .order_by("?")
        .values_list("pk", flat=True)[:_BATCH]
    )
    times: dict[str, list[float]] = {"with": [], "without": []}
    with psycopg.connect(os.environ["MIGRATION_DATABASE_URL"]) as owner:
        for number in range(ROUNDS * 2):
            for way in random.Random(number).sample(["with", "without"], 2):
                times[way].append(_batch(owner, ids, way))
    name = f"a sync's batch of {_BATCH:,} changes with the counters' triggers, against without"
    return [measure.at_most(name, times["with"][4:], times["without"][4:], 1.25)]


def _batch(owner: Any, ids: list[int], way: str) -> float:
    if way == "without":
        owner.execute("ALTER TABLE inventory_collaboration DISABLE TRIGGER USER")

    def change() -> None:
        owner.execute(_END, [ids])
        owner.execute(_OPEN, [ids])

    took = _seconds_of(owner.info.backend_pid, change)
    owner.rollback()
    return took


def _seconds_of(pid: int, call: Callable[[], object]) -> float:
    """Processor time of the database's session; elapsed where nobody keeps that.

    On a busy machine the time that passes says more about the others.
    """
    kept = Path(f"/proc/{pid}/schedstat")
    if not kept.exists():
        return _seconds(call)
    before = int(kept.read_text().split()[0])
    call()
    return (int(kept.read_text().split()[0]) - before) / 1e9


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _in_turn(arms: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each, in an order of chance, after two that are dropped."""
    chance = random.Random(0)
    gc.collect()
    found: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(ROUNDS + 2):
        for name in chance.sample([*arms], len(arms)):
            took = _seconds(arms[name])
            if number >= 2:
                found[name].append(took)
    return found
