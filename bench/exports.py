"""Reports as files (E1 to E4, E6, E9): `python -m bench exports [--large]`.

The limit is `COPY` of the same rows as they stand in the tables, without guard and without words
for booleans and times, through the same driver. "The usual way" is a queryset of objects and a
line of `csv` for each. Memory is that of a process of its own.
"""

import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg

from bench import measure
from bench.measure import Figure

REPORT = "access-by-app"
SMALL = 1_000
SHEET = 10_000  # rows of the workbook: it takes about 50 times what a CSV does


def run(*, large: bool = False) -> int:
    """Measure all; 1 if a goal is missed."""
    sizes = [100_000, 300_000, 1_000_000] if large else [10_000, 30_000, 100_000]
    rounds = 3 if large else 5
    fill(SMALL)
    firsts = {SMALL: [first_byte()[0] for _ in range(rounds + 1)][1:]}
    fill(SHEET)
    figures = list(workbook(rounds))
    times: dict[int, dict[str, list[float]]] = {}
    for size in sizes:
        fill(size)
        arms = {"limit": limit, "csv": whole}
        if size == sizes[-1]:
            arms |= {"guarded": guarded, "usual": usual}
        times[size] = measure.rounds(arms, count=rounds)
    figures += throughput(sizes, times)
    figures += first_bytes(firsts, sizes[-1], rounds)
    figures += memory(sizes[-1])
    return measure.report("Exports", figures)


def fill(size: int) -> None:
    from bench import data

    url = os.environ["MIGRATION_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as owner:
        data.fill(owner.cursor(), data.Size(size), datetime.now(UTC))


# --- the arms -------------------------------------------------------------------------------------


def asked():
    from governance.reports.registers.base import Asked

    return Asked(REPORT, datetime.now(UTC), is_now=True, everything=True)


def pieces() -> Iterator[bytes]:
    from governance.reports.making import stream

    return stream(asked(), by=None, at=datetime.now(UTC))


def whole() -> None:
    for _ in pieces():
        pass


def limit() -> None:
    _copy(lambda columns: [f"{column.sql} AS {column.name}" for column in columns])


def guarded() -> None:
    """The limit, with the guard against formulas and nothing else."""
    from governance.reports.formats import neutral

    _copy(
        lambda columns: [
            f"{neutral.cell_sql(column) if column.kind == 'text' else column.sql} AS {column.name}"
            for column in columns
        ]
    )


def _copy(projection: Callable) -> None:
    from governance.reports.registers import REPORTS
    from governance.reports.snapshot import snapshot

    report = REPORTS[REPORT]
    statement = report.statement(asked())
    rows = statement.select(projection(report.columns))
    with snapshot() as reading:
        for _ in reading.copy(f"COPY ({rows}) TO STDOUT (FORMAT csv)", statement.values):
            pass


def usual() -> None:
    from governance.inventory.models import Collaboration

    out = io.StringIO()
    writer = csv.writer(out)
    found = Collaboration.objects.open().select_related(
        "app__region", "app__project", "app__owner", "person"
    )
    for row in found.order_by("app__region__name", "app__name", "person__email").iterator(2000):
        app, person = row.app, row.person
        writer.writerow(
            [
                app.region.name,
                app.owner.email if app.owner else "",
                app.project.name if app.project else "",
                app.kind,
                app.scalingo_id,
                app.name,
                app.health_data,
                person.email,
                person.username,
                row.collaborator_id,
                row.role,
                row.role != "limited",
                row.status,
                person.two_factor,
                person.two_factor_read_at,
                row.since_at,
            ]
        )
        out.seek(0)
        out.truncate()


# --- the figures ----------------------------------------------------------------------------------


def throughput(sizes: list[int], times: dict[int, dict[str, list[float]]]) -> Iterator[Figure]:
    for size in sizes:
        of = times[size]
        yield measure.at_least(f"E1 CSV against COPY, {size:,} rows", of["limit"], of["csv"], 0.6)
    of = times[sizes[-1]]
    name = f"E1 CSV against objects, {sizes[-1]:,} rows"
    yield measure.at_least(name, of["usual"], of["csv"], 10)
    yield measure.exponent("E4 time with rows", sizes, [times[size]["csv"] for size in sizes], 1.05)
    yield measure.at_most("E9 the guard against formulas", of["guarded"], of["limit"], 1.25)


def first_byte() -> tuple[float, float]:
    """Seconds to the first piece, and to the last."""
    start = time.perf_counter()
    given = pieces()
    next(given)
    first = time.perf_counter() - start
    for _ in given:
        pass
    return first, time.perf_counter() - start


def first_bytes(firsts: dict[int, list[float]], size: int, rounds: int) -> Iterator[Figure]:
    both = [first_byte() for _ in range(rounds + 1)][1:]
    first, last = [one for one, _ in both], [one for _, one in both]
    name = f"E2 first byte (the head) at {size:,} rows against {SMALL:,}"
    yield measure.at_most(name, first, firsts[SMALL], 3)
    yield measure.at_most("E2 first byte against the whole", first, last, 0.05)


def workbook(rounds: int) -> Iterator[Figure]:
    """E6: XLSX against the same cells written by the library alone, from memory."""
    import tempfile

    import xlsxwriter

    from governance.reports.formats import sheet
    from governance.reports.making import make
    from governance.reports.registers import REPORTS
    from governance.reports.snapshot import snapshot

    report = REPORTS[REPORT]
    statement = report.statement(asked())
    with snapshot() as reading:
        rows = list(
            reading.each(statement.select(sheet.projection(report.columns)), statement.values)
        )

    def bare() -> None:
        with tempfile.TemporaryFile() as file:
            book = xlsxwriter.Workbook(file, {"constant_memory": True})
            page = book.add_worksheet()
            for number, row in enumerate(rows):
                for place, value in enumerate(row):
                    if value is not None and value != "":
                        page.write(number, place, value)
            book.close()

    def ours() -> None:
        with tempfile.TemporaryFile() as file:
            make(asked(), "xlsx", file, by=None, at=datetime.now(UTC))

    times = measure.rounds({"bare": bare, "ours": ours}, count=rounds)
    yield measure.at_least(
        f"E6 XLSX against the library alone, {SHEET:,} rows", times["bare"], times["ours"], 0.85
    )


_GROWTH = """
import resource
from bench import exports
import django
django.setup()
from governance.reports import making
next(exports.pieces())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
exports.whole()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def memory(size: int) -> Iterator[Figure]:
    """E3: how much more a process needs for all rows than for the first of them."""
    done = subprocess.run(
        [sys.executable, "-c", _GROWTH], check=True, capture_output=True, text=True
    )
    grown = int(done.stdout) / 1024
    yield measure.number(
        f"E3 memory that grows with {size:,} rows", grown, "≤ 10", met=grown <= 10, unit="MB"
    )
