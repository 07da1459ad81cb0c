"""Reading Scalingo: how few requests, and how little memory (`python -m bench reading`).

S1: requests of a first and of an idle sync, against one request per app. S9: the memory of the
process that syncs, measured in a process of its own against an emulator in another one.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path

from bench import measure
from bench.measure import Figure

_REGIONS = 2
_CANARIES = 5

# What a worker is: the settings, the client, the queue, and none of the packages that are here for
# development alone, which some libraries import where they find them. Then syncs, each with the
# peak so far.
_CHILD = """
import json, resource, sys
sys.modules.update(dict.fromkeys(json.loads(sys.argv[2])))
import django
django.setup()
import governance.celery, governance.sync.tasks
from django.utils import timezone
from governance.connections import keys
from governance.connections.models import Connection, State
from governance.sync import actions, engine
from governance.sync.models import Run

class Free:
    def take(self, kind, *, on_wait=None): return 0.0
    def limited(self, retry_after): pass

account = json.loads(sys.argv[1])
Connection.objects.get_or_create(name="large", defaults=dict(
    sealed_token=keys.seal(account["api_token"]), state=State.WORKING, account_id=account["id"],
    account_email=account["email"], token_set_at=timezone.now()))
Run.objects.count()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
out = {"before": peak()}
for name in ("first", "idle"):
    actions.request(by=None, at=timezone.now(), trigger=Run.Trigger.TERMINAL)
    run = actions.carry_out_next(client_for=engine.sweeping(budget=Free()))
    out[name] = {"peak": peak(), "requests": run.request_count, "state": run.state,
                 "by": run.requests, "found": run.found, "seconds": run.seconds}
print(json.dumps(out))
"""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def emulator(apps: int, people: int, members: int):
    """A pretend Scalingo in a process of its own; gives its base address and its owner account."""
    import httpx

    port = _free_port()
    base = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "governance.emulator", "--port", str(port), "--company", "large",
         "--apps", str(apps), "--people", str(people), "--members", str(members),
         "--rate-limit", "0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(600):
            try:
                state = httpx.get(f"{base}/_emulator/state", timeout=30).json()
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        else:
            raise RuntimeError("the emulator did not start")
        owner = next(one for one in state["accounts"] if one["email"].startswith("plateforme@"))
        yield base, owner
    finally:
        process.terminate()
        process.wait(timeout=10)


def sync_in_a_child(base: str, owner: dict[str, str]) -> dict:
    """Two syncs, the first and an idle one, in a fresh process with an empty inventory."""
    _empty()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, json.dumps(owner), json.dumps(_of_development())],
        env={
            **os.environ,
            "SCALINGO_AUTH_URL": base,
            "SCALINGO_HOSTS": base.removeprefix("http://"),
            "DATABASE_STATEMENT_TIMEOUT": "300",
            "MALLOC_ARENA_MAX": "1",  # as the image and `make run` set it for workers
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def _of_development() -> list[str]:
    """Packages that are installed here and that production's lock does not name."""
    lock = Path("requirements.lock").read_text(encoding="utf-8")
    locked = {_plain(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    found = packages_distributions()
    return sorted(
        package
        for package, distributions in found.items()
        if package.isidentifier() and locked.isdisjoint(map(_plain, distributions))
    )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _empty() -> None:
    import psycopg

    with psycopg.connect(os.environ["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
        owner.execute(
            "TRUNCATE inventory_region, inventory_person, sync_run, connections_connection CASCADE"
        )


def run(*, large: bool = False) -> int:
    """All figures; returns 1 if one missed its goal."""
    figures: list[Figure] = []
    most = 3 + _REGIONS * (3 + _CANARIES)
    peaks: dict[int, float] = {}
    for apps in (1_000, 5_000, *((25_000,) if large else ())):
        with emulator(apps, people=apps, members=20) as (base, owner):
            result = sync_in_a_child(base, owner)
        rows = result["first"]["found"]["collaborations"]
        peaks[rows] = result["first"]["peak"]
        for kind in ("first", "idle"):
            asked = result[kind]["requests"]
            figures.append(
                measure.number(
                    f"S1 requests of a {kind} sync of {apps:,} owned apps", asked, f"≤ {most}",
                    met=asked <= most and result[kind]["state"] == "complete",
                    unit="requests", by=result[kind]["by"],
                )
            )  # fmt: skip
            fewer = (apps + 1 + _REGIONS + 1) / asked
            figures.append(
                measure.number(
                    f"S1 fewer than one request per app, {kind} sync of {apps:,}", fewer, "≥ 50",
                    met=fewer >= 50,
                )
            )  # fmt: skip
        figures.append(
            measure.number(
                f"S9 peak memory of the worker, first sync of {rows:,} rows",
                result["first"]["peak"], "≤ 100" if rows < 200_000 else "none",
                met=result["first"]["peak"] <= 100 or rows > 200_000,
                unit="MiB", before=result["before"], idle=result["idle"]["peak"],
            )
        )  # fmt: skip
    (few, least), (many, highest) = min(peaks.items()), max(peaks.items())
    slope = (highest - least) * 1024 / (many - few)
    figures.append(
        measure.number(
            "S9 growth of memory per collaboration", slope, "≤ 0.3", met=slope <= 0.3, unit="KiB"
        )
    )
    return measure.report("Reading Scalingo", figures)
