"""What a list of the past costs beside the list for now (`python -m bench asof [--large]`).

The same inventory, the same page, the same place in it: once for now and once as of an instant,
in an order of chance, through the whole stack of middleware and with a session. Queries are
counted, and processor time is compared, that of this process and of its database session together
(see `pages.py`).

*First* is the page whose totals nobody has counted yet: for now that is once after each change of
the inventory, for the past once for each instant that somebody asks for.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from bench import measure, pages
from bench.data import Size
from bench.measure import Figure
from bench.pages import SCHEMAS, Paths, Site

GOAL = 3.0
# In an unbroken run, at its edge, before it, and long before.
DAYS = (3, 29, 90, 400)
ARMS = ("people", "search", "tree", "tree expanded", "tree search", "person", "app")
FIRST = ("people", "tree")
SCHEMA = SCHEMAS[1]


def run(*, large: bool = False) -> int:
    """Measure, print, and say with 1 that a goal was missed."""
    size = Size(1_000_000) if large else Size(100_000)
    pages.make(SCHEMA, size)
    site = Site()
    paths = Paths(site, SCHEMA)
    figures = [*costs(site, paths, size), *speeds(site, paths, size), *firsts(site, paths, size)]
    return measure.report("asof", figures)


def _then(path: str, days: int) -> str:
    at = (datetime.now(UTC) - timedelta(days=days)).replace(microsecond=0, second=0, minute=0)
    return f"{path}{'&' if '?' in path else '?'}at={quote(at.isoformat())}"


def costs(site: Site, paths: Paths, size: Size) -> list[Figure]:
    """The same number of queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    site.look_at(SCHEMA)
    figures = []
    for arm in ARMS:
        now = _path(paths, arm, random.Random(3))
        counts = []
        for path in (now, *(_then(now, days) for days in DAYS)):
            site.get(path)
            with CaptureQueriesContext(connection) as captured:
                site.get(path)
            counts.append(len(captured))
        figures.append(
            measure.number(
                f"queries of {arm} at {size.collaborations:,}, for now and as of {DAYS} days ago",
                max(counts),
                "the same",
                met=len(set(counts)) == 1,
                counts=counts,
            )
        )
    return figures


def speeds(site: Site, paths: Paths, size: Size) -> list[Figure]:
    """Where the totals were counted before: most pages that somebody turns."""
    figures = []
    for arm in ARMS:
        now, then = _draws(site, paths, arm)
        times = pages._in_turn(site, {"now": (SCHEMA, now), "then": (SCHEMA, then)})
        figures.append(
            measure.at_most(
                f"{arm} as of an instant against now, {size.collaborations:,} collaborations",
                pages._middle(times["then"]),
                pages._middle(times["now"]),
                GOAL,
            )
        )
    return figures


def firsts(site: Site, paths: Paths, size: Size) -> list[Figure]:
    """Where nobody has counted them: both with nothing kept."""
    from governance.inventory.queries.newest import memory

    def forgetting(call: Callable[[], object]) -> Callable[[], object]:
        def anew() -> object:
            memory.forget()
            return call()

        return anew

    figures = []
    for arm in FIRST:
        now, then = (forgetting(call) for call in _draws(site, paths, arm))
        times = pages._in_turn(site, {"now": (SCHEMA, now), "then": (SCHEMA, then)})
        figures.append(
            measure.at_most(
                f"first {arm} as of an instant against now, {size.collaborations:,} collaborations",
                pages._middle(times["then"]),
                pages._middle(times["now"]),
                GOAL,
            )
        )
    return figures


def _path(paths: Paths, arm: str, chance: random.Random) -> str:
    if arm == "tree search":  # a few apps, by a part of their name
        return f"/apps/?q=-00{chance.randrange(10, 99)}"
    return paths.draw(arm, chance)


def _draws(site: Site, paths: Paths, arm: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """Ask for one page after another, for now and for then by the same chance."""
    chance, same = random.Random(arm), random.Random(arm)
    when = random.Random(f"{arm} when")
    return (
        lambda: site.get(_path(paths, arm, chance)),
        lambda: site.get(_then(_path(paths, arm, same), when.choice(DAYS))),
    )
