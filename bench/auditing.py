"""The audit log: appending (A1, A2) and verifying (A3, A4): `python -m bench auditing [--large]`.

A1 and A2 commit each append, to a disk that is really waited for. The limit is an insert of the
same row into a table of the same shape and indexes, without a chain. A3 is measured against
SHA-256 alone over the same lines: in Python where this process hashes, and in PostgreSQL, whose own
is another one.
"""

import hashlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bench import measure
from bench.measure import Figure

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WRITERS = 8
BATCH = 1_000
NEW = 1_000
_APPEND = "SELECT audit_append(%s::jsonb)"
_PLAIN = """
INSERT INTO bench_plain (sequence, kind, source, actor_kind, target_kind, target_id, app_id,
    person_id, occurred_at, recorded_at, line, hash)
VALUES (nextval('bench_places'), %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp(), %s, %s)
"""


def run(*, large: bool = False) -> int:
    """Measure all; 1 if a goal is missed."""
    sizes = (100_000, 300_000, 1_000_000) if large else (10_000, 30_000, 90_000)
    verified = list(verifying(sizes))  # first, while the log is empty
    figures = [*appending(), *verified]
    return measure.report("The audit log", figures)


def entries(count: int) -> Iterator[Any]:
    """Events as a sync writes them: mostly changes seen on Scalingo, some with a personal part."""
    from governance.audit.events import Entry, Source

    for number in range(count):
        yield Entry(
            kind="platform.role_changed",
            at=NOW + timedelta(seconds=number),
            source=Source.PLATFORM,
            actor_kind="unknown",
            target_kind="inventory.app",
            target_id=uuid.uuid4(),
            app_id=uuid.uuid4(),
            person_id=uuid.uuid4(),
            data={"before": "limited", "after": "collaborator", "explained": "unexplained"},
            personal={"person": "Ana"} if number % 10 == 0 else {},
        )


# --- A1, A2: appending ----------------------------------------------------------------------------


def appending() -> Iterator[Figure]:
    """A1: single appends against plain inserts, one writer and eight. A2: batches and single."""
    plain, chained = plain_insert(), as_json(list(entries(1)))
    batch = as_json(list(entries(BATCH)))
    with a_disk_that_is_waited_for(), plain_table(), ExitStack() as stack:
        connections = [stack.enter_context(connect()) for _ in range(WRITERS)]
        yield against_plain(connections[:1], 250, plain, chained, goal=0.5)
        yield against_plain(connections, 60, plain, chained, goal=0.35)
        times = measure.rounds(
            {
                "single": lambda: together(connections[:1], 200, _APPEND, [chained]),
                "batch": lambda: together(connections[:1], 2, _APPEND, [batch]),
            }
        )
    single = [seconds / 200 for seconds in times["single"]]
    batched = [seconds / (2 * BATCH) for seconds in times["batch"]]
    yield measure.at_least(f"A2 events a second, batches of {BATCH} / single", single, batched, 30)


def against_plain(
    connections: list[Any], each: int, plain: list[Any], chained: str, *, goal: float
) -> Figure:
    """A1 with as many writers as there are connections."""
    writers = len(connections)
    times = measure.rounds(
        {
            "plain": lambda: together(connections, each, _PLAIN, plain),
            "chained": lambda: together(connections, each, _APPEND, [chained]),
        }
    )
    return measure.at_least(
        f"A1 append / plain insert, {writers} {'writer' if writers == 1 else 'writers'}",
        times["plain"],
        times["chained"],
        goal,
        per_second=writers * each / min(times["chained"]),
    )


def as_json(some: list[Any]) -> str:
    from governance.audit.actions import _as_json

    return _as_json(some)


def plain_insert() -> list[Any]:
    """The values of one row of the same size."""
    line = "x" * 600
    return [
        *("platform.role_changed", "platform", "unknown", "inventory.app"),
        *(uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), NOW, line, hashlib.sha256(b"x").digest()),
    ]


def together(connections: list[Any], each: int, statement: str, values: list[Any]) -> None:
    """`each` commits in each of the connections, all at once."""

    def work(connection: Any) -> None:
        for _ in range(each):
            connection.execute(statement, values)

    if len(connections) == 1:
        work(connections[0])
        return
    threads = [threading.Thread(target=work, args=(one,)) for one in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def connect(url: str = "DATABASE_URL", **changes: Any) -> Any:
    return psycopg.connect(os.environ[url], autocommit=True, **changes)


@contextmanager
def a_disk_that_is_waited_for() -> Iterator[None]:
    """Commit as an installation does; the servers of measurements otherwise do not wait."""
    with connect(user="postgres") as superuser:
        superuser.execute("ALTER SYSTEM SET fsync = on")
        superuser.execute("ALTER SYSTEM SET synchronous_commit = on")
        superuser.execute("SELECT pg_reload_conf()")
        yield
        superuser.execute("ALTER SYSTEM SET fsync = off")
        superuser.execute("ALTER SYSTEM SET synchronous_commit = off")
        superuser.execute("SELECT pg_reload_conf()")


@contextmanager
def plain_table() -> Iterator[None]:
    """A table of the log's shape and indexes, which everybody may insert into."""
    with connect("MIGRATION_DATABASE_URL") as owner:
        owner.execute("CREATE TABLE bench_plain (LIKE audit_event INCLUDING ALL)")
        owner.execute("CREATE SEQUENCE bench_places")
        yield
        owner.execute("DROP TABLE bench_plain")
        owner.execute("DROP SEQUENCE bench_places")


# --- A3, A4: verifying ----------------------------------------------------------------------------


def verifying(sizes: tuple[int, ...]) -> Iterator[Figure]:
    """A3: the whole log against SHA-256 alone. A4: time in proportion; what is new alone.

    A log of each size is measured as it grows, so not side by side: each beside a constant piece of
    work, which says how quick the machine was then.
    """
    from governance.audit.verify import verify

    sign, line = signer(), b"x" * 600

    def constant() -> None:
        for _ in range(20_000):
            hashlib.sha256(line).digest()

    whole: dict[int, list[float]] = {}
    new: dict[int, list[float]] = {}
    for size in sizes:
        fill(size - NEW)
        sign()
        fill(size)
        times = measure.rounds(
            {
                "whole": lambda: expect(verify().faults == ()),
                "new": lambda: expect(verify(since=size).checked <= NEW),  # noqa: B023
                "constant": constant,
            },
            count=7,
        )
        whole[size] = in_units(times["whole"], times["constant"])
        new[size] = in_units(times["new"], times["constant"])
    yield from against_sha()
    yield in_proportion(list(sizes), list(whole.values()))
    yield measure.at_most(
        f"A4 time of the newest {NEW:,} alone, of {sizes[-1]:,} / of {sizes[0]:,}",
        new[sizes[-1]],
        new[sizes[0]],
        1.3,
    )
    yield first_bad_agrees(sizes[0])


def fill(size: int) -> None:
    """Append until the log has `size` events."""
    from governance.audit import actions
    from governance.audit.models import Head

    while (held := Head.objects.get().sequence) < size:
        actions.record_many(entries(min(4_000, size - held)))
    vacuum()


def signer() -> Callable[[], None]:
    from django.conf import settings

    from governance.audit import checkpoints, signing

    key = signing.make_key()

    def sign() -> None:
        checkpoints.take(private=key, origin=settings.AUDIT_ORIGIN, at=NOW)

    return sign


def in_units(times: list[float], constant: list[float]) -> list[float]:
    return [each / unit for each, unit in zip(times, constant, strict=True)]


def against_sha() -> Iterator[Figure]:
    from governance.audit.verify import verify

    lines = [line.encode() for (line,) in ask("SELECT line FROM audit_event ORDER BY sequence")]

    def sha_here() -> None:
        for line in lines:
            hashlib.sha256(line).digest()

    def sha_there() -> None:
        wrong = "SELECT count(*) FROM audit_event WHERE sha256(convert_to(line, 'UTF8')) <> hash"
        expect(ask(wrong) == [(0,)])

    times = measure.rounds(
        {
            "sha here": sha_here,
            "sha there": sha_there,
            "chain": lambda: expect(verify(columns=False).faults == ()),
            "whole": lambda: expect(verify().faults == ()),
        },
        count=5,
    )
    rows = len(lines)
    yield measure.at_least(
        f"A3 SHA-256 alone in Python / the chain of {rows:,}, hashed here",
        times["sha here"],
        times["chain"],
        0.35,
        per_second=rows / min(times["chain"]),
    )
    yield measure.at_least(
        f"A3 SHA-256 alone in PostgreSQL / all of {rows:,}, with columns and names",
        times["sha there"],
        times["whole"],
        0.55,
        per_second=rows / min(times["whole"]),
    )
    value, low, high, each = measure.ratio(times["sha here"], times["whole"])
    yield Figure(
        "A3 SHA-256 alone in Python / all of it", value, low, high, "to compare", True, samples=each
    )


def in_proportion(sizes: list[int], times: list[list[float]]) -> Figure:
    name = f"A4 time of verifying {', '.join(f'{size:,}' for size in sizes)} events: n^b"
    figure = measure.exponent(name, sizes, times, 1.03)
    figure.goal, figure.met = "0.97 to 1.03", figure.low >= 0.97 and figure.high <= 1.03
    return figure


def first_bad_agrees(size: int) -> Figure:
    """An edit, found by the process that hashes and by the database row by row: the same place."""
    from governance.audit.verify import scan, stream, verify

    bad = size // 3
    with connect("MIGRATION_DATABASE_URL") as owner:
        owner.execute("ALTER TABLE audit_event DISABLE TRIGGER USER")
        owner.execute(
            "UPDATE audit_event SET line = replace(line, 'limited', 'owner') WHERE sequence = %s",
            [bad],
        )
    tip, here = scan.GENESIS, 0
    for window in stream.windows(1, size, columns=False):  # to its end, or the connection is stuck
        if not here:
            tip = window.tip(tip, columns=False) or b""
            here = 0 if tip else window.first
    found = verify().first_bad
    agrees = found == bad and here <= bad < here + stream.WINDOW
    return measure.number("A3 both name the same first bad event", int(agrees), "1", met=agrees)


def expect(holds: bool) -> None:
    if not holds:
        raise RuntimeError("a check of the log did not find what it must")


def ask(statement: str) -> list[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(statement)
        return list(cursor.fetchall())


def vacuum() -> None:
    with connect("MIGRATION_DATABASE_URL") as owner:
        owner.execute("VACUUM ANALYZE audit_event, audit_personal")
